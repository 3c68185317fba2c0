// SPDX-License-Identifier: Apache-2.0
//! Open descriptors: what each is, and how a process that is made over gets one like it.
//!
//! Files are opened anew, at the place that was reached. Pipes, pairs of sockets and events that lead from the process to itself
//! are made anew. A connection to somebody else is a dead end: reading from it says that it is not connected, as on AWS a connection
//! that has outlived a snapshot is not.

use super::program::{Expected, Program};
use super::{During as _, Trouble};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::sockopt;
use rustix::net::{AddressFamily, RecvFlags, SendFlags};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use sys::trace::{self, call};

/// Numbers from here on are used on the way.
const ASIDE: i32 = 900;

/// How many of the pipes and pairs have both their ends here.
pub(crate) type Links = Vec<Link>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Link {
    Pipe,
    /// Of the type that `socketpair` takes.
    Pair(u32),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    number: i32,
    /// As `open` takes them, `O_CLOEXEC` among them.
    flags: u32,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// What each sandbox gives to its program under this number.
    Standard(i32),
    /// The connection on which the runtime waits. Some runtimes have sockets of IPv6 only.
    RuntimeApi {
        is_v6: bool,
    },
    File {
        path: String,
        position: u64,
    },
    /// Domain, type and protocol of a dead end.
    Socket(u32, u32, u32),
    /// One end of a link.
    End {
        link: usize,
        is_second: bool,
    },
    /// Number, events and data of what is watched.
    Watch(Vec<(i32, u32, u64)>),
    Counter(u64),
}

const O_CLOEXEC: u32 = 0o2_000_000;
const O_NONBLOCK: u32 = 0o4000;
const O_APPEND: u32 = 0o2000;
/// What only the first opening is to do: make, exclude, cut off.
const AT_FIRST: u32 = 0o100 | 0o200 | 0o1000;

/// What is given to each program: its output, and where its log records go.
const STANDARD: [i32; 2] = [1, crate::request::LOG_PIPE];

struct Look<'a> {
    process: i32,
    /// The pipes that are given to each program, by what they are called.
    standard: [String; 2],
    pidfd: &'a OwnedFd,
    /// The port of the connection on which the runtime waits, in its network.
    port: u16,
    links: Links,
    pipes: BTreeMap<String, usize>,
    /// Sockets that may be one of a pair.
    unpaired: Vec<(i32, u32, OwnedFd)>,
}

/// Looks at all descriptors of `process`, which stands still.
pub(crate) fn take(
    process: i32,
    pidfd: &OwnedFd,
    pipes: [u64; 2],
    port: u16,
) -> Result<(Vec<Open>, Links), Trouble> {
    let mut look = Look {
        process,
        standard: pipes.map(|inode| format!("pipe:[{inode}]")),
        pidfd,
        port,
        links: Vec::new(),
        pipes: BTreeMap::new(),
        unpaired: Vec::new(),
    };
    let mut all = Vec::new();
    for found in std::fs::read_dir(format!("/proc/{process}/fd")).during("list descriptors")? {
        let name = found.during("list descriptors")?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if number >= ASIDE {
            return Err(Trouble::Obstacle(format!("descriptor {number} is too high a number")));
        }
        all.push(look.look(number)?);
    }
    all.sort_by_key(|open| open.number);
    let paired = look.pair()?;
    for open in &mut all {
        if let Some(kind) = paired.get(&open.number) {
            open.kind = kind.clone();
        }
    }
    Ok((all, look.links))
}

