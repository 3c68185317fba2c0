// SPDX-License-Identifier: Apache-2.0
//! Live tail: once a second a session looks at what arrived in its groups since, and tells up to so many events of it.
//!
//! A session is its answer's body: it works when the caller takes an event, and is gone with its connection. It reads so
//! much a second; of what is more it tells a sample, and says so.

use crate::pattern::Pattern;
use crate::service::Service;
use crate::{address, error, groups};
use api::logs::{
    LiveTailSessionLogEvent, LiveTailSessionMetadata, LiveTailSessionStart, LiveTailSessionUpdate,
    LogGroupClass, SessionStreamingException, SessionTimeoutException, StartLiveTailInput,
    StartLiveTailOutput, StartLiveTailResponseStream as Told, fault,
};
use log_store::{Arrived, Group, GroupKey, Place};
use names::{AccountId, RequestId};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use wire::{Context, EventStream, Result};

/// Sessions of an account, as on AWS.
const SESSIONS_MAX: usize = 15;
/// Events in an update, as on AWS.
const EVENTS_MAX: usize = 500;
const SESSION_MAX: Duration = Duration::from_secs(3 * 60 * 60);
const EVERY: Duration = Duration::from_secs(1);
/// Bytes that are read at once, and how often for one update.
const READ_BYTES: usize = 512 << 10;
const READS_MAX: usize = 8;

/// How many sessions there are.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<AccountId, usize>>,
    is_stopped: watch::Sender<bool>,
}

/// One of them, until it is dropped.
struct Held {
    sessions: Arc<Sessions>,
    account: AccountId,
}

struct Session {
    service: Service,
    look: Look,
    /// `None` once it was told.
    start: Option<LiveTailSessionStart>,
    ticks: Interval,
    ends: Instant,
    stopped: watch::Receiver<bool>,
    _held: Held,
}

/// What a session looks at, and how far it has come.
#[derive(Default)]
struct Look {
    groups: Vec<Tailed>,
    names: Vec<String>,
    prefixes: Vec<String>,
    pattern: Option<Arc<Pattern>>,
}

struct Tailed {
    identifier: String,
    key: GroupKey,
    place: Place,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { open: Mutex::default(), is_stopped: watch::channel(false).0 }
    }
}

impl Sessions {
    /// Ends those there are, and those to come.
    pub(crate) fn stop(&self) {
        self.is_stopped.send_replace(true);
    }

