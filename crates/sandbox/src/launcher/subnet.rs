// SPDX-License-Identifier: Apache-2.0
//! Addresses for sandboxes: the configured subnet is cut into blocks, one for each server on this machine; a block is cut into
//! fours, one for each sandbox. Pure, but for claiming a block.

use std::io;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet {
    pub(crate) first: Ipv4Addr,
    pub(crate) prefix: u8,
}

impl Subnet {
    /// Parses `198.18.0.0/15`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (first, prefix) = text.split_once('/')?;
        let (first, prefix): (Ipv4Addr, u8) = (first.parse().ok()?, prefix.parse().ok()?);
        let is_aligned =
            prefix <= 30 && u32::from(first).trailing_zeros() >= 32 - u32::from(prefix);
        is_aligned.then_some(Self { first, prefix })
    }

    /// The blocks that have room for `sandbox_count` sandboxes each.
    fn blocks(self, sandbox_count: u16) -> impl Iterator<Item = Block> {
        let addresses = (u32::from(sandbox_count) * 4).next_power_of_two();
        let total = 1_u64 << (32 - u32::from(self.prefix));
        let count = u32::try_from(total / u64::from(addresses)).unwrap_or(u32::MAX).min(BLOCKS_MAX);
        (0..count).map(move |index| Block {
            index,
            first: u32::from(self.first) + index * addresses,
            addresses,
        })
    }

    /// The first block that no other server of this network namespace has, and what keeps it claimed.
    ///
    /// The claim is an abstract socket address: it belongs to the network namespace, as addresses do, and ends with its owner.
    pub(crate) fn claim(self, sandbox_count: u16) -> io::Result<Option<(Block, UnixDatagram)>> {
        for block in self.blocks(sandbox_count) {
            if let Some(claim) = block.claim()? {
                return Ok(Some((block, claim)));
            }
        }
        Ok(None)
    }
}

/// So that a device's name fits: `tbx`, three digits, a dash, five digits.
const BLOCKS_MAX: u32 = 1000;

/// One server's part of the subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) index: u32,
    first: u32,
    addresses: u32,
}

impl Block {
    /// `198.18.16.0/20`
    pub(crate) fn cidr(self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.first), 32 - self.addresses.trailing_zeros())
    }

    /// The host's address and the sandbox's.
    pub(crate) fn addresses(self, number: u16) -> (Ipv4Addr, Ipv4Addr) {
        let four = self.first + u32::from(number) * 4;
        (Ipv4Addr::from(four + 1), Ipv4Addr::from(four + 2))
    }

    /// The name of the host's end of a sandbox's cable. At most 15 characters.
    pub(crate) fn device(self, number: u16) -> String {
        format!("{}{number}", self.device_prefix())
    }

    pub(crate) fn device_prefix(self) -> String {
        format!("tbx{}-", self.index)
    }

    fn claim(self) -> io::Result<Option<UnixDatagram>> {
        claim(&self.index.to_string())
    }
}

/// Claims the block called `index`. `None` if a server has it.
pub(crate) fn claim(index: &str) -> io::Result<Option<UnixDatagram>> {
    let address = SocketAddr::from_abstract_name(format!("tinderbox-network-{index}"))?;
    match UnixDatagram::bind_addr(&address) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_networks_are_subnets() {
        assert!(Subnet::parse("198.18.0.0/15").is_some());
        for text in [
            "198.18.0.0",
            "198.18.0.0/33",
            "198.18.0.1/15",
            "198.18.0.0/x",
            "fd00::/8",
            "10.0.0.0/31",
        ] {
            assert_eq!(Subnet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn blocks_do_not_overlap_and_sandboxes_get_four_addresses() {
        let subnet = Subnet::parse("198.18.0.0/15").unwrap();
        let blocks: Vec<Block> = subnet.blocks(1008).collect();
        assert_eq!(blocks.len(), 32);
        assert_eq!(blocks[0].cidr(), "198.18.0.0/20");
        assert_eq!(blocks[31].cidr(), "198.19.240.0/20");
        assert_eq!(
            blocks[1].addresses(2),
            ("198.18.16.9".parse().unwrap(), "198.18.16.10".parse().unwrap())
        );
        assert!(Block { index: 999, first: 0, addresses: 4 }.device(u16::MAX).len() <= 15);
        assert_eq!(Subnet::parse("10.0.0.0/24").unwrap().blocks(1008).count(), 0);
    }
}
