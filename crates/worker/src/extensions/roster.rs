// SPDX-License-Identifier: Apache-2.0
//! The extensions of one environment, and where each is in its life. Pure: no I/O, no clock.
//!
//! ```text
//! Started ──register──> Registered ──next──> Ready <──next── Running
//!                                              └──── event ────^
//! any ──init/error──> InitError   any ──exit/error──> ExitError   any ──process ends──> Exited
//! ```
//!
//! Invariants:
//! - a connection is parked only in `Ready`;
//! - an extension is told to shut down once;
//! - nobody new comes in once registration is closed, and there are never more than `EXTENSIONS_MAX`.

use crate::telemetry;
use uuid::Uuid;

/// External and internal ones together, as on AWS.
pub(crate) const EXTENSIONS_MAX: usize = 10;

/// `C` is a connection parked in `next`.
#[derive(Debug)]
pub(crate) struct Roster<C> {
    all: Vec<Extension<C>>,
    /// Several invocations run at once, of which nobody is told.
    is_beside_several: bool,
    is_closed: bool,
    is_stopping: bool,
    is_shutting_down: bool,
}

#[derive(Debug)]
struct Extension<C> {
    name: String,
    kind: Kind,
    stage: Stage,
    identifier: Option<Uuid>,
    events: Events,
    /// What it, or its start, failed with.
    error_type: Option<String>,
    parked: Option<C>,
    was_told_to_shut_down: bool,
    /// Its process is gone.
    has_ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A process of its own, from a file in /opt/extensions.
    External,
    /// A part of the runtime's process.
    Internal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Started,
    Registered,
    Ready,
    Running,
    InitError,
    ExitError,
    Exited,
    LaunchError,
}

/// What an extension asked to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Events {
    pub(crate) invoke: bool,
    pub(crate) shutdown: bool,
}

/// Where an extension is, as the log tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    name: String,
    state: &'static str,
    events: Vec<&'static str>,
    error_type: Option<String>,
}

/// Why a request of an extension is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    RegistrationClosed,
    NameTaken,
    TooMany,
    ShutdownOfInternal,
    /// They are not told of invocations that run beside others,
    InvokeBesideSeveral,
    /// and so internal ones of nothing.
    EventsOfInternal,
    Unknown,
    /// The step is not allowed from where the extension is.
    Step {
        from: &'static str,
        to: &'static str,
    },
}

/// What to do with a `next` request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<C> {
    Parked,
    /// The environment is shutting down: say so on this connection.
    ShutDown(C),
    Refused(C, Refusal),
}

impl<C> Roster<C> {
    /// External extensions are known before they register, by the names of their files.
    pub(crate) fn new(external: impl IntoIterator<Item = String>) -> Self {
        let all = external.into_iter().map(|name| Extension::new(name, Kind::External)).collect();
        Self {
            all,
            is_beside_several: false,
            is_closed: false,
            is_stopping: false,
            is_shutting_down: false,
        }
    }

    /// Of an environment that runs several invocations at once.
    pub(crate) fn beside_several(external: impl IntoIterator<Item = String>) -> Self {
        Self { is_beside_several: true, ..Self::new(external) }
    }

    pub(crate) fn register(
        &mut self,
        name: &str,
        events: Events,
        identifier: Uuid,
    ) -> Result<(), Refusal> {
        let count = self.all.len();
        let mut known = self.all.iter_mut();
        match known.find(|extension| extension.name == name) {
            Some(extension) if extension.kind == Kind::External => {
                if events.invoke && self.is_beside_several {
                    return Err(Refusal::InvokeBesideSeveral);
                }
                if extension.stage != Stage::Started {
                    return Err(extension.refuse(Stage::Registered));
                }
                extension.join(events, identifier);
            }
            _ if self.is_beside_several && (events.invoke || events.shutdown) => {
                return Err(Refusal::EventsOfInternal);
            }
            _ if events.shutdown => return Err(Refusal::ShutdownOfInternal),
            _ if self.is_closed || self.is_stopping => return Err(Refusal::RegistrationClosed),
            Some(_) => return Err(Refusal::NameTaken),
            None if count >= EXTENSIONS_MAX => return Err(Refusal::TooMany),
            None => {
                let mut extension = Extension::new(name.to_owned(), Kind::Internal);
                extension.join(events, identifier);
                self.all.push(extension);
            }
        }
        Ok(())
    }

