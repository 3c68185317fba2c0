// SPDX-License-Identifier: Apache-2.0
//! What this machine allows: found out by trying, never by version numbers.

use crate::greeting::Purpose;
use crate::launcher::{firewall, template};
use crate::{Capability, Level, Network};
use std::net::IpAddr;
use sys::cgroup::Tree;
use sys::identity;
use sys::namespaces::{self, Namespace};
use sys::process::{self, Fork, Separation, SingleThread};
use sys::{descriptors, mounts};

/// The answers to everything that was tried.
#[derive(Debug)]
pub(crate) struct Survey {
    is_privileged: bool,
    user_namespaces: Result<(), String>,
    nftables: Result<(), String>,
    memory: bool,
    cpu: bool,
    pids: bool,
    freezer: bool,
}

impl Survey {
    /// Whoever goes on to install the rules learns then whether that works; and a launcher that will not need user namespaces,
    /// of which the kernel takes milliseconds to be rid again, does not try them.
    pub(crate) fn take(
        single: &SingleThread,
        tree: &Tree,
        purpose: Purpose,
        asked: Option<Level>,
    ) -> Self {
        let is_privileged = identity::is_privileged();
        let is_settled = asked != Some(Level::L1) && is_privileged && template::has_programs();
        let user_namespaces = if purpose == Purpose::Launch && is_settled {
            Err("not tried".to_owned())
        } else {
            try_user_namespace(single).map_err(|error| error.to_string())
        };
        Self {
            is_privileged,
            user_namespaces,
            nftables: match purpose {
                _ if !is_privileged => Err("needs root".to_owned()),
                Purpose::Launch if firewall::is_there() => Ok(()),
                Purpose::Launch | Purpose::Probe => {
                    firewall::remove_stale().map_err(|error| format!("nft cannot be run: {error}"))
                }
            },
            memory: tree.has_memory(),
            cpu: tree.has_cpu(),
            pids: tree.has_pids(),
            freezer: tree.has_freezer(),
        }
    }

    /// The level that was asked for, or the best there is. The error says what is missing.
    pub(crate) fn level(&self, asked: Option<Level>) -> Result<Level, (Level, String)> {
        let l2 = if self.is_privileged && template::has_programs() {
            Ok(())
        } else {
            Err("it needs root".to_owned())
        };
        match asked {
            Some(Level::L2) => l2.map(|()| Level::L2).map_err(|missing| (Level::L2, missing)),
            Some(Level::L1) => match &self.user_namespaces {
                Ok(()) => Ok(Level::L1),
                Err(missing) => Err((Level::L1, missing.clone())),
            },
            Some(Level::L0) => Ok(Level::L0),
            None if l2.is_ok() => Ok(Level::L2),
            None if self.user_namespaces.is_ok() => Ok(Level::L1),
            None => Ok(Level::L0),
        }
    }

    /// The network that was asked for, or the most there is at `level`. The error says what is missing.
    pub(crate) fn network(
        &self,
        asked: Option<Network>,
        level: Level,
    ) -> Result<Network, (Network, String)> {
        let missing = match (level, &self.nftables) {
            (Level::L2, Ok(())) => None,
            (Level::L2, Err(reason)) => Some(reason.clone()),
            (Level::L1 | Level::L0, _) => Some("it needs isolation level 2".to_owned()),
        };
        match (asked, missing) {
            // A plain process has the host's network whatever is asked; only that may be asked for.
            (None | Some(Network::Host), _) if level == Level::L0 => Ok(Network::Host),
            (Some(network), _) if level == Level::L0 => {
                Err((network, "isolation level 0 has no walls".to_owned()))
            }
            (Some(Network::Outbound), Some(missing)) => Err((Network::Outbound, missing)),
            (Some(network), _) => Ok(network),
            (None, None) => Ok(Network::Outbound),
            (None, Some(_)) => Ok(Network::None),
        }
    }

    pub(crate) fn capabilities(&self) -> Vec<Capability> {
        const CGROUPS: &str =
            "run as root, or in a systemd service with Delegate=yes and DelegateSubgroup=server";
        let found = |is_found| {
            if is_found { Ok(()) } else { Err("no writable cgroup has this controller".to_owned()) }
        };
        vec![
            capability(
                "root",
                if self.is_privileged { Ok(()) } else { Err("not running as root".to_owned()) },
                "isolation level 2: a user of its own for each sandbox, limits, outbound network",
                "sudo tinderbox ...",
            ),
            capability(
                "user namespaces",
                self.user_namespaces.clone(),
                "isolation level 1: walls without being root",
                user_namespace_remedy(),
            ),
            capability(
                "memory limits",
                found(self.memory),
                "a function that uses too much memory is stopped",
                CGROUPS,
            ),
            capability("cpu limits", found(self.cpu), "CPU time by memory size", CGROUPS),
            capability(
                "process limits",
                found(self.pids),
                "a fork bomb stays in its sandbox",
                CGROUPS,
            ),
            capability(
                "freezer",
                found(self.freezer),
                "an idle function uses no CPU time",
                CGROUPS,
            ),
            capability(
                "nftables",
                self.nftables.clone(),
                "functions reach other machines, and only those",
                "apt-get install nftables",
            ),
        ]
    }
}

