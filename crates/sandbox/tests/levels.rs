// SPDX-License-Identifier: Apache-2.0
//! The weaker levels: as an ordinary user, and without any wall.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{
    EDGE, PROGRAM, is_root, limited, options, output, read_until, run, shell, start, with_mount,
};
use sandbox::{Exit, Launcher, Level, Limits, Mount, Network, Options, StartError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A program that is the launcher as the user nobody.
fn as_nobody() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // A copy: nobody may not reach the directory of the build.
    let launcher = directory.path().join("launcher");
    std::fs::copy(PROGRAM, &launcher).unwrap();
    let script = directory.path().join("as-nobody");
    let text = format!(
        "#!/bin/sh\nexec /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups {} \"$@\"\n",
        launcher.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    (directory, script)
}

#[tokio::test]
async fn an_ordinary_user_has_walls_too() {
    if !is_root() {
        return;
    }
    let (directory, program) = as_nobody();
    let launcher =
        match Launcher::start_program(&program, &Options::default(), EDGE.parse().unwrap()) {
            Ok(launcher) if launcher.level() == Level::L1 => launcher,
            other => {
                eprintln!("skipped: user namespaces are not allowed here: {other:?}");
                return;
            }
        };
    assert_eq!(launcher.network(), Network::None);
    let code = directory.path().join("code");
    std::fs::create_dir(&code).unwrap();
    std::fs::write(code.join("file"), "found\n").unwrap();
    let script = "cat /var/task/file; id -un; grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t\\n' ' '; \
                  echo; touch /var/task/x /usr/x 2>/dev/null && echo writable; ls -d /root /home /run /sys 2>/dev/null; \
                  echo fine > /tmp/x; cat /tmp/x; echo $AWS_LAMBDA_RUNTIME_API; exit 3";
    let (text, exit) = run(&launcher, with_mount(shell(script), &code, "/var/task")).await;
    assert_eq!(
        text,
        "found\nsbx_user1051\nCapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 \n\
         fine\n127.0.0.1:9001\n"
    );
    assert_eq!(exit, Exit::Code(3));

    let waiting = "echo waiting; until [ -e /var/task/file ]; do sleep 0.01; done; cat /var/task/file; df -k /tmp | tail -1";
    let mut sandbox = launcher.launch(shell(waiting)).await.unwrap();
    read_until(&sandbox, |text| text.contains("waiting")).await;
    let mounts = [Mount { source: code.clone(), target: "/var/task".into() }];
    let limits = Limits { tmp_bytes: 1 << 20, ..Limits::default() };
    launcher.furnish(&mut sandbox.process, &mounts, limits).await.unwrap();
    let text = output(&sandbox).await;
    assert!(text.contains("found") && text.contains(" 1024 "), "{text}");
}

#[tokio::test]
async fn a_plain_process_runs_and_is_killed_with_its_group() {
    let launcher = start(&Options { level: Some(Level::L0), network: None, ..options() });
    assert_eq!((launcher.level(), launcher.network()), (Level::L0, Network::Host));
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("file"), "found\n").unwrap();
    let mut spec = with_mount(
        shell("cat $LAMBDA_TASK_ROOT/file; pwd; echo $AWS_ENDPOINT_URL; exit 3"),
        code.path(),
        "/var/task",
    );
    spec.env.push(("LAMBDA_TASK_ROOT".into(), "/var/task".into()));
    spec.cwd = "/var/task".into();
    let (text, exit) = run(&launcher, spec).await;
    assert_eq!(text, format!("found\n{}\nhttp://{EDGE}\n", code.path().display()));
    assert_eq!(exit, Exit::Code(3));

    let sandbox = launcher.launch(shell("sleep 12345 & echo ready; wait")).await.unwrap();
    assert!(sandbox.edge.is_none());
    assert_ne!(sandbox.runtime_api.local_addr().unwrap().port(), 9001);
    read_until(&sandbox, |text| text.contains("ready")).await;
    sandbox.kill();
    assert_eq!(limited(sandbox.exited()).await, Exit::Killed);
    output(&sandbox).await;
}

#[test]
fn a_level_that_is_not_possible_is_refused_and_not_replaced() {
    if !is_root() {
        return;
    }
    let (_directory, program) = as_nobody();
    let options = Options { level: Some(Level::L2), ..Options::default() };
    let error = Launcher::start_program(&program, &options, EDGE.parse().unwrap()).unwrap_err();
    assert!(matches!(error, StartError::Level { level: Level::L2, .. }), "{error}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let start = |options| {
        Launcher::start_program(Path::new(PROGRAM), &options, EDGE.parse().unwrap()).unwrap_err()
    };
    let error = start(Options { subnet: "10.0.0.0".into(), ..options() });
    assert_eq!(
        error.to_string(),
        "option `subnet` is not valid: `10.0.0.0` is not an IPv4 network"
    );
    assert!(matches!(start(Options { sandboxes_max: 0, ..options() }), StartError::Option { .. }));
}

#[test]
fn a_probe_names_every_capability_and_how_to_get_what_is_missing() {
    let capabilities = sandbox::probe_with(Path::new(PROGRAM)).unwrap();
    let names: Vec<&str> = capabilities.iter().map(|capability| capability.name.as_str()).collect();
    assert!(names.contains(&"user namespaces") && names.contains(&"nftables"), "{names:?}");
    for capability in &capabilities {
        assert_eq!(capability.is_found, capability.remedy.is_none(), "{capability:?}");
    }
    if is_root() {
        assert!(
            capabilities.iter().any(|capability| capability.name == "root" && capability.is_found)
        );
    }
}
