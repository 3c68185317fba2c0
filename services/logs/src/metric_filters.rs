// SPDX-License-Identifier: Apache-2.0
//! Metric filters: which there are. What becomes of the events that they find is in `measuring.rs`.

use crate::address;
use crate::error::{self, Refused};
use crate::pattern::Pattern;
use crate::service::Service;
use crate::{clock, groups};
use api::cloudwatch::StandardUnit;
use api::logs::{
    DeleteMetricFilterInput, DescribeMetricFiltersInput, DescribeMetricFiltersOutput,
    LogGroupClass, MetricFilter, MetricTransformation, PutMetricFilterInput, fault,
};
use log_store::{Group, MetricFilter as Kept, Place};
use std::sync::Arc;
use wire::{Context, Result};

/// Filters of a group, and dimensions of a metric, as on AWS.
const FILTERS_MAX: usize = 100;
const DIMENSIONS_MAX: usize = 3;
/// Filters on a page, unless the caller wants another number.
const PAGE: i32 = 50;

pub(crate) fn put(service: &Service, cx: &Context, input: PutMetricFilterInput) -> Result<()> {
    let group = service.group_to_read(&address::key(cx, input.log_group_name.as_str()))?;
    let end = group.end().map_err(|error| error::internal(&error))?;
    let filter = checked(input, end)?;
    let changed = group.change(|settings| {
        if groups::class_of(settings) != LogGroupClass::Standard {
            // AWS's words were not checked.
            return Err(Refused(fault::invalid_operation(
                "Metric filters are for log groups of the class STANDARD only.",
            )));
        }
        let filters = &mut settings.metric_filters;
        if let Some(known) = filters.iter_mut().find(|known| known.name == filter.name) {
            *known = Kept { created: known.created, ..filter };
        } else if filters.len() < FILTERS_MAX {
            filters.push(filter);
        } else {
            return Err(Refused(fault::limit_exceeded("Resource limit exceeded.")));
        }
        Ok(())
    });
    changed.map_err(|Refused(fault)| fault)
}

/// AWS's words were not checked, but for dimensions beside a default value.
fn checked(input: PutMetricFilterInput, end: Place) -> Result<Kept> {
    let pattern = Pattern::parse(&input.filter_pattern).map_err(|_| error::bad_pattern())?;
    let invalid =
        |text: &str| fault::invalid_parameter(format!("Invalid metric transformation: {text}"));
    let mut transformations = input.metric_transformations;
    let it = transformations.pop().ok_or_else(|| invalid("there is none."))?;
    let dimensions = it.dimensions.unwrap_or_default();
    let is_number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    if !is_number(&it.metric_value) && !pattern.can_select(&it.metric_value) {
        return Err(invalid("metricValue must be a number or a field of the pattern."));
    }
    if it.metric_name.is_empty() || it.metric_namespace.is_empty() {
        return Err(invalid("a metric has a name and a namespace."));
    }
    if it.metric_namespace.starts_with("AWS/") {
        return Err(invalid("namespaces that begin with AWS/ are AWS's."));
    }
    if !dimensions.is_empty() && it.default_value.is_some() {
        return Err(invalid("dimensions and default value are mutually exclusive properties."));
    }
    if dimensions.len() > DIMENSIONS_MAX {
        return Err(invalid("a metric has three dimensions at most."));
    }
    if !dimensions.values().all(|field| pattern.can_select(field)) {
        return Err(invalid("the value of a dimension must be a field of the pattern."));
    }
    let is_more = input.apply_on_transformed_logs == Some(true)
        || input.field_selection_criteria.as_ref().is_some_and(|text| !text.is_empty())
        || input.emit_system_field_dimensions.as_ref().is_some_and(|fields| !fields.is_empty());
    if is_more {
        return Err(fault::invalid_parameter(
            "applyOnTransformedLogs, fieldSelectionCriteria and emitSystemFieldDimensions are not available in this build of Tinderbox",
        ));
    }
    Ok(Kept {
        name: input.filter_name,
        pattern: input.filter_pattern,
        metric_namespace: it.metric_namespace,
        metric_name: it.metric_name,
        metric_value: it.metric_value,
        default_value: it.default_value,
        unit: it.unit.map(|unit| unit.as_str().to_owned()),
        dimensions,
        created: clock::epoch_ms(),
        from: end,
    })
}

pub(crate) fn describe(
    service: &Service,
    cx: &Context,
    input: DescribeMetricFiltersInput,
) -> Result<DescribeMetricFiltersOutput> {
    let groups: Vec<Arc<Group>> = match &input.log_group_name {
        Some(name) => vec![service.group(&address::key(cx, name.as_str()))?],
        None => service.logs.groups(&address::key(cx, "")),
    };
    let prefix = input.filter_name_prefix.unwrap_or_default();
    let is_asked = |asked: &Option<String>, has: &str| asked.as_ref().is_none_or(|it| it == has);
    let mut found = Vec::new();
    for group in groups {
        let settings = group.settings();
        let wanted = settings.metric_filters.iter().filter(|filter| {
            filter.name.starts_with(&prefix)
                && is_asked(&input.metric_name, &filter.metric_name)
                && is_asked(&input.metric_namespace, &filter.metric_namespace)
        });
        // Neither names of groups nor of filters have a colon.
        found.extend(wanted.map(|filter| {
            (format!("{}:{}", settings.name, filter.name), describe_one(&settings.name, filter))
        }));
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.retain(|(place, _)| input.next_token.as_ref().is_none_or(|last| place > last));
    let limit = usize::try_from(input.limit.unwrap_or(PAGE)).unwrap_or_default();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| has_more).map(|(place, _)| place.clone());
    let filters = found.into_iter().map(|(_, filter)| filter).collect();
    Ok(DescribeMetricFiltersOutput { metric_filters: Some(filters), next_token })
}

fn describe_one(group: &str, filter: &Kept) -> MetricFilter {
    let transformation = MetricTransformation {
        metric_name: filter.metric_name.clone(),
        metric_namespace: filter.metric_namespace.clone(),
        metric_value: filter.metric_value.clone(),
        default_value: filter.default_value,
        dimensions: (!filter.dimensions.is_empty()).then(|| filter.dimensions.clone()),
        unit: filter.unit.as_deref().and_then(StandardUnit::parse),
    };
    MetricFilter {
        filter_name: Some(filter.name.clone()),
        filter_pattern: Some(filter.pattern.clone()),
        metric_transformations: Some(vec![transformation]),
        creation_time: Some(filter.created),
        log_group_name: Some(group.to_owned()),
        ..MetricFilter::default()
    }
}

pub(crate) fn delete(
    service: &Service,
    cx: &Context,
    input: DeleteMetricFilterInput,
) -> Result<()> {
    let changed = service.group(&address::key(cx, input.log_group_name))?.change(|settings| {
        let before = settings.metric_filters.len();
        settings.metric_filters.retain(|filter| filter.name != input.filter_name);
        if settings.metric_filters.len() == before {
            let text = "The specified metric filter does not exist.";
            return Err(Refused(fault::resource_not_found(text)));
        }
        Ok(())
    });
    changed.map_err(|Refused(fault)| fault)
}