    pub(crate) fn next(&mut self, identifier: Uuid, connection: C) -> Next<C> {
        let is_shutting_down = self.is_shutting_down;
        let extension = match self.find(identifier) {
            Ok(extension) => extension,
            Err(refusal) => return Next::Refused(connection, refusal),
        };
        match extension.stage {
            Stage::Registered | Stage::Running => {
                if is_shutting_down && extension.must_be_told() {
                    extension.stage = Stage::Running;
                    return Next::ShutDown(connection);
                }
                extension.stage = Stage::Ready;
                extension.parked = Some(connection);
                Next::Parked
            }
            Stage::Started
            | Stage::Ready
            | Stage::InitError
            | Stage::ExitError
            | Stage::Exited
            | Stage::LaunchError => Next::Refused(connection, extension.refuse(Stage::Ready)),
        }
    }

    /// An extension says that it could not initialise.
    pub(crate) fn init_error(&mut self, id: Uuid, error_type: &str) -> Result<(), Refusal> {
        let extension = self.find(id)?;
        match extension.stage {
            Stage::Registered => extension.fail(Stage::InitError, error_type),
            Stage::InitError => {}
            _ => return Err(extension.refuse(Stage::InitError)),
        }
        Ok(())
    }

    /// An extension says why it is about to exit.
    pub(crate) fn exit_error(&mut self, id: Uuid, error_type: &str) -> Result<(), Refusal> {
        let extension = self.find(id)?;
        match extension.stage {
            Stage::Registered | Stage::Ready | Stage::Running => {
                extension.fail(Stage::ExitError, error_type);
            }
            Stage::ExitError => {}
            _ => return Err(extension.refuse(Stage::ExitError)),
        }
        Ok(())
    }

    /// The process of an external extension ended. `true` when nobody had asked it to.
    pub(crate) fn exited(&mut self, index: usize) -> bool {
        let is_expected = self.is_stopping;
        let Some(extension) = self.all.get_mut(index) else { return false };
        let is_first = !std::mem::replace(&mut extension.has_ended, true);
        // What it said about itself tells more.
        if !matches!(extension.stage, Stage::InitError | Stage::ExitError) {
            extension.stage = Stage::Exited;
        }
        extension.parked = None;
        is_first && !is_expected
    }

    pub(crate) fn has_registered(&self, index: usize) -> bool {
        self.all.get(index).is_none_or(|extension| extension.stage != Stage::Started)
    }

    /// The process of an external extension could not be started. Says which.
    pub(crate) fn not_launched(&mut self, index: usize, error_type: &str) -> String {
        let Some(extension) = self.all.get_mut(index) else { return String::new() };
        extension.fail(Stage::LaunchError, error_type);
        extension.has_ended = true;
        extension.name.clone()
    }

    /// Takes the connections of those who want to know of an invocation.
    pub(crate) fn invoke(&mut self) -> Vec<C> {
        let told = self.all.iter_mut().filter(|extension| extension.events.invoke);
        told.filter_map(Extension::run).collect()
    }

    /// The environment is being stopped. `false` when it was already.
    pub(crate) fn stop(&mut self) -> bool {
        !std::mem::replace(&mut self.is_stopping, true)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// Takes the connections of those who want to know of the shutdown. The others that do are told when they ask.
    pub(crate) fn shut_down(&mut self) -> Vec<C> {
        self.is_shutting_down = true;
        let waiting = self.all.iter_mut().filter(|extension| extension.parked.is_some());
        let told = waiting
            .filter_map(|extension| if extension.must_be_told() { extension.run() } else { None });
        told.collect()
    }

    /// Whether everybody who wanted to know of the shutdown has ended.
    pub(crate) fn has_shut_down(&self) -> bool {
        self.all.iter().all(|extension| !extension.events.shutdown || extension.has_ended)
    }

    /// Nobody may register any more. `false` when that was so already.
    pub(crate) fn close(&mut self) -> bool {
        !std::mem::replace(&mut self.is_closed, true)
    }

    /// Whether all of them wait in `next`.
    pub(crate) fn is_ready(&self) -> bool {
        self.all.iter().all(|extension| extension.stage == Stage::Ready)
    }

    /// Whether all that are told of invocations wait in `next`.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut told = self.all.iter().filter(|extension| extension.events.invoke);
        told.all(|extension| extension.stage == Stage::Ready)
    }