    fn hold(self: &Arc<Self>, account: &AccountId) -> Option<Held> {
        let mut open = self.open();
        let count = open.entry(account.clone()).or_default();
        (*count < SESSIONS_MAX).then(|| {
            *count += 1;
            Held { sessions: Arc::clone(self), account: account.clone() }
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut open = self.sessions.open();
        if let Some(count) = open.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

pub(crate) async fn start(
    service: &Service,
    cx: &Context,
    input: StartLiveTailInput,
) -> Result<StartLiveTailOutput> {
    let keys = check(cx, &input)?;
    let pattern = Pattern::parse(input.log_event_filter_pattern.as_deref().unwrap_or_default());
    let pattern = pattern.map_err(|_| error::bad_pattern())?;
    let identifiers = input.log_group_identifiers.clone();
    let groups = service.work(move |service| find(service, identifiers, keys)).await?;
    // AWS's words were not checked.
    let held = service.sessions.hold(&cx.account).ok_or_else(|| {
        fault::limit_exceeded(format!("An account has {SESSIONS_MAX} sessions at most."))
    })?;
    let look = Look {
        groups,
        names: input.log_stream_names.clone().unwrap_or_default(),
        prefixes: input.log_stream_name_prefixes.clone().unwrap_or_default(),
        pattern: Some(Arc::new(pattern)),
    };
    let start = LiveTailSessionStart {
        request_id: Some(cx.request_id.to_string()),
        session_id: Some(RequestId::random().to_string()),
        log_group_identifiers: Some(input.log_group_identifiers),
        log_stream_names: input.log_stream_names,
        log_stream_name_prefixes: input.log_stream_name_prefixes,
        log_event_filter_pattern: input.log_event_filter_pattern,
    };
    let now = Instant::now();
    let mut ticks = interval_at(now + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let session = Session {
        service: service.clone(),
        look,
        start: Some(start),
        ticks,
        ends: now + SESSION_MAX,
        stopped: service.sessions.is_stopped.subscribe(),
        _held: held,
    };
    Ok(StartLiveTailOutput { response_stream: Some(session.into_events()) })
}

/// The groups of a request.
fn check(cx: &Context, input: &StartLiveTailInput) -> Result<Vec<GroupKey>> {
    // AWS's words were not checked, for any of these.
    let is_arn = |text: &String| text.starts_with("arn:") && !text.ends_with('*');
    if !input.log_group_identifiers.iter().all(is_arn) {
        return Err(fault::invalid_parameter(
            "logGroupIdentifiers must be ARNs of log groups, without an asterisk at the end.",
        ));
    }
    let says_streams = input.log_stream_names.is_some() || input.log_stream_name_prefixes.is_some();
    if says_streams && input.log_group_identifiers.len() > 1 {
        return Err(fault::invalid_parameter(
            "logStreamNames and logStreamNamePrefixes are for a single log group.",
        ));
    }
    if input.log_stream_names.is_some() && input.log_stream_name_prefixes.is_some() {
        return Err(fault::invalid_parameter(
            "logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.",
        ));
    }
    input.log_group_identifiers.iter().map(|arn| address::of_arn(cx, arn)).collect()
}

fn find(service: &Service, identifiers: Vec<String>, keys: Vec<GroupKey>) -> Result<Vec<Tailed>> {
    let found = identifiers.into_iter().zip(keys).map(|(identifier, key)| {
        let group = service.group_to_read(&key)?;
        if groups::class_of(&group.settings()) != LogGroupClass::Standard {
            // AWS's words were not checked.
            return Err(fault::invalid_operation(
                "Live Tail is for log groups of the class STANDARD only.",
            ));
        }
        let place = group.end().map_err(|error| error::internal(&error))?;
        Ok(Tailed { identifier, key, place })
    });
    found.collect()
}

/// What comes next in a session, and the session if it goes on.
type Step = Pin<Box<dyn Future<Output = Option<(Option<Session>, Told)>> + Send>>;

impl Session {
    fn into_events(self) -> EventStream<Told> {
        let mut step: Option<Step> = Some(Box::pin(self.step()));
        EventStream::new(move |cx| {
            let Some(running) = &mut step else { return Poll::Ready(None) };
            let Poll::Ready(done) = running.as_mut().poll(cx) else { return Poll::Pending };
            let (session, told) = done.unzip();
            step = session.flatten().map(|session| -> Step { Box::pin(session.step()) });
            Poll::Ready(told)
        })
    }

    async fn step(mut self) -> Option<(Option<Self>, Told)> {
        if let Some(start) = self.start.take() {
            return Some((Some(self), Told::SessionStart(start)));
        }
        tokio::select! {
            _ = self.ticks.tick() => {}
            _ = self.stopped.wait_for(|is_stopped| *is_stopped) => return None,
        }
        if Instant::now() >= self.ends {
            let message = Some("The session has lasted for three hours.".to_owned());
            let timeout = SessionTimeoutException { message };
            return Some((None, Told::SessionTimeoutException(timeout)));
        }
        let mut look = std::mem::take(&mut self.look);
        let looked = self.service.work(move |service| {
            let update = look.look(service)?;
            Ok((look, update))
        });
        match looked.await {
            Ok((look, update)) => {
                self.look = look;
                Some((Some(self), Told::SessionUpdate(update)))
            }
            Err(fault) => {
                let failure = SessionStreamingException { message: Some(fault.message) };
                Some((None, Told::SessionStreamingException(failure)))
            }
        }
    }
}

impl Look {
    /// What arrived since the last time.
    fn look(&mut self, service: &Service) -> Result<LiveTailSessionUpdate> {
        service.logs.flush();
        let mut groups = std::mem::take(&mut self.groups);
        let (mut found, mut is_sampled, mut reads) = (Vec::new(), false, READS_MAX);
        for tailed in &mut groups {
            // One that was deleted may be made again.
            let Some(group) = service.logs.group(&tailed.key) else { continue };
            is_sampled |= self.read(&group, tailed, &mut reads, &mut found)?;
        }
        self.groups = groups;
        if found.len() > EVENTS_MAX {
            found = sample(found);
            is_sampled = true;
        }
        Ok(LiveTailSessionUpdate {
            session_metadata: Some(LiveTailSessionMetadata { sampled: Some(is_sampled) }),
            session_results: Some(found),
        })
    }

    /// Whether some were left out.
    fn read(
        &self,
        group: &Group,
        tailed: &mut Tailed,
        reads: &mut usize,
        found: &mut Vec<LiveTailSessionLogEvent>,
    ) -> Result<bool> {
        let end = group.end().map_err(|error| error::internal(&error))?;
        let mut has_gap = false;
        if tailed.place > end {
            tailed.place = Place::default();
        }
        while tailed.place < end {
            if *reads == 0 {
                tailed.place = end;
                return Ok(true);
            }
            *reads -= 1;
            let followed = group.follow(tailed.place, end, READ_BYTES);
            let followed = followed.map_err(|error| error::internal(&error))?;
            has_gap |= followed.has_gap;
            for arrived in followed.arrived.iter().filter(|arrived| self.wants(&arrived.stream)) {
                found.extend(self.matching(&tailed.identifier, arrived));
            }
            tailed.place = followed.next;
        }
        Ok(has_gap)
    }

    fn wants(&self, stream: &str) -> bool {
        (self.names.is_empty() && self.prefixes.is_empty())
            || self.names.iter().any(|name| name == stream)
            || self.prefixes.iter().any(|prefix| stream.starts_with(prefix))
    }

    fn matching<'a>(
        &'a self,
        group: &'a str,
        arrived: &'a Arrived,
    ) -> impl Iterator<Item = LiveTailSessionLogEvent> + 'a {
        arrived.events().filter_map(move |(_, time, text)| {
            let message = String::from_utf8_lossy(text);
            let is_wanted = self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&message));
            is_wanted.then(|| LiveTailSessionLogEvent {
                log_stream_name: Some(arrived.stream.to_string()),
                log_group_identifier: Some(group.to_owned()),
                message: Some(message.into_owned()),
                timestamp: Some(time),
                ingestion_time: Some(arrived.time),
            })
        })
    }
}

/// As many as an update may have, from all over.
fn sample(found: Vec<LiveTailSessionLogEvent>) -> Vec<LiveTailSessionLogEvent> {
    let count = found.len();
    let is_taken = |place: usize| place * EVENTS_MAX / count != (place + 1) * EVENTS_MAX / count;
    found.into_iter().enumerate().filter(|(place, _)| is_taken(*place)).map(|(_, it)| it).collect()
}
