// SPDX-License-Identifier: Apache-2.0
//! What leaves a sandbox over its cable: address translation, and the walls around it. One nftables table for each server.
//!
//! A sandbox reaches other machines. It does not reach this machine (but for its name servers), other sandboxes, or link-local
//! addresses, where clouds keep the machine's credentials. Nothing reaches a sandbox that it did not ask.
//!
//! The table outlives a launcher that was killed; the next one to start removes it.

use crate::launcher::subnet::{self, Block};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use sys::descriptors::{self, Wait};
use sys::process::{self, Fork, Separation, SingleThread};

/// The prefix of our tables' names; the block's number follows.
const TABLE: &str = "tinderbox_";

/// The ruleset in force.
#[derive(Debug)]
pub(crate) struct Firewall {
    table: String,
}

/// A child that puts the rules in force while the launcher does something else: it takes the kernel ten milliseconds, most of
/// which it waits.
#[derive(Debug)]
pub(crate) struct Installing {
    firewall: Firewall,
    /// One message: why the rules are not in force, or nothing.
    result: OwnedFd,
}

/// The longest reason.
const REASON_BYTES_MAX: usize = 256;

impl Installing {
    /// Starts with it. Needs the host's files.
    pub(crate) fn begin(
        single: &SingleThread,
        block: Block,
        subnet: &str,
        nameservers: &[IpAddr],
    ) -> io::Result<Self> {
        let (result, theirs) = descriptors::message_pair()?;
        match process::fork(single, Separation::None, None)? {
            Fork::Child => {
                let installed = process::mind_children()
                    .and_then(|()| Firewall::install(block, subnet, nameservers));
                let reason = installed.as_ref().err().map(ToString::to_string).unwrap_or_default();
                let reason = reason.as_bytes().get(..REASON_BYTES_MAX).unwrap_or(reason.as_bytes());
                // The first byte, so that no message is empty.
                let _ = descriptors::send(&theirs, &[b"=", reason].concat(), &[]);
                drop(theirs);
                // Nobody waits for this.
                if installed.is_ok() {
                    let _ = remove_stale();
                }
                process::exit_now(0)
            }
            Fork::Parent(_) => Ok(Self { firewall: Firewall { table: table(block) }, result }),
        }
    }

    /// Waits until the rules are in force. The error says why they are not.
    pub(crate) fn finish(self) -> Result<Firewall, String> {
        let mut reason = [0; REASON_BYTES_MAX + 1];
        let received = descriptors::receive(&self.result, &mut reason, Wait::UntilReady);
        let (length, _) = received.map_err(|error| error.to_string())?;
        match reason.get(..length).unwrap_or_default() {
            [_] => Ok(self.firewall),
            [_, reason @ ..] => Err(String::from_utf8_lossy(reason).into_owned()),
            [] => Err("the process that does it has died".to_owned()),
        }
    }
}

fn table(block: Block) -> String {
    format!("{TABLE}{}", block.index)
}

impl Firewall {
    /// Puts the rules for `block` in force, and lets this machine forward.
    fn install(block: Block, subnet: &str, nameservers: &[IpAddr]) -> io::Result<Self> {
        let this = Self { table: table(block) };
        run(&ruleset(&this.table, block, subnet, nameservers))?;
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
        Ok(this)
    }

    pub(crate) fn remove(self) -> io::Result<()> {
        run(&format!("delete table inet {}\n", self.table))
    }
}

/// Removes the tables of servers that are gone.
pub(crate) fn remove_stale() -> io::Result<()> {
    let output = nft().args(["list", "tables", "inet"]).output()?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some(index) =
            line.trim().strip_prefix("table inet ").and_then(|name| name.strip_prefix(TABLE))
        else {
            continue;
        };
        if let Some(_claim) = subnet::claim(index)? {
            run(&format!("delete table inet {TABLE}{index}\n"))?;
        }
    }
    Ok(())
}

fn ruleset(table: &str, block: Block, subnet: &str, nameservers: &[IpAddr]) -> String {
    let device = format!("\"{}*\"", block.device_prefix());
    let cidr = block.cidr();
    let servers: Vec<String> =
        nameservers.iter().filter(|address| address.is_ipv4()).map(ToString::to_string).collect();
    let name_service = if servers.is_empty() {
        String::new()
    } else {
        let servers = servers.join(", ");
        format!(
            "iifname {device} ip daddr {{ {servers} }} meta l4proto {{ tcp, udp }} th dport 53 accept\n"
        )
    };
    format!(
        "table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n\
         chain input {{\n\
         type filter hook input priority filter - 10; policy accept;\n\
         {name_service}\
         iifname {device} drop\n\
         }}\n\
         chain forward {{\n\
         type filter hook forward priority filter - 10; policy accept;\n\
         iifname {device} meta nfproto ipv6 drop\n\
         iifname {device} ip saddr != {cidr} drop\n\
         iifname {device} ip daddr {{ {subnet}, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4 }} drop\n\
         oifname {device} ct state established,related accept\n\
         oifname {device} drop\n\
         }}\n\
         chain postrouting {{\n\
         type nat hook postrouting priority srcnat; policy accept;\n\
         ip saddr {cidr} masquerade\n\
         }}\n\
         }}\n"
    )
}

/// Gives `nft` a script. It takes all of it or nothing.
fn run(script: &str) -> io::Result<()> {
    let mut child = nft()
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(script.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("nft failed").to_owned(),
    ))
}

/// Whether there is an `nft` to be run.
pub(crate) fn is_there() -> bool {
    place().is_some()
}

fn place() -> Option<&'static str> {
    let places = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"];
    places.into_iter().find(|path| std::fs::exists(path).is_ok_and(|is| is))
}

fn nft() -> Command {
    let mut command = Command::new(place().unwrap_or("nft"));
    command.env_clear().stdin(Stdio::null());
    command
}
