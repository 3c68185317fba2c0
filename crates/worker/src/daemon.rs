// SPDX-License-Identifier: Apache-2.0
//! The X-Ray daemon, as it is seen from inside of a sandbox: a UDP socket where the function's SDK sends its segments.
//!
//! It is there from the first sampled invocation of an environment on; a function that is not sampled has none, and its SDK
//! sends nothing either. What was sent before an answer is taken before the answer's report.
//!
//! Invariants:
//! - a segment goes to the function's own account and region, whatever it says, and only while its role may send segments;
//! - however much a function sends, so much is read each second and no more: the rest is dropped where it arrives.

use crate::function::Function;
use crate::life::spawn;
use rustix::net::RecvFlags;
use sandbox::Process;
use segments::{DATAGRAM_BYTES_MAX, Owner, Sampled, Sink, document_of};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{OnceCell, oneshot};
use tokio::time::Instant;

/// What an environment may send at once,
const BURST_BYTES: usize = 1 << 20;
/// and in the long run.
const BYTES_PER_SECOND: usize = 256 << 10;
/// Shorter segments cost as much.
const COST_MIN: usize = 512;
/// Who has sent more than that is looked at again so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// Nothing until the first sampled invocation.
#[derive(Debug, Default)]
pub(crate) struct Daemon(OnceCell<Option<Listening>>);

#[derive(Debug)]
struct Listening {
    shared: Arc<Shared>,
    /// Ends the task that reads.
    _until: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    socket: UdpSocket,
    owner: Owner,
    function: Box<str>,
    sink: Arc<dyn Sink>,
    /// As it was when the last sampled invocation began.
    may_send: AtomicBool,
    /// Held while segments are taken.
    budget: Mutex<Budget>,
}

/// What may still be read.
#[derive(Debug)]
struct Budget {
    bytes: usize,
    since: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    All,
    /// There may be more, and it has to wait.
    Some,
}

impl Daemon {
    /// Sees to it that the function of a sampled invocation is listened to.
    pub(crate) async fn listen(&self, process: &Process, function: &Function, sampled: &Sampled) {
        if let Some(Some(listening)) = self.0.get() {
            listening.shared.may_send.store(sampled.sink.is_some(), Ordering::Relaxed);
            return;
        }
        let Some(sink) = &sampled.sink else { return };
        let start = async || {
            let owner = sampled.owner.clone();
            let listening = Listening::start(process, owner, &function.name, Arc::clone(sink));
            let told = |error: &io::Error| tracing::debug!(%error, "no X-Ray daemon in a sandbox");
            listening.await.inspect_err(told).ok()
        };
        self.0.get_or_init(start).await;
    }

    /// Takes what the function has sent so far.
    pub(crate) fn take(&self) {
        if let Some(Some(listening)) = self.0.get() {
            // Past tokio, which believes a socket to be empty until it has been told otherwise.
            listening.shared.take(|socket, buffer| {
                let (_, length) = rustix::net::recv(socket, buffer, RecvFlags::DONTWAIT)?;
                Ok(length)
            });
        }
    }
}

impl Listening {
    async fn start(
        process: &Process,
        owner: Owner,
        function: &str,
        sink: Arc<dyn Sink>,
    ) -> io::Result<Self> {
        let socket = UdpSocket::from_std(process.daemon().await?.into())?;
        let budget = Mutex::new(Budget { bytes: BURST_BYTES, since: Instant::now() });
        let shared = Arc::new(Shared {
            socket,
            owner,
            function: function.into(),
            sink,
            may_send: AtomicBool::new(true),
            budget,
        });
        let (until, mut end) = oneshot::channel::<()>();
        let reading = Arc::clone(&shared);
        spawn(async move {
            tokio::select! {
                () = reading.follow() => {}
                _ = &mut end => {}
            }
        });
        Ok(Self { shared, _until: until })
    }
}

impl Shared {
    async fn follow(&self) {
        while self.socket.readable().await.is_ok() {
            if self.take(UdpSocket::try_recv) == Taken::Some {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn take(&self, receive: impl Fn(&UdpSocket, &mut [u8]) -> io::Result<usize>) -> Taken {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.refill(Instant::now());
        // Not kept: most of the time nothing is sent.
        let mut buffer = Vec::new();
        while budget.bytes > 0 {
            buffer.resize(DATAGRAM_BYTES_MAX, 0);
            let Ok(length) = receive(&self.socket, &mut buffer) else { return Taken::All };
            budget.spend(length);
            if !self.may_send.load(Ordering::Relaxed) {
                continue;
            }
            match document_of(buffer.get(..length).unwrap_or_default()) {
                Ok(document) => {
                    let document = document.of_service(self.function.clone());
                    self.sink.keep(&self.owner, document);
                }
                Err(error) => tracing::debug!(%error, "segment of a function refused"),
            }
        }
        Taken::Some
    }
}

impl Budget {
    fn refill(&mut self, now: Instant) {
        let ms = now.saturating_duration_since(self.since).as_millis();
        let more =
            usize::try_from(ms).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_SECOND) / 1_000;
        // What is less than a byte is counted the next time.
        if more > 0 {
            self.bytes = self.bytes.saturating_add(more).min(BURST_BYTES);
            self.since = now;
        }
    }

    fn spend(&mut self, length: usize) {
        self.bytes = self.bytes.saturating_sub(length.max(COST_MIN));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_a_burst_and_a_rate() {
        let begun = Instant::now();
        let mut budget = Budget { bytes: BURST_BYTES, since: begun };
        let count = |budget: &mut Budget| {
            let mut count = 0;
            while budget.bytes > 0 {
                budget.spend(1);
                count += 1;
            }
            count
        };
        assert_eq!(count(&mut budget), BURST_BYTES / COST_MIN);
        budget.refill(begun);
        assert_eq!(budget.bytes, 0);
        budget.refill(begun + Duration::from_secs(1));
        assert_eq!(count(&mut budget), BYTES_PER_SECOND / COST_MIN);
        budget.refill(begun + Duration::from_secs(3_600));
        assert_eq!(budget.bytes, BURST_BYTES, "what is not used is not saved up");
    }
}
