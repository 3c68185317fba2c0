// SPDX-License-Identifier: Apache-2.0
//! Sandboxes whose root is a directory of their own, as images have it.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{EDGE, PROGRAM, is_root, options, run, shell, start, with_mount};
use sandbox::{Exit, LaunchError, Launcher, Level, Options, Spec, Step};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

const PROGRAMS: [&str; 6] =
    ["/bin/sh", "/bin/cat", "/bin/ls", "/usr/bin/id", "/bin/touch", "/bin/sleep"];

/// A root with a few of this machine's programs, what these load, and a mark.
fn root(mark: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for folder in ["proc", "dev", "tmp", "mnt", "opt", "var/task", "etc", "bin"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    for file in ["hosts", "hostname", "resolv.conf", "group"] {
        fs::write(root.path().join("etc").join(file), "the image's").unwrap();
    }
    fs::write(root.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:5:5::/:/bin/sh")
        .unwrap();
    fs::write(root.path().join("mark"), mark).unwrap();
    for program in PROGRAMS {
        let target = root.path().join("bin").join(Path::new(program).file_name().unwrap());
        fs::copy(program, &target).unwrap();
        let listed = Command::new("ldd").arg(program).output().unwrap();
        for word in String::from_utf8(listed.stdout).unwrap().split_whitespace() {
            let target = root.path().join(word.trim_start_matches('/'));
            if word.starts_with('/') && !target.exists() {
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::copy(word, target).unwrap();
            }
        }
    }
    root
}

fn in_root(root: &Path, script: &str) -> Spec {
    let spec = shell(script);
    Spec { root: Some(root.to_owned()), env: vec![("PATH".into(), "/nowhere:/bin".into())], ..spec }
}

#[tokio::test]
async fn a_sandbox_sees_its_root_and_nothing_else() {
    if !is_root() {
        return;
    }
    let (launcher, root) = (start(&options()), root("mine\n"));
    let script = "cat /mark /etc/hosts /etc/hostname; ls -A / /dev /var/task; id -un; id -u app; \
                  cat /proc/self/mountinfo; ls /usr/share /etc/ssl 2>&1";
    let (text, _) = run(&launcher, in_root(root.path(), script)).await;
    assert!(text.starts_with("mine\n127.0.0.1 localhost sandbox"), "{text}");
    assert!(text.contains("\nsandbox\n") && text.contains("sbx_user1051\n5\n"), "{text}");
    assert!(text.contains("\nnull\n") && text.contains("\nurandom\n"), "{text}");
    assert!(!text.contains("the image's"), "{text}");
    assert!(text.matches("No such file").count() == 2, "nothing of the machine: {text}");
    let mounted: Vec<_> = text.lines().filter_map(|line| line.split(' ').nth(4)).collect();
    assert!(mounted.contains(&"/tmp") && !mounted.contains(&"/usr"), "{mounted:?}");
}

#[tokio::test]
async fn only_tmp_is_writable_in_a_root() {
    if !is_root() {
        return;
    }
    let (launcher, root) = (start(&options()), root("mine\n"));
    // Everybody may write, as far as permissions go.
    fs::set_permissions(root.path().join("opt"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(root.path().join("mark"), fs::Permissions::from_mode(0o666)).unwrap();
    let script = "(for d in / /opt /etc /dev /proc /bin; do touch $d/x && echo $d is writable; done; \
                  echo y > /mark && echo the mark is writable; echo fine > /tmp/x && cat /tmp/x) 2>/dev/null; \
                  cat /tmp/passwd 2>/dev/null; exit 3";
    let (text, exit) = run(&launcher, in_root(root.path(), script)).await;
    assert_eq!((text.as_str(), exit), ("fine\n", Exit::Code(3)));
    assert_eq!(fs::read_to_string(root.path().join("mark")).unwrap(), "mine\n");
}

#[tokio::test]
async fn links_of_a_root_lead_to_places_in_it() {
    if !is_root() {
        return;
    }
    let (launcher, root) = (start(&options()), root("mine\n"));
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "the host's").unwrap();
    fs::set_permissions(secret.path(), fs::Permissions::from_mode(0o644)).unwrap();
    symlink(secret.path(), root.path().join("absolute")).unwrap();
    symlink("../../../../../etc/shadow", root.path().join("up")).unwrap();
    fs::remove_file(root.path().join("etc/passwd")).unwrap();
    symlink("/../../etc/shadow", root.path().join("etc/passwd")).unwrap();
    // What is mounted there is mounted inside.
    fs::remove_dir(root.path().join("opt")).unwrap();
    symlink("/bin", root.path().join("opt")).unwrap();
    let script = "cat /absolute /up /etc/passwd 2>&1; ls /opt; cat /bin/found";
    let code = tempfile::tempdir().unwrap();
    fs::set_permissions(code.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(code.path().join("found"), "found\n").unwrap();
    // The program is started from a place that is hidden by then.
    fs::create_dir(root.path().join("sbin")).unwrap();
    for program in ["sh", "cat", "ls"] {
        fs::copy(root.path().join("bin").join(program), root.path().join("sbin").join(program))
            .unwrap();
    }
    let mut spec = with_mount(in_root(root.path(), script), code.path(), "/opt");
    spec.argv[0] = "/sbin/sh".into();
    spec.env = vec![("PATH".into(), "/sbin".into())];
    let (text, _) = run(&launcher, spec).await;
    assert!(!text.contains("the host's"), "{text}");
    assert_eq!(text.matches("No such file").count(), 2, "{text}");
    assert!(text.contains("root:x:0:0") && !text.contains("root:*"), "{text}");
    assert!(text.ends_with("found\nfound\n"), "{text}");
}

#[tokio::test]
async fn a_program_is_found_by_its_name() {
    if !is_root() {
        return;
    }
    let (launcher, root) = (start(&options()), root("mine\n"));
    let mut spec = in_root(root.path(), "cat /mark");
    spec.argv[0] = "sh".into();
    assert_eq!(run(&launcher, spec.clone()).await.0, "mine\n");
    spec.argv[0] = "no-such-program".into();
    let error = launcher.launch(spec).await.unwrap_err();
    assert!(matches!(&error, LaunchError::Step { step: Step::Execute, .. }), "{error:?}");
    assert_eq!(error.blame(), sandbox::Blame::Customer);
}

#[tokio::test]
async fn a_directory_of_the_same_name_is_another_root() {
    if !is_root() {
        return;
    }
    let (launcher, first, second) = (start(&options()), root("first\n"), root("second\n"));
    let read = |path: &Path| run(&launcher, in_root(path, "cat /mark"));
    assert_eq!(read(first.path()).await.0, "first\n");
    assert_eq!(read(second.path()).await.0, "second\n");
    assert_eq!(read(first.path()).await.0, "first\n");
    let (kept, name) = (first.path().with_extension("kept"), first.path().to_owned());
    fs::rename(&name, &kept).unwrap();
    fs::rename(second.path(), &name).unwrap();
    assert_eq!(read(&name).await.0, "second\n");
    let (text, _) = run(&launcher, shell("ls -d /usr /mark 2>/dev/null")).await;
    assert_eq!(text, "/usr\n", "sandboxes without a root of their own have the machine's programs");
    fs::remove_dir_all(kept).unwrap();
}

#[tokio::test]
async fn a_missing_root_is_told() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let error = launcher.launch(in_root(Path::new("/no/such/root"), "true")).await.unwrap_err();
    assert!(matches!(&error, LaunchError::Step { step: Step::Root, .. }), "{error:?}");
    assert_eq!(run(&launcher, shell("echo on")).await.0, "on\n");
}

#[tokio::test]
async fn an_ordinary_user_has_roots_too() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("as-nobody");
    let copy = directory.path().join("launcher");
    fs::copy(PROGRAM, &copy).unwrap();
    let text = format!(
        "#!/bin/sh\nexec /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups {} \"$@\"\n",
        copy.display()
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let started = Launcher::start_program(&program, &Options::default(), EDGE.parse().unwrap());
    let launcher = match started {
        Ok(launcher) if launcher.level() == Level::L1 => launcher,
        other => {
            eprintln!("skipped: user namespaces are not allowed here: {other:?}");
            return;
        }
    };
    let root = root("mine\n");
    let script = "cat /mark; id -un; touch /x /opt/x 2>/dev/null && echo writable; ls /proc/1/status; ls -d /usr/share 2>/dev/null";
    let (text, _) = run(&launcher, in_root(root.path(), script)).await;
    assert_eq!(text, "mine\nsbx_user1051\n/proc/1/status\n");
}
