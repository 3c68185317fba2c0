// SPDX-License-Identifier: Apache-2.0
//! The first message each way between the server and a launcher that has just started.

use crate::{Capability, Level, Network, Options};
use serde::{Deserialize, Serialize};

pub(crate) const LENGTH_MAX: usize = 64 << 10;

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) options: Options,
    pub(crate) purpose: Purpose,
    /// The name of the cgroup directory in which the sandboxes' groups go.
    pub(crate) tree: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// Build sandboxes until the server goes away.
    Launch,
    /// Only say what is possible here.
    Probe,
}

/// What the launcher answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Ready {
        level: Level,
        network: Network,
    },
    /// To one that was only to look.
    Surveyed {
        capabilities: Vec<Capability>,
    },
    /// The level or the network that was asked for is not possible.
    NoLevel {
        level: Level,
        missing: String,
    },
    NoNetwork {
        network: Network,
        missing: String,
    },
    BadOption {
        option: String,
        reason: String,
    },
    Failed {
        step: String,
        reason: String,
    },
}
