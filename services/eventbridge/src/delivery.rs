// SPDX-License-Identifier: Apache-2.0
//! The way of an event from the disk to the targets of the rules that wanted it.
//!
//! ```text
//! accepted ──run──> a delivery for each target ──run──> delivered
//!                                    │ not now: again, as the target's retry policy says
//!                                    └ never, or too often ──> the dead-letter queue, or the log
//! ```
//!
//! Invariant: an item of the queue ends after what follows from it is on the disk, or was taken.

use crate::Options;
use crate::address::{BusKey, RuleKey};
use crate::bus::Bus;
use crate::dead_letter::{self, Exhausted, Failure};
use crate::event::Accepted;
use crate::input::{self, Occasion};
use crate::log_event;
use crate::metrics::Fate;
use crate::rule::Rule;
use crate::service::Service;
use crate::target::Kind;
use crate::watched::tell;
use api::eventbridge::Target;
use api::sns::PublishInput;
use api::sqs::SendMessageInput;
use bytes::Bytes;
use events::{Class, New, Next, Queue, Work};
use flow::Outcome;
use names::QueueArn;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use targets::{NotTaken, Parcel, Sender};
use wire::Timestamp;

/// What an event is called that would come back.
const LOOP: &str = "InvalidLoop";
const SERVICE: &str = "events.amazonaws.com";
/// What a target's role is assumed as.
const SESSION: &str = "eventbridge";
/// What a target has that says nothing else: AWS's numbers.
const RETRIES_MAX: u32 = 185;
const AGE_MAX: Duration = Duration::from_secs(86_400);
/// Where the times between attempts stop to double: so 185 attempts fill a day.
const RETRY_MS_MAX: u64 = 600_000;

pub(crate) fn queue_options(options: &Options) -> events::Options {
    events::Options {
        events_max: options.waiting_max,
        bytes_max: options.waiting_bytes_max,
        function_events_max: options.waiting_max,
        function_bytes_max: options.waiting_bytes_max,
        ..events::Options::default()
    }
}

/// What is kept of events that rules of this bus want.
pub(crate) fn accepted(bus: &Bus, accepted: &[Accepted]) -> New {
    // To one target it goes at once.
    if let [alone] = accepted
        && let [delivery] = deliveries(bus, alone).as_slice()
    {
        return delivery.clone();
    }
    let body = serde_json::to_vec(accepted).map(Bytes::from).unwrap_or_default();
    New { line: bus.key.arn(), class: Class::Event, head: Bytes::new(), body }
}

/// One for each target that the rules have now.
fn deliveries(bus: &Bus, accepted: &Accepted) -> Vec<New> {
    let rules = accepted.wanted.iter().filter_map(|name| bus.rules.get(name));
    let lines = rules.flat_map(|rule| {
        let arn = rule.key.arn();
        rule.record.targets.keys().map(move |id| format!("{arn}/{id}"))
    });
    let kept = Accepted { wanted: Vec::new(), ..accepted.clone() };
    let body = serde_json::to_vec(&kept).map(Bytes::from).unwrap_or_default();
    let delivery =
        |line| New { line, class: Class::Delivery, head: Bytes::new(), body: body.clone() };
    lines.map(delivery).collect()
}

/// Has what waits run, until the service is gone or the queue is stopped.
pub(crate) fn run(service: &Arc<Service>, queue: &Queue) {
    let service = Arc::downgrade(service);
    queue.start(move |work| {
        let service = service.upgrade();
        async move {
            match service {
                Some(service) => service.run_work(&work).await,
                None => Next::PutOff { at_most: Duration::MAX },
            }
        }
    });
}

impl Service {
    async fn run_work(self: Arc<Self>, work: &Work) -> Next {
        match work.class {
            Class::Event => self.fan_out(work),
            Class::Delivery => self.deliver(work).await,
        }
    }

    fn fan_out(&self, work: &Work) -> Next {
        let bus = BusKey::of_arn(&work.line).and_then(|key| self.table.bus(&key));
        // A bus that is gone has no rules.
        let Some(bus) = bus else { return Next::End(Vec::new()) };
        let Ok(all) = serde_json::from_slice::<Vec<Accepted>>(&work.body) else {
            return dropped(work);
        };
        Next::End(all.iter().flat_map(|accepted| deliveries(&bus, accepted)).collect())
    }

