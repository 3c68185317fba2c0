// SPDX-License-Identifier: Apache-2.0
//! Operations on replays.

use crate::address::{ArchiveKey, BusKey, ReplayKey, RuleKey, no_archive};
use crate::archives::one_filter;
use crate::page::page;
use crate::replay::{Phase, Replay, ReplayRecord};
use crate::rule::invalid;
use crate::{EventBridge, clock};
use api::eventbridge::{self, ReplayOperations, fault};
use std::sync::Arc;
use wire::{Context, Fault, Result};

impl ReplayOperations for EventBridge {
    async fn start_replay(
        &self,
        cx: &Context,
        input: eventbridge::StartReplayInput,
    ) -> Result<eventbridge::StartReplayOutput> {
        let key = ReplayKey::new(cx, &input.replay_name);
        let archive = ArchiveKey::of_arn(&input.event_source_arn).ok_or_else(|| {
            invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
        })?;
        let destination = BusKey::of_arn(&input.destination.arn).ok_or_else(|| {
            invalid(
                "Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.",
            )
        })?;
        if input.event_start_time >= input.event_end_time {
            return Err(invalid(
                "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
            ));
        }
        let service = &self.service;
        let starting = service.changing().await;
        let is_own = archive.account == cx.account && archive.region == cx.region;
        let found = service.table.archive(&archive).filter(|_| is_own);
        let archive = found.ok_or_else(|| no_archive(&archive.name))?;
        if archive.bus() != destination {
            return Err(invalid(
                "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
            ));
        }
        let filters = input.destination.filter_arns.unwrap_or_default();
        let is_of_bus =
            |arn: &String| RuleKey::of_arn(arn).is_some_and(|rule| rule.bus == destination);
        if !filters.iter().all(is_of_bus) || filters.len() > service.options.bus_rules_max {
            // AWS's words were not checked.
            return Err(invalid(
                "Parameter Destination.FilterArns is not valid. Reason: Must contain rules of the event bus.",
            ));
        }
        service.forget_old_replays(&cx.account, &cx.region).await?;
        if service.replays.find(&key).is_some() {
            let text = format!("Replay {} already exists.", key.name);
            return Err(fault::resource_already_exists(text));
        }
        let all = service.replays.of_region(&cx.account, &cx.region);
        if all.iter().filter(|replay| !replay.record().phase.has_ended()).count()
            >= service.options.replays_max
        {
            return Err(fault::limit_exceeded(
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        let now = clock::now();
        let record = ReplayRecord {
            description: input.description,
            archive: archive.key.name.clone(),
            bus: destination.name,
            filters,
            from_ms: input.event_start_time.epoch_ms(),
            until_ms: input.event_end_time.epoch_ms(),
            started_ms: now.epoch_ms(),
            ..ReplayRecord::default()
        };
        let replay = Arc::new(Replay::new(key, record.clone()));
        service.keep_replay(&replay, record).await?;
        service.replays.put(Arc::clone(&replay));
        drop(starting);
        service.replay(Arc::clone(&replay));
        Ok(eventbridge::StartReplayOutput {
            replay_arn: Some(replay.key.arn()),
            state: Some(Phase::Starting.state()),
            state_reason: None,
            replay_start_time: Some(now),
        })
    }

    async fn cancel_replay(
        &self,
        cx: &Context,
        input: eventbridge::CancelReplayInput,
    ) -> Result<eventbridge::CancelReplayOutput> {
        let replay = self.find_replay(cx, &input.replay_name)?;
        let cancel = |record: &mut ReplayRecord| {
            if !matches!(record.phase, Phase::Starting | Phase::Running) {
                return Err(fault::illegal_status(format!(
                    "Replay {} is not in a valid state for this operation.",
                    input.replay_name
                )));
            }
            record.phase = Phase::Cancelling;
            Ok(())
        };
        self.service.change_replay(&replay, cancel).await?;
        Ok(eventbridge::CancelReplayOutput {
            replay_arn: Some(replay.key.arn()),
            state: Some(Phase::Cancelling.state()),
            state_reason: None,
        })
    }

    async fn describe_replay(
        &self,
        cx: &Context,
        input: eventbridge::DescribeReplayInput,
    ) -> Result<eventbridge::DescribeReplayOutput> {
        Ok(self.find_replay(cx, &input.replay_name)?.describe())
    }

    async fn list_replays(
        &self,
        cx: &Context,
        input: eventbridge::ListReplaysInput,
    ) -> Result<eventbridge::ListReplaysOutput> {
        let told =
            [input.name_prefix.is_some(), input.event_source_arn.is_some(), input.state.is_some()];
        one_filter("ListReplays", told)?;
        let prefix = input.name_prefix.unwrap_or_default();
        let replays = self.service.replays.of_region(&cx.account, &cx.region);
        let replays = replays.into_iter().filter(|replay| {
            let record = replay.record();
            let source = input.event_source_arn.as_ref();
            replay.key.name.starts_with(&prefix)
                && source.is_none_or(|arn| replay.archive_arn(&record) == *arn)
                && input.state.is_none_or(|state| record.phase.state() == state)
        });
        let (replays, next_token) =
            page(replays, |replay| &replay.key.name, input.next_token.as_deref(), input.limit)?;
        let replays = Some(replays.iter().map(|replay| replay.listed()).collect());
        Ok(eventbridge::ListReplaysOutput { replays, next_token })
    }
}

impl EventBridge {
    fn find_replay(&self, cx: &Context, name: &str) -> Result<Arc<Replay>> {
        let found = self.service.replays.find(&ReplayKey::new(cx, name));
        found.ok_or_else(|| no_replay(name))
    }
}

fn no_replay(name: &str) -> Fault {
    fault::resource_not_found(format!("Replay {name} does not exist."))
}
