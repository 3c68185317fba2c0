// SPDX-License-Identifier: Apache-2.0
//! The last facts, in memory while somebody listens.

use crate::fact::Fact;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

/// How far a listener may be behind.
const FACTS_MAX: usize = 4_096;

#[derive(Debug)]
pub(crate) struct Ring {
    /// How many listen.
    tails: AtomicUsize,
    facts: Mutex<Option<broadcast::Sender<Arc<Fact>>>>,
}

/// Someone who listens to a ring.
#[derive(Debug)]
pub struct Tail {
    ring: &'static Ring,
    facts: broadcast::Receiver<Arc<Fact>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Fact(Arc<Fact>),
    /// So many came and went before this listener asked for them.
    Missed(u64),
}

impl Ring {
    pub(crate) const fn new() -> Self {
        Self { tails: AtomicUsize::new(0), facts: Mutex::new(None) }
    }

    pub(crate) fn is_watched(&self) -> bool {
        // Whoever begins to listen at this moment may hear what happens at it, or not.
        self.tails.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn tell(&self, fact: impl FnOnce() -> Fact) {
        if !self.is_watched() {
            return;
        }
        let fact = Arc::new(Fact { time_ms: now_ms(), ..fact() });
        if let Some(facts) = &*self.facts() {
            // The last listener may have left just now.
            let _heard_by = facts.send(fact);
        }
    }

    pub(crate) fn tail(&'static self) -> Tail {
        let mut facts = self.facts();
        let facts = facts.get_or_insert_with(|| broadcast::channel(FACTS_MAX).0).subscribe();
        self.tails.fetch_add(1, Ordering::Relaxed);
        Tail { ring: self, facts }
    }

    // No critical section of these calls what may panic half-way.
    fn facts(&self) -> MutexGuard<'_, Option<broadcast::Sender<Arc<Fact>>>> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    /// Waits for the next fact. It may be given up at any time.
    pub async fn next(&mut self) -> Heard {
        match self.facts.recv().await {
            Ok(fact) => Heard::Fact(fact),
            Err(RecvError::Lagged(count)) => Heard::Missed(count),
            // Not while this listens: the ring has its sender as long as anybody does.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    /// The next fact, if it is there.
    pub fn try_next(&mut self) -> Option<Heard> {
        match self.facts.try_recv() {
            Ok(fact) => Some(Heard::Fact(fact)),
            Err(TryRecvError::Lagged(count)) => Some(Heard::Missed(count)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let mut facts = self.ring.facts();
        if self.ring.tails.fetch_sub(1, Ordering::Relaxed) == 1 {
            *facts = None;
        }
    }
}

fn now_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the time of day, which facts tell")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn fact(target: impl ToString) -> Fact {
        Fact::new("api", target.to_string(), Outcome::Delivered)
    }

    async fn heard(tail: &mut Tail) -> Result<String, u64> {
        match tail.next().await {
            Heard::Fact(fact) => Ok(fact.target.clone()),
            Heard::Missed(count) => Err(count),
        }
    }

    #[tokio::test]
    async fn everyone_who_listens_hears_what_is_told_from_then_on() {
        static RING: Ring = Ring::new();
        RING.tell(|| unreachable!("nobody listens"));
        let mut first = RING.tail();
        RING.tell(|| fact("a"));
        let mut second = RING.tail();
        RING.tell(|| fact("b"));
        assert_eq!(
            [heard(&mut first).await, heard(&mut first).await],
            [Ok("a".into()), Ok("b".into())]
        );
        assert_eq!(heard(&mut second).await, Ok("b".to_owned()));
        drop((first, second));
        RING.tell(|| unreachable!("nobody listens any more"));
        assert!(RING.facts().is_none());
    }

    #[tokio::test]
    async fn who_is_too_slow_learns_how_much_was_missed() {
        static RING: Ring = Ring::new();
        let mut tail = RING.tail();
        for number in 0..FACTS_MAX + 10 {
            RING.tell(|| fact(number));
        }
        assert_eq!(heard(&mut tail).await, Err(10));
        assert_eq!(heard(&mut tail).await, Ok("10".to_owned()));
    }
}
