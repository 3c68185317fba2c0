// SPDX-License-Identifier: Apache-2.0
//! Sends what subscription filters find to their functions.
//!
//! Each filter reads its group in the order of arrival, hands what matches to the function's asynchronous queue, and keeps its
//! place. What waits for it is in the group: neither a writer nor another filter waits, and after a kill it goes on where its
//! place is, so that each event is sent once or, at worst, once more.
//!
//! A function that can not take events now is asked again, for a day; one that is not there, or does not let the group call it,
//! misses what arrives meanwhile. Both as on AWS, and both are in the server's log with how many events were lost.
//!
//! Invariant: at most [`ROUNDS_MAX`] filters hold events in memory, [`ROUND_BYTES`] or one block each.

use crate::clock;
use crate::measuring;
use crate::message::{Message, Subscriber};
use crate::pattern::Pattern;
use crate::service::Service;
use crate::subscriptions::sender;
use flow::{Fact, Outcome};
use log_store::{Group, GroupKey, Place, SubscriptionFilter};
use names::{FunctionArn, TraceHeader};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use targets::{NotTaken, Parcel};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};
use wire::{Fault, Result};

/// How long events are let gather after the first: fewer messages have more in them.
pub(crate) const GATHER: Duration = Duration::from_millis(200);
/// Bytes of a group that are read at once.
const ROUND_BYTES: usize = 512 << 10;
/// Filters that send at the same time.
pub(crate) const ROUNDS_MAX: usize = 4;
/// The first pause and the longest after a function could not take events, and when they are given up.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
const RETRY_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How often is looked whether a minute is over.
const MINUTES: Duration = Duration::from_secs(10);
/// In the lineage of a trace: that subscriptions were part of the chain.
const LINEAGE: &str = "logs";

/// A filter of a group; or, by a name that none has, all of its metric filters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Target {
    group: GroupKey,
    filter: String,
}

/// What was read of a group for a filter.
struct Round {
    function: FunctionArn,
    messages: Vec<Message>,
    next: Place,
}

/// A round that was not sent to its end.
struct Retry {
    /// Where it ends: it is read once more, and is the same then.
    until: Place,
    sent: usize,
    since: Instant,
    pause: Duration,
}

/// Follows all groups that have filters, for as long as it is polled.
pub(crate) async fn run(service: &Service) {
    let all = service.work(|service| Ok(targets(service.logs.all()))).await;
    let mut targets = all.unwrap_or_default();
    let mut tasks = JoinSet::new();
    // Which are at work, and whether there was news meanwhile.
    let mut active: HashMap<Target, bool> = HashMap::new();
    let mut minutes = interval(MINUTES);
    loop {
        for target in targets.drain(..) {
            if let Some(again) = active.get_mut(&target) {
                *again = true;
            } else {
                active.insert(target.clone(), false);
                tasks.spawn(work_on(service.clone(), target));
            }
        }
        tokio::select! {
            _ = minutes.tick() => measuring::tell_defaults(service).await,
            groups = service.logs.news().take() => {
                let found = service.work(|service| {
                    let found = groups.into_iter().map(|key| (service.logs.group(&key), key));
                    Ok(self::targets(found.filter_map(|(group, key)| Some((key, group?)))))
                });
                targets.extend(found.await.unwrap_or_default());
            }
            Some(Ok(done)) = tasks.join_next(), if !tasks.is_empty() => {
                if active.remove(&done) == Some(true) {
                    targets.push(done);
                }
            }
        }
    }
}

/// The filters of groups.
fn targets(groups: impl IntoIterator<Item = (GroupKey, Arc<Group>)>) -> Vec<Target> {
    let mut found = Vec::new();
    for (key, group) in groups {
        let settings = group.settings();
        let names = settings.subscription_filters.iter().map(|filter| filter.name.as_str());
        let metrics = (!settings.metric_filters.is_empty()).then_some(measuring::READER);
        let target = |name: &str| Target { group: key.clone(), filter: name.to_owned() };
        found.extend(names.chain(metrics).map(target));
    }
    found
}

/// Reads until there is nothing left.
async fn work_on(service: Service, target: Target) -> Target {
    if target.filter == measuring::READER {
        measuring::follow(&service, &target.group).await;
        return target;
    }
    follow(service, target).await
}

/// Sends until there is nothing left.
async fn follow(service: Service, target: Target) -> Target {
    let mut retry: Option<Retry> = None;
    loop {
        sleep(retry.as_ref().map_or(GATHER, |retry| retry.pause)).await;
        // Nobody closes it.
        let _room = service.rounds.acquire().await;
        let until = retry.as_ref().map_or(Place::MAX, |retry| retry.until);
        let read = {
            let target = target.clone();
            service.work(move |service| read(service, &target, until)).await
        };
        let Ok(Some(round)) = read else { return target };
        retry = send(&service, &target, &round, retry).await;
        if retry.is_none() && keep_place(&service, &target, round.next).await.is_err() {
            return target;
        }
    }
}

