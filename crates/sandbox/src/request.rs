// SPDX-License-Identifier: Apache-2.0
//! A request as it travels from the server to the launcher, and from there to the first process of its sandbox.
//!
//! One message: numbers, then strings that each end in a zero byte, so that they are handed to the kernel from where they lie.
//! Nothing of a request is ever copied: when the buffer is wiped, the launcher has forgotten the function's environment.

use crate::{LaunchError, Limits};
use std::ffi::CStr;

/// The longest request. AWS's limit for environment variables is 4 KB; the rest is paths.
pub(crate) const LENGTH_MAX: usize = 64 << 10;

/// The most mounts: as many descriptors does the launcher hold for a moment.
pub(crate) const MOUNTS_MAX: usize = 12;

/// Asks for a sandbox to be built. The socket for its news comes along. What follows is the directory on the host that is its root,
/// or nothing: then that is the template's.
pub(crate) const BUILD: &[u8] = b"B";

/// Asks for a socket in a sandbox's network. Where to send it, and the namespace, come along.
pub(crate) const OUTLET: &[u8] = b"O";

/// Asks for the socket of the X-Ray daemon there. The same comes along.
pub(crate) const DAEMON: &[u8] = b"X";

/// Asks for a snapshot of what runs in a sandbox: its number and a port follow. The snapshot's file and where to send what came of
/// it come along.
pub(crate) const TAKE: &[u8] = b"T";

/// Asks for a program that goes on from a snapshot: a request of `Kind::Restore` follows. The same comes along.
pub(crate) const RESTORE: &[u8] = b"R";

/// The descriptor on which a runtime writes log records.
pub(crate) const LOG_PIPE: i32 = 5;

/// What a request about a sandbox asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Put a function's directories into a sandbox whose program runs already.
    Furnish,
    /// Put directories into a sandbox that was built, and start a program there.
    Start,
    /// The same, but the program is held before it begins, to be made over.
    Restore,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Furnish, Self::Start, Self::Restore];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

/// A sandbox by its number among all that this launcher has built. A number is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SandboxId(pub(crate) u64);

/// What the launcher is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) kind: Kind,
    pub(crate) sandbox: SandboxId,
    pub(crate) limits: Limits,
    pub(crate) cwd: &'a CStr,
    /// Source on the host, target in the sandbox.
    pub(crate) mounts: Vec<(&'a CStr, &'a CStr)>,
    pub(crate) argv: Vec<&'a CStr>,
    /// `NAME=value`
    pub(crate) env: Vec<&'a CStr>,
}

/// Writes a request, field by field in the order of `Request::decode`.
#[derive(Debug)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new(
        kind: Kind,
        sandbox: SandboxId,
        limits: Limits,
        counts: [usize; 3],
    ) -> Result<Self, LaunchError> {
        let mut bytes = Vec::with_capacity(4096);
        bytes.push(kind as u8);
        bytes.extend(sandbox.0.to_ne_bytes());
        bytes.extend(limits.memory_bytes.to_ne_bytes());
        bytes.extend(limits.tmp_bytes.to_ne_bytes());
        bytes.extend(limits.pids_max.to_ne_bytes());
        bytes.extend(limits.open_files_max.to_ne_bytes());
        for count in counts {
            let count = u16::try_from(count)
                .map_err(|_| LaunchError::TooLong { length: count, length_max: LENGTH_MAX })?;
            bytes.extend(count.to_ne_bytes());
        }
        Ok(Self { bytes })
    }

    /// Adds one string, given in parts.
    pub(crate) fn string(
        &mut self,
        thing: &'static str,
        parts: &[&[u8]],
    ) -> Result<(), LaunchError> {
        for part in parts {
            if part.contains(&0) {
                return Err(LaunchError::ZeroByte { thing });
            }
            self.bytes.extend(*part);
        }
        self.bytes.push(0);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, LaunchError> {
        if self.bytes.len() > LENGTH_MAX {
            return Err(LaunchError::TooLong { length: self.bytes.len(), length_max: LENGTH_MAX });
        }
        Ok(self.bytes)
    }
}

impl<'a> Request<'a> {
    /// Reads a request. `None` if it is not one.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let [kind] = take(&mut rest)?;
        let kind = Kind::from_number(kind)?;
        let sandbox = SandboxId(u64::from_ne_bytes(take(&mut rest)?));
        let memory_bytes = u64::from_ne_bytes(take(&mut rest)?);
        let tmp_bytes = u64::from_ne_bytes(take(&mut rest)?);
        let pids_max = u32::from_ne_bytes(take(&mut rest)?);
        let open_files_max = u32::from_ne_bytes(take(&mut rest)?);
        let mount_count = u16::from_ne_bytes(take(&mut rest)?);
        let argv_count = u16::from_ne_bytes(take(&mut rest)?);
        let env_count = u16::from_ne_bytes(take(&mut rest)?);
        let mut string = || take_string(&mut rest);
        let this = Self {
            kind,
            sandbox,
            limits: Limits { memory_bytes, pids_max, open_files_max, tmp_bytes },
            cwd: string()?,
            mounts: (0..mount_count)
                .map(|_| Some((string()?, string()?)))
                .collect::<Option<_>>()?,
            argv: (0..argv_count).map(|_| string()).collect::<Option<_>>()?,
            env: (0..env_count).map(|_| string()).collect::<Option<_>>()?,
        };
        rest.is_empty().then_some(this)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a CStr> {
    let string = CStr::from_bytes_until_nul(rest).ok()?;
    *rest = rest.get(string.count_bytes() + 1..)?;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { memory_bytes: 1, pids_max: 2, open_files_max: 3, tmp_bytes: 4 };

    #[test]
    fn a_request_survives_the_way() {
        let mut encoder = Encoder::new(Kind::Start, SandboxId(7), LIMITS, [1, 2, 1]).unwrap();
        for text in ["/var/task", "/code", "/var/task", "/bin/sh", "-c", "A=b"] {
            encoder.string("text", &[text.as_bytes()]).unwrap();
        }
        let bytes = encoder.finish().unwrap();
        let request = Request::decode(&bytes).unwrap();
        assert_eq!(
            request,
            Request {
                kind: Kind::Start,
                sandbox: SandboxId(7),
                limits: LIMITS,
                cwd: c"/var/task",
                mounts: vec![(c"/code", c"/var/task")],
                argv: vec![c"/bin/sh", c"-c"],
                env: vec![c"A=b"],
            }
        );
    }

    #[test]
    fn what_cannot_travel_is_refused() {
        let mut encoder = Encoder::new(Kind::Start, SandboxId(7), LIMITS, [0, 0, 0]).unwrap();
        let error = encoder.string("an argument", &[b"a\0b"]).unwrap_err();
        assert!(matches!(error, LaunchError::ZeroByte { thing: "an argument" }));
        encoder.string("an argument", &[&[b'a'; LENGTH_MAX]]).unwrap();
        assert!(matches!(encoder.finish(), Err(LaunchError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_launcher_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::decode(&bytes);
        }
    }
}
