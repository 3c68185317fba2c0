// SPDX-License-Identifier: Apache-2.0
//! Log groups.

use crate::address::{self, group_arn};
use crate::error::{self, Refused};
use crate::service::Service;
use api::logs::{
    CreateLogGroupInput, DeleteLogGroupInput, DeleteRetentionPolicyInput, DescribeLogGroupsInput,
    DescribeLogGroupsOutput, LogGroup, LogGroupClass, PutLogGroupDeletionProtectionInput,
    PutRetentionPolicyInput, fault,
};
use log_store::{CreateError, Group, GroupKey, Settings};
use std::collections::BTreeSet;
use wire::{Context, Result};

/// Groups on a page, unless the caller wants another number.
const PAGE: i32 = 50;

/// What a retention may be.
const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

pub(crate) fn create(service: &Service, cx: &Context, input: CreateLogGroupInput) -> Result<()> {
    let key = address::key(cx, input.log_group_name);
    if key.name.to_ascii_lowercase().starts_with("aws/") {
        return Err(fault::invalid_parameter(
            "Log groups starting with AWS/ are reserved for AWS.",
        ));
    }
    if input.kms_key_id.is_some() {
        return Err(fault::invalid_parameter(
            "kmsKeyId is not available in this build of Tinderbox",
        ));
    }
    let class = input.log_group_class.unwrap_or(LogGroupClass::Standard);
    if !matches!(class, LogGroupClass::Standard | LogGroupClass::InfrequentAccess) {
        return Err(fault::invalid_parameter(format!(
            "The class {class} is not available in this build of Tinderbox"
        )));
    }
    let settings = Settings {
        class: class.as_str().to_owned(),
        is_protected: input.deletion_protection_enabled.unwrap_or(false),
        tags: input.tags.unwrap_or_default(),
        ..Settings::default()
    };
    match service.logs.create(&key, settings) {
        Ok(()) => Ok(()),
        Err(CreateError::Exists) => {
            Err(fault::resource_already_exists("The specified log group already exists"))
        }
        Err(CreateError::TooMany) => Err(fault::limit_exceeded("Resource limit exceeded.")),
        Err(error @ CreateError::Make(_)) => Err(error::internal(&error)),
    }
}

pub(crate) fn delete(service: &Service, cx: &Context, input: DeleteLogGroupInput) -> Result<()> {
    let key = address::key(cx, input.log_group_name);
    if service.group(&key)?.settings().is_protected {
        // AWS's words were not checked.
        return Err(fault::validation(
            "The log group has deletion protection. Disable it before you delete the log group.",
        ));
    }
    match service.logs.delete(&key) {
        Ok(true) => Ok(()),
        Ok(false) => Err(error::no_group()),
        Err(error) => Err(error::internal(&error)),
    }
}

pub(crate) fn describe(
    service: &Service,
    cx: &Context,
    input: DescribeLogGroupsInput,
) -> Result<DescribeLogGroupsOutput> {
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        return Err(fault::invalid_parameter(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let identifiers = input.log_group_identifiers.map(|identifiers| {
        let keys = identifiers.iter().map(|one| address::of_identifier(cx, one));
        keys.map(|key| key.map(|key| key.name)).collect::<Result<BTreeSet<_>>>()
    });
    let identifiers = identifiers.transpose()?;
    let pattern = input.log_group_name_pattern.map(|pattern| pattern.to_ascii_lowercase());
    let prefix = input.log_group_name_prefix.unwrap_or_default();
    let is_wanted = |settings: &Settings| {
        settings.name.starts_with(&prefix)
            && pattern.as_ref().is_none_or(|part| settings.name.to_ascii_lowercase().contains(part))
            && input.log_group_class.is_none_or(|wanted| class_of(settings) == wanted)
            && identifiers.as_ref().is_none_or(|names| names.contains(&settings.name))
    };
    service.logs.flush();
    let from = input.next_token.clone().unwrap_or_else(|| prefix.clone());
    let groups = service.logs.groups(&address::key(cx, from));
    let is_behind =
        |settings: &Settings| input.next_token.as_ref().is_none_or(|last| settings.name > *last);
    let mut found = groups.iter().filter(|group| {
        let settings = group.settings();
        is_behind(&settings) && is_wanted(&settings)
    });
    let limit = usize::try_from(input.limit.unwrap_or(PAGE)).unwrap_or_default();
    let page: Vec<_> = found.by_ref().take(limit).map(|group| describe_one(cx, group)).collect();
    let has_more = found.next().is_some();
    let next_token = page.last().filter(|_| has_more).and_then(|last| last.log_group_name.clone());
    Ok(DescribeLogGroupsOutput { log_groups: Some(page), next_token })
}

pub(crate) fn class_of(settings: &Settings) -> LogGroupClass {
    LogGroupClass::parse(&settings.class).unwrap_or(LogGroupClass::Standard)
}

fn describe_one(cx: &Context, group: &Group) -> LogGroup {
    let settings = group.settings();
    let arn = group_arn(&address::key(cx, settings.name.as_str()));
    LogGroup {
        log_group_name: Some(settings.name.clone()),
        creation_time: Some(settings.created),
        retention_in_days: settings.retention_days.and_then(|days| i32::try_from(days).ok()),
        metric_filter_count: Some(i32::try_from(settings.metric_filters.len()).unwrap_or(i32::MAX)),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(i64::try_from(group.stored_bytes()).unwrap_or(i64::MAX)),
        log_group_class: Some(class_of(&settings)),
        log_group_arn: Some(arn),
        deletion_protection_enabled: Some(settings.is_protected),
        ..LogGroup::default()
    }
}

pub(crate) fn put_retention(
    service: &Service,
    cx: &Context,
    input: PutRetentionPolicyInput,
) -> Result<()> {
    let days = input.retention_in_days;
    if !RETENTION_DAYS.contains(&days) {
        let all: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
        return Err(fault::invalid_parameter(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            all.join(", ")
        )));
    }
    let key = address::key(cx, input.log_group_name);
    change(service, &key, |settings| settings.retention_days = u32::try_from(days).ok())
}

pub(crate) fn delete_retention(
    service: &Service,
    cx: &Context,
    input: DeleteRetentionPolicyInput,
) -> Result<()> {
    let key = address::key(cx, input.log_group_name);
    change(service, &key, |settings| settings.retention_days = None)
}

pub(crate) fn protect(
    service: &Service,
    cx: &Context,
    input: PutLogGroupDeletionProtectionInput,
) -> Result<()> {
    let key = address::of_identifier(cx, &input.log_group_identifier)?;
    change(service, &key, |settings| settings.is_protected = input.deletion_protection_enabled)
}

/// Changes the settings of a group.
fn change(service: &Service, key: &GroupKey, change: impl FnOnce(&mut Settings)) -> Result<()> {
    let changed = service.group(key)?.change::<Refused>(|settings| {
        change(settings);
        Ok(())
    });
    changed.map_err(|Refused(fault)| fault)
}
