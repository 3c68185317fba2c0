// SPDX-License-Identifier: Apache-2.0
//! The sandboxes that exist, and the namespaces and cgroups that wait for the next ones.

use crate::launcher::firewall::Firewall;
use crate::launcher::init::{self, At as _, Cradle, Failure};
use crate::launcher::network::{Factory, Network};
use crate::launcher::template::Template;
use crate::launcher::{RETRY_MS, refused};
use crate::news::{self, News};
use crate::request::{Kind, Request, SandboxId};
use crate::{Level, Limits, Options, Step};
use rustix::event::epoll::{self, EventData, EventFlags};
use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use sys::cgroup::{Entrance, Group, Layout, Tree};
use sys::descriptors::{self, Wait};
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
    /// The first process of a sandbox has something to say.
    Prepared(u32),
}

impl From<Token> for EventData {
    fn from(token: Token) -> Self {
        Self::new_u64(match token {
            Token::Server => 0,
            Token::Dropped(slot) => u64::from(slot) << 2 | 1,
            Token::Gone(slot) => u64::from(slot) << 2 | 2,
            Token::Prepared(slot) => u64::from(slot) << 2 | 3,
        })
    }
}

impl From<EventData> for Token {
    fn from(data: EventData) -> Self {
        let slot = u32::try_from(data.u64() >> 2).unwrap_or(u32::MAX);
        match data.u64() & 3 {
            1 => Self::Dropped(slot),
            2 => Self::Gone(slot),
            3 => Self::Prepared(slot),
            _ => Self::Server,
        }
    }
}

/// The low bits of a sandbox's number say where it is.
const SLOT_BITS: u32 = 17;

/// How many cgroups may wait for their removal before it is nobody's leisure any more.
const LEFTOVERS_MAX: usize = 32;

/// What of the world outside must be put back when the server is gone.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) layout: Layout,
    pub(crate) tree_name: String,
    pub(crate) firewall: Option<(Firewall, UnixDatagram)>,
}

