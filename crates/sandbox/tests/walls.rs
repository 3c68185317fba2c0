// SPDX-License-Identifier: Apache-2.0
//! What a function cannot see or touch. Each test tries to, from inside.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{is_root, limited, options, output, read_until, run, shell, start, with_mount};
use sandbox::{Exit, Limits, Spec};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Runs `script` in a sandbox and returns what it printed.
async fn inside(script: &str) -> String {
    run(&start(&options()), shell(script)).await.0
}

/// Runs a Perl program, which can make any system call.
fn perl(program: &str) -> Spec {
    Spec::new(["/usr/bin/perl", "-e", program])
}

#[tokio::test]
async fn the_host_is_not_in_the_file_system() {
    if !is_root() {
        return;
    }
    let text =
        inside("ls -A / /home /root /var /run /sys /srv /data 2>/dev/null | tr '\\n' ' '").await;
    for present in ["usr", "etc", "dev", "proc", "tmp", "opt"] {
        assert!(text.contains(present), "{text}");
    }
    for absent in ["home", "root", "run", "sys", "srv", "boot", "work", "shadow", "lib/apt"] {
        assert!(!text.split_whitespace().any(|name| name == absent), "`{absent}` in {text}");
    }
    let text = inside("cat /etc/shadow /etc/machine-id /root/.bashrc /var/log/dpkg.log 2>&1 | grep -vc 'No such file'").await;
    assert_eq!(text, "0\n");
}

#[tokio::test]
async fn only_tmp_is_writable() {
    if !is_root() {
        return;
    }
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("handler"), "code").unwrap();
    open_to_all(code.path());
    let script = "for d in / /usr /usr/bin /etc /dev /proc /proc/sys/kernel /var /var/task /opt; do \
                  touch $d/x 2>/dev/null && echo $d is writable; done; \
                  echo y > /var/task/handler && echo code is writable; \
                  echo 1 > /proc/sys/kernel/hostname && echo sysctl; \
                  echo fine > /tmp/x && cat /tmp/x /var/task/handler; stat -c %a /tmp";
    let (text, _) = run(
        &start(&options()),
        with_mount(shell(&format!("({script}) 2>/dev/null")), code.path(), "/var/task"),
    )
    .await;
    assert_eq!(text, "fine\ncode1777\n");
    assert_eq!(std::fs::read_to_string(code.path().join("handler")).unwrap(), "code");
}

#[tokio::test]
async fn any_place_can_be_a_mount_point() {
    if !is_root() {
        return;
    }
    let code = tempfile::tempdir().unwrap();
    std::fs::write(code.path().join("file"), "found\n").unwrap();
    open_to_all(code.path());
    let mut spec = shell("cat /opt/file /srv/deep/er/file; pwd");
    spec.cwd = "/opt".into();
    let spec = with_mount(with_mount(spec, code.path(), "/opt"), code.path(), "/srv/deep/er");
    assert_eq!(run(&start(&options()), spec).await.0, "found\nfound\n/opt\n");
}

fn open_to_all(directory: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn tmp_has_the_size_it_was_given_and_is_nobody_elses() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let mut spec =
        shell("ls -A /tmp; head -c 20000000 /dev/zero > /tmp/x; echo $?; wc -c < /tmp/x");
    spec.limits = Limits { tmp_bytes: 8 << 20, ..spec.limits };
    let (text, _) = run(&launcher, spec).await;
    assert!(text.contains("No space left"), "{text}");
    assert!(text.ends_with("1\n8388608\n"), "{text}");
    assert_eq!(run(&launcher, shell("ls -A /tmp")).await.0, "");
}

#[tokio::test]
async fn a_function_is_nobody_with_nothing() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let text = run(
        &launcher,
        shell("grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status; id -un"),
    )
    .await
    .0;
    let field = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name} in {text}"));
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(field("Uid:"), "900000 900000 900000 900000");
    assert_eq!(field("Gid:"), "900000 900000 900000 900000");
    assert_eq!(field("Groups:"), "");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Seccomp:"), "2");
    assert!(text.ends_with("sbx_user1051\n"), "{text}");
}

#[tokio::test]
async fn neighbours_have_different_users_and_do_not_see_each_other() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let script = "id -u; ls -d /proc/[0-9]* | wc -l; echo ready; exec sleep 12345";
    let first = launcher.launch(shell(script)).await.unwrap();
    let second = launcher.launch(shell(script)).await.unwrap();
    let first = read_until(&first, |text| text.contains("ready")).await;
    let second = read_until(&second, |text| text.contains("ready")).await;
    assert_ne!(first.lines().next(), second.lines().next());
    // The first process, the shell, and what the shell starts.
    for text in [&first, &second] {
        let count: u32 = text.lines().nth(1).unwrap().parse().unwrap();
        assert!(count <= 4, "{text}");
    }
}

#[tokio::test]
async fn the_first_process_cannot_be_touched_or_looked_into() {
    if !is_root() {
        return;
    }
    let text = inside(
        "kill -9 1; cat /proc/1/environ /proc/1/maps >/dev/null 2>&1 && echo readable; ls /proc/1/fd 2>/dev/null; echo alive",
    )
    .await;
    assert_eq!(text.lines().last(), Some("alive"), "{text}");
    assert!(!text.contains("readable") && !text.contains('3'), "{text}");
}

