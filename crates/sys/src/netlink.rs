// SPDX-License-Identifier: Apache-2.0
//! Network devices, addresses and routes, asked of the kernel directly (rtnetlink), without the `ip` program.
//!
//! A `Route` belongs to the network namespace that this process was in when it was opened, and stays with it.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

/// A connection to the routing part of the kernel.
#[derive(Debug)]
pub struct Route {
    socket: OwnedFd,
    sequence: u32,
}

impl Route {
    pub fn open() -> io::Result<Self> {
        // No protocol means number 0, which is NETLINK_ROUTE.
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        Ok(Self { socket, sequence: 0 })
    }

    /// The number of the device called `name`.
    pub fn index(&mut self, name: &str) -> io::Result<u32> {
        let mut message = Message::new(libc::RTM_GETLINK, 0);
        message.link(0, 0, 0);
        message.text(libc::IFLA_IFNAME, name);
        let answer = self.ask(message)?;
        // After the header of 16 bytes: family, padding, type, then the index.
        let index =
            answer.get(20..24).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
        index.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Turns a device on.
    pub fn set_up(&mut self, index: u32) -> io::Result<()> {
        let mut message = Message::new(libc::RTM_NEWLINK, 0);
        message.link(index, libc::IFF_UP.cast_unsigned(), libc::IFF_UP.cast_unsigned());
        self.ask(message).map(drop)
    }

    /// Makes two devices that are the ends of one cable: `name` here, `peer_name` in the namespace behind `peer_namespace`.
    pub fn add_cable(
        &mut self,
        name: &str,
        peer_name: &str,
        peer_namespace: impl AsFd,
    ) -> io::Result<()> {
        let mut message = Message::new(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL);
        message.link(0, 0, 0);
        message.text(libc::IFLA_IFNAME, name);
        message.nested(libc::IFLA_LINKINFO, |message| {
            message.text(libc::IFLA_INFO_KIND, "veth");
            message.nested(libc::IFLA_INFO_DATA, |message| {
                message.nested(VETH_INFO_PEER, |message| {
                    message.link(0, 0, 0);
                    message.text(libc::IFLA_IFNAME, peer_name);
                    let namespace = peer_namespace.as_fd().as_raw_fd();
                    message.attribute(libc::IFLA_NET_NS_FD, &namespace.to_ne_bytes());
                });
            });
        });
        self.ask(message).map(drop)
    }

    /// Removes a device, and with it the other end of its cable.
    pub fn remove(&mut self, index: u32) -> io::Result<()> {
        let mut message = Message::new(libc::RTM_DELLINK, 0);
        message.link(index, 0, 0);
        self.ask(message).map(drop)
    }

    /// Gives a device an address.
    pub fn add_address(
        &mut self,
        index: u32,
        address: Ipv4Addr,
        prefix_length: u8,
    ) -> io::Result<()> {
        let mut message = Message::new(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL);
        let family = u8::try_from(libc::AF_INET).expect("AF_INET is 2");
        message.0.extend([family, prefix_length, 0, 0]);
        message.0.extend(index.to_ne_bytes());
        message.attribute(libc::IFA_LOCAL, &address.octets());
        message.attribute(libc::IFA_ADDRESS, &address.octets());
        self.ask(message).map(drop)
    }

    /// Sends everything that has no better way to `gateway`.
    pub fn add_default_route(&mut self, gateway: Ipv4Addr) -> io::Result<()> {
        let mut message = Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE | libc::NLM_F_EXCL);
        let family = u8::try_from(libc::AF_INET).expect("AF_INET is 2");
        // Family, no destination, no source, no type of service; main table, set at boot, everywhere, unicast.
        message.0.extend([
            family,
            0,
            0,
            0,
            libc::RT_TABLE_MAIN,
            libc::RTPROT_BOOT,
            libc::RT_SCOPE_UNIVERSE,
            libc::RTN_UNICAST,
        ]);
        message.0.extend(0_u32.to_ne_bytes());
        message.attribute(libc::RTA_GATEWAY, &gateway.octets());
        self.ask(message).map(drop)
    }

