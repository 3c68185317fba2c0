// SPDX-License-Identifier: Apache-2.0
//! A future that wakes itself while it is polled is polled again at once.
//!
//! hyper does so twice a request: when the service asks for the body, and when it lets go of it. To tokio that is a task
//! which became ready elsewhere. It queues the task and wakes another worker to steal it: a system call, and a processor
//! that the function has use for, although the next poll could follow right here.
//!
//! Invariant: no wake is lost. One that comes while nothing is polled goes on to the task; one that comes during a poll is
//! followed by a poll.

use atomic_waker::AtomicWaker;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Polls in a row before other tasks get their turn. hyper needs two.
const POLLS_MAX: usize = 8;

const RESTING: u8 = 0;
const POLLING: u8 = 1;
const WOKEN: u8 = 2;

pub(crate) struct Steady<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    /// Rings `bell`.
    waker: Waker,
}

#[derive(Default)]
struct Bell {
    state: AtomicU8,
    task: AtomicWaker,
}

impl<F: Future> Steady<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::new(Bell::default());
        Self { future: Box::pin(future), waker: Arc::clone(&bell).into(), bell }
    }
}

impl<F: Future> Future for Steady<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.bell.task.register(cx.waker());
        for _ in 0..POLLS_MAX {
            this.bell.state.swap(POLLING, Ordering::AcqRel);
            let polled = this.future.as_mut().poll(&mut Context::from_waker(&this.waker));
            if polled.is_ready() || this.bell.rests() {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Bell {
    /// Unless it rang during the poll that ended.
    fn rests(&self) -> bool {
        self.state.compare_exchange(POLLING, RESTING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == RESTING {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll<F: Future>(steady: &mut Steady<F>, task: &Arc<Count>) -> Poll<F::Output> {
        Pin::new(steady).poll(&mut Context::from_waker(&Arc::clone(task).into()))
    }

    #[test]
    fn one_that_wakes_itself_is_polled_again_and_its_task_not_woken() {
        let mut polls = 0;
        let mut steady = Steady::new(poll_fn(|cx| {
            polls += 1;
            if polls < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(polls)
        }));
        let task = Arc::new(Count::default());

        assert_eq!(poll(&mut steady, &task), Poll::Ready(3));
        assert_eq!(task.get(), 0);
    }

    #[test]
    fn one_that_never_rests_lets_others_have_their_turn() {
        let polls = AtomicUsize::new(0);
        let mut steady = Steady::new(poll_fn(|cx| {
            polls.fetch_add(1, Ordering::SeqCst);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        let task = Arc::new(Count::default());

        assert!(poll(&mut steady, &task).is_pending());
        assert_eq!(polls.load(Ordering::SeqCst), POLLS_MAX);
        assert_eq!(task.get(), 1);
    }

    #[test]
    fn a_wake_from_elsewhere_wakes_the_task_once_until_it_is_polled() {
        let inner = Mutex::new(None::<Waker>);
        let mut steady = Steady::new(poll_fn(|cx| {
            *inner.lock().expect("no test panics with it") = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        let task = Arc::new(Count::default());
        let wake = || {
            inner.lock().expect("no test panics with it").as_ref().expect("polled").wake_by_ref()
        };

        assert!(poll(&mut steady, &task).is_pending());
        assert_eq!(task.get(), 0);
        wake();
        wake();
        assert_eq!(task.get(), 1);
        assert!(poll(&mut steady, &task).is_pending());
        wake();
        assert_eq!(task.get(), 2);
    }

    #[test]
    fn no_wake_is_lost_to_a_race() {
        let (rounds, seen) = (20_000, AtomicUsize::new(0));
        let sent = Arc::new(AtomicUsize::new(0));
        let inner = Arc::new(AtomicWaker::new());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let sender = std::thread::spawn({
            let (sent, inner) = (Arc::clone(&sent), Arc::clone(&inner));
            move || {
                for _ in 0..rounds {
                    sent.fetch_add(1, Ordering::SeqCst);
                    inner.wake();
                }
            }
        });
        runtime.expect("a runtime").block_on(Steady::new(poll_fn(|cx| {
            inner.register(cx.waker());
            seen.store(sent.load(Ordering::SeqCst), Ordering::SeqCst);
            if seen.load(Ordering::SeqCst) == rounds { Poll::Ready(()) } else { Poll::Pending }
        })));
        sender.join().expect("it does not panic");
        assert_eq!(seen.load(Ordering::SeqCst), rounds);
    }
}