/// `None` when nothing is to be done: nothing arrived, or nobody wants it any more.
fn read(service: &Service, target: &Target, until: Place) -> Result<Option<Round>> {
    let Some(group) = service.logs.group(&target.group) else { return Ok(None) };
    let settings = group.settings();
    let filters = &settings.subscription_filters;
    let Some(filter) = filters.iter().find(|filter| filter.name == target.filter) else {
        return Ok(None);
    };
    let from = group.bookmark(&filter.name).map_or(filter.from, |place| place.max(filter.from));
    let followed =
        group.follow(from, until, ROUND_BYTES).map_err(|error| not_read(target, &error))?;
    if followed.has_gap {
        tracing::warn!(
            group = target.group.name,
            filter = target.filter,
            "log events were removed before they were sent to a subscriber"
        );
    }
    if followed.next == from {
        return Ok(None);
    }
    let (function, pattern) = parsed(filter)?;
    let subscriber = Subscriber { group: &target.group, filter: &filter.name, pattern: &pattern };
    let messages =
        subscriber.messages(&followed.arrived).map_err(|error| not_read(target, &error))?;
    Ok(Some(Round { function, messages, next: followed.next }))
}

/// Both were checked when the filter was made.
fn parsed(filter: &SubscriptionFilter) -> Result<(FunctionArn, Pattern)> {
    let function = filter.destination.parse().map_err(|_| Fault::internal())?;
    Ok((function, Pattern::parse(&filter.pattern).map_err(|_| Fault::internal())?))
}

fn not_read(target: &Target, error: &std::io::Error) -> Fault {
    let (group, filter) = (&target.group.name, &target.filter);
    tracing::error!(group, filter, %error, "log events not read for a subscriber");
    Fault::internal()
}

async fn keep_place(service: &Service, target: &Target, place: Place) -> Result<()> {
    let target = target.clone();
    let keep = move |service: &Service| {
        let Some(group) = service.logs.group(&target.group) else { return Ok(()) };
        let kept = group.set_bookmark(&target.filter, Some(place));
        kept.map_err(|error| not_read(&target, &error))
    };
    service.work(keep).await
}

/// `None` once nothing of the round is left to be sent.
async fn send(
    service: &Service,
    target: &Target,
    round: &Round,
    retry: Option<Retry>,
) -> Option<Retry> {
    let sender = sender(&target.group);
    let sent_before = retry.as_ref().map_or(0, |retry| retry.sent);
    let (group, filter) = (&target.group.name, &target.filter);
    for (sent, message) in round.messages.iter().enumerate().skip(sent_before) {
        let parcel = Parcel::Invocation {
            function_arn: round.function.to_string(),
            payload: message.event.clone(),
        };
        let taken = service.targets.deliver(&sender, trace_of(message), parcel).await;
        let is_late = retry.as_ref().is_some_and(|retry| retry.since.elapsed() > RETRY_MAX);
        match taken {
            Ok(()) => {}
            Err(error @ NotTaken::NotNow { .. }) if !is_late => {
                tracing::debug!(group, filter, %error, "log events wait for a subscriber");
                return Some(Retry {
                    until: round.next,
                    sent,
                    since: retry.as_ref().map_or_else(Instant::now, |retry| retry.since),
                    pause: retry.map_or(PAUSE_MIN, |retry| (retry.pause * 2).min(PAUSE_MAX)),
                });
            }
            Err(error) => {
                let events = message.events;
                tracing::warn!(group, filter, events, %error, "log events not sent to a subscriber");
                flow::tell(|| {
                    let function = round.function.to_string();
                    let fact = Fact::new(sender.source_arn(), function, Outcome::Dropped);
                    fact.times(events).because(error.to_string())
                });
            }
        }
    }
    None
}

/// The chain goes on that made the events, so that it ends if it comes by too often.
fn trace_of(message: &Message) -> TraceHeader {
    message.cause.as_deref().and_then(TraceHeader::parse).unwrap_or_else(|| {
        let seconds = u64::try_from(clock::epoch_ms() / 1000).unwrap_or(0);
        let new = TraceHeader::start(seconds);
        TraceHeader::parse(&new.hop(LINEAGE).0).unwrap_or(new)
    })
}

/// How many may send at the same time.
pub(crate) fn rounds() -> Semaphore {
    Semaphore::new(ROUNDS_MAX)
}
