// SPDX-License-Identifier: Apache-2.0
//! What an execution environment is made from.

use crate::bytecode::Bytecode;
use crate::logs::LogFormat;
use images::Image;
use meter::{Meter, Meters, Whose};
use names::{AccountId, Region};
use sandbox::Limits;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// On demand the init phase has this long. A longer one is tried again inside the invocation, with the invocation's time.
const INIT_MAX: Duration = Duration::from_secs(10);
/// Ahead of events it has as long as an invocation, but never less than this,
const PROVISIONED_INIT_MIN: Duration = Duration::from_secs(130);
/// and never more.
const PROVISIONED_INIT_MAX: Duration = Duration::from_secs(900);

/// One state of one function version: code and configuration. Every change makes a new one, so that an environment
/// of an older deployment is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deployment(pub u64);

/// Why an environment is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initialization {
    /// An event waits for it.
    OnDemand,
    /// Ahead of events, because the function has provisioned concurrency.
    Provisioned,
    /// Ahead of events, because the function has a capacity provider.
    ManagedInstances,
    /// For the snapshot of a version that has SnapStart.
    SnapStart,
}

impl Initialization {
    /// The value of `AWS_LAMBDA_INITIALIZATION_TYPE`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Provisioned => "provisioned-concurrency",
            Self::ManagedInstances => "lambda-managed-instances",
            Self::SnapStart => "snap-start",
        }
    }

    /// How long the init phase may take.
    pub(crate) fn init_max(self, timeout: Duration) -> Duration {
        match self {
            Self::OnDemand => INIT_MAX,
            Self::Provisioned | Self::ManagedInstances | Self::SnapStart => {
                timeout.clamp(PROVISIONED_INIT_MIN, PROVISIONED_INIT_MAX)
            }
        }
    }
}

/// A function version as the worker sees it: all that a start needs, and nothing else. Immutable.
#[derive(Clone)]
pub struct Function {
    pub deployment: Deployment,
    pub account: AccountId,
    pub region: Region,
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// `python3.12`, `nodejs22.x`, `provided.al2023`; empty where there is an image.
    pub runtime: String,
    /// The id of the version of it that the function is bound to. None: the newest that there is.
    pub runtime_version: Option<String>,
    pub handler: String,
    pub role: String,
    /// The unpacked package, mounted read-only at /var/task; empty where there is an image.
    pub code_dir: PathBuf,
    /// The merged layers, mounted read-only at /opt.
    pub layers_dir: Option<PathBuf>,
    /// A container image in place of a runtime, a package and layers.
    pub image: Option<FunctionImage>,
    /// Of a Python function. New with each deployment.
    pub bytecode: Bytecode,
    pub env_vars: Vec<(String, String)>,
    pub memory_mb: u32,
    pub tmp_mb: u32,
    pub timeout: Duration,
    /// `/aws/lambda/NAME` unless the function says otherwise.
    pub log_group: String,
    pub log_format: LogFormat,
    /// How many invocations each of its environments runs at once, if it has a capacity provider.
    pub max_concurrency: Option<u32>,
    /// The name of the snapshot that its environments go on from: it has SnapStart.
    pub snapshot: Option<String>,
    /// What its invocations use is counted here once it has an environment. New with each deployment.
    pub meter: OnceLock<Arc<Meter>>,
}

impl Function {
    /// Whether its log group is the one that has its name, and no other function's.
    pub(crate) fn has_own_log_group(&self) -> bool {
        self.log_group.strip_prefix("/aws/lambda/") == Some(&self.name)
    }

    pub(crate) fn count_with(&self, meters: &Meters) {
        self.meter.get_or_init(|| meters.meter(self.whose()));
    }

    /// Who pays for it.
    pub fn whose(&self) -> Whose {
        Whose {
            account: self.account.clone(),
            region: self.region.clone(),
            function: self.name.clone(),
            version: self.version.clone(),
        }
    }

    /// Processes and open files are what `Limits` has by default: what AWS gives every function.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory_bytes: u64::from(self.memory_mb) << 20,
            tmp_bytes: u64::from(self.tmp_mb) << 20,
            ..Limits::default()
        }
    }
}

/// How an image runs as a function: what it says itself, and what the function's configuration says instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionImage {
    pub image: Image,
    pub entry_point: Vec<String>,
    pub command: Vec<String>,
    /// The image's own, below all that the platform and the function set.
    pub env: Vec<(String, String)>,
    /// Empty: the root.
    pub working_directory: String,
}

impl fmt::Debug for Function {
    /// Without the environment variables, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deployment, name, version, runtime, .. } = self;
        f.debug_struct("Function")
            .field("deployment", deployment)
            .field("name", name)
            .field("version", version)
            .field("runtime", runtime)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A function to test with.
    pub(crate) fn function() -> Function {
        Function {
            deployment: Deployment(1),
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: "f".into(),
            version: "$LATEST".into(),
            runtime: "python3.12".into(),
            runtime_version: None,
            handler: "app.handler".into(),
            role: String::new(),
            code_dir: "/code".into(),
            layers_dir: None,
            image: None,
            bytecode: Bytecode::default(),
            env_vars: Vec::new(),
            memory_mb: 128,
            tmp_mb: 512,
            timeout: Duration::from_secs(3),
            log_group: "/aws/lambda/f".into(),
            log_format: LogFormat::Text,
            max_concurrency: None,
            snapshot: None,
            meter: OnceLock::new(),
        }
    }
}