fn capability(name: &str, found: Result<(), String>, gives: &str, remedy: &str) -> Capability {
    Capability {
        name: name.to_owned(),
        is_found: found.is_ok(),
        gives: gives.to_owned(),
        remedy: found.is_err().then(|| remedy.to_owned()),
        detail: found.err().unwrap_or_default(),
    }
}

fn user_namespace_remedy() -> &'static str {
    if std::fs::exists("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").unwrap_or(false) {
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    } else if std::fs::exists("/proc/sys/kernel/unprivileged_userns_clone").unwrap_or(false) {
        "sysctl -w kernel.unprivileged_userns_clone=1"
    } else {
        "sysctl -w user.max_user_namespaces=10000"
    }
}

/// Has a child do all that level 1 begins with, and tell how far it came.
fn try_user_namespace(single: &SingleThread) -> std::io::Result<()> {
    let (ours, theirs) = descriptors::message_pair()?;
    let (user, group) = (identity::user(), identity::group());
    match process::fork(single, Separation::None, None)? {
        Fork::Child => {
            let result = namespaces::unshare(single, Namespace::User)
                .and_then(|()| namespaces::map_user(super::USER_INSIDE, user, group))
                .and_then(|()| namespaces::unshare(single, Namespace::Mount))
                .and_then(|()| mounts::isolate())
                .and_then(|()| namespaces::unshare(single, Namespace::Network));
            let errno = result.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1));
            let _ = descriptors::send(&theirs, &errno.to_ne_bytes(), &[]);
            process::exit_now(0)
        }
        Fork::Parent(_) => {
            drop(theirs);
            let mut errno = [0; 4];
            let received = descriptors::receive(&ours, &mut errno, descriptors::Wait::UntilReady);
            // The launcher's only child at this time.
            let _ = process::wait_any();
            match received? {
                (4, _) if i32::from_ne_bytes(errno) == 0 => Ok(()),
                (4, _) => Err(std::io::Error::from_raw_os_error(i32::from_ne_bytes(errno))),
                _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

/// The machine's name servers, without those that only this machine's own network namespace can reach.
pub(crate) fn nameservers(resolv_conf: &str) -> Vec<IpAddr> {
    let addresses = resolv_conf
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok());
    addresses.filter(|address: &IpAddr| address.is_ipv4() && !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(is_privileged: bool, user_namespaces: bool, nftables: bool) -> Survey {
        let result = |is| if is { Ok(()) } else { Err("missing".to_owned()) };
        Survey {
            is_privileged,
            user_namespaces: result(user_namespaces),
            nftables: result(nftables),
            memory: true,
            cpu: true,
            pids: true,
            freezer: true,
        }
    }

    #[test]
    fn the_strongest_level_is_the_default_and_a_wish_is_kept_or_refused() {
        assert_eq!(survey(true, true, true).level(None), Ok(Level::L2));
        assert_eq!(survey(false, true, false).level(None), Ok(Level::L1));
        assert_eq!(survey(false, false, false).level(None), Ok(Level::L0));
        assert_eq!(survey(true, true, true).level(Some(Level::L0)), Ok(Level::L0));
        assert!(survey(false, true, false).level(Some(Level::L2)).is_err());
        assert!(survey(false, false, false).level(Some(Level::L1)).is_err());
    }

    #[test]
    fn a_network_that_is_not_possible_is_refused_and_never_weakened() {
        assert_eq!(survey(true, true, true).network(None, Level::L2), Ok(Network::Outbound));
        assert_eq!(survey(true, true, false).network(None, Level::L2), Ok(Network::None));
        assert!(survey(true, true, false).network(Some(Network::Outbound), Level::L2).is_err());
        assert!(survey(true, true, true).network(Some(Network::Outbound), Level::L1).is_err());
        assert_eq!(survey(true, true, true).network(None, Level::L1), Ok(Network::None));
        assert_eq!(survey(true, true, true).network(None, Level::L0), Ok(Network::Host));
        assert!(survey(true, true, true).network(Some(Network::None), Level::L0).is_err());
    }

    #[test]
    fn name_servers_of_the_machine_alone_are_left_out() {
        let text =
            "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nsearch x\nnameserver fd00::1\n";
        assert_eq!(nameservers(text), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
    }
}
