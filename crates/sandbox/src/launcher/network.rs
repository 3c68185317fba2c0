// SPDX-License-Identifier: Apache-2.0
//! The network factory: a child of the launcher that makes network namespaces before they are needed.
//!
//! To make one costs half a millisecond and does not get faster on more CPUs; to enter one costs a microsecond. The factory makes
//! one for each credit that the launcher sends, with the two listeners already in it, and the socket between the two is the pool.
//!
//! Each namespace has a number. With outbound access, the number is its place in the subnet: four addresses, of which the host's end of the
//! cable has the first and the sandbox the second.

use crate::launcher::subnet::Block;
use crate::request::OUTLET;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use sys::descriptors::{self, Wait};
use sys::namespaces::{self, Namespace};
use sys::netlink::Route;
use sys::process::{self, Fork, Separation, SingleThread};

/// Where the runtime finds the Runtime API, inside.
pub(crate) const RUNTIME_API: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9001);

/// Where the function finds AWS, inside.
pub(crate) const EDGE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);

/// Where the function finds the X-Ray daemon, inside, once there is one.
const DAEMON: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 100, 1), 2000);

/// A network namespace that no sandbox has used.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) number: u16,
    pub(crate) namespace: OwnedFd,
    pub(crate) runtime_api: OwnedFd,
    pub(crate) edge: OwnedFd,
}

/// The launcher's end.
#[derive(Debug)]
pub(crate) struct Factory {
    socket: OwnedFd,
    /// Ends the factory with the launcher, even when that is killed.
    _process: OwnedFd,
}

impl Factory {
    pub(crate) fn start(single: &SingleThread, block: Option<Block>) -> io::Result<Self> {
        let (ours, theirs) = descriptors::message_pair()?;
        let ours = descriptors::duplicate(ours)?;
        match process::fork(single, Separation::None, None)? {
            Fork::Child => {
                // The launcher sees the end of this socket, whatever the reason was.
                let _ = work(single, &theirs, block);
                process::exit_now(1)
            }
            Fork::Parent(process) => Ok(Self { socket: ours, _process: process }),
        }
    }

    /// Asks for one more namespace.
    pub(crate) fn order(&self, number: u16) -> io::Result<()> {
        descriptors::send(&self.socket, &number.to_ne_bytes(), &[])
    }

    /// Takes the next namespace that was ordered. The number is that of the order, even where it could not be filled.
    pub(crate) fn take(&self) -> io::Result<(u16, io::Result<Network>)> {
        let mut buffer = [0; 6];
        // An error here can only mean that the factory is gone, as an end does.
        let received = descriptors::receive(&self.socket, &mut buffer, Wait::UntilReady);
        let (length, mut passed) = received.unwrap_or_default();
        if length == 0 {
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::PIPE.raw_os_error()));
        }
        let [n0, n1, e0, e1, e2, e3] = buffer;
        let number = u16::from_ne_bytes([n0, n1]);
        let made = match (passed.pop(), passed.pop(), passed.pop()) {
            (Some(edge), Some(runtime_api), Some(namespace)) => {
                Ok(Network { number, namespace, runtime_api, edge })
            }
            _ => Err(io::Error::from_raw_os_error(i32::from_ne_bytes([e0, e1, e2, e3]))),
        };
        Ok((number, made))
    }
}

/// The life of the factory.
fn work(single: &SingleThread, socket: &OwnedFd, block: Option<Block>) -> io::Result<()> {
    process::die_with_parent()?;
    process::mind_children()?;
    let mut host = Route::open()?;
    let mut order = [0; 2];
    while descriptors::receive(socket, &mut order, Wait::UntilReady)?.0 == order.len() {
        let number = u16::from_ne_bytes(order);
        match make(single, &mut host, block, number) {
            Ok(made) => {
                let message = [number.to_ne_bytes().as_slice(), &[0; 4]].concat();
                let passed = [made.namespace.as_fd(), made.runtime_api.as_fd(), made.edge.as_fd()];
                descriptors::send(socket, &message, &passed)?;
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(0);
                descriptors::send(
                    socket,
                    &[number.to_ne_bytes().as_slice(), &errno.to_ne_bytes()].concat(),
                    &[],
                )?;
            }
        }
    }
    Ok(())
}

fn make(
    single: &SingleThread,
    host: &mut Route,
    block: Option<Block>,
    number: u16,
) -> io::Result<Network> {
    namespaces::unshare(single, Namespace::Network)?;
    let mut inside = Route::open()?;
    inside.set_up(LOOPBACK)?;
    let runtime_api = listen(RUNTIME_API)?;
    let edge = listen(EDGE)?;
    let namespace = namespaces::current(Namespace::Network)?;
    if let Some(block) = block {
        connect(host, &mut inside, &namespace, block, number)?;
    }
    Ok(Network { number, namespace, runtime_api, edge })
}

/// The loopback device is the first of every namespace.
const LOOPBACK: u32 = 1;

/// Sends what `open` opens in `namespace` to `reply`. No answer is one, too: there is no such socket.
///
/// A child goes there. An ordinary user's launcher would not be let back: its own network is not its user namespace's.
pub(crate) fn open_in(
    single: &SingleThread,
    namespace: &OwnedFd,
    reply: &OwnedFd,
    open: fn() -> io::Result<OwnedFd>,
) {
    if let Ok(Fork::Child) = process::fork(single, Separation::None, None) {
        let opened = process::die_with_parent()
            .and_then(|()| namespaces::enter(single, namespace, Namespace::Network))
            .and_then(|()| open());
        // A server that is gone needs none.
        let _ = opened.and_then(|socket| descriptors::send(reply, OUTLET, &[socket.as_fd()]));
        process::exit_now(0)
    }
}

/// A TCP socket, not connected.
pub(crate) fn outlet() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?)
}

/// The socket of the X-Ray daemon. The first one brings its address along, which no other sandbox pays for.
pub(crate) fn daemon() -> io::Result<OwnedFd> {
    match Route::open()?.add_address(LOOPBACK, *DAEMON.ip(), 32) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let socket = UdpSocket::bind(DAEMON)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn listen(address: SocketAddr) -> io::Result<OwnedFd> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener.into())
}

/// Lays a cable between the host and the new namespace. It goes when the namespace goes.
fn connect(
    host: &mut Route,
    inside: &mut Route,
    namespace: &OwnedFd,
    block: Block,
    number: u16,
) -> io::Result<()> {
    let (outer, inner) = block.addresses(number);
    let name = block.device(number);
    match host.add_cable(&name, "eth0", namespace) {
        // The number is ours: whoever had it is gone, and the kernel has not yet taken its namespace down.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let stale = host.index(&name).and_then(|index| host.remove(index));
            if let Err(error) = stale
                && error.raw_os_error() != Some(rustix::io::Errno::NODEV.raw_os_error())
            {
                return Err(error);
            }
            host.add_cable(&name, "eth0", namespace)?;
        }
        result => result?,
    }
    let index = host.index(&name)?;
    host.add_address(index, outer, 30)?;
    host.set_up(index)?;
    let index = inside.index("eth0")?;
    inside.add_address(index, inner, 30)?;
    inside.set_up(index)?;
    inside.add_default_route(outer)
}
