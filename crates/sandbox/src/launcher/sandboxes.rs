// SPDX-License-Identifier: Apache-2.0
//! The sandboxes that exist, and the namespaces and cgroups that wait for the next ones.

use crate::launcher::firewall::Firewall;
use crate::launcher::init::{self, At as _, Cradle, Failure};
use crate::launcher::network::{Factory, Network};
use crate::launcher::template::Template;
use crate::launcher::{RETRY_MS, refused};
use crate::news::News;
use crate::request::{self, Request};
use crate::{Level, Options, Step, limits};
use rustix::event::epoll::{self, EventData, EventFlags};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use sys::cgroup::{Entrance, Group, Layout, Tree};
use sys::descriptors;
use sys::process::{self, Fork, Separation, SingleThread};
use sys::seccomp::Filter;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Server,
    /// The server has closed its end of a sandbox's socket.
    Dropped(u32),
    /// No process of a sandbox is left.
    Gone(u32),
}

impl From<Token> for EventData {
    fn from(token: Token) -> Self {
        Self::new_u64(match token {
            Token::Server => 0,
            Token::Dropped(slot) => u64::from(slot) << 2 | 1,
            Token::Gone(slot) => u64::from(slot) << 2 | 2,
        })
    }
}

impl From<EventData> for Token {
    fn from(data: EventData) -> Self {
        let slot = u32::try_from(data.u64() >> 2).unwrap_or(u32::MAX);
        match data.u64() & 3 {
            1 => Self::Dropped(slot),
            2 => Self::Gone(slot),
            _ => Self::Server,
        }
    }
}

/// How many cgroups may wait for their removal before it is nobody's leisure any more.
const LEFTOVERS_MAX: usize = 32;

/// What of the world outside must be put back when the server is gone.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) layout: Layout,
    pub(crate) tree_name: String,
    pub(crate) firewall: Option<(Firewall, UnixDatagram)>,
}

/// The cgroup of one sandbox.
#[derive(Debug)]
struct NamedGroup {
    name: String,
    group: Group,
}

/// A first process, in its namespaces and its cgroup, that waits for a request.
#[derive(Debug)]
struct Parked {
    pidfd: OwnedFd,
    orders: OwnedFd,
    group: Option<NamedGroup>,
}

/// A sandbox that exists.
#[derive(Debug)]
struct Occupant {
    news: OwnedFd,
    pidfd: OwnedFd,
    group: Option<NamedGroup>,
    network_number: Option<u16>,
    is_dropped: bool,
    is_gone: bool,
}

#[derive(Debug)]
pub(crate) struct Sandboxes {
    single: SingleThread,
    level: Level,
    uid_base: u32,
    template: Option<Template>,
    factory: Option<Factory>,
    tree: Tree,
    outside: Outside,
    filter: Filter,
    epoll: OwnedFd,
    slots: Vec<Option<Occupant>>,
    free_slots: VecDeque<u32>,
    parked: VecDeque<Parked>,
    parked_max: usize,
    /// Not while parking fails.
    is_parking: bool,
    groups_made: u64,
    /// Numbers of network namespaces that are not in use, the longest unused in front.
    free_networks: VecDeque<u16>,
    networks_to_order: usize,
    /// Cgroups to remove, when their last process is gone.
    leftovers: VecDeque<NamedGroup>,
}

/// What a launch has made.
#[derive(Debug)]
struct Built {
    pidfd: OwnedFd,
    group: Option<NamedGroup>,
    network_number: Option<u16>,
}

