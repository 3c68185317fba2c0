// SPDX-License-Identifier: Apache-2.0
//! GetMetricData: several metrics, and expressions over them.

use crate::CloudWatch;
use crate::expression::{self, Scope};
use crate::statistic::{Series, Stat};
use crate::statistics::{Range, bad_period, metric, timestamp};
use api::cloudwatch::{
    GetMetricDataInput, GetMetricDataOutput, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
    StatusCode, fault,
};
use meter::Distribution;
use std::collections::{BTreeMap, BTreeSet};
use wire::{Context, Fault, Result};

/// Queries in one request.
const QUERIES_MAX: usize = 500;
/// Values in one answer, unless the caller wants fewer.
const DATAPOINTS_MAX: usize = 100_800;

/// What a query came to: label and series, several for an expression that answers an array.
struct Found {
    id: String,
    label: String,
    series: Series,
}

impl CloudWatch {
    pub(crate) async fn data(
        &self,
        cx: &Context,
        input: GetMetricDataInput,
    ) -> Result<GetMetricDataOutput> {
        if input.start_time >= input.end_time {
            return Err(invalid(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        if input.metric_data_queries.len() > QUERIES_MAX {
            return Err(invalid(format!(
                "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
            )));
        }
        check_ids(&input.metric_data_queries)?;
        let found = self.all_series(cx, &input).await?;
        let max = input.max_datapoints.map_or(DATAPOINTS_MAX, |max| {
            usize::try_from(max).unwrap_or_default().clamp(1, DATAPOINTS_MAX)
        });
        let is_ascending = input.scan_by == Some(ScanBy::TimestampAscending);
        page(found, is_ascending, max, input.next_token.as_deref())
    }

    async fn all_series(&self, cx: &Context, input: &GetMetricDataInput) -> Result<Vec<Found>> {
        let queries = &input.metric_data_queries;
        let mut series = BTreeMap::<String, Series>::new();
        let mut metrics = Vec::new();
        let mut period_s = 60;
        for query in queries {
            if let Some(stat) = &query.metric_stat {
                let found = self.stat_series(cx, input, stat).await?;
                period_s = period_s.max(u64::try_from(stat.period).unwrap_or_default());
                metrics.push(query.id.clone());
                series.insert(query.id.clone(), found);
            }
        }
        let mut several = BTreeMap::new();
        for query in in_order(queries)? {
            let Some(text) = &query.expression else { continue };
            let scope = Scope { series: &series, metrics: &metrics, period_s };
            let mut all =
                expression::evaluate(text, &scope).map_err(|why| wrong_expression(query, &why))?;
            if all.len() == 1 {
                series.insert(query.id.clone(), all.remove(0));
            } else {
                several.insert(query.id.clone(), all);
            }
        }
        let mut found = Vec::new();
        for query in queries.iter().filter(|query| query.return_data.unwrap_or(true)) {
            let all = several.remove(&query.id);
            let all = all.or_else(|| series.get(&query.id).cloned().map(|one| vec![one]));
            found.extend(all.unwrap_or_default().into_iter().map(|series| Found {
                id: query.id.clone(),
                label: label(query),
                series,
            }));
        }
        Ok(found)
    }

    async fn stat_series(
        &self,
        cx: &Context,
        input: &GetMetricDataInput,
        asked: &MetricStat,
    ) -> Result<Series> {
        let stat = Stat::parse(&asked.stat).ok_or_else(|| {
            invalid(format!(
                "The value {} for parameter MetricStat.Stat is not available in this build of Tinderbox: SampleCount, Average, Sum, Minimum, Maximum and percentiles such as p99.9 are",
                asked.stat
            ))
        })?;
        let range = Range::new(input.start_time, input.end_time, asked.period, self.now_s())
            .ok_or_else(|| bad_period(asked.period))?;
        let wanted = &asked.metric;
        let (Some(namespace), Some(name)) = (&wanted.namespace, &wanted.metric_name) else {
            return Err(fault::missing_parameter(
                "The parameters Namespace and MetricName are required.",
            ));
        };
        let dimensions = wanted.dimensions.as_deref().unwrap_or_default();
        let metric = metric(cx, namespace, name, dimensions);
        let mut together = BTreeMap::<u64, Distribution>::new();
        for (_, points) in self.points(&metric, asked.unit, range).await? {
            for (at, values) in points {
                together.entry(at).or_default().merge(&values);
            }
        }
        Ok(together.iter().filter_map(|(at, values)| Some((*at, stat.of(values)?))).collect())
    }
}

fn invalid(text: impl Into<String>) -> Fault {
    fault::validation_error(text)
}

fn wrong_expression(query: &MetricDataQuery, why: &str) -> Fault {
    invalid(format!("Error in expression '{}': {why}", query.id))
}

fn check_ids(queries: &[MetricDataQuery]) -> Result<()> {
    let mut ids = BTreeSet::new();
    for (index, query) in queries.iter().enumerate() {
        let place = format!("MetricDataQueries.member.{}", index + 1);
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_id = query.id.starts_with(|first: char| first.is_ascii_lowercase())
            && query.id.bytes().all(is_part);
        if !is_id {
            return Err(invalid(format!(
                "The value {} for parameter {place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                query.id
            )));
        }
        if !ids.insert(&query.id) {
            return Err(invalid(format!(
                "The values for parameter Id in MetricDataQueries are not unique: {}",
                query.id
            )));
        }
        if query.metric_stat.is_some() == query.expression.is_some() {
            return Err(invalid(format!(
                "The parameter {place} must have either MetricStat or Expression."
            )));
        }
    }
    Ok(())
}

/// Expressions after those that they name.
fn in_order(queries: &[MetricDataQuery]) -> Result<Vec<&MetricDataQuery>> {
    let mut left: Vec<(&MetricDataQuery, BTreeSet<String>)> = queries
        .iter()
        .filter_map(|query| Some((query, expression::names(query.expression.as_ref()?))))
        .collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<String> = left.iter().map(|(query, _)| query.id.clone()).collect();
        let count = left.len();
        left.retain(|(query, names)| {
            let is_ready = names.is_disjoint(&waiting);
            if is_ready {
                ordered.push(*query);
            }
            !is_ready
        });
        if left.len() == count {
            let (query, _) = left.remove(0);
            return Err(wrong_expression(query, "It refers to itself"));
        }
    }
    Ok(ordered)
}

fn label(query: &MetricDataQuery) -> String {
    let name = query.metric_stat.as_ref().and_then(|stat| stat.metric.metric_name.clone());
    query.label.clone().or(name).unwrap_or_else(|| query.id.clone())
}

/// As many values as one answer may have, from where the one before ended.
fn page(
    found: Vec<Found>,
    is_ascending: bool,
    mut left: usize,
    token: Option<&str>,
) -> Result<GetMetricDataOutput> {
    let (mut result, mut point) = match token {
        None => (0, 0),
        Some(token) => token
            .split_once('.')
            .and_then(|(result, point)| Some((result.parse().ok()?, point.parse().ok()?)))
            .ok_or_else(|| {
                fault::invalid_next_token("The value for parameter NextToken is invalid.")
            })?,
    };
    let mut results = Vec::new();
    let mut next_token = None;
    for found in found.into_iter().skip(result) {
        let mut points: Vec<(u64, f64)> = found.series.into_iter().collect();
        if !is_ascending {
            points.reverse();
        }
        let all = points.len().saturating_sub(point);
        let taken: Vec<(u64, f64)> = points.into_iter().skip(point).take(left).collect();
        let is_whole = taken.len() == all;
        left -= taken.len();
        point += taken.len();
        let (timestamps, values) =
            taken.into_iter().map(|(at, value)| (timestamp(at), value)).unzip();
        results.push(MetricDataResult {
            id: Some(found.id),
            label: Some(found.label),
            timestamps: Some(timestamps),
            values: Some(values),
            status_code: Some(if is_whole {
                StatusCode::Complete
            } else {
                StatusCode::PartialData
            }),
            messages: None,
        });
        if !is_whole {
            next_token = Some(format!("{result}.{point}"));
            break;
        }
        (result, point) = (result + 1, 0);
    }
    Ok(GetMetricDataOutput {
        metric_data_results: Some(results),
        next_token,
        messages: Some(Vec::new()),
    })
}
