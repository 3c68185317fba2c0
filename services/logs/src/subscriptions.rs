// SPDX-License-Identifier: Apache-2.0
//! Subscription filters: which there are. How what they find reaches its function is in `following.rs`.
//!
//! Not here: other destinations than functions, until their services are built.

use crate::address::{self, group_arn};
use crate::error::{self, Refused};
use crate::pattern::Pattern;
use crate::service::Service;
use crate::{clock, groups};
use api::logs::{
    DeleteSubscriptionFilterInput, DescribeSubscriptionFiltersInput,
    DescribeSubscriptionFiltersOutput, Distribution, LogGroupClass, PutSubscriptionFilterInput,
    SubscriptionFilter, fault,
};
use log_store::{GroupKey, Place, SubscriptionFilter as Kept};
use names::FunctionArn;
use targets::Sender;
use wire::{Context, Result};

/// Filters of a group, as on AWS.
const FILTERS_MAX: usize = 2;
/// Filters on a page, unless the caller wants another number.
const PAGE: i32 = 50;

/// The function is asked for before the filter is kept, as AWS does: whether it is there, and lets the group call it.
pub(crate) async fn put(
    service: &Service,
    cx: &Context,
    input: PutSubscriptionFilterInput,
) -> Result<()> {
    let function = check(cx, &input)?;
    let key = address::key(cx, input.log_group_name.as_str());
    let found = key.clone();
    service.work(move |service| service.group_to_read(&found).map(drop)).await?;
    let checked = service.targets.check(&sender(&key), &function.to_string()).await;
    checked.map_err(|error| {
        tracing::info!(group = key.name, %error, "subscription filter refused");
        fault::invalid_parameter(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.",
        )
    })?;
    service.work(move |service| keep(service, &key, input)).await
}

/// Who sends what filters of the group find. Policies know it by its ARN with `:*` at the end.
pub(crate) fn sender(key: &GroupKey) -> Sender {
    Sender::Service {
        name: "logs.amazonaws.com",
        source_arn: format!("{}:*", group_arn(key)),
        source_account: key.account.clone(),
    }
}

fn check(cx: &Context, input: &PutSubscriptionFilterInput) -> Result<FunctionArn> {
    Pattern::parse(&input.filter_pattern).map_err(|_| error::bad_pattern())?;
    let Ok(function) = input.destination_arn.parse::<FunctionArn>() else {
        return Err(fault::invalid_parameter(format!(
            "The destination {} is not available in this build of Tinderbox: functions are",
            input.destination_arn
        )));
    };
    if function.account != cx.account || function.region != cx.region {
        // AWS's words were not checked.
        return Err(fault::invalid_parameter(
            "The function of a subscription filter must be in the account and the region of its log group.",
        ));
    }
    if input.role_arn.is_some() {
        return Err(fault::invalid_parameter(
            "destinationArn for vendor lambda cannot be used with roleArn",
        ));
    }
    let is_more = input.apply_on_transformed_logs == Some(true)
        || input.field_selection_criteria.as_ref().is_some_and(|text| !text.is_empty())
        || input.emit_system_fields.as_ref().is_some_and(|fields| !fields.is_empty());
    if is_more {
        return Err(fault::invalid_parameter(
            "applyOnTransformedLogs, fieldSelectionCriteria and emitSystemFields are not available in this build of Tinderbox",
        ));
    }
    Ok(function)
}

fn keep(service: &Service, key: &GroupKey, input: PutSubscriptionFilterInput) -> Result<()> {
    let group = service.group(key)?;
    let end = group.end().map_err(|error| error::internal(&error))?;
    let changed = group.change(|settings| {
        if groups::class_of(settings) != LogGroupClass::Standard {
            // AWS's words were not checked.
            return Err(Refused(fault::invalid_operation(
                "Subscription filters are for log groups of the class STANDARD only.",
            )));
        }
        put_to(&mut settings.subscription_filters, input, end)
    });
    changed.map_err(|Refused(fault)| fault)
}

/// A filter that is there already goes on where it is.
fn put_to(
    filters: &mut Vec<Kept>,
    input: PutSubscriptionFilterInput,
    end: Place,
) -> std::result::Result<(), Refused> {
    let filter = Kept {
        name: input.filter_name,
        pattern: input.filter_pattern,
        destination: input.destination_arn,
        role: None,
        distribution: input.distribution.map(|it| it.as_str().to_owned()),
        created: clock::epoch_ms(),
        from: end,
    };
    if let Some(known) = filters.iter_mut().find(|known| known.name == filter.name) {
        *known = Kept { created: known.created, from: known.from, ..filter };
        return Ok(());
    }
    if filters.len() >= FILTERS_MAX {
        return Err(Refused(fault::limit_exceeded("Resource limit exceeded.")));
    }
    filters.push(filter);
    Ok(())
}

pub(crate) fn describe(
    service: &Service,
    cx: &Context,
    input: DescribeSubscriptionFiltersInput,
) -> Result<DescribeSubscriptionFiltersOutput> {
    let settings = service.group(&address::key(cx, input.log_group_name))?.settings();
    let prefix = input.filter_name_prefix.unwrap_or_default();
    let is_wanted = |filter: &&Kept| {
        filter.name.starts_with(&prefix)
            && input.next_token.as_ref().is_none_or(|last| filter.name > *last)
    };
    let mut wanted: Vec<&Kept> = settings.subscription_filters.iter().filter(is_wanted).collect();
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    let limit = usize::try_from(input.limit.unwrap_or(PAGE)).unwrap_or_default();
    let has_more = wanted.len() > limit;
    wanted.truncate(limit);
    let next_token = wanted.last().filter(|_| has_more).map(|last| last.name.clone());
    let describe_one = |filter: &Kept| SubscriptionFilter {
        filter_name: Some(filter.name.clone()),
        log_group_name: Some(settings.name.clone()),
        filter_pattern: Some(filter.pattern.clone()),
        destination_arn: Some(filter.destination.clone()),
        role_arn: filter.role.clone(),
        // Of functions it says nothing, and is answered all the same.
        distribution: Some(
            filter
                .distribution
                .as_deref()
                .and_then(Distribution::parse)
                .unwrap_or(Distribution::ByLogStream),
        ),
        creation_time: Some(filter.created),
        ..SubscriptionFilter::default()
    };
    let filters = wanted.into_iter().map(describe_one).collect();
    Ok(DescribeSubscriptionFiltersOutput { subscription_filters: Some(filters), next_token })
}

pub(crate) fn delete(
    service: &Service,
    cx: &Context,
    input: DeleteSubscriptionFilterInput,
) -> Result<()> {
    let group = service.group(&address::key(cx, input.log_group_name))?;
    let changed = group.change(|settings| {
        let filters = &mut settings.subscription_filters;
        let Some(place) = filters.iter().position(|one| one.name == input.filter_name) else {
            let text = "The specified subscription filter does not exist.";
            return Err(Refused(fault::resource_not_found(text)));
        };
        filters.remove(place);
        Ok(())
    });
    changed.map_err(|Refused(fault)| fault)?;
    // One of the same name that is made later begins anew.
    group.set_bookmark(&input.filter_name, None).map_err(|error| error::internal(&error))
}
