// SPDX-License-Identifier: Apache-2.0
//! Why the launcher did not start, and why a sandbox did not.

use crate::{Level, Network};
use std::fmt;
use std::io;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The function's code or configuration.
    Customer,
    /// This machine or this platform.
    Platform,
}

/// A step on the way to a running function, in the order they are taken.
///
/// The numbers are what a failing child sends to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    ReadRequest = 1,
    Slot = 2,
    Network = 3,
    OpenMount = 4,
    MountPoint = 5,
    Cgroup = 6,
    Limits = 7,
    Clone = 8,
    JoinCgroup = 9,
    JoinNetwork = 10,
    MountProc = 11,
    MountTmp = 12,
    MountCode = 13,
    Hostname = 14,
    Descriptors = 15,
    ResourceLimits = 16,
    Privileges = 17,
    Seccomp = 18,
    WorkingDirectory = 19,
    Execute = 20,
    Root = 21,
}

impl Step {
    const ALL: [Self; 21] = [
        Self::ReadRequest,
        Self::Slot,
        Self::Network,
        Self::OpenMount,
        Self::MountPoint,
        Self::Cgroup,
        Self::Limits,
        Self::Clone,
        Self::JoinCgroup,
        Self::JoinNetwork,
        Self::MountProc,
        Self::MountTmp,
        Self::MountCode,
        Self::Hostname,
        Self::Descriptors,
        Self::ResourceLimits,
        Self::Privileges,
        Self::Seccomp,
        Self::WorkingDirectory,
        Self::Execute,
        Self::Root,
    ];

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u8 == number)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadRequest => "read the request",
            Self::Slot => "find a free slot",
            Self::Network => "take a network namespace",
            Self::OpenMount => "open the directory to mount",
            Self::MountPoint => "make the mount point",
            Self::Cgroup => "create the cgroup",
            Self::Limits => "write the limits",
            Self::Clone => "clone the first process",
            Self::JoinCgroup => "join the cgroup",
            Self::JoinNetwork => "join the network namespace",
            Self::MountProc => "mount /proc",
            Self::MountTmp => "mount /tmp",
            Self::MountCode => "mount",
            Self::Hostname => "set the host name",
            Self::Descriptors => "put the descriptors in place",
            Self::ResourceLimits => "set the resource limits",
            Self::Privileges => "drop the privileges",
            Self::Seccomp => "install the system call filter",
            Self::WorkingDirectory => "change to the working directory",
            Self::Execute => "execute",
            Self::Root => "take as the root",
        })
    }
}

/// Why there is no snapshot of a sandbox, or why a sandbox does not go on from one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The function's code holds something that cannot be brought back.
    #[error("{what}")]
    Obstacle { what: String },
    /// It was taken with other files, or before the machine was started. A new one can be taken.
    #[error("the snapshot is stale: {what}")]
    Stale { what: String },
    #[error("failed to {reason}")]
    Failed { reason: String },
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

/// Why the launcher did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("failed to start the launcher process `{program}`")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("failed to talk to the launcher process")]
    Talk {
        #[source]
        source: io::Error,
    },
    #[error("the launcher process ended before it was ready")]
    Ended,
    #[error("the launcher failed to {step}: {reason}")]
    Setup { step: String, reason: String },
    #[error("isolation level {level} is not possible here: {missing}")]
    Level { level: Level, missing: String },
    #[error("network `{network}` is not possible here: {missing}")]
    Network { network: Network, missing: String },
    #[error("option `{option}` is not valid: {reason}")]
    Option { option: String, reason: String },
}

impl StartError {
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Spawn { .. }
            | Self::Talk { .. }
            | Self::Ended
            | Self::Setup { .. }
            | Self::Level { .. }
            | Self::Network { .. }
            | Self::Option { .. } => Blame::Platform,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A step failed, in the launcher or in the new sandbox.
    #[error("failed to {step} `{thing}`")]
    Step {
        step: Step,
        /// The file, directory or program that it was about; empty where the step says all.
        thing: String,
        #[source]
        source: io::Error,
    },
    #[error("a launch request of {length} bytes is longer than {length_max}")]
    TooLong { length: usize, length_max: usize },
    #[error("{count} mounts are more than {count_max}")]
    TooMany { count: usize, count_max: usize },
    #[error("`{thing}` contains a zero byte")]
    ZeroByte { thing: &'static str },
    #[error("all {sandboxes_max} sandboxes are in use")]
    Full { sandboxes_max: u16 },
    #[error("failed to talk to the launcher process")]
    Talk {
        #[source]
        source: io::Error,
    },
    #[error("the launcher process ended")]
    LauncherEnded,
    #[error("the launcher process ended and could not be started again")]
    Restart {
        #[source]
        source: Box<StartError>,
    },
    #[error("a root file system of its own needs isolation level 1 or 2")]
    NoRoot,
    #[error("the sandbox was killed while it was built")]
    Killed,
}

impl LaunchError {
    /// A program that is not there or cannot run is the customer's; all else is ours.
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Step { step: Step::Execute | Step::WorkingDirectory, .. }
            | Self::TooLong { .. }
            | Self::ZeroByte { .. } => Blame::Customer,
            Self::Step { .. }
            | Self::TooMany { .. }
            | Self::NoRoot
            | Self::Full { .. }
            | Self::Talk { .. }
            | Self::LauncherEnded
            | Self::Restart { .. }
            | Self::Killed => Blame::Platform,
        }
    }
}