    /// What is told about each.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.all.iter().map(Extension::told).collect()
    }

    pub(crate) fn name_of(&mut self, identifier: Uuid) -> Result<String, Refusal> {
        self.find(identifier).map(|extension| extension.name.clone())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn find(&mut self, identifier: Uuid) -> Result<&mut Extension<C>, Refusal> {
        let mut all = self.all.iter_mut();
        all.find(|extension| extension.identifier == Some(identifier)).ok_or(Refusal::Unknown)
    }
}

impl<C> Extension<C> {
    fn new(name: String, kind: Kind) -> Self {
        Self {
            name,
            kind,
            stage: Stage::Started,
            identifier: None,
            events: Events::default(),
            error_type: None,
            parked: None,
            was_told_to_shut_down: false,
            has_ended: false,
        }
    }

    fn join(&mut self, events: Events, identifier: Uuid) {
        self.stage = Stage::Registered;
        self.identifier = Some(identifier);
        self.events = events;
    }

    /// An event is on its way to it, over the connection that this returns.
    fn run(&mut self) -> Option<C> {
        let connection = self.parked.take()?;
        self.stage = Stage::Running;
        Some(connection)
    }

    fn must_be_told(&mut self) -> bool {
        self.events.shutdown && !std::mem::replace(&mut self.was_told_to_shut_down, true)
    }

    fn fail(&mut self, stage: Stage, error_type: &str) {
        self.stage = stage;
        self.error_type = Some(error_type.to_owned());
        self.parked = None;
    }

    fn refuse(&self, to: Stage) -> Refusal {
        Refusal::Step { from: self.stage.name(), to: to.name() }
    }

    fn told(&self) -> Told {
        let invoke = self.events.invoke.then_some("INVOKE");
        let shutdown = self.events.shutdown.then_some("SHUTDOWN");
        Told {
            name: self.name.clone(),
            state: self.stage.name(),
            events: invoke.into_iter().chain(shutdown).collect(),
            error_type: self.error_type.clone(),
        }
    }
}

impl Told {
    pub(crate) fn event(&self) -> telemetry::Extension<'_> {
        let Self { name, state, events, error_type } = self;
        telemetry::Extension { name, state, events, error_type: error_type.as_deref() }
    }
}

impl Stage {
    /// AWS's name for it, which errors and the log show.
    fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Registered => "Registered",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InitError => "InitError",
            Self::ExitError => "ExitError",
            Self::Exited => "Exited",
            Self::LaunchError => "LaunchError",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Events = Events { invoke: true, shutdown: true };
    const INVOKE: Events = Events { invoke: true, shutdown: false };

