// SPDX-License-Identifier: Apache-2.0
//! What the server asks of a sandbox's first process, on the socket on which it is told the news.

/// One order. Those that come at a wrong time are passed over: the sandbox may have moved on meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Order {
    /// Ask the runtime to end, by SIGTERM.
    Terminate = b'T',
    /// Kill every process but the first. What they wrote to `/tmp` stays.
    Empty = b'E',
    /// Execute the program again, in the empty sandbox.
    Start = b'S',
    /// Go to where the code of functions is, and the runtime with this process.
    EnterTask = b'D',
}

impl Order {
    const ALL: [Self; 4] = [Self::Terminate, Self::Empty, Self::Start, Self::EnterTask];

    pub(crate) fn encode(self) -> [u8; 1] {
        [self as u8]
    }

    /// Reads an order. `None` if it is not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.encode() == bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_travel() {
        for order in Order::ALL {
            assert_eq!(Order::decode(&order.encode()), Some(order));
        }
        assert_eq!(Order::decode(b"x"), None);
        assert_eq!(Order::decode(b""), None);
    }
}