#[tokio::test]
async fn the_system_calls_that_lead_out_are_refused() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    // Numbers of x86-64: name, number, arguments, errno.
    let calls = [
        ("unshare(NEWUSER)", "272, 0x10000000", libc_errno::EPERM),
        ("setns", "308, 0, 0", libc_errno::EPERM),
        ("clone(NEWUSER)", "56, 0x10000011, 0, 0, 0, 0", libc_errno::EPERM),
        ("clone3", "435, 0, 0", libc_errno::ENOSYS),
        ("mount", "165, 0, 0, 0, 0, 0", libc_errno::EPERM),
        ("open_tree", "428, -100, 0, 1", libc_errno::EPERM),
        ("fsopen", "430, 0, 0", libc_errno::EPERM),
        ("ptrace", "101, 0, 0, 0, 0", libc_errno::EPERM),
        ("process_vm_readv", "310, 1, 0, 0, 0, 0, 0", libc_errno::EPERM),
        ("bpf", "321, 0, 0, 0", libc_errno::EPERM),
        ("perf_event_open", "298, 0, 0, 0, 0, 0", libc_errno::EPERM),
        ("io_uring_setup", "425, 1, 0", libc_errno::EPERM),
        ("userfaultfd", "323, 0", libc_errno::EPERM),
        ("keyctl", "250, 0, 0", libc_errno::EPERM),
        ("ioctl(TIOCSTI)", "16, 0, 0x5412, 0", libc_errno::EPERM),
        ("socket(VSOCK)", "41, 40, 1, 0", libc_errno::EAFNOSUPPORT),
        ("socket(PACKET)", "41, 17, 3, 0", libc_errno::EAFNOSUPPORT),
        ("socket(ALG)", "41, 38, 5, 0", libc_errno::EAFNOSUPPORT),
        ("socket(NETLINK, AUDIT)", "41, 16, 3, 9", libc_errno::EPROTONOSUPPORT),
        ("x32 getpid", "0x40000000 + 39", libc_errno::ENOSYS),
    ];
    let mut program = String::new();
    for (name, arguments, errno) in calls {
        program.push_str(&format!(
            "$! = 0; my $r = syscall({arguments}); print '{name}', \" gave $r, errno \", $!+0, \"\\n\" unless $r == -1 && $! == {errno};\n"
        ));
    }
    program.push_str("print \"tried\\n\";");
    assert_eq!(run(&launcher, perl(&program)).await.0, "tried\n");
}

/// Of the errors that the filter gives.
mod libc_errno {
    pub(crate) const EPERM: i32 = 1;
    pub(crate) const ENOSYS: i32 = 38;
    pub(crate) const EPROTONOSUPPORT: i32 = 93;
    pub(crate) const EAFNOSUPPORT: i32 = 97;
}

#[tokio::test]
async fn ordinary_programs_still_run() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    for (program, script) in [
        (
            "/usr/bin/python3",
            "/usr/bin/python3 -c 'import json,socket,ssl,threading,subprocess,os; subprocess.run([\"true\"],check=True); t=threading.Thread(target=print,args=(1,)); t.start(); t.join(); assert os.cpu_count()'",
        ),
        (
            "/usr/bin/node",
            "/usr/bin/node -e 'if (require(\"os\").cpus().length < 1 || !require(\"os\").userInfo().username) process.exit(1); require(\"child_process\").execSync(\"true\"); require(\"worker_threads\"); fetch; console.log(1)'",
        ),
        (
            "/usr/bin/java",
            "/usr/bin/java -XshowSettings:vm -version 2>&1 | grep -q OpenJDK && echo 1",
        ),
    ] {
        if !std::fs::exists(program).unwrap() {
            eprintln!("skipped: no {program}");
            continue;
        }
        let (text, exit) = run(&launcher, harness::with_memory(shell(script), 512)).await;
        assert_eq!((text.as_str(), exit), ("1\n", Exit::Code(0)), "{program}");
    }
}

#[tokio::test]
async fn the_listeners_reach_out_of_the_sandbox_and_nothing_else_is_there() {
    if !is_root() {
        return;
    }
    // A listener of this machine, on a socket and on an abstract name, that must not be reached.
    let host = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = host.local_addr().unwrap().port();
    let launcher = start(&options());
    let program = format!(
        "use IO::Socket::INET; \
         for my $at ($ENV{{AWS_LAMBDA_RUNTIME_API}}, $ENV{{AWS_ENDPOINT_URL}} =~ s|http://||r) {{ \
           my $s = IO::Socket::INET->new($at) or die \"$at: $!\"; print $s \"hi $at\\n\"; my $l = <$s>; print $l; }} \
         print 'host reached' if IO::Socket::INET->new('127.0.0.1:{port}'); \
         print 'route' if IO::Socket::INET->new(PeerAddr => '192.0.2.1:80', Timeout => 1);"
    );
    let mut sandbox = launcher.launch(perl(&program)).await.unwrap();
    let edge = tokio::net::TcpListener::from_std(sandbox.edge.take().unwrap()).unwrap();
    for (came, listener) in [(sandbox.connection.take(), &sandbox.runtime_api), (None, &edge)] {
        let mut stream = match came {
            Some(stream) => stream,
            None => limited(listener.accept()).await.unwrap().0,
        };
        let mut buffer = [0; 64];
        let length = limited(stream.read(&mut buffer)).await.unwrap();
        stream.write_all(&buffer[..length]).await.unwrap();
    }
    assert_eq!(output(&sandbox).await, "hi 127.0.0.1:9001\nhi 127.0.0.1:4566\n");
}
