// SPDX-License-Identifier: Apache-2.0
//! Operations on archives.

use crate::address::{ArchiveKey, BusKey, no_archive};
use crate::archive::{Archive, ArchiveRecord};
use crate::buses::unavailable;
use crate::page::page;
use crate::rule::{check_pattern, invalid};
use crate::service::{Service, failed};
use crate::shelf::Size;
use crate::{EventBridge, clock};
use api::eventbridge::{self, ArchiveOperations, ArchiveState, fault};
use std::sync::Arc;
use wire::{Context, Result};

impl ArchiveOperations for EventBridge {
    async fn create_archive(
        &self,
        cx: &Context,
        input: eventbridge::CreateArchiveInput,
    ) -> Result<eventbridge::CreateArchiveOutput> {
        check(input.kms_key_identifier.as_deref(), input.event_pattern.as_deref())?;
        let key = ArchiveKey::new(cx, &input.archive_name);
        let bus = BusKey::of_arn(&input.event_source_arn).ok_or_else(|| {
            invalid("Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN.")
        })?;
        let service = &self.service;
        let changing = service.changing().await;
        if service.table.archive(&key).is_some() {
            let text = format!("Archive {} already exists.", key.name);
            return Err(fault::resource_already_exists(text));
        }
        let bus = service.find_bus(cx, Some(&bus.arn()))?;
        if service.table.archives(&cx.account, &cx.region).len() >= service.options.archives_max {
            return Err(fault::limit_exceeded(
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        let record = ArchiveRecord {
            bus: bus.key.name.clone(),
            description: input.description,
            pattern: input.event_pattern.filter(|text| !text.is_empty()),
            retention_days: input.retention_days.unwrap_or_default(),
            created_ms: clock::now().epoch_ms(),
        };
        let archive = Arc::new(Archive { key, record, line: Arc::default() });
        if bus.rules.contains_key(&archive.rule_name()) {
            let text = format!("Rule {} already exists.", archive.rule_name());
            return Err(fault::resource_already_exists(text));
        }
        let made = service.shelf.make(&archive.key, archive.record.retention_days).await;
        made.map_err(|error| failed(&error))?;
        service.put_archive(&changing, &bus, Arc::clone(&archive)).await?;
        Ok(eventbridge::CreateArchiveOutput {
            archive_arn: Some(archive.key.arn()),
            state: Some(ArchiveState::Enabled),
            state_reason: None,
            creation_time: Some(archive.created()),
        })
    }

    async fn delete_archive(
        &self,
        cx: &Context,
        input: eventbridge::DeleteArchiveInput,
    ) -> Result<()> {
        let changing = self.service.changing().await;
        let archive = self.service.find_archive(cx, &input.archive_name)?;
        self.service.delete_archive(&changing, &archive).await
    }

    async fn describe_archive(
        &self,
        cx: &Context,
        input: eventbridge::DescribeArchiveInput,
    ) -> Result<eventbridge::DescribeArchiveOutput> {
        let archive = self.service.find_archive(cx, &input.archive_name)?;
        let size = self.service.size_of(&archive).await?;
        let record = &archive.record;
        Ok(eventbridge::DescribeArchiveOutput {
            archive_arn: Some(archive.key.arn()),
            archive_name: Some(archive.key.name.clone()),
            event_source_arn: Some(archive.bus().arn()),
            description: record.description.clone(),
            event_pattern: record.pattern.clone(),
            state: Some(ArchiveState::Enabled),
            retention_days: Some(record.retention_days),
            size_bytes: Some(long(size.bytes)),
            event_count: Some(long(size.events)),
            creation_time: Some(archive.created()),
            ..eventbridge::DescribeArchiveOutput::default()
        })
    }

    async fn list_archives(
        &self,
        cx: &Context,
        input: eventbridge::ListArchivesInput,
    ) -> Result<eventbridge::ListArchivesOutput> {
        let told =
            [input.name_prefix.is_some(), input.event_source_arn.is_some(), input.state.is_some()];
        one_filter("ListArchives", told)?;
        let prefix = input.name_prefix.unwrap_or_default();
        let archives = self.service.table.archives(&cx.account, &cx.region);
        let archives = archives.into_iter().filter(|archive| {
            archive.key.name.starts_with(&prefix)
                && input.event_source_arn.as_ref().is_none_or(|arn| archive.bus().arn() == *arn)
                && input.state.is_none_or(|state| state == ArchiveState::Enabled)
        });
        let (archives, next_token) =
            page(archives, |archive| &archive.key.name, input.next_token.as_deref(), input.limit)?;
        let mut listed = Vec::new();
        for archive in archives {
            let size = self.service.size_of(&archive).await?;
            listed.push(eventbridge::Archive {
                archive_name: Some(archive.key.name.clone()),
                event_source_arn: Some(archive.bus().arn()),
                state: Some(ArchiveState::Enabled),
                state_reason: None,
                retention_days: Some(archive.record.retention_days),
                size_bytes: Some(long(size.bytes)),
                event_count: Some(long(size.events)),
                creation_time: Some(archive.created()),
            });
        }
        Ok(eventbridge::ListArchivesOutput { archives: Some(listed), next_token })
    }

    /// What is not said stays as it was.
    async fn update_archive(
        &self,
        cx: &Context,
        input: eventbridge::UpdateArchiveInput,
    ) -> Result<eventbridge::UpdateArchiveOutput> {
        check(input.kms_key_identifier.as_deref(), input.event_pattern.as_deref())?;
        let changing = self.service.changing().await;
        let archive = self.service.find_archive(cx, &input.archive_name)?;
        let mut record = archive.record.clone();
        if let Some(description) = input.description {
            record.description = Some(description);
        }
        if let Some(pattern) = input.event_pattern {
            record.pattern = Some(pattern).filter(|text| !text.is_empty());
        }
        if let Some(days) = input.retention_days {
            record.retention_days = days;
            let set = self.service.shelf.set_retention(&archive.key, days).await;
            set.map_err(|error| failed(&error))?;
        }
        let (key, line) = (archive.key.clone(), Arc::clone(&archive.line));
        let bus = self.service.find_bus(cx, Some(&record.bus))?;
        let changed = Arc::new(Archive { key, record, line });
        self.service.put_archive(&changing, &bus, Arc::clone(&changed)).await?;
        Ok(eventbridge::UpdateArchiveOutput {
            archive_arn: Some(changed.key.arn()),
            state: Some(ArchiveState::Enabled),
            state_reason: None,
            creation_time: Some(changed.created()),
        })
    }
}

impl Service {
    pub(crate) fn find_archive(&self, cx: &Context, name: &str) -> Result<Arc<Archive>> {
        self.table.archive(&ArchiveKey::new(cx, name)).ok_or_else(|| no_archive(name))
    }

    async fn size_of(&self, archive: &Archive) -> Result<Size> {
        self.shelf.size(&archive.key).await.map_err(|error| failed(&error))
    }
}

fn check(kms_key: Option<&str>, pattern: Option<&str>) -> Result<()> {
    if kms_key.is_some_and(|key| !key.is_empty()) {
        return Err(unavailable("KmsKeyIdentifier"));
    }
    pattern.filter(|text| !text.is_empty()).map(check_pattern).transpose().map(drop)
}

/// Lists of archives and of replays are filtered by one thing.
pub(crate) fn one_filter(operation: &str, told: [bool; 3]) -> Result<()> {
    match told.into_iter().filter(|is_told| *is_told).count() {
        0 | 1 => Ok(()),
        _ => Err(invalid(format!(
            "At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix."
        ))),
    }
}

fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
