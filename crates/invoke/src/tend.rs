// SPDX-License-Identifier: Apache-2.0
//! What happens between invocations: idle environments are frozen, then stopped; in the end all of them.

use crate::invoker::{Invoker, Shared};
use crate::pools::Member;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use worker::Environment;

/// What the worker gives environments to shut down, and a little more.
const SHUTDOWN_MAX: Duration = Duration::from_millis(2500);
/// Environments that are frozen at one look. To freeze one and to thaw it again costs as much as an event: where a thousand
/// functions are called now and then, those that are called least stand still first.
const FREEZES_MAX: usize = 25;
/// After how long an environment is idle where none is frozen.
const REST_AFTER: Duration = Duration::from_millis(100);
/// How often idle environments are looked over, at most.
const REAP_INTERVAL_MAX: Duration = Duration::from_secs(5);

impl Invoker {
    /// Freezes environments that are idle and stops those that have been idle too long, for as long as the server runs.
    pub async fn tend(&self) {
        tokio::join!(self.freeze(), self.reap());
    }

    async fn reap(&self) {
        let idle_max = Duration::from_millis(self.0.options.idle_max_ms);
        loop {
            tokio::time::sleep((idle_max / 4).clamp(Duration::from_millis(10), REAP_INTERVAL_MAX))
                .await;
            self.0.reap(Instant::now(), idle_max);
            self.0.worker.reap(Instant::now());
            self.0.tend_fleets(Instant::now(), idle_max);
        }
    }

    async fn freeze(&self) {
        let freezes = self.0.options.freeze_after_ms > 0;
        let idle_min = if freezes {
            Duration::from_millis(self.0.options.freeze_after_ms)
        } else {
            REST_AFTER
        };
        loop {
            tokio::time::sleep(idle_min / 2).await;
            let left = Cell::new(FREEZES_MAX);
            self.0.look(Instant::now(), idle_min, |environment| {
                if !freezes {
                    return environment.rest();
                }
                if environment.is_frozen() {
                    return true;
                }
                let may_freeze = left.get() > 0;
                left.set(left.get().saturating_sub(1));
                may_freeze && environment.freeze()
            });
        }
    }

    /// Takes no more events, waits until the running ones have ended, at most for `patience`, and stops every
    /// environment. Says how many invocations were cut off.
    pub async fn shut_down(&self, patience: Duration) -> usize {
        let shared = &self.0;
        shared.is_stopping.store(true, Ordering::Release);
        let deadline = Instant::now() + patience;
        let is_busy = || {
            let counts = [&shared.running, &shared.settling];
            counts.iter().any(|count| count.load(Ordering::Acquire) > 0)
        };
        while is_busy() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut retired = Vec::new();
        for pool in shared.pools.clear() {
            retired.extend(pool.lock().retire());
        }
        for pool in shared.provisions.all() {
            retired.extend(pool.lock().want(0));
        }
        let stopped: Vec<_> =
            retired.iter().map(|member| Arc::clone(&member.environment)).collect();
        let fleets = shared.retire_fleets();
        let in_fleets: Vec<_> =
            fleets.iter().map(|member| Arc::clone(member.environment())).collect();
        // Each is stopped as its member is dropped.
        drop((retired, fleets));
        // Their extensions have some time to shut down.
        let all_ended = async {
            for environment in stopped {
                environment.ended().await;
            }
            for environment in in_fleets {
                environment.ended().await;
            }
        };
        drop(tokio::time::timeout(SHUTDOWN_MAX, all_ended).await);
        shared.running.load(Ordering::Acquire)
    }
}

impl Shared {
    /// Has `watch` look at environments that have been idle for a while, as long as it answers that it must do so again.
    fn look(&self, now: Instant, idle_min: Duration, watch: impl Fn(&Environment) -> bool) {
        let mut recent = self.pools.take_recent();
        if recent.len() > FREEZES_MAX {
            recent.sort_by_cached_key(|pool| pool.lock().idle_since());
        }
        for pool in recent {
            // Under the lock, so that none of them is leased meanwhile.
            let is_left = pool.lock().look(now, idle_min, |member| watch(&member.environment));
            if is_left {
                self.pools.note_recent(&pool);
            }
        }
        for pool in self.provisions.all() {
            pool.lock().look(now, idle_min, |member| {
                watch(&member.environment);
            });
        }
    }

    fn reap(self: &Arc<Self>, now: Instant, idle_max: Duration) {
        let age_max = self.options.age_max();
        let is_worn = |member: &Member| member.environment.age() >= age_max;
        let mut reaped = Vec::new();
        self.pools.retain(|pool| {
            let mut pool = pool.lock();
            reaped.extend(pool.reap(now, idle_max));
            reaped.extend(pool.wear_out(is_worn));
            !pool.is_empty()
        });
        for pool in self.provisions.all() {
            // The guard must be gone before anything is stopped.
            let worn = pool.lock().wear_out(is_worn);
            drop(worn);
            self.fill(&pool);
        }
    }
}