impl Look<'_> {
    fn look(&mut self, number: i32) -> Result<Open, Trouble> {
        let place = |file: &str| format!("/proc/{}/{file}/{number}", self.process);
        let link = std::fs::read_link(place("fd")).during("read a descriptor")?;
        let link = link.to_string_lossy().into_owned();
        let information = std::fs::read_to_string(place("fdinfo")).during("read a descriptor")?;
        let value = |key: &str| information.lines().find_map(|line| line.strip_prefix(key));
        let flags = value("flags:").and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
        let flags = flags.unwrap_or(0);
        let open = |kind| Ok(Open { number, flags, kind });
        let obstacle = |what: String| Err(Trouble::Obstacle(what));
        for (given, standard) in self.standard.iter().zip(STANDARD) {
            if *given == link {
                return open(Kind::Standard(standard));
            }
        }
        if link.starts_with("socket:") {
            return open(self.look_at_socket(number)?);
        }
        if link.starts_with("pipe:") {
            let is_second = flags & 3 == 1;
            let borrowed = self.borrow(number)?;
            if !is_second && rustix::io::ioctl_fionread(&borrowed).during("look into a pipe")? > 0 {
                return obstacle("a pipe with something in it".to_owned());
            }
            let links = &mut self.links;
            let link = *self.pipes.entry(link).or_insert_with(|| {
                links.push(Link::Pipe);
                links.len() - 1
            });
            return open(Kind::End { link, is_second });
        }
        match link.strip_prefix("anon_inode:") {
            Some("[eventpoll]") => open(Kind::Watch(watched(&information))),
            Some("[eventfd]") => {
                let count = value("eventfd-count:");
                open(Kind::Counter(count.and_then(hexadecimal).unwrap_or(0)))
            }
            Some(other) => obstacle(format!("descriptor {number} is {other}")),
            None if link.ends_with(" (deleted)") => {
                obstacle(format!("descriptor {number} is a file that was deleted: {link}"))
            }
            None => {
                let position = value("pos:").and_then(|text| text.trim().parse().ok());
                open(Kind::File { path: link, position: position.unwrap_or(0) })
            }
        }
    }

    fn look_at_socket(&mut self, number: i32) -> Result<Kind, Trouble> {
        let socket = self.borrow(number)?;
        let family = sockopt::socket_domain(&socket).during("look at a socket")?;
        let kind = sockopt::socket_type(&socket).during("look at a socket")?.as_raw();
        let protocol = sockopt::socket_protocol(&socket).during("look at a socket")?;
        let protocol = protocol.map_or(0, |protocol| protocol.as_raw().get());
        if sockopt::socket_acceptconn(&socket).unwrap_or(false) {
            return Err(Trouble::Obstacle(format!("descriptor {number} listens for connections")));
        }
        if family == AddressFamily::INET || family == AddressFamily::INET6 {
            let own = rustix::net::getsockname(&socket).ok();
            let own = own.and_then(|address| SocketAddr::try_from(address).ok());
            if own.is_some_and(|own| own.port() == self.port) {
                return Ok(Kind::RuntimeApi { is_v6: family == AddressFamily::INET6 });
            }
        }
        if family == AddressFamily::UNIX && rustix::net::getpeername(&socket).is_ok() {
            self.unpaired.push((number, kind, socket));
        }
        Ok(Kind::Socket(family.as_raw().into(), kind, protocol))
    }

    fn borrow(&self, number: i32) -> Result<OwnedFd, Trouble> {
        trace::borrow_descriptor(self.pidfd, number).during("borrow a descriptor")
    }

    /// Finds out which sockets are pairs: what is written to one comes out of the other.
    fn pair(&mut self) -> Result<BTreeMap<i32, Kind>, Trouble> {
        let mut found = BTreeMap::new();
        while let Some((number, kind, socket)) = self.unpaired.pop() {
            for (_, _, other) in &self.unpaired {
                if rustix::io::ioctl_fionread(other).during("look into a socket")? > 0 {
                    let what = "a socket with something in it".to_owned();
                    return Err(Trouble::Obstacle(what));
                }
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            if rustix::net::send(&socket, b"?", flags).is_err() {
                continue;
            }
            let is_peer = |(_, _, other): &(i32, u32, OwnedFd)| is_readable(other).unwrap_or(false);
            let Some(at) = self.unpaired.iter().position(is_peer) else { continue };
            let (other_number, _, other) = self.unpaired.remove(at);
            let mut byte = [0; 1];
            rustix::net::recv(&other, &mut byte, RecvFlags::DONTWAIT).during("read a socket")?;
            self.links.push(Link::Pair(kind));
            let link = self.links.len() - 1;
            found.insert(number, Kind::End { link, is_second: false });
            found.insert(other_number, Kind::End { link, is_second: true });
        }
        Ok(found)
    }
}

fn is_readable(socket: impl AsFd) -> io::Result<bool> {
    let mut polled = [PollFd::new(&socket, PollFlags::IN)];
    let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    Ok(poll(&mut polled, Some(&now))? > 0)
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim(), 16).ok()
}

