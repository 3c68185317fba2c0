// SPDX-License-Identifier: Apache-2.0
//! A launch request as it travels from the server to the launcher.
//!
//! One message: numbers, then strings that each end in a zero byte, so that the launcher hands them to the kernel from where
//! they lie. Nothing of a request is ever copied: when the buffer is wiped, the launcher has forgotten the function's
//! environment.

use crate::{LaunchError, Limits};
use std::ffi::CStr;

/// The longest request. AWS's limit for environment variables is 4 KB; the rest is paths.
pub(crate) const LENGTH_MAX: usize = 64 << 10;

/// The most mounts: with them travel five more descriptors.
pub(crate) const MOUNTS_MAX: usize = sys::descriptors::PASSED_MAX - 5;

/// What the launcher fills in before it hands the request on to a first process: the sandbox's user, and whether a network
/// namespace comes along.
const ADDRESS_LENGTH: usize = 8;

/// No user: the sandbox stays what the launcher is.
const NO_USER: u32 = u32::MAX;

/// Fills in the address of a request.
pub(crate) fn address(bytes: &mut [u8], user: Option<u32>, has_network: bool) {
    let [u0, u1, u2, u3] = user.unwrap_or(NO_USER).to_ne_bytes();
    if let Some(address) = bytes.first_chunk_mut::<ADDRESS_LENGTH>() {
        *address = [u0, u1, u2, u3, u8::from(has_network), 0, 0, 0];
    }
}

/// What is written to the CPU controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuLimits {
    pub(crate) shares: u64,
    pub(crate) quota_us: Option<u64>,
}

/// What the launcher is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) user: Option<u32>,
    pub(crate) has_network: bool,
    pub(crate) limits: Limits,
    pub(crate) cpu: CpuLimits,
    /// The directory on the host that is the root. Empty: the template's.
    pub(crate) root: &'a CStr,
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
        limits: Limits,
        cpu: CpuLimits,
        counts: [usize; 3],
    ) -> Result<Self, LaunchError> {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend([0; ADDRESS_LENGTH]);
        bytes.extend(limits.memory_bytes.to_ne_bytes());
        bytes.extend(limits.tmp_bytes.to_ne_bytes());
        bytes.extend(limits.pids_max.to_ne_bytes());
        bytes.extend(limits.open_files_max.to_ne_bytes());
        bytes.extend(cpu.shares.to_ne_bytes());
        bytes.extend(cpu.quota_us.unwrap_or(0).to_ne_bytes());
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
        let [u0, u1, u2, u3, has_network, _, _, _] = take::<ADDRESS_LENGTH>(&mut rest)?;
        let user = u32::from_ne_bytes([u0, u1, u2, u3]);
        let memory_bytes = u64::from_ne_bytes(take(&mut rest)?);
        let tmp_bytes = u64::from_ne_bytes(take(&mut rest)?);
        let pids_max = u32::from_ne_bytes(take(&mut rest)?);
        let open_files_max = u32::from_ne_bytes(take(&mut rest)?);
        let shares = u64::from_ne_bytes(take(&mut rest)?);
        let quota_us = u64::from_ne_bytes(take(&mut rest)?);
        let mount_count = u16::from_ne_bytes(take(&mut rest)?);
        let argv_count = u16::from_ne_bytes(take(&mut rest)?);
        let env_count = u16::from_ne_bytes(take(&mut rest)?);
        let mut string = || take_string(&mut rest);
        let this = Self {
            user: (user != NO_USER).then_some(user),
            has_network: has_network != 0,
            limits: Limits { memory_bytes, pids_max, open_files_max, tmp_bytes },
            cpu: CpuLimits { shares, quota_us: (quota_us != 0).then_some(quota_us) },
            root: string()?,
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
    const CPU: CpuLimits = CpuLimits { shares: 5, quota_us: Some(6) };

    #[test]
    fn a_request_survives_the_way() {
        let mut encoder = Encoder::new(LIMITS, CPU, [1, 2, 1]).unwrap();
        for text in ["/image", "/var/task", "/code", "/var/task", "/bin/sh", "-c", "A=b"] {
            encoder.string("text", &[text.as_bytes()]).unwrap();
        }
        let mut bytes = encoder.finish().unwrap();
        address(&mut bytes, Some(900_000), true);
        let request = Request::decode(&bytes).unwrap();
        assert_eq!(
            request,
            Request {
                user: Some(900_000),
                has_network: true,
                limits: LIMITS,
                cpu: CPU,
                root: c"/image",
                cwd: c"/var/task",
                mounts: vec![(c"/code", c"/var/task")],
                argv: vec![c"/bin/sh", c"-c"],
                env: vec![c"A=b"],
            }
        );
    }

    #[test]
    fn what_cannot_travel_is_refused() {
        let mut encoder = Encoder::new(LIMITS, CPU, [0, 0, 0]).unwrap();
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
