// SPDX-License-Identifier: Apache-2.0
//! Receipt handles: which receipt of which message of which queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Invariant: a text that is one was made by `encode`, or was made to look so: it leads to nothing that its queue has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) queue: u64,
    pub(crate) id: u64,
    pub(crate) receives: u32,
}

const VERSION: u8 = 1;

impl Handle {
    pub(crate) fn encode(self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.queue.to_le_bytes());
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.receives.to_le_bytes());
        STANDARD.encode(bytes)
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 21] = STANDARD.decode(text).ok()?.try_into().ok()?;
        let (version, rest) = bytes.split_first()?;
        let (queue, rest) = rest.split_first_chunk::<8>()?;
        let (id, receives) = rest.split_first_chunk::<8>()?;
        (*version == VERSION).then_some(Self {
            queue: u64::from_le_bytes(*queue),
            id: u64::from_le_bytes(*id),
            receives: u32::from_le_bytes(receives.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_handle_leads_back(queue: u64, id: u64, receives: u32) {
            let handle = Handle { queue, id, receives };
            prop_assert_eq!(Handle::decode(&handle.encode()), Some(handle));
        }

        #[test]
        fn any_text_has_an_answer(text in "[a-zA-Z0-9+/=]{0,40}") {
            Handle::decode(&text);
        }
    }
}
