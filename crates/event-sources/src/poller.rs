// SPDX-License-Identifier: Apache-2.0
//! The poller of one mapping: waits for messages, makes batches, and has as many of them run as may.
//!
//! One task receives, as what it receives from is in this server; batches run in tasks of their own. Settings change while it
//! runs: what is received from then on follows them. When it is not to poll any more it gives back what waits for a window,
//! and what runs comes to its end.

use crate::batch::Batch;
use crate::event::Received;
use crate::mapping::Mapping;
use crate::pending::{Patience, Pending};
use crate::queue::{Problem, Reach};
use crate::room::Room;
use crate::scale::Scale;
use crate::seams::{Counted, Functions, Sources};
use api::sqs::Message;
use flow::Outcome;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What one receipt brings at most.
const RECEIVED_MAX: usize = 10;
/// How long a poller rests whose queue does not answer, or whose role may not ask it.
const REST: Duration = Duration::from_secs(5);
/// The same where somebody else was faster.
const SHORT_REST: Duration = Duration::from_millis(100);

/// What a poller is to do, by the number of the change that said so.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) change: u64,
    /// `None`: nothing.
    pub(crate) mapping: Option<Arc<Mapping>>,
}

/// What a poller, its batches and its owner share.
pub(crate) struct Shared {
    pub(crate) sources: Sources,
    pub(crate) functions: Arc<dyn Functions>,
    pub(crate) room: Arc<Room>,
    scale: Mutex<Scale>,
    last_result: Mutex<Option<Cow<'static, str>>>,
}

impl Shared {
    pub(crate) fn new(
        sources: Sources,
        functions: Arc<dyn Functions>,
        room: Arc<Room>,
        mapping: &Mapping,
    ) -> Arc<Self> {
        let scale = Mutex::new(Scale::new(mapping.scaling));
        Arc::new(Self { sources, functions, room, scale, last_result: Mutex::default() })
    }

    // No critical section of these calls what may panic half-way.
    pub(crate) fn scale(&self) -> MutexGuard<'_, Scale> {
        self.scale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the last batch ended, or why there is none.
    pub(crate) fn tell(&self, result: impl Into<Cow<'static, str>>) {
        let mut last = self.last_result.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(result.into());
    }

    pub(crate) fn last_result(&self) -> Option<String> {
        let last = self.last_result.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_deref().map(str::to_owned)
    }
}

pub(crate) struct Poller {
    shared: Arc<Shared>,
    wanted: watch::Receiver<Wanted>,
    /// The number of the last change that is in force.
    settled: watch::Sender<u64>,
    /// For batches that wait: no, once nothing is to be polled.
    goes_on: watch::Sender<bool>,
    batches: JoinSet<()>,
    pending: Pending,
    /// How the queue was reached when it was polled last.
    reach: Option<Arc<Reach>>,
    rests_until: Option<Instant>,
}

/// What a poller that has something to wait for goes on with.
enum Step {
    Change,
    Receive,
    /// Time passed, or a batch ended.
    Look,
}

