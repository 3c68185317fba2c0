// SPDX-License-Identifier: Apache-2.0
//! GetMetricStatistics.

use crate::CloudWatch;
use crate::metrics::MetricsError;
use crate::series::{DAY_S, Level, MetricKey, Place};
use crate::statistic::{Stat, in_periods};
use crate::table::{Points, SeriesId};
use api::cloudwatch::{
    Datapoint, Dimension, GetMetricStatisticsInput, GetMetricStatisticsOutput, StandardUnit,
    Statistic, fault,
};
use meter::Distribution;
use std::collections::BTreeMap;
use wire::{Context, Result, Timestamp};

/// Values in one answer.
const DATAPOINTS_MAX: u64 = 1_440;

/// What values are asked for: from a start, which is rounded, up to an end, by periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start_s: u64,
    pub(crate) end_s: u64,
    pub(crate) period_s: u64,
}

impl Range {
    /// The start is rounded down to a minute or, as it gets older, to five minutes and an hour; for periods of less than a
    /// minute to one of them.
    pub(crate) fn new(start: Timestamp, end: Timestamp, period: i32, now_s: u64) -> Option<Self> {
        let seconds = |time: Timestamp, up: u64| {
            (u64::try_from(time.epoch_ms()).unwrap_or_default() + up) / 1_000
        };
        let (start_s, end_s) = (seconds(start, 0), seconds(end, 999));
        let period_s = u64::try_from(period).ok()?;
        let unit_s = match period_s {
            1 | 5 | 10 | 20 | 30 => period_s,
            period_s if period_s == 0 || !period_s.is_multiple_of(60) => return None,
            _ => match now_s.saturating_sub(start_s) {
                age_s if age_s < 15 * DAY_S => 60,
                age_s if age_s < 63 * DAY_S => 300,
                _ => 3_600,
            },
        };
        Some(Self { start_s: start_s - start_s % unit_s, end_s, period_s })
    }

    pub(crate) fn datapoints(self) -> u64 {
        self.end_s.saturating_sub(self.start_s).div_ceil(self.period_s)
    }
}

impl CloudWatch {
    pub(crate) async fn statistics(
        &self,
        cx: &Context,
        input: GetMetricStatisticsInput,
    ) -> Result<GetMetricStatisticsOutput> {
        let range = Range::new(input.start_time, input.end_time, input.period, self.now_s())
            .ok_or_else(|| bad_period(input.period))?;
        if input.start_time >= input.end_time {
            return Err(fault::invalid_parameter_value(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let count = range.datapoints();
        if count > DATAPOINTS_MAX {
            return Err(fault::invalid_parameter_combination(format!(
                "You have requested up to {count} datapoints, which exceeds the limit of {DATAPOINTS_MAX}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
            )));
        }
        let plain = input.statistics.unwrap_or_default();
        let extended = extended(input.extended_statistics.unwrap_or_default())?;
        if plain.is_empty() == extended.is_empty() {
            return Err(match plain.is_empty() {
                true => {
                    fault::missing_parameter("Must specify either Statistics or ExtendedStatistics")
                }
                false => fault::invalid_parameter_combination(
                    "Must specify either Statistics or ExtendedStatistics, not both",
                ),
            });
        }
        let dimensions = input.dimensions.unwrap_or_default();
        let metric = metric(cx, &input.namespace, &input.metric_name, &dimensions);
        let mut datapoints = Vec::new();
        for (unit, points) in self.points(&metric, input.unit, range).await? {
            let point = |(start_s, values)| datapoint(start_s, &values, unit, &plain, &extended);
            datapoints.extend(points.into_iter().map(point));
        }
        Ok(GetMetricStatisticsOutput {
            label: Some(input.metric_name),
            datapoints: Some(datapoints),
        })
    }

    /// The values of a metric by periods, for each unit, or the one that is asked for.
    pub(crate) async fn points(
        &self,
        metric: &MetricKey,
        unit: Option<StandardUnit>,
        range: Range,
    ) -> Result<Vec<(StandardUnit, Points)>> {
        self.read_points(metric, unit, range).await.map_err(crate::internal)
    }

    async fn read_points(
        &self,
        metric: &MetricKey,
        unit: Option<StandardUnit>,
        range: Range,
    ) -> std::result::Result<Vec<(StandardUnit, Points)>, MetricsError> {
        let metrics = &self.0.metrics;
        let Range { start_s, end_s, period_s } = range;
        let level = Level::for_period(period_s, start_s);
        // Nothing older is there, however far back a question goes.
        let first_s = start_s.max(self.now_s().saturating_sub(level.keep_s + level.chunk_s));
        let first_s = first_s.next_multiple_of(level.period_s);
        let series: Vec<(StandardUnit, SeriesId)> = metrics.table().await?.of_metric(metric, unit);
        let mut all = Vec::with_capacity(series.len());
        for (unit, id) in series {
            let points = metrics.read(id, level, first_s, end_s).await?;
            all.push((unit, in_periods(&points, start_s, period_s)));
        }
        Ok(all)
    }
}

pub(crate) fn metric(
    cx: &Context,
    namespace: &str,
    name: &str,
    dimensions: &[Dimension],
) -> MetricKey {
    let place = Place { account: cx.account.clone(), region: cx.region.clone() };
    MetricKey::new(place, namespace, name, dimensions)
}

pub(crate) fn bad_period(period: i32) -> wire::Fault {
    fault::invalid_parameter_value(format!(
        "The value {period} for parameter Period is invalid: it must be 1, 5, 10, 20, 30 or a multiple of 60"
    ))
}

fn extended(names: Vec<String>) -> Result<Vec<(String, Stat)>> {
    let parse = |name: String| match Stat::parse(&name) {
        Some(stat @ Stat::Percentile(_)) => Ok((name, stat)),
        Some(Stat::Plain(_)) | None => Err(fault::invalid_parameter_value(format!(
            "The value {name} for parameter ExtendedStatistics.member.1 is invalid."
        ))),
    };
    names.into_iter().map(parse).collect()
}

fn datapoint(
    start_s: u64,
    values: &Distribution,
    unit: StandardUnit,
    plain: &[Statistic],
    extended: &[(String, Stat)],
) -> Datapoint {
    let of = |statistic| plain.contains(&statistic).then(|| Stat::Plain(statistic).of(values))?;
    let percentiles: BTreeMap<String, f64> =
        extended.iter().filter_map(|(name, stat)| Some((name.clone(), stat.of(values)?))).collect();
    Datapoint {
        timestamp: Some(timestamp(start_s)),
        sample_count: of(Statistic::SampleCount),
        average: of(Statistic::Average),
        sum: of(Statistic::Sum),
        minimum: of(Statistic::Minimum),
        maximum: of(Statistic::Maximum),
        unit: Some(unit),
        extended_statistics: (!extended.is_empty()).then_some(percentiles),
    }
}

pub(crate) fn timestamp(second: u64) -> Timestamp {
    Timestamp::from_epoch_ms(i64::try_from(second.saturating_mul(1_000)).unwrap_or(i64::MAX))
}
