// SPDX-License-Identifier: Apache-2.0
//! Environments while they run an event, and how they come back.

use crate::invoker::Shared;
use crate::pools::{FunctionPool, Member};
use crate::provisioned::ProvisionPool;
use crate::start::spawn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use worker::{Event, NotDelivered, Outcome};

/// A reset that takes longer than this goes on without its caller.
const RESET_TURN: Duration = Duration::from_millis(200);

/// Where an environment belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Home<'a> {
    Pool(&'a Arc<FunctionPool>),
    Provision(&'a Arc<ProvisionPool>),
}

/// An environment while it runs an event. Dropped before the end, it stops the environment.
pub(crate) struct Leased<'a> {
    shared: &'a Arc<Shared>,
    home: Home<'a>,
    member: Option<Member>,
}

impl<'a> Leased<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, home: Home<'a>, member: Member) -> Self {
        Self { shared, home, member: Some(member) }
    }

    pub(crate) async fn run(mut self, event: &Event) -> Result<Outcome, NotDelivered> {
        let member = self.member.as_mut().ok_or(NotDelivered)?;
        let begun = Instant::now();
        let outcome = member.environment.run(event).await?;
        member.busy = begun.elapsed();
        if !member.environment.is_usable() {
            self.renew().await;
        }
        if let Some(member) = self.member.take() {
            self.shared.give_back_when_settled(self.home, member);
        }
        Ok(outcome)
    }

    /// After a timeout or a crash: waits for the reset, so that a caller who comes again finds the same `/tmp`. Extensions may
    /// take longer to shut down than a caller should wait.
    async fn renew(&mut self) {
        let (Some(member), Home::Pool(_)) = (&mut self.member, self.home) else { return };
        if let Ok(Some(environment)) =
            tokio::time::timeout(RESET_TURN, member.environment.renew()).await
        {
            member.environment = environment;
        }
    }
}

impl Drop for Leased<'_> {
    fn drop(&mut self) {
        if let Some(member) = self.member.take() {
            drop(member);
            self.shared.forget(self.home);
        }
    }
}

impl Shared {
    /// Extensions may be busy with an event for longer than its caller waits, and so may be a reset.
    fn give_back_when_settled(self: &Arc<Self>, home: Home<'_>, mut member: Member) {
        // What was provisioned is replaced by one that has initialised, and not reset.
        let is_reset = !member.environment.is_usable() && matches!(home, Home::Pool(_));
        if member.environment.is_settled() && !is_reset {
            return self.give_back(home, member);
        }
        self.settling.fetch_add(1, Ordering::AcqRel);
        let shared = Arc::clone(self);
        let settle = async move |home: Home<'_>| {
            member.environment.settled().await;
            if let (Home::Pool(_), Some(environment)) = (home, member.environment.renew().await) {
                member.environment = environment;
            }
            shared.give_back(home, member);
            shared.settling.fetch_sub(1, Ordering::AcqRel);
        };
        match home {
            Home::Pool(pool) => {
                let pool = Arc::clone(pool);
                spawn(async move { settle(Home::Pool(&pool)).await });
            }
            Home::Provision(pool) => {
                let pool = Arc::clone(pool);
                spawn(async move { settle(Home::Provision(&pool)).await });
            }
        }
    }

    fn give_back(self: &Arc<Self>, home: Home<'_>, mut member: Member) {
        let is_worn = member.environment.age() >= self.options.age_max();
        if is_worn || !member.environment.is_usable() {
            drop(member);
            return self.forget(home);
        }
        let has_grown = member.measure();
        match home {
            Home::Pool(pool) => {
                if has_grown {
                    pool.measured(member.environment.memory_seen_bytes());
                }
                let (given_back, is_watched) = {
                    let mut pool = pool.lock();
                    pool.note_busy(member.busy);
                    (pool.give_back(member, self.now()), pool.watch())
                };
                pool.settle(given_back);
                if is_watched {
                    self.pools.note_recent(pool);
                }
            }
            Home::Provision(pool) => {
                // The guard must be gone before the environment is stopped.
                let surplus = pool.lock().give_back(member, self.now());
                drop(surplus);
            }
        }
        if has_grown {
            self.keep_within_memory();
        }
    }

    /// A leased environment ended. Who counted on its return may need another.
    fn forget(self: &Arc<Self>, home: Home<'_>) {
        match home {
            Home::Pool(pool) => {
                let should_start = {
                    let mut pool = pool.lock();
                    pool.forget();
                    pool.should_start()
                };
                if should_start {
                    self.start_for(pool);
                }
            }
            Home::Provision(pool) => {
                pool.lock().forget();
                self.fill(pool);
            }
        }
    }

    /// Sees to it that what is idle in `pool` will be frozen.
    pub(crate) fn watch(&self, pool: &Arc<FunctionPool>) {
        // The guard must be gone before the other lock is taken.
        let is_new = pool.lock().watch();
        if is_new {
            self.pools.note_recent(pool);
        }
    }

    /// Stops environments that are idle while all together use more memory than they may.
    fn keep_within_memory(&self) {
        while self.places.is_over() {
            if self.pools.evict().is_none() {
                return;
            }
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }
}