    async fn deliver(self: &Arc<Self>, work: &Work) -> Next {
        let Ok(accepted) = serde_json::from_slice::<Accepted>(&work.body) else {
            return dropped(work);
        };
        let found = work.line.rsplit_once('/').and_then(|(rule, id)| {
            let rule = self.rule_of(&RuleKey::of_arn(rule)?)?;
            let target = rule.record.targets.get(id)?.clone();
            Some((rule, target))
        });
        let Some((rule, target)) = found else {
            tracing::info!(target = %work.line, "event for a removed target dropped");
            return Next::End(Vec::new());
        };
        self.count_attempt(&rule, &accepted, work.attempts);
        let Err(reason) = self.send(&rule, &target, &accepted).await else {
            self.count_success(&rule, &accepted);
            return Next::End(Vec::new());
        };
        let (retries_max, age_max) = limits(&target);
        let after = retry_after(work.attempts + 1);
        let exhausted = match reason {
            NotTaken::Never { .. } => None,
            NotTaken::NotNow { .. } if work.attempts >= retries_max => Some(Exhausted::Attempts),
            NotTaken::NotNow { .. } if work.age.saturating_add(after) > age_max => {
                Some(Exhausted::Age)
            }
            NotTaken::NotNow { .. } => {
                tracing::warn!(target = %work.line, %reason, "event not delivered yet");
                return Next::Retry { after };
            }
        };
        tracing::warn!(target = %work.line, %reason, "event not delivered");
        let failure = Failure {
            rule_arn: &rule.key.arn(),
            target_arn: &target.arn,
            reason: &reason,
            exhausted,
            retries: work.attempts,
        };
        self.send_dead_letter(&rule, &target, &accepted, &failure).await
    }

    async fn send(
        self: &Arc<Self>,
        rule: &Rule,
        target: &Target,
        accepted: &Accepted,
    ) -> Result<(), NotTaken> {
        let sender = sender(rule, target);
        if let Sender::Role { arn, source_arn, .. } = &sender
            && !self.roles.are_good(SERVICE, arn, source_arn)
        {
            let text = format!("{SERVICE} is not authorized to assume the role {arn}");
            return Err(NotTaken::denied(text));
        }
        let kind = Kind::of(&target.arn);
        if let Some(Kind::Bus(bus)) = &kind {
            return self.forward(rule, &sender, bus, accepted).await;
        }
        let occasion = Occasion {
            rule: &rule.key,
            event: &accepted.event,
            ingested: Timestamp::from_epoch_ms(accepted.ingested_ms),
        };
        let text = input::of(target, occasion).map_err(|_| NotTaken::Never {
            code: "INVALID_JSON".to_owned(),
            message: "The input template is no JSON when it is filled.".to_owned(),
        })?;
        let parcel = match kind {
            Some(Kind::Function) => Parcel::Invocation {
                function_arn: target.arn.clone(),
                payload: Bytes::from(text).into(),
            },
            Some(Kind::Queue(queue)) => {
                let group = target.sqs_parameters.as_ref();
                let input = SendMessageInput {
                    message_body: text,
                    message_group_id: group.and_then(|sqs| sqs.message_group_id.clone()),
                    ..SendMessageInput::default()
                };
                Parcel::Message { queue, input }
            }
            Some(Kind::Topic) => Parcel::Notification {
                input: PublishInput {
                    topic_arn: Some(target.arn.clone()),
                    message: text,
                    ..PublishInput::default()
                },
            },
            Some(Kind::LogGroup) => Parcel::LogEvent {
                group_arn: target.arn.clone(),
                stream: log_event::stream(&rule.key.arn(), target),
                event: log_event::of(target, accepted, text)?,
            },
            Some(Kind::Bus(_)) | None => return Err(NotTaken::no_such_target(&target.arn)),
        };
        self.targets.deliver(&sender, accepted.trace(), parcel).await
    }

    /// To another bus an event goes as it is: whose it is, and when and where it happened, stays.
    async fn forward(
        self: &Arc<Self>,
        rule: &Rule,
        sender: &Sender,
        bus: &BusKey,
        accepted: &Accepted,
    ) -> Result<(), NotTaken> {
        let arn = bus.arn();
        let mut before = accepted.before.clone();
        before.push(rule.key.bus.arn());
        let never = |code: &str, message: &str| {
            Err(NotTaken::Never { code: code.to_owned(), message: message.to_owned() })
        };
        if before.contains(&arn) {
            return never(LOOP, "The event was on this bus before.");
        }
        let all = before.iter().chain([&arn]);
        let accounts: BTreeSet<_> = all.filter_map(|arn| arn.split(':').nth(4)).collect();
        if accounts.len() > 2 {
            return never("THIRD_ACCOUNT_HOP_DETECTED", "The event comes from another account.");
        }
        self.targets.check(sender, &arn).await?;
        let Some(bus) = self.table.bus(bus) else { return Err(NotTaken::no_such_target(&arn)) };
        let forwarded = Accepted { before, ..accepted.clone() };
        self.accept(&bus, vec![forwarded]).await.map_err(|refused| NotTaken::NotNow {
            code: refused.code.to_owned(),
            message: refused.message,
        })?;
        tell(rule, &arn, accepted, Outcome::Delivered, None);
        Ok(())
    }