/// The lines of `fdinfo` that say what is watched, as in `tfd: 5 events: 19 data: 5`.
fn watched(information: &str) -> Vec<(i32, u32, u64)> {
    let one = |line: &str| {
        let words: Vec<&str> = line.strip_prefix("tfd:")?.split_whitespace().collect();
        let [number, "events:", events, "data:", data, ..] = words.as_slice() else { return None };
        let events = u32::try_from(hexadecimal(events)?).ok()?;
        Some((number.parse().ok()?, events, hexadecimal(data)?))
    };
    information.lines().filter_map(one).collect()
}

/// Writes down the calls that give a process all descriptors in place of those that it has.
pub(crate) fn put_back(program: &mut Program, all: &[Open], links: &Links, api: SocketAddr) {
    // What the first process gave to it.
    let held = BTreeSet::from([0, 1, 2, crate::request::LOG_PIPE, super::SNAPSHOT]);
    let mut maker = Maker { program, held };
    for (index, link) in links.iter().enumerate() {
        maker.make_link(link, index, all);
    }
    let is_watch = |open: &&Open| matches!(open.kind, Kind::Watch(_));
    for open in all.iter().filter(|open| !is_watch(open)) {
        maker.make(open, api);
    }
    // What they watch is there now.
    for open in all.iter().filter(is_watch) {
        maker.make(open, api);
    }
    let wanted: BTreeSet<i32> = all.iter().map(|open| open.number).collect();
    for standard in [0, 1, 2, crate::request::LOG_PIPE] {
        if !wanted.contains(&standard) {
            maker.close(standard);
        }
    }
}

struct Maker<'a> {
    program: &'a mut Program,
    held: BTreeSet<i32>,
}