impl Poller {
    pub(crate) fn start(
        shared: Arc<Shared>,
        wanted: watch::Receiver<Wanted>,
    ) -> watch::Receiver<u64> {
        let (settled, settling) = watch::channel(0);
        let poller = Self {
            shared,
            wanted,
            settled,
            goes_on: watch::channel(true).0,
            batches: JoinSet::new(),
            pending: Pending::default(),
            reach: None,
            rests_until: None,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "ends when its mapping is deleted, which it waits for among other things"
        )]
        drop(tokio::spawn(poller.run()));
        settling
    }

    async fn run(mut self) {
        loop {
            let Wanted { change, mapping } = self.wanted.borrow_and_update().clone();
            self.goes_on.send_replace(mapping.is_some());
            let is_wanted = match mapping {
                Some(mapping) => {
                    self.shared.scale().set(mapping.scaling);
                    self.settled.send_replace(change);
                    tracing::info!(mapping = mapping.id, queue = %mapping.queue, "queue is polled");
                    self.poll(&mapping).await
                }
                None => self.pause(change).await,
            };
            if !is_wanted {
                break;
            }
        }
        while self.batches.join_next().await.is_some() {}
    }

    /// Polls until something else is wanted. `false` when nothing ever will be.
    async fn poll(&mut self, mapping: &Arc<Mapping>) -> bool {
        loop {
            let is_full = self.run_due(mapping);
            let now = Instant::now();
            self.rests_until.take_if(|until| *until <= now);
            let next = match is_full {
                true => self.shared.scale().next(),
                false => [self.pending.due(), self.rests_until].into_iter().flatten().min(),
            };
            let may_receive = !is_full && self.rests_until.is_none();
            let (shared, queue) = (&self.shared, &mapping.queue);
            let ready = async {
                shared.room.free().await;
                shared.sources.queues.wait(queue).await;
            };
            let step = tokio::select! {
                changed = self.wanted.changed() => match changed {
                    Ok(()) => Step::Change,
                    Err(_) => return false,
                },
                Some(_) = self.batches.join_next() => Step::Look,
                () = tokio::time::sleep_until(next.unwrap_or(now)), if next.is_some() => Step::Look,
                () = ready, if may_receive => Step::Receive,
            };
            match step {
                Step::Change => return true,
                Step::Receive => self.receive(mapping).await,
                Step::Look => {}
            }
        }
    }

    /// Gives back what waits, and waits for what runs, unless something else is wanted before.
    async fn pause(&mut self, change: u64) -> bool {
        if let (Some(gathered), Some(reach)) = (self.pending.take(), self.reach.take()) {
            let handles: Vec<String> =
                gathered.received.into_iter().map(|received| received.handle).collect();
            reach.give_back(&handles).await;
        }
        loop {
            if self.batches.is_empty() {
                self.settled.send_replace(change);
                return self.wanted.changed().await.is_ok();
            }
            tokio::select! {
                changed = self.wanted.changed() => return changed.is_ok(),
                _ = self.batches.join_next() => {}
            }
        }
    }

    /// Has what waits run, if it is time. Whether nothing more may run now is answered.
    fn run_due(&mut self, mapping: &Arc<Mapping>) -> bool {
        while self.batches.try_join_next().is_some() {}
        loop {
            let now = Instant::now();
            if self.shared.scale().is_full(self.batches.len(), now) {
                return true;
            }
            let is_due = self.pending.due().is_some_and(|due| due <= now);
            if !is_due && !self.pending.is_full(mapping.batch_size) {
                return false;
            }
            let (Some(gathered), Some(reach)) = (self.pending.take(), &self.reach) else {
                return false;
            };
            // Each message is there as a record, and once more in its event.
            let bytes: usize =
                gathered.received.iter().map(|received| 2 * received.record.len()).sum();
            let batch = Batch {
                shared: Arc::clone(&self.shared),
                mapping: Arc::clone(mapping),
                reach: Arc::clone(reach),
                goes_on: self.goes_on.subscribe(),
                held: self.shared.room.hold(bytes),
            };
            self.batches.spawn(batch.run(gathered));
        }
    }

    /// Receives what is there. Not given up half-way: what was received would be nobody's until it is visible again.
    async fn receive(&mut self, mapping: &Mapping) {
        let rest = match self.try_receive(mapping).await {
            Ok(0) => {
                self.shared.scale().idle();
                SHORT_REST
            }
            Ok(_) => return,
            Err(problem) => {
                tracing::debug!(mapping = mapping.id, %problem, "queue not polled");
                flow::tell(|| mapping.fact(problem.outcome(), 0).because(problem.to_string()));
                self.shared.tell(format!("PROBLEM: {problem}"));
                REST
            }
        };
        self.rests_until = Some(Instant::now() + rest);
    }

    async fn try_receive(&mut self, mapping: &Mapping) -> Result<usize, Problem> {
        let shared = &self.shared;
        let owner = shared.functions.owner(&mapping.function).ok_or(Problem::NoFunction)?;
        let reach = Arc::new(shared.sources.reach(&mapping.queue, &owner)?);
        let visibility = reach.visibility().await?;
        let count_max = mapping.batch_size.saturating_sub(self.pending.len());
        let messages = reach.receive(count_max.clamp(1, RECEIVED_MAX)).await?;
        let (count, now) = (messages.len(), Instant::now());
        let (wanted, unwanted) = self.sort(mapping, messages);
        let patience = Patience { window: mapping.window, visibility, timeout: owner.timeout };
        self.pending.add(wanted, now, patience);
        self.reach = Some(Arc::clone(&reach));
        if !unwanted.is_empty() {
            reach.delete(unwanted).await;
        }
        Ok(count)
    }

    /// What the function gets, and the handles of what no filter is for. What ends a loop is neither: it stays in its queue, until
    /// that moves it to its dead letters.
    fn sort(&self, mapping: &Mapping, messages: Vec<Message>) -> (Vec<Received>, Vec<String>) {
        let functions = &self.shared.functions;
        let polled = messages.len();
        let (mut wanted, mut unwanted) = (Vec::with_capacity(polled), Vec::new());
        for message in messages {
            let received = Received::of(mapping, message);
            if !mapping.wants(&received.record) {
                unwanted.push(received.handle);
                continue;
            }
            let trace = received.trace.as_ref();
            if trace.is_some_and(|trace| functions.is_loop(&mapping.function, trace)) {
                tracing::warn!(mapping = mapping.id, "message of a loop not given to its function");
                flow::tell(|| {
                    let fact = mapping.fact(Outcome::Failed, 1).because("recursive loop");
                    trace.iter().fold(fact, |fact, trace| fact.in_trace(trace.root()))
                });
                continue;
            }
            wanted.push(received);
        }
        flow::tell(|| mapping.fact(Outcome::Polled, polled));
        if !unwanted.is_empty() {
            flow::tell(|| mapping.fact(Outcome::Filtered, unwanted.len()));
        }
        functions.count(mapping, Counted::Polled, polled);
        functions.count(mapping, Counted::FilteredOut, unwanted.len());
        (wanted, unwanted)
    }
}