    async fn send_dead_letter(
        &self,
        rule: &Rule,
        target: &Target,
        accepted: &Accepted,
        failure: &Failure<'_>,
    ) -> Next {
        let arn = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
        let is_loop =
            matches!(failure.reason, NotTaken::Never { code, .. } if code.as_str() == LOOP);
        let dropped = |fate| {
            self.count_failure(rule, is_loop, fate);
            tell(rule, &target.arn, accepted, Outcome::Dropped, Some(failure.reason));
        };
        let Some(queue) = arn.and_then(|arn| arn.parse::<QueueArn>().ok()) else {
            dropped(Fate::Dropped);
            return Next::End(Vec::new());
        };
        let letters = queue.to_string();
        let input = dead_letter::message(&accepted.event, failure);
        let sender = service(rule);
        let sent =
            self.targets.deliver(&sender, accepted.trace(), Parcel::Message { queue, input }).await;
        match sent {
            Ok(()) => {
                self.count_failure(rule, is_loop, Fate::IsDeadLetter);
                tell(rule, &letters, accepted, Outcome::DeadLetter, Some(failure.reason));
                Next::End(Vec::new())
            }
            Err(reason @ NotTaken::Never { .. }) => {
                tracing::warn!(rule = failure.rule_arn, %reason, "dead letter refused: event dropped");
                dropped(Fate::IsNoDeadLetter);
                Next::End(Vec::new())
            }
            Err(reason @ NotTaken::NotNow { .. }) => {
                tracing::warn!(rule = failure.rule_arn, %reason, "dead letter not taken yet");
                Next::PutOff { at_most: Duration::MAX }
            }
        }
    }
}

fn sender(rule: &Rule, target: &Target) -> Sender {
    match &target.role_arn {
        Some(arn) => Sender::Role {
            arn: arn.clone(),
            session: SESSION.to_owned(),
            source_arn: rule.key.arn(),
        },
        None => service(rule),
    }
}

/// EventBridge, for a rule.
fn service(rule: &Rule) -> Sender {
    Sender::Service {
        name: SERVICE,
        source_arn: rule.key.arn(),
        source_account: rule.key.bus.account.clone(),
    }
}

fn limits(target: &Target) -> (u32, Duration) {
    let policy = target.retry_policy.as_ref();
    let retries = policy.and_then(|policy| u32::try_from(policy.maximum_retry_attempts?).ok());
    let seconds =
        policy.and_then(|policy| u64::try_from(policy.maximum_event_age_in_seconds?).ok());
    (retries.unwrap_or(RETRIES_MAX), seconds.map_or(AGE_MAX, Duration::from_secs))
}

/// Twice as long each time, and anything from half of that to all of it.
fn retry_after(failures: u32) -> Duration {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    let whole = doubled.saturating_mul(1_000).min(RETRY_MS_MAX);
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    Duration::from_millis(whole / 2 + random % (whole / 2))
}

fn dropped(work: &Work) -> Next {
    tracing::error!(target = %work.line, "event of another build dropped");
    Next::End(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_further_apart_each_time() {
        for failures in 1..=200 {
            let whole = RETRY_MS_MAX.min(1_000 << (failures - 1).min(20));
            let after = retry_after(failures).as_millis();
            assert!(
                (u128::from(whole / 2)..u128::from(whole)).contains(&after),
                "{failures}: {after}"
            );
        }
    }

    #[test]
    fn a_target_says_how_often_and_how_long() {
        let target = |policy| limits(&Target { retry_policy: policy, ..Target::default() });
        assert_eq!(target(None), (185, Duration::from_secs(86_400)));
        let policy = api::eventbridge::RetryPolicy {
            maximum_retry_attempts: Some(0),
            maximum_event_age_in_seconds: Some(60),
        };
        assert_eq!(target(Some(policy)), (0, Duration::from_secs(60)));
    }
}
