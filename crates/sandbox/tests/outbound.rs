// SPDX-License-Identifier: Apache-2.0
//! Outbound network: to other machines, and to nothing else. The other machine is a network namespace that the test makes.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{EDGE, PROGRAM, is_root, limited, options, read_until, run, shell, start};
use sandbox::{Launcher, Level, Network, Options, Spec};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Another machine: a namespace at the end of a cable, which answers on a port.
struct Machine {
    name: String,
    server: Child,
    address: &'static str,
}

/// Of the documentation's addresses: no real machine has them.
const HOST_SIDE: &str = "203.0.113.1";
const FAR_SIDE: &str = "203.0.113.2";

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

impl Machine {
    fn start() -> Self {
        let name = format!("tbt{}", std::process::id());
        ip(&format!("netns add {name}"));
        ip(&format!("link add {name} type veth peer name eth0 netns {name}"));
        ip(&format!("addr add {HOST_SIDE}/24 dev {name}"));
        ip(&format!("link set {name} up"));
        ip(&format!("-n {name} addr add {FAR_SIDE}/24 dev eth0"));
        ip(&format!("-n {name} link set eth0 up"));
        // A link-local address of the kind that clouds keep credentials behind.
        ip(&format!("-n {name} addr add 169.254.169.254/32 dev eth0"));
        let program = "use IO::Socket::INET; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '0.0.0.0:80', ReuseAddr => 1) \
                       or die $!; $| = 1; print \"ready\\n\"; while (my $s = $l->accept) { print $s $s->peerhost, \"\\n\"; close $s }";
        let mut server = Command::new("ip")
            .args(["netns", "exec", &name, "/usr/bin/perl", "-e", program])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = server.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { name, server, address: FAR_SIDE }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        let _ = Command::new("ip").args(["link", "del", &self.name]).stderr(Stdio::null()).status();
    }
}

/// Connects to each address in turn and prints what it says, or that it did not answer.
fn visit(addresses: &[String]) -> Spec {
    let program = "use IO::Socket::INET; $| = 1; for my $at (@ARGV) { \
                   my $s = IO::Socket::INET->new(PeerAddr => $at, Timeout => 1); \
                   print \"$at: \", ($s ? <$s> // \"silent\\n\" : \"no answer\\n\") } print \"visited\\n\"; sleep 12345";
    let argv = ["/usr/bin/perl", "-e", program]
        .map(str::to_owned)
        .into_iter()
        .chain(addresses.iter().cloned());
    Spec::new(argv)
}

#[tokio::test]
async fn a_function_reaches_other_machines_and_nothing_nearer() {
    if !is_root() {
        return;
    }
    let options = Options { level: Some(Level::L2), network: Some(Network::Outbound), ..options() };
    let launcher =
        match Launcher::start_program(Path::new(PROGRAM), &options, EDGE.parse().unwrap()) {
            Ok(launcher) => launcher,
            Err(error) => {
                eprintln!("skipped: {error}");
                return;
            }
        };
    let machine = Machine::start();
    // This machine listens everywhere.
    let host = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = host.local_addr().unwrap().port();

    // A neighbour that listens on all its addresses.
    let listen = "use IO::Socket::INET; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '0.0.0.0:80') or die; $| = 1; \
                  open my $f, '<', '/proc/net/fib_trie'; my @a = join('', <$f>) =~ /(198\\.1[89]\\.\\d+\\.\\d+)\\n\\s+\\/32 host LOCAL/g; \
                  print \"$a[0]\\n\"; while (my $s = $l->accept) { print $s \"neighbour\\n\" }";
    let mut spec = Spec::new(["/usr/bin/perl", "-e", listen]);
    // Ports below 1024 need a capability.
    spec.argv[2] = spec.argv[2].replace("0.0.0.0:80'", "0.0.0.0:8080'");
    let neighbour = launcher.launch(spec).await.unwrap();
    let neighbour_address =
        read_until(&neighbour, |text| text.contains('\n')).await.trim().to_owned();
    assert!(neighbour_address.starts_with("198.1"), "{neighbour_address}");

    let addresses = [
        format!("{}:80", machine.address),
        format!("{HOST_SIDE}:{port}"),
        format!("{neighbour_address}:8080"),
        "169.254.169.254:80".to_owned(),
    ];
    let sandbox = launcher.launch(visit(&addresses)).await.unwrap();
    let text = read_until(&sandbox, |text| text.contains("visited")).await;
    let expected = format!(
        "{}: {HOST_SIDE}\n{}: no answer\n{}: no answer\n{}: no answer\nvisited\n",
        addresses[0], addresses[1], addresses[2], addresses[3]
    );
    assert_eq!(text, expected);

    // The other machine cannot call in, even if it knows the way.
    drop(sandbox);
    let table = nft_tables();
    assert!(table.contains("tinderbox_"), "{table}");
    drop(neighbour);
    let before = table.matches("tinderbox_").count();
    limited(async { tokio::task::spawn_blocking(move || launcher.stop()).await.unwrap().unwrap() })
        .await;
    assert_eq!(nft_tables().matches("tinderbox_").count(), before - 1);
}

fn nft_tables() -> String {
    let output = Command::new("nft").args(["list", "tables"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn without_outbound_there_is_only_the_loopback() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let (text, _) = run(
        &launcher,
        shell("cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '; cat /etc/resolv.conf"),
    )
    .await;
    assert_eq!(text, "lo\n");
}
