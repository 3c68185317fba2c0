// SPDX-License-Identifier: Apache-2.0
//! What the server is told about one sandbox, by the launcher and by the sandbox's first process, on the socket that the
//! server made for it.
//!
//! Built or Failed, then Started or Failed, then Exited and Emptied at most once each time it was started, then Gone. The end
//! of the socket means Gone too: the launcher itself has ended.

use crate::Step;
use crate::request::SandboxId;

/// One message. Small enough to be written at once by a process that is about to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// All but the function's own things is there, descriptors come with the message. `group` is the name of the sandbox's
    /// cgroup, or empty.
    Built { sandbox: SandboxId, group: String },
    /// A function's directories are in their places.
    Furnished,
    /// The program has been executed.
    Started,
    /// A step failed. `index` says which mount, where it was one.
    Failed { step: Step, index: u16, errno: i32 },
    /// Every sandbox is in use.
    Full,
    /// The runtime ended with this raw wait status.
    Exited { status: i32 },
    /// No process but the first is left: the program may be started again.
    Emptied,
    /// No process of the sandbox is left.
    Gone,
}

/// The longest message.
pub(crate) const LENGTH_MAX: usize = 64;

impl News {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Built { sandbox, group } => {
                [b"B", sandbox.0.to_ne_bytes().as_slice(), group.as_bytes()].concat()
            }
            Self::Furnished => b"D".to_vec(),
            Self::Started => b"S".to_vec(),
            Self::Failed { step, index, errno } => [
                &[b'F', *step as u8],
                index.to_ne_bytes().as_slice(),
                errno.to_ne_bytes().as_slice(),
            ]
            .concat(),
            Self::Full => b"N".to_vec(),
            Self::Exited { status } => [b"X", status.to_ne_bytes().as_slice()].concat(),
            Self::Emptied => b"E".to_vec(),
            Self::Gone => b"G".to_vec(),
        }
    }

    /// Reads a message. `None` if it is not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'B', rest @ ..] => {
                let (sandbox, group) = rest.split_first_chunk()?;
                Some(Self::Built {
                    sandbox: SandboxId(u64::from_ne_bytes(*sandbox)),
                    group: String::from_utf8(group.to_vec()).ok()?,
                })
            }
            b"D" => Some(Self::Furnished),
            b"S" => Some(Self::Started),
            [b'F', step, i0, i1, e0, e1, e2, e3] => Some(Self::Failed {
                step: Step::from_number(*step)?,
                index: u16::from_ne_bytes([*i0, *i1]),
                errno: i32::from_ne_bytes([*e0, *e1, *e2, *e3]),
            }),
            b"N" => Some(Self::Full),
            [b'X', s0, s1, s2, s3] => {
                Some(Self::Exited { status: i32::from_ne_bytes([*s0, *s1, *s2, *s3]) })
            }
            b"E" => Some(Self::Emptied),
            b"G" => Some(Self::Gone),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_travels() {
        for news in [
            News::Built { sandbox: SandboxId(3), group: "17-3".into() },
            News::Furnished,
            News::Started,
            News::Failed { step: Step::MountCode, index: 2, errno: 13 },
            News::Full,
            News::Exited { status: 256 },
            News::Emptied,
            News::Gone,
        ] {
            let bytes = news.encode();
            assert!(bytes.len() <= LENGTH_MAX);
            assert_eq!(News::decode(&bytes), Some(news));
        }
        assert_eq!(News::decode(b"F\xff000000"), None);
        assert_eq!(News::decode(b""), None);
    }
}