    fn roster(names: &[&str]) -> Roster<&'static str> {
        Roster::new(names.iter().map(|name| (*name).to_owned()))
    }

    /// A roster of one external extension that has been ready.
    fn ready() -> (Roster<&'static str>, Uuid) {
        let (mut roster, id) = (roster(&["x"]), Uuid::new_v4());
        roster.register("x", BOTH, id).unwrap();
        assert_eq!(roster.next(id, "c"), Next::Parked);
        (roster, id)
    }

    #[test]
    fn the_straight_life() {
        let (mut roster, id) = (roster(&["x"]), Uuid::new_v4());
        assert!(!roster.is_ready(), "it has not registered");
        assert_eq!(roster.register("x", BOTH, id), Ok(()));
        assert!(!roster.is_ready(), "it has not asked for its first event");
        assert_eq!(roster.next(id, "c"), Next::Parked);
        assert!(roster.is_ready() && roster.close() && !roster.close());
        assert_eq!(roster.invoke(), ["c"]);
        assert!(!roster.is_quiet());
        assert_eq!(roster.next(id, "d"), Next::Parked);
        assert!(roster.is_quiet() && roster.stop() && !roster.stop());
        assert_eq!(roster.shut_down(), ["d"]);
        assert!(!roster.has_shut_down());
        assert!(!roster.exited(0), "it was asked to");
        assert!(roster.has_shut_down());
    }

    #[test]
    fn who_is_busy_is_told_of_the_shutdown_later_and_once() {
        let (mut roster, id) = ready();
        roster.invoke();
        roster.stop();
        assert_eq!(roster.shut_down(), Vec::<&str>::new());
        assert_eq!(roster.next(id, "d"), Next::ShutDown("d"));
        assert_eq!(roster.next(id, "e"), Next::Parked);
        assert_eq!(roster.shut_down(), Vec::<&str>::new());
    }

    #[test]
    fn internal_ones_register_during_init_only_and_never_for_the_shutdown() {
        let mut roster = roster(&["x"]);
        let new = Uuid::new_v4;
        assert_eq!(roster.register("in", BOTH, new()), Err(Refusal::ShutdownOfInternal));
        assert_eq!(roster.register("in", INVOKE, new()), Ok(()));
        assert_eq!(roster.register("in", INVOKE, new()), Err(Refusal::NameTaken));
        for index in 2..EXTENSIONS_MAX {
            assert_eq!(roster.register(&format!("in{index}"), INVOKE, new()), Ok(()));
        }
        assert_eq!(roster.register("one more", INVOKE, new()), Err(Refusal::TooMany));
        roster.close();
        assert_eq!(roster.register("late", INVOKE, new()), Err(Refusal::RegistrationClosed));
        assert_eq!(roster.register("x", BOTH, new()), Ok(()), "its place was kept");
        let again = Refusal::Step { from: "Registered", to: "Registered" };
        assert_eq!(roster.register("x", BOTH, new()), Err(again));
    }

    #[test]
    fn beside_several_invocations_only_programs_are_told_and_only_of_the_shutdown() {
        let mut roster = Roster::<&str>::beside_several(["x".to_owned()]);
        let (new, none) = (Uuid::new_v4, Events::default());
        let shutdown = Events { shutdown: true, ..none };
        assert_eq!(roster.register("x", BOTH, new()), Err(Refusal::InvokeBesideSeveral));
        assert_eq!(roster.register("x", shutdown, new()), Ok(()));
        for events in [INVOKE, shutdown] {
            assert_eq!(roster.register("in", events, new()), Err(Refusal::EventsOfInternal));
        }
        assert_eq!(roster.register("in", none, new()), Ok(()));
    }

    #[test]
    fn steps_out_of_turn_are_refused() {
        let (mut roster, id) = ready();
        let refused = |from, to| Refusal::Step { from, to };
        assert_eq!(roster.next(id, "d"), Next::Refused("d", refused("Ready", "Ready")));
        assert_eq!(roster.next(Uuid::new_v4(), "d"), Next::Refused("d", Refusal::Unknown));
        assert_eq!(roster.init_error(id, "A.B"), Err(refused("Ready", "InitError")));
        assert_eq!(roster.exit_error(id, "A.B"), Ok(()));
        assert_eq!(roster.next(id, "d"), Next::Refused("d", refused("ExitError", "Ready")));
        assert_eq!(
            roster.told(),
            [Told {
                name: "x".into(),
                state: "ExitError",
                events: vec!["INVOKE", "SHUTDOWN"],
                error_type: Some("A.B".into()),
            }]
        );
    }

    #[test]
    fn an_end_that_nobody_asked_for_is_a_crash_once() {
        let (mut roster, _) = ready();
        assert!(roster.exited(0));
        assert!(!roster.exited(0));
        assert!(!roster.exited(7), "there is no such extension");
        assert!(!roster.is_ready());
    }

    #[test]
    fn only_those_who_asked_are_told() {
        let (mut roster, id) = (roster(&["x"]), Uuid::new_v4());
        roster.register("x", Events::default(), id).unwrap();
        roster.next(id, "c");
        assert!(roster.invoke().is_empty() && roster.shut_down().is_empty());
        assert!(roster.is_ready() && roster.is_quiet() && roster.has_shut_down());
        assert_eq!((roster.told()[0].state, roster.told()[0].events.len()), ("Ready", 0));
    }
}