/// A sandbox that exists.
#[derive(Debug)]
struct Occupant {
    id: SandboxId,
    news: OwnedFd,
    pidfd: OwnedFd,
    /// The name of its cgroup. Not its directories: each open one makes each fork dearer.
    group: Option<String>,
    network_number: Option<u16>,
    /// Where its first process waits for a request. None once it has one.
    orders: Option<OwnedFd>,
    /// What the server gets when the first process has prepared everything.
    offered: Vec<OwnedFd>,
    /// Its mount namespace.
    mounts: Option<OwnedFd>,
    /// The size of its `/tmp`.
    tmp_bytes: u64,
    /// What its output and its log are called: the inodes of the pipes.
    pipes: [u64; 2],
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
    built_count: u64,
    /// Sandboxes that have, or had, a program.
    started_count: usize,
    started_max: usize,
    /// Numbers of network namespaces that are not in use, the longest unused in front.
    free_networks: VecDeque<u16>,
    networks_to_order: usize,
    /// Cgroups to remove, when their last process is gone.
    leftovers: VecDeque<String>,
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
        let count = options.sandboxes_max.saturating_add(options.ready_max.into());
        // Namespaces are made ahead of the sandboxes that are built ahead.
        let ready = options.ready_always();
        let network_count = count.saturating_add(ready.into());
        let slot_count = u32::from(count);
        Ok(Self {
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
            built_count: 0,
            started_count: 0,
            started_max: usize::from(options.sandboxes_max),
            free_networks: (0..network_count).collect(),
            networks_to_order: usize::from(ready).max(1),
            leftovers: VecDeque::new(),
        })
    }

    pub(crate) fn epoll(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Builds a sandbox, and tells `news` what came of it. Fails only where the launcher itself cannot go on.
    pub(crate) fn build(&mut self, news: OwnedFd, root: &[u8]) -> io::Result<()> {
        let Some(slot) = self.free_slots.pop_front() else {
            let _ = descriptors::send(&news, &News::Full.encode(), &[]);
            return Ok(());
        };
        // The first time. A server that nobody uses needs none.
        self.order_networks()?;
        let told = descriptors::duplicate(&news)?;
        match self.try_build(slot, news, root) {
            Ok(occupant) => self.settle(slot, occupant)?,
            Err(failure) => {
                self.free_slots.push_front(slot);
                let _ = descriptors::send(&told, &init::failed(&failure).encode(), &[]);
                if failure.2.kind() == io::ErrorKind::BrokenPipe {
                    // The factory is gone. So go too: the server starts a launcher that has one.
                    return Err(failure.2);
                }
            }
        }
        self.order_networks()
    }

    /// Forks a first process, which prepares the rest.
    fn try_build(&mut self, slot: u32, news: OwnedFd, root: &[u8]) -> Result<Occupant, Failure> {
        let root = self.take_root(root).at(Step::Root)?;
        let network = self.take_network().at(Step::Network)?;
        let network_number = network.as_ref().map(|network| network.number);
        self.built_count += 1;
        let id = SandboxId(self.built_count << SLOT_BITS | u64::from(slot));
        match self.park(slot, id, news, network, root) {
            Ok(occupant) => Ok(Occupant { network_number, ..occupant }),
            Err(failure) => {
                self.free_networks.extend(network_number);
                Err(failure)
            }
        }
    }

    fn park(
        &mut self,
        slot: u32,
        id: SandboxId,
        news: OwnedFd,
        network: Option<Network>,
        root: Option<Rc<OwnedFd>>,
    ) -> Result<Occupant, Failure> {
        let (group, entrance) = self.make_group(id).at(Step::Cgroup)?.unzip();
        let (orders, theirs) = descriptors::message_pair().at(Step::Clone)?;
        let (output, written) = descriptors::pipe().at(Step::Descriptors)?;
        let (log, log_written) = descriptors::pipe().at(Step::Descriptors)?;
        let inode = |pipe: &OwnedFd| rustix::fs::fstat(pipe).map(|found| found.st_ino);
        let pipes = inode(&output).and_then(|output| Ok([output, inode(&log)?]));
        let pipes = pipes.map_err(io::Error::from).at(Step::Descriptors)?;
        let cradle = Cradle {
            level: self.level,
            user: (self.level == Level::L2).then_some(self.uid_base + slot),
            entrance: entrance.as_ref(),
            orders: theirs.as_fd(),
            news: news.as_fd(),
            output: written.as_fd(),
            log: log_written.as_fd(),
            network: network.as_ref().map(|network| network.namespace.as_fd()),
            root: root.as_deref().map(OwnedFd::as_fd),
            filter: &self.filter,
            has_pids_controller: self.has_groups() && self.tree.has_pids(),
            has_memory_controller: self.has_groups() && self.tree.has_memory(),
        };
        let separation =
            if self.level == Level::L0 { Separation::None } else { Separation::Sandbox };
        let unified = entrance.as_ref().and_then(Entrance::unified);
        let pidfd = match process::fork(&self.single, separation, unified).at(Step::Clone)? {
            Fork::Child => init::run(&self.single, &cradle),
            Fork::Parent(pidfd) => pidfd,
        };
        let mut offered = vec![output, log];
        if let Some(Network { runtime_api, edge, namespace, .. }) = network {
            offered.extend([runtime_api, edge, namespace]);
        }
        Ok(Occupant {
            id,
            news,
            pidfd,
            group,
            network_number: None,
            orders: Some(orders),
            offered,
            mounts: None,
            tmp_bytes: Limits::default().tmp_bytes,
            pipes,
            is_dropped: false,
            is_gone: false,
        })
    }

    /// The first process of a sandbox has prepared everything, or could not.
    pub(crate) fn prepared(&mut self, slot: u32) {
        let Some(Some(occupant)) =
            usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot))
        else {
            return;
        };
        let Some(orders) = &occupant.orders else { return };
        let _ = epoll::delete(&self.epoll, orders);
        let mut buffer = [0; news::LENGTH_MAX];
        let received = descriptors::receive(orders, &mut buffer, Wait::Never);
        let (length, passed) = received.unwrap_or_default();
        match buffer.get(..length).unwrap_or_default() {
            init::PREPARED => {
                let mut places = passed.into_iter();
                occupant.mounts = places.next();
                let group = occupant.group.clone().unwrap_or_default();
                let news = News::Built { sandbox: occupant.id, group };
                let offered = std::mem::take(&mut occupant.offered);
                let tmp = places.next();
                let mut passed: Vec<BorrowedFd<'_>> = tmp.iter().map(OwnedFd::as_fd).collect();
                passed.push(occupant.pidfd.as_fd());
                passed.extend(offered.iter().map(OwnedFd::as_fd));
                // A server that is gone closes its end, which is seen later.
                let _ = descriptors::send(&occupant.news, &news.encode(), &passed);
            }
            // It died, which is told by its descriptor.
            [] => {}
            failed => drop(descriptors::send(&occupant.news, failed, &[])),
        }
    }

    /// Serves a request about a sandbox that was built. What came of it is told as its news.
    pub(crate) fn serve(&mut self, bytes: &[u8]) {
        let Some(request) = Request::decode(bytes) else { return };
        let Some(slot) = self.slot_of(request.sandbox) else { return };
        let news = match self.try_serve(slot, &request, bytes) {
            Ok(Some(news)) => news,
            // The first process goes on, and tells.
            Ok(None) => return,
            Err(failure) => init::failed(&failure),
        };
        if let Some(Some(occupant)) = self.slots.get(slot) {
            // A server that is gone needs no answer.
            let _ = descriptors::send(&occupant.news, &news.encode(), &[]);
        }
    }

    /// What a child needs that takes or brings back a snapshot.
    pub(super) fn single(&self) -> &SingleThread {
        &self.single
    }

    pub(super) fn is_full(&self) -> bool {
        self.started_count >= self.started_max
    }

    /// The user that a sandbox runs as, where each has its own.
    pub(super) fn user_of(&self, slot: usize) -> Option<u32> {
        let slot = u32::try_from(slot).ok()?;
        (self.level == Level::L2).then(|| self.uid_base + slot)
    }

    pub(super) fn pipes_of(&self, slot: usize) -> [u64; 2] {
        let occupant = self.slots.get(slot).and_then(Option::as_ref);
        occupant.map_or([0; 2], |occupant| occupant.pipes)
    }

    pub(super) fn pidfd_of(&self, slot: usize) -> Option<&OwnedFd> {
        Some(&self.slots.get(slot)?.as_ref()?.pidfd)
    }

    /// Does `work` with the host's files in place of the template's.
    pub(super) fn in_host<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        match &self.template {
            Some(template) => template.in_host(&self.single, work),
            None => Ok(work()),
        }
    }

    /// Does `work` among the files of a sandbox.
    pub(super) fn in_files_of<T>(&self, slot: usize, work: impl FnOnce() -> T) -> io::Result<T> {
        let mounts = self.slots.get(slot).and_then(|place| place.as_ref()?.mounts.as_ref());
        match (&self.template, mounts) {
            (Some(template), Some(mounts)) => template.in_sandbox(&self.single, mounts, work),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The place of a sandbox, if it still exists. One that is gone has told so.
    pub(super) fn slot_of(&self, id: SandboxId) -> Option<usize> {
        let slot = usize::try_from(id.0 & ((1 << SLOT_BITS) - 1)).ok()?;
        let occupant = self.slots.get(slot)?.as_ref()?;
        (occupant.id == id).then_some(slot)
    }

    fn try_serve(
        &mut self,
        slot: usize,
        request: &Request<'_>,
        bytes: &[u8],
    ) -> Result<Option<News>, Failure> {
        let is_start = request.kind == Kind::Start;
        if is_start && self.started_count >= self.started_max {
            return Ok(Some(News::Full));
        }
        self.furnish(slot, request)?;
        if !is_start {
            return Ok(Some(News::Furnished));
        }
        let orders = self.hand_out(slot).at(Step::Execute)?;
        match descriptors::send(&orders, bytes, &[]) {
            // It died, which is told by its descriptor.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            sent => sent.map(|()| None).at(Step::Execute),
        }
    }

    /// Where the first process of a sandbox waits for its request, of which there is one.
    pub(super) fn hand_out(&mut self, slot: usize) -> io::Result<OwnedFd> {
        let occupant = self.slots.get_mut(slot).and_then(Option::as_mut);
        let orders = occupant.and_then(|occupant| occupant.orders.take());
        let orders = orders.ok_or(io::ErrorKind::InvalidInput)?;
        self.started_count += 1;
        Ok(orders)
    }

    /// Puts a function's directories into a sandbox.
    pub(super) fn furnish(&mut self, slot: usize, request: &Request<'_>) -> Result<(), Failure> {
        let trees = self.pick_up(request)?;
        let Some(Some(occupant)) = self.slots.get_mut(slot) else { return Ok(()) };
        match (&self.template, &occupant.mounts) {
            (Some(template), Some(mounts)) => {
                let furnish = || init::furnish(request, &trees, occupant.tmp_bytes);
                template.in_sandbox(&self.single, mounts, furnish).at(Step::OpenMount)??;
                occupant.tmp_bytes = request.limits.tmp_bytes;
                Ok(())
            }
            // A plain process is told where the directories really are.
            _ if request.kind != Kind::Furnish => Ok(()),
            _ => Err((Step::MountCode, 0, io::ErrorKind::Unsupported.into())),
        }
    }

    fn settle(&mut self, slot: u32, occupant: Occupant) -> io::Result<()> {
        // No flag: that the other end is closed is always told.
        epoll::add(&self.epoll, &occupant.news, Token::Dropped(slot).into(), EventFlags::empty())?;
        epoll::add(&self.epoll, &occupant.pidfd, Token::Gone(slot).into(), EventFlags::IN)?;
        if let Some(orders) = &occupant.orders {
            epoll::add(&self.epoll, orders, Token::Prepared(slot).into(), EventFlags::IN)?;
        }
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

    /// The mount namespace of the root that was asked for, if any was.
    fn take_root(&mut self, path: &[u8]) -> io::Result<Option<Rc<OwnedFd>>> {
        match &mut self.template {
            Some(template) if !path.is_empty() => {
                template.namespace_of_root(&self.single, &CString::new(path)?).map(Some)
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
            kill(level, &self.tree, occupant);
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
        // One that has no orders to wait for has had its program.
        self.started_count -= usize::from(occupant.orders.is_none());
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

    /// Makes a cgroup: its name, and the ways into it.
    fn make_group(&self, id: SandboxId) -> io::Result<Option<(String, Entrance)>> {
        if !self.has_groups() {
            return Ok(None);
        }
        let name = format!("{}-{}", std::process::id(), id.0);
        let entrance = Entrance::open(&self.tree.create_group(&name)?)?;
        Ok(Some((name, entrance)))
    }

    fn has_groups(&self) -> bool {
        // A plain process is not put into a cgroup: level 0 is for machines that allow nothing.
        self.level != Level::L0 && self.tree.has_any()
    }

    /// How long the launcher may wait for events before it has something to do. `None`: forever.
    pub(crate) fn next_chore_ms(&self) -> Option<i64> {
        (!self.leftovers.is_empty()).then_some(RETRY_MS)
    }

    /// Does what nobody waits for.
    pub(crate) fn do_chore(&mut self) {
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
            if let Ok(Group { memory: Some(memory), .. }) = self.tree.open_group(&group) {
                let _ = memory.empty();
            }
            if self.tree.remove_group(&group).is_err() {
                self.leftovers.push_back(group);
            }
        }
    }

    /// Kills every sandbox and puts the world back as it was.
    pub(crate) fn close(mut self) -> io::Result<()> {
        let level = self.level;
        for occupant in self.slots.iter_mut().flatten() {
            kill(level, &self.tree, occupant);
        }
        for occupant in self.slots.iter().flatten() {
            wait(&occupant.pidfd);
        }
        // Their sockets stay open until all is done: when they close, the server may start another launcher.
        let occupants: Vec<Occupant> = self.slots.into_iter().flatten().collect();
        let groups = occupants.iter().filter_map(|occupant| occupant.group.as_ref());
        for group in groups.chain(&self.leftovers) {
            let _ = self.tree.remove_group(group);
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

fn kill(level: Level, tree: &Tree, occupant: &Occupant) {
    if level == Level::L0 {
        let _ = process::kill_group(&occupant.pidfd);
    }
    // A plain process leads its group only a moment after it was made.
    let _ = process::kill(&occupant.pidfd);
    if let Some(name) = &occupant.group
        && tree.must_thaw_to_kill()
        && let Ok(Group { freezer: Some(freezer), .. }) = tree.open_group(name)
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