impl Maker<'_> {
    fn lowest(&self, above: i32) -> i32 {
        (above..).find(|number| !self.held.contains(number)).unwrap_or(above)
    }

    /// Makes a call that opens something, and moves that to `number`.
    fn open(&mut self, what: &'static str, call: i64, arguments: &[u64], number: i32) {
        let lowest = self.lowest(0);
        self.program.call(what, call, arguments, Expected::Exactly(word(lowest)));
        if lowest != number {
            self.copy(lowest, number);
            self.close_unheld(lowest);
        }
        self.held.insert(number);
    }

    fn copy(&mut self, from: i32, to: i32) {
        let arguments = [word(from), word(to), 0];
        self.program.call("dup3", call::DUP3, &arguments, Expected::Exactly(word(to)));
        self.held.insert(to);
    }

    fn close_unheld(&mut self, number: i32) {
        self.program.call("close", call::CLOSE, &[word(number)], Expected::Success);
    }

    fn close(&mut self, number: i32) {
        self.close_unheld(number);
        self.held.remove(&number);
    }

    /// Both ends, aside first, and then to all numbers that they had.
    fn make_link(&mut self, link: &Link, index: usize, all: &[Open]) {
        let first = self.lowest(0);
        let second = self.lowest(first + 1);
        let made = self.program.put(&[0; 8]);
        let (what, call, arguments) = match link {
            Link::Pipe => ("pipe2", call::PIPE2, vec![made, 0]),
            Link::Pair(kind) => {
                let family = u64::from(AddressFamily::UNIX.as_raw());
                ("socketpair", call::SOCKETPAIR, vec![family, u64::from(*kind), 0, made])
            }
        };
        self.program.call(what, call, &arguments, Expected::Success);
        let ends = [first, second].map(|end| {
            let aside = self.lowest(ASIDE);
            let arguments = [word(end), F_DUPFD, ASIDE.unsigned_abs().into()];
            let expected = Expected::Exactly(word(aside));
            self.program.call("fcntl", call::FCNTL, &arguments, expected);
            self.held.insert(aside);
            aside
        });
        for end in [first, second] {
            self.close_unheld(end);
        }
        for open in all {
            if let Kind::End { link, is_second } = open.kind
                && link == index
            {
                let [first, second] = ends;
                self.copy(if is_second { second } else { first }, open.number);
            }
        }
        ends.into_iter().for_each(|end| self.close(end));
    }

    fn make(&mut self, open: &Open, api: SocketAddr) {
        let number = open.number;
        match &open.kind {
            Kind::Standard(standard) if *standard == number => {}
            Kind::Standard(standard) => self.copy(*standard, number),
            Kind::End { .. } => {}
            Kind::File { path, position } => self.open_file(open, path, *position),
            Kind::Socket(family, kind, protocol) => {
                let arguments = [family, kind, protocol].map(|value| u64::from(*value));
                self.open("socket", call::SOCKET, &arguments, number);
            }
            Kind::RuntimeApi { is_v6 } => self.connect(number, *is_v6, api),
            Kind::Counter(count) => {
                self.open("eventfd2", call::EVENTFD2, &[*count, 0], number);
            }
            Kind::Watch(watched) => {
                self.open("epoll_create1", call::EPOLL_CREATE1, &[0], number);
                for (target, events, data) in watched {
                    let event = [events.to_ne_bytes().as_slice(), &data.to_ne_bytes()].concat();
                    let event = self.program.put(&event);
                    let arguments = [word(number), EPOLL_CTL_ADD, word(*target), event];
                    // What was watched may be closed, which is no event.
                    let expected = Expected::Whatever;
                    self.program.call("epoll_ctl", call::EPOLL_CTL, &arguments, expected);
                }
            }
        }
        self.set_flags(open);
    }

    fn open_file(&mut self, open: &Open, path: &str, position: u64) {
        let path = self.program.put_text(path);
        let flags = u64::from(open.flags & !AT_FIRST);
        self.open("openat", call::OPENAT, &[AT_FDCWD, path, flags, 0], open.number);
        if position > 0 {
            let arguments = [word(open.number), position, 0];
            self.program.call("lseek", call::LSEEK, &arguments, Expected::Whatever);
        }
    }

    fn connect(&mut self, number: i32, is_v6: bool, api: SocketAddr) {
        let family = if is_v6 { AddressFamily::INET6 } else { AddressFamily::INET }.as_raw();
        self.open("socket", call::SOCKET, &[family.into(), 1, 0], number);
        let SocketAddr::V4(address) = api else { return };
        let (family, port) = (family.to_ne_bytes(), address.port().to_be_bytes());
        let bytes = if is_v6 {
            let host = address.ip().to_ipv6_mapped().octets();
            [family.as_slice(), &port, &[0; 4], &host, &[0; 4]].concat()
        } else {
            [family.as_slice(), &port, &address.ip().octets(), &[0; 8]].concat()
        };
        let place = self.program.put(&bytes);
        let arguments = [word(number), place, bytes.len() as u64];
        self.program.call("connect", call::CONNECT, &arguments, Expected::Exactly(0));
        let one = self.program.put(&1_i32.to_ne_bytes());
        let no_delay = [word(number), 6, 1, one, 4];
        self.program.call("setsockopt", call::SETSOCKOPT, &no_delay, Expected::Success);
    }

    fn set_flags(&mut self, open: &Open) {
        let close_on_exec = u64::from(open.flags & O_CLOEXEC != 0);
        let arguments = [word(open.number), F_SETFD, close_on_exec];
        self.program.call("fcntl", call::FCNTL, &arguments, Expected::Success);
        let is_shared = matches!(open.kind, Kind::Standard(_) | Kind::File { .. });
        if !is_shared && open.flags & (O_NONBLOCK | O_APPEND) != 0 {
            let flags = u64::from(open.flags & (O_NONBLOCK | O_APPEND));
            let arguments = [word(open.number), F_SETFL, flags];
            self.program.call("fcntl", call::FCNTL, &arguments, Expected::Success);
        }
    }
}

/// The working directory, which no path here begins at.
pub(super) const AT_FDCWD: u64 = (-100_i64).cast_unsigned();
const F_DUPFD: u64 = 0;
const F_SETFD: u64 = 2;
const F_SETFL: u64 = 4;
const EPOLL_CTL_ADD: u64 = 1;

/// A number as an argument of a call.
fn word(number: i32) -> u64 {
    u64::from(number.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_watched_is_read() {
        let text = "pos:\t0\nflags:\t02000002\n\
                    tfd:        5 events:       19 data:         deadbeef  pos:0 ino:3 sdev:4\n";
        assert_eq!(watched(text), [(5, 0x19, 0xdead_beef)]);
    }
}
