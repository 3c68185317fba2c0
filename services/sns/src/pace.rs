// SPDX-License-Identifier: Apache-2.0
//! How fast one endpoint of HTTP or HTTPS gets messages, and how many at once. In memory: a change of its subscription forgets it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Posts to one endpoint at once, so that a slow one delays no other.
const POSTS_MAX: usize = 8;
/// What has its turn within this waits here.
const SOON: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Pace {
    room: Semaphore,
    /// When the next post may begin.
    next: Mutex<Option<Instant>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { room: Semaphore::new(POSTS_MAX), next: Mutex::default() }
    }
}

impl Pace {
    /// A place for one post, when it is time for it. Posts are `gap` apart. `None`: it is not soon.
    pub(crate) async fn admit(&self, gap: Option<Duration>) -> Option<SemaphorePermit<'_>> {
        let at = self.reserve(gap)?;
        sleep_until(at).await;
        self.room.acquire().await.ok()
    }

    fn reserve(&self, gap: Option<Duration>) -> Option<Instant> {
        let now = Instant::now();
        let Some(gap) = gap else { return Some(now) };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        if at > now + SOON {
            return None;
        }
        *next = Some(at + gap);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_as_far_apart_as_they_have_to_be() {
        let (pace, gap) = (Pace::default(), Some(Duration::from_secs(600)));
        let first = pace.reserve(gap).unwrap();
        assert!(pace.reserve(gap).is_none(), "not soon");
        assert!(pace.reserve(None).is_some());
        let pace = Pace::default();
        let gap = Duration::from_millis(1);
        let turns: Vec<_> = (0..5).filter_map(|_| pace.reserve(Some(gap))).collect();
        assert!(turns.windows(2).all(|pair| pair[1] - pair[0] >= gap) && first <= turns[0]);
    }
}