    /// Sends a request and returns the first answer to it: the whole message, or nothing where it was only acknowledged.
    fn ask(&mut self, message: Message) -> io::Result<Vec<u8>> {
        self.sequence += 1;
        send(&self.socket, &message.finish(self.sequence), SendFlags::empty())?;
        let mut buffer = vec![0; 16 << 10];
        let (length, _) = recv(&self.socket, &mut *buffer, RecvFlags::empty())?;
        buffer.truncate(length);
        let kind = buffer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
        if kind.map(i32::from) != Some(libc::NLMSG_ERROR) {
            // A device's description; its acknowledgement follows and is of no interest.
            let _ = recv(&self.socket, &mut [0_u8; 64], RecvFlags::TRUNC)?;
            return Ok(buffer);
        }
        let code =
            buffer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
        match code {
            Some(0) => Ok(Vec::new()),
            Some(code) => Err(io::Error::from_raw_os_error(-code)),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

const VETH_INFO_PEER: u16 = 1;
const HEADER_LENGTH: usize = 16;

/// A request being written. The header comes last, when the length is known.
struct Message(Vec<u8>, u16, u16);

impl Message {
    fn new(kind: u16, flags: i32) -> Self {
        let flags = flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK;
        Self(vec![0; HEADER_LENGTH], kind, u16::try_from(flags).expect("the flags have 16 bits"))
    }

    /// What every message about a device begins with.
    fn link(&mut self, index: u32, flags: u32, change: u32) {
        self.0.extend([0; 4]);
        self.0.extend(index.to_ne_bytes());
        self.0.extend(flags.to_ne_bytes());
        self.0.extend(change.to_ne_bytes());
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.nested(kind, |message| message.0.extend(value));
    }

    fn text(&mut self, kind: u16, value: &str) {
        self.nested(kind, |message| {
            message.0.extend(value.as_bytes());
            message.0.push(0);
        });
    }

    fn nested(&mut self, kind: u16, write: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.extend([0; 2]);
        self.0.extend(kind.to_ne_bytes());
        write(self);
        let length = u16::try_from(self.0.len() - start).expect("an attribute of ours is short");
        self.put(start, &length.to_ne_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn put(&mut self, start: usize, bytes: &[u8]) {
        if let Some(place) = self.0.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).expect("a message of ours is short");
        self.put(0, &length.to_ne_bytes());
        self.put(4, &self.1.to_ne_bytes());
        self.put(6, &self.2.to_ne_bytes());
        self.put(8, &sequence.to_ne_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_nest_and_are_padded() {
        let mut message = Message::new(16, 0);
        message.nested(18, |message| message.text(1, "ab"));
        let bytes = message.finish(5);
        assert_eq!(bytes.len(), HEADER_LENGTH + 4 + 8);
        assert_eq!(bytes[0..4], 28_u32.to_ne_bytes());
        assert_eq!(bytes[8..12], 5_u32.to_ne_bytes());
        assert_eq!(bytes[16..18], 12_u16.to_ne_bytes(), "the outer one includes the padding");
        assert_eq!(bytes[20..22], 7_u16.to_ne_bytes(), "the inner one does not");
        assert_eq!(&bytes[24..28], b"ab\0\0");
    }

    #[test]
    fn the_loopback_device_is_number_one() {
        let mut route = Route::open().unwrap();
        assert_eq!(route.index("lo").unwrap(), 1);
    }

    #[test]
    fn a_missing_device_is_an_error() {
        let mut route = Route::open().unwrap();
        assert_eq!(route.index("nosuchdevice").unwrap_err().raw_os_error(), Some(libc::ENODEV));
        assert_eq!(route.index("lo").unwrap(), 1, "the connection is in step after an error");
    }
}
