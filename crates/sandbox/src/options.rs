// SPDX-License-Identifier: Apache-2.0
//! What an operator may say about sandboxes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How strong the wall around a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Namespaces, cgroups, seccomp, a uid per sandbox. Needs root.
    L2,
    /// The same in a user namespace, as an ordinary user. Limits where a cgroup is delegated.
    L1,
    /// A plain process. Not isolated.
    L0,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L2 => "L2 (namespaces, cgroups, seccomp, as root)",
            Self::L1 => "L1 (namespaces, seccomp, in a user namespace)",
            Self::L0 => "L0 (plain processes, NOT ISOLATED)",
        })
    }
}

/// What a sandbox reaches besides its own Runtime API and the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Nothing.
    None,
    /// Other machines, through address translation. Not this machine, not other sandboxes, not 169.254.0.0/16.
    Outbound,
    /// The network of this machine, as it is. Not isolated.
    Host,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none (the edge and the Runtime API only)",
            Self::Outbound => "outbound (other machines, by address translation)",
            Self::Host => "host (the network of this machine, NOT ISOLATED)",
        })
    }
}

/// How much CPU time a function gets for its memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CpuPolicy {
    /// By weight: its share when others want the CPU too, more when they do not, never more than the vCPUs AWS shows.
    #[default]
    Share,
    /// By quota: 1,769 MB is one vCPU and never more, as on AWS. Full speed during init.
    Quota,
}

/// Options of the sandboxes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The isolation level: `l2`, `l1` or `l0`. Default: the strongest that this machine allows, but never `l0`
    /// unless it is asked for by name or nothing else works.
    pub level: Option<Level>,
    /// What a sandbox may reach: `none`, `outbound` or `host`. Default: `outbound` where it can be had, or else `none`.
    pub network: Option<Network>,
    /// How CPU time is shared out: `share` or `quota`. Default: `share`.
    pub cpu: CpuPolicy,
    /// The most sandboxes that may exist at one time: those of environments, of stems, and those that are about to
    /// end. Default: 2000.
    pub sandboxes_max: u16,
    /// How many sandboxes are kept built ahead, whatever the demand. Default: 8.
    pub ready_min: u8,
    /// Sandboxes that may be built ahead when many functions are new. 0: none is. Default: 40.
    pub ready_max: u8,
    /// The user id of the first sandbox at level 2; each sandbox has its own. Default: 900000.
    pub uid_base: u32,
    /// The IPv4 network that sandboxes get their addresses from, four each. Default: `198.18.0.0/15`.
    pub subnet: String,
}

impl Options {
    /// How many are kept built ahead for nobody in particular.
    pub(crate) fn ready_always(&self) -> u8 {
        self.ready_min.min(self.ready_max)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: None,
            network: None,
            cpu: CpuPolicy::Share,
            sandboxes_max: 2000,
            ready_min: 8,
            ready_max: 40,
            uid_base: 900_000,
            subnet: "198.18.0.0/15".into(),
        }
    }
}
