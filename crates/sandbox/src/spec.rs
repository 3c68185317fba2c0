// SPDX-License-Identifier: Apache-2.0
//! What one sandbox is made from.

use std::path::PathBuf;

/// A directory of the host, seen read-only inside a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The directory on the host.
    pub source: PathBuf,
    /// Where the sandbox sees it: `/var/task`, `/opt`, `/var/lang`, `/var/runtime`, or another absolute path.
    pub target: PathBuf,
}

/// What a sandbox may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub memory_bytes: u64,
    /// Processes and threads together.
    pub pids_max: u32,
    pub open_files_max: u32,
    /// The size of `/tmp`.
    pub tmp_bytes: u64,
}

impl Default for Limits {
    /// What AWS gives a function of 128 MB.
    fn default() -> Self {
        Self { memory_bytes: 128 << 20, pids_max: 1024, open_files_max: 1024, tmp_bytes: 512 << 20 }
    }
}

/// A sandbox to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// A directory of the host that the sandbox has as its root, read-only: an image's file system, with directories for
    /// `/proc`, `/dev`, `/tmp` and all targets of mounts in it. `None`: the machine's own programs.
    pub root: Option<PathBuf>,
    /// At most 12.
    pub mounts: Vec<Mount>,
    /// The program and its arguments. The program is a path inside the sandbox, or a name that is looked for in `PATH`.
    pub argv: Vec<String>,
    /// The whole environment, but for what the sandbox itself adds: `AWS_LAMBDA_RUNTIME_API`,
    /// `_LAMBDA_TELEMETRY_LOG_FD`, and `AWS_ENDPOINT_URL` unless it is given here.
    pub env: Vec<(String, String)>,
    /// The working directory inside the sandbox.
    pub cwd: PathBuf,
    pub limits: Limits,
    /// Nobody waits for it: until it is furnished it has the CPU only when nobody else wants it.
    pub is_ahead: bool,
}

impl Spec {
    /// A sandbox that runs `argv` in `/` with no code, no environment and the default limits.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            root: None,
            mounts: Vec::new(),
            argv: argv.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            limits: Limits::default(),
            is_ahead: false,
        }
    }
}