impl Sandboxes {
    pub(crate) fn new(
        single: SingleThread,
        level: Level,
        options: &Options,
        template: Option<Template>,
        factory: Option<Factory>,
        tree: Tree,
        outside: Outside,
    ) -> io::Result<Self> {
        let slot_count = u32::from(options.sandboxes_max);
        let network_count = options.sandboxes_max.saturating_add(options.ready_max.into());
        let mut this = Self {
            single,
            level,
            uid_base: options.uid_base,
            template,
            factory,
            tree,
            outside,
            filter: refused::filter(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            slots: (0..slot_count).map(|_| None).collect(),
            free_slots: (0..slot_count).collect(),
            parked: VecDeque::new(),
            parked_max: usize::from(options.ready_max),
            is_parking: true,
            groups_made: 0,
            free_networks: (0..network_count).collect(),
            networks_to_order: usize::from(options.ready_max).max(1),
            leftovers: VecDeque::new(),
        };
        this.order_networks()?;
        Ok(this)
    }

    pub(crate) fn epoll(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Builds a sandbox, and tells `news` what came of it. Fails only where the launcher itself cannot go on.
    pub(crate) fn launch(&mut self, bytes: &mut [u8], news: OwnedFd) -> io::Result<()> {
        let Some(slot) = self.free_slots.pop_front() else {
            let _ = descriptors::send(&news, &News::Full.encode(), &[]);
            return Ok(());
        };
        let user = (self.level == Level::L2).then_some(self.uid_base + slot);
        request::address(bytes, user, self.factory.is_some());
        match self.build(bytes, &news) {
            Ok(Built { pidfd, group, network_number }) => {
                let occupant = Occupant {
                    news,
                    pidfd,
                    group,
                    network_number,
                    is_dropped: false,
                    is_gone: false,
                };
                self.settle(slot, occupant)?;
            }
            Err((step, index, error)) => {
                self.free_slots.push_front(slot);
                let index = u16::try_from(index).unwrap_or(u16::MAX);
                let errno = error.raw_os_error().unwrap_or_else(|| fallback(&error));
                let _ =
                    descriptors::send(&news, &News::Failed { step, index, errno }.encode(), &[]);
                if error.kind() == io::ErrorKind::BrokenPipe {
                    // The factory is gone. So go too: the server starts a launcher that has one.
                    return Err(error);
                }
            }
        }
        self.order_networks()
    }

    /// Puts a function's things into a sandbox whose program runs already, and tells `reply` what came of it.
    pub(crate) fn furnish(&mut self, bytes: &[u8], sandbox: &OwnedFd, reply: &OwnedFd) {
        let news = match self.try_furnish(bytes, sandbox) {
            Ok(()) => News::Started,
            Err((step, index, error)) => News::Failed {
                step,
                index: u16::try_from(index).unwrap_or(u16::MAX),
                errno: error.raw_os_error().unwrap_or_else(|| fallback(&error)),
            },
        };
        // A server that is gone needs no answer.
        let _ = descriptors::send(reply, &news.encode(), &[]);
    }

    fn try_furnish(&mut self, bytes: &[u8], sandbox: &OwnedFd) -> Result<(), Failure> {
        let unreadable = || (Step::ReadRequest, 0, io::ErrorKind::InvalidData.into());
        let request = Request::decode(bytes).ok_or_else(unreadable)?;
        let trees = self.pick_up(&request)?;
        let no_mounts = || (Step::MountCode, 0, io::ErrorKind::Unsupported.into());
        let template = self.template.as_ref().ok_or_else(no_mounts)?;
        template
            .in_sandbox(&self.single, sandbox, || init::furnish(&request, &trees))
            .at(Step::OpenMount)?
    }

    fn build(&mut self, bytes: &[u8], news: &OwnedFd) -> Result<Built, Failure> {
        let unreadable = || (Step::ReadRequest, 0, io::ErrorKind::InvalidData.into());
        let request = Request::decode(bytes).ok_or_else(unreadable)?;
        let trees = self.pick_up(&request)?;
        let root = self.take_root(&request).at(Step::Root)?;
        let (output_read, output_write) = descriptors::pipe().at(Step::Descriptors)?;
        let network = self.take_network().at(Step::Network)?;
        let network_number = network.as_ref().map(|network| network.number);

        let mut passed = vec![news.as_fd(), output_write.as_fd()];
        passed.extend(network.as_ref().map(|network| network.namespace.as_fd()));
        passed.extend(root.as_deref().map(OwnedFd::as_fd));
        passed.extend(trees.iter().map(OwnedFd::as_fd));
        match self.order(&request, bytes, &passed) {
            Ok(Parked { pidfd, group, .. }) => {
                let name = group.as_ref().map_or("", |group| &group.name).to_owned();
                tell_built(news, name, &pidfd, &output_read, network.as_ref());
                Ok(Built { pidfd, group, network_number })
            }
            Err(failure) => {
                self.free_networks.extend(network_number);
                Err(failure)
            }
        }
    }

    /// Has a first process become the sandbox. One that has died while it was parked is passed over.
    fn order(
        &mut self,
        request: &Request<'_>,
        bytes: &[u8],
        passed: &[BorrowedFd<'_>],
    ) -> Result<Parked, Failure> {
        loop {
            let (parked, is_new) = match self.parked.pop_front() {
                Some(parked) => (parked, false),
                None => {
                    let parked = self.park()?;
                    self.is_parking = true;
                    (parked, true)
                }
            };
            let ordered = match &parked.group {
                Some(group) => {
                    limits::put_in_force(&group.group, request.limits, request.cpu).at(Step::Limits)
                }
                None => Ok(()),
            };
            match ordered
                .and_then(|()| descriptors::send(&parked.orders, bytes, passed).at(Step::Clone))
            {
                Ok(()) => return Ok(parked),
                Err(failure) => {
                    self.discard(parked);
                    if is_new {
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// Forks a first process.
    fn park(&mut self) -> Result<Parked, Failure> {
        let group = self.make_group().at(Step::Cgroup)?;
        let entrance = group
            .as_ref()
            .map(|group| Entrance::open(&group.group))
            .transpose()
            .at(Step::Cgroup)?;
        let (orders, theirs) = descriptors::message_pair().at(Step::Clone)?;
        let cradle = Cradle {
            level: self.level,
            entrance: entrance.as_ref(),
            orders: theirs.as_fd(),
            filter: &self.filter,
            has_pids_controller: self.has_groups() && self.tree.has_pids(),
            has_memory_controller: self.has_groups() && self.tree.has_memory(),
        };
        let separation =
            if self.level == Level::L0 { Separation::None } else { Separation::Sandbox };
        let unified = entrance.as_ref().and_then(Entrance::unified);
        match process::fork(&self.single, separation, unified).at(Step::Clone)? {
            Fork::Child => init::run(&self.single, &cradle),
            Fork::Parent(pidfd) => Ok(Parked { pidfd, orders, group }),
        }
    }

    fn discard(&mut self, parked: Parked) {
        let _ = process::kill(&parked.pidfd);
        self.leftovers.extend(parked.group);
    }

    fn settle(&mut self, slot: u32, occupant: Occupant) -> io::Result<()> {
        // No flag: that the other end is closed is always told.
        epoll::add(&self.epoll, &occupant.news, Token::Dropped(slot).into(), EventFlags::empty())?;
        epoll::add(&self.epoll, &occupant.pidfd, Token::Gone(slot).into(), EventFlags::IN)?;
        if let Some(place) = self.place(slot) {
            *place = Some(occupant);
        }
        Ok(())
    }

    fn pick_up(&mut self, request: &Request<'_>) -> Result<Vec<OwnedFd>, Failure> {
        let Some(template) = &mut self.template else { return Ok(Vec::new()) };
        for (index, (_, target)) in request.mounts.iter().enumerate() {
            template
                .ensure_mount_point(target)
                .map_err(|error| (Step::MountPoint, index, error))?;
        }
        let sources = request.mounts.iter().map(|(source, _)| source);
        template
            .pick_up(&self.single, sources)
            .map_err(|(index, error)| (Step::OpenMount, index, error))
    }

    /// The mount namespace of the root that a request asks for.
    fn take_root(&mut self, request: &Request<'_>) -> io::Result<Option<Rc<OwnedFd>>> {
        match &mut self.template {
            Some(template) if !request.root.is_empty() => {
                template.namespace_of_root(&self.single, request.root).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn place(&mut self, slot: u32) -> Option<&mut Option<Occupant>> {
        self.slots.get_mut(usize::try_from(slot).ok()?)
    }

    /// The server wants a sandbox no more.
    pub(crate) fn dropped(&mut self, slot: u32) {
        let level = self.level;
        if let Some(Some(occupant)) =
            usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot))
        {
            let _ = epoll::delete(&self.epoll, &occupant.news);
            occupant.is_dropped = true;
            kill(level, occupant);
        }
        self.free_if_done(slot);
    }

    /// The first process of a sandbox has ended, and with it all others.
    pub(crate) fn gone(&mut self, slot: u32) {
        if let Some(Some(occupant)) =
            usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot))
        {
            let _ = epoll::delete(&self.epoll, &occupant.pidfd);
            occupant.is_gone = true;
            let _ = descriptors::send(&occupant.news, &News::Gone.encode(), &[]);
        }
        self.free_if_done(slot);
    }

    fn free_if_done(&mut self, slot: u32) {
        let Some(place) = self.place(slot) else { return };
        let Some(occupant) = place.take_if(|occupant| occupant.is_dropped && occupant.is_gone)
        else {
            return;
        };
        self.free_slots.push_back(slot);
        self.free_networks.extend(occupant.network_number);
        self.leftovers.extend(occupant.group);
    }

    fn take_network(&mut self) -> io::Result<Option<Network>> {
        let Some(factory) = &self.factory else { return Ok(None) };
        let (number, made) = factory.take()?;
        self.networks_to_order += 1;
        if made.is_err() {
            self.free_networks.push_back(number);
        }
        made.map(Some)
    }

    /// Asks the factory for as many namespaces as were taken.
    fn order_networks(&mut self) -> io::Result<()> {
        let Some(factory) = &self.factory else { return Ok(()) };
        while self.networks_to_order > 0 {
            let Some(number) = self.free_networks.pop_front() else { break };
            factory.order(number)?;
            self.networks_to_order -= 1;
        }
        Ok(())
    }

    fn make_group(&mut self) -> io::Result<Option<NamedGroup>> {
        if !self.has_groups() {
            return Ok(None);
        }
        self.groups_made += 1;
        let name = format!("{}-{}", std::process::id(), self.groups_made);
        let group = self.tree.create_group(&name)?;
        Ok(Some(NamedGroup { name, group }))
    }

    fn has_groups(&self) -> bool {
        // A plain process is not put into a cgroup: level 0 is for machines that allow nothing.
        self.level != Level::L0 && self.tree.has_any()
    }

    /// How long the launcher may wait for events before it has something to do. `None`: forever.
    pub(crate) fn next_chore_ms(&self) -> Option<i64> {
        if self.is_parking && self.parked.len() < self.parked_max {
            Some(0)
        } else if self.leftovers.is_empty() {
            None
        } else {
            Some(RETRY_MS)
        }
    }

    /// Does one small thing that nobody waits for.
    pub(crate) fn do_chore(&mut self) {
        if self.is_parking && self.parked.len() < self.parked_max {
            match self.park() {
                Ok(parked) => return self.parked.push_back(parked),
                // The next request finds out why, and tells somebody who can act on it.
                Err(_) => self.is_parking = false,
            }
        }
        self.remove_leftovers();
    }

    /// Keeps what is left behind from growing while there is never a quiet moment.
    pub(crate) fn keep_up(&mut self) {
        if self.leftovers.len() > LEFTOVERS_MAX {
            self.remove_leftovers();
        }
    }

    fn remove_leftovers(&mut self) {
        for _ in 0..self.leftovers.len().min(LEFTOVERS_MAX) {
            let Some(group) = self.leftovers.pop_front() else { break };
            if let Some(memory) = &group.group.memory {
                let _ = memory.empty();
            }
            if self.tree.remove_group(&group.name).is_err() {
                self.leftovers.push_back(group);
            }
        }
    }

    /// Kills every sandbox and puts the world back as it was.
    pub(crate) fn close(mut self) -> io::Result<()> {
        let level = self.level;
        for occupant in self.slots.iter_mut().flatten() {
            kill(level, occupant);
        }
        for occupant in self.slots.iter().flatten() {
            wait(&occupant.pidfd);
        }
        for parked in std::mem::take(&mut self.parked) {
            let _ = process::kill(&parked.pidfd);
            wait(&parked.pidfd);
            self.leftovers.extend(parked.group);
        }
        // Their sockets stay open until all is done: when they close, the server may start another launcher.
        let occupants: Vec<Occupant> = self.slots.into_iter().flatten().collect();
        let groups = occupants.iter().filter_map(|occupant| occupant.group.as_ref());
        for group in groups.chain(&self.leftovers) {
            let _ = self.tree.remove_group(&group.name);
        }
        drop(self.factory);
        let outside = self.outside;
        let put_back = || {
            let _ = outside.layout.remove_tree(&outside.tree_name);
            match outside.firewall {
                // `nft` is a child that is waited for.
                Some((firewall, _claim)) => {
                    process::mind_children().and_then(|()| firewall.remove())
                }
                None => Ok(()),
            }
        };
        match &self.template {
            Some(template) => template.in_host(&self.single, put_back)?,
            None => put_back(),
        }
    }
}

fn tell_built(
    news: &OwnedFd,
    group: String,
    pidfd: &OwnedFd,
    output: &OwnedFd,
    network: Option<&Network>,
) {
    let mut passed = vec![pidfd.as_fd(), output.as_fd()];
    if let Some(network) = network {
        passed.extend([network.runtime_api.as_fd(), network.edge.as_fd()]);
    }
    // A server that is gone closes its end, which is seen later.
    let _ = descriptors::send(news, &News::Built { group }.encode(), &passed);
}

fn kill(level: Level, occupant: &Occupant) {
    if level == Level::L0 {
        let _ = process::kill_group(&occupant.pidfd);
    }
    // A plain process leads its group only a moment after it was made.
    let _ = process::kill(&occupant.pidfd);
    if let Some(freezer) = occupant.group.as_ref().and_then(|group| group.group.freezer.as_ref())
        && freezer.must_thaw_to_kill()
    {
        let _ = freezer.thaw();
    }
}

/// Waits until a process that was killed is gone, but not forever: one stuck in the kernel must not hold up the rest.
fn wait(pidfd: &OwnedFd) {
    let patience = rustix::time::Timespec { tv_sec: 2, tv_nsec: 0 };
    let mut polled = [rustix::event::PollFd::new(pidfd, rustix::event::PollFlags::IN)];
    let _ = rustix::event::poll(&mut polled, Some(&patience));
}

/// The number of an error that has none, as far as the server's message goes.
fn fallback(error: &io::Error) -> i32 {
    let errno = match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => rustix::io::Errno::INVAL,
        _ => rustix::io::Errno::IO,
    };
    errno.raw_os_error()
}
