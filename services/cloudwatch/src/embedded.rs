// SPDX-License-Identifier: Apache-2.0
//! The Embedded Metric Format: metrics that are printed to logs. Pure.
//!
//! A log event is a JSON object, after whatever a runtime puts before it. Its member `_aws` says which other members are metrics,
//! and which are their dimensions. Who reads events looks for the bytes of [`MARK`] first: what lacks them is none.
//!
//! An event is taken whole or not at all. What is wrong with it is counted, and the log has it all the same.

use crate::put::{self, Kept};
use crate::series::{MetricKey, Place, SeriesKey};
use api::cloudwatch::{Dimension, MetricDatum, StandardUnit};
use meter::Distribution;
use serde::Deserialize;
use serde_json::{Map, Value};
use wire::Timestamp;

/// What stands in each event that may have metrics.
pub const MARK: &[u8] = b"\"_aws\"";

/// Of one directive, as AWS has it.
const DEFINITIONS_MAX: usize = 100;
/// Of one set, as AWS has it.
const DIMENSIONS_MAX: usize = 30;
/// Of one metric, as AWS has it.
const VALUES_MAX: usize = 100;
/// Sets of one directive. AWS names no limit.
const SETS_MAX: usize = 30;
const NAME_LENGTH_MAX: usize = 255;
const VALUE_LENGTH_MAX: usize = 1_024;

/// Why nothing of an event became a metric: it is not what the format is, or it says something that a metric may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Form,
    Content,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: f64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    dimensions: Vec<Vec<String>>,
    metrics: Vec<Definition>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: String,
    unit: Option<String>,
    storage_resolution: Option<i32>,
}

/// The metrics of an event of a group, or that it is wrong. Most often there is nothing.
pub(crate) fn values(place: &Place, group: &str, text: &[u8], now: Timestamp) -> Vec<Kept> {
    match read(place, text, now) {
        Ok(values) => values,
        Err(wrong) => vec![complaint(place, group, wrong, now)],
    }
}

/// What AWS counts in a namespace of its own.
fn complaint(place: &Place, group: &str, wrong: Wrong, now: Timestamp) -> Kept {
    let name = match wrong {
        Wrong::Form => "EMFParsingErrors",
        Wrong::Content => "EMFValidationErrors",
    };
    let group = Dimension { name: "LogGroupName".to_owned(), value: group.to_owned() };
    let metric = MetricKey::new(place.clone(), "AWS/Logs", name, &[group]);
    let second = u64::try_from(now.epoch_ms()).unwrap_or_default() / 1_000;
    (SeriesKey { metric, unit: StandardUnit::Count }, second, Distribution::of(1.0), false)
}

fn read(place: &Place, text: &[u8], now: Timestamp) -> Result<Vec<Kept>, Wrong> {
    let Some(start) = text.iter().position(|byte| *byte == b'{') else { return Ok(Vec::new()) };
    let document = text.get(start..).unwrap_or_default();
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(document) else {
        // Text that only speaks of it is no mistake.
        let is_meant = memchr::memmem::find(document, b"\"CloudWatchMetrics\"").is_some();
        return if is_meant { Err(Wrong::Form) } else { Ok(Vec::new()) };
    };
    let has_metrics = |metadata: &Value| metadata.get("CloudWatchMetrics").is_some();
    let Some(metadata) = members.remove("_aws").filter(has_metrics) else { return Ok(Vec::new()) };
    let metadata = Metadata::deserialize(metadata).map_err(|_| Wrong::Form)?;
    let timestamp = milliseconds(metadata.timestamp).ok_or(Wrong::Form)?;
    let mut values = Vec::new();
    for directive in &metadata.cloud_watch_metrics {
        let data = data(directive, &members, timestamp).ok_or(Wrong::Content)?;
        put::check_namespace(&directive.namespace).map_err(|_| Wrong::Content)?;
        for part in data.chunks(put::DATA_MAX) {
            let named = part.iter().map(|datum| (String::new(), datum));
            let kept = put::kept(place, &directive.namespace, named, now);
            values.extend(kept.map_err(|_| Wrong::Content)?);
        }
    }
    Ok(values)
}

/// Each metric of a directive with each set of dimensions. `None`: something is not as it may be.
fn data(
    directive: &Directive,
    members: &Map<String, Value>,
    timestamp: Timestamp,
) -> Option<Vec<MetricDatum>> {
    let Directive { namespace, dimensions, metrics } = directive;
    let is_namespace = is_name(namespace) && !namespace.starts_with(':');
    if !is_namespace || metrics.len() > DEFINITIONS_MAX || dimensions.len() > SETS_MAX {
        return None;
    }
    let set = |names: &Vec<String>| {
        let one = |name: &String| {
            let value = members.get(name)?.as_str()?;
            let is_good = is_name(name) && value.len() <= VALUE_LENGTH_MAX;
            is_good.then(|| Dimension { name: name.clone(), value: value.to_owned() })
        };
        (names.len() <= DIMENSIONS_MAX)
            .then(|| names.iter().map(one).collect::<Option<Vec<_>>>())?
    };
    let mut sets = dimensions.iter().map(set).collect::<Option<Vec<_>>>()?;
    if sets.is_empty() {
        sets.push(Vec::new());
    }
    let mut data = Vec::new();
    for definition in metrics {
        let values = numbers(members.get(&definition.name)?)?;
        let unit = match &definition.unit {
            Some(unit) => Some(StandardUnit::parse(unit)?),
            None => None,
        };
        if !is_name(&definition.name) {
            return None;
        }
        data.extend(sets.iter().map(|set| MetricDatum {
            metric_name: definition.name.clone(),
            dimensions: Some(set.clone()),
            timestamp: Some(timestamp),
            values: Some(values.clone()),
            unit,
            storage_resolution: definition.storage_resolution,
            ..MetricDatum::default()
        }));
    }
    Some(data)
}

fn is_name(name: &str) -> bool {
    (1..=NAME_LENGTH_MAX).contains(&name.len())
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Number(number) => Some(vec![number.as_f64()?]),
        Value::Array(values) if values.len() <= VALUES_MAX => {
            values.iter().map(Value::as_f64).collect()
        }
        _ => None,
    }
}

/// A time that clients write as a number, with or without a fraction.
fn milliseconds(timestamp: f64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "of a number in this range nothing is cut off but its fraction"
    )]
    let whole = (0.0..1e15).contains(&timestamp).then_some(timestamp as i64);
    whole.map(Timestamp::from_epoch_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_epoch_ms(1_795_406_400_000);

    fn check(text: &str, expected: &[&str]) {
        let place = Place {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        let one = |(series, second, values, is_fine): &Kept| {
            let MetricKey { namespace, name, dimensions, .. } = &series.metric;
            let dimensions = dimensions.iter().map(|(name, value)| format!(" {name}={value}"));
            let (unit, at) = (series.unit.as_str(), second - 1_795_406_000);
            let (count, sum) = (values.count(), values.sum());
            let all: String = dimensions.collect();
            format!("{namespace} {name}{all}: {count} {sum} {unit} at {at} {is_fine}")
        };
        let found = values(&place, "g", text.as_bytes(), NOW);
        assert_eq!(found.iter().map(one).collect::<Vec<_>>(), expected, "{text}");
    }

    /// A good event, with something else in place of one of its members.
    fn event(pointer: &str, value: Value) -> String {
        let mut event = json!({
            "_aws": {
                "Timestamp": 1_795_406_390_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "n",
                    "Dimensions": [["shop"], []],
                    "Metrics": [{"Name": "time", "Unit": "Milliseconds"}],
                }],
            },
            "shop": "a",
            "time": 3,
        });
        if !pointer.is_empty() {
            *event.pointer_mut(pointer).unwrap() = value;
        }
        event.to_string()
    }

    #[test]
    fn members_become_metrics_with_each_set_of_dimensions() {
        let both = [
            "n time shop=a: 1 3 Milliseconds at 390 false",
            "n time: 1 3 Milliseconds at 390 false",
        ];
        check(&event("", Value::Null), &both);
        check(&format!("2026-11-23T12:00:00Z\tid\tINFO\t{}\n", event("", Value::Null)), &both);
        let metrics = "/_aws/CloudWatchMetrics/0/Metrics";
        check(
            &event(metrics, json!([{"Name": "time", "StorageResolution": 1}])),
            &["n time shop=a: 1 3 None at 390 true", "n time: 1 3 None at 390 true"],
        );
        check(
            &event("/time", json!([1, 2.5, 1])),
            &[
                "n time shop=a: 3 4.5 Milliseconds at 390 false",
                "n time: 3 4.5 Milliseconds at 390 false",
            ],
        );
        check(
            &event("/_aws/CloudWatchMetrics/0/Dimensions", json!([])),
            &["n time: 1 3 Milliseconds at 390 false"],
        );
        check(&event(metrics, json!([])), &[]);
    }

    #[test]
    fn what_only_speaks_of_it_is_nothing() {
        for text in [
            r#"the member "_aws" is read"#,
            r#"{"message": {"_aws": {"CloudWatchMetrics": []}}}"#,
            r#"{"_aws": {"Timestamp": 1}}"#,
            r#"{"_aws": 1"#,
            "",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let parsing = ["AWS/Logs EMFParsingErrors LogGroupName=g: 1 1 Count at 400 false"];
        let validation = ["AWS/Logs EMFValidationErrors LogGroupName=g: 1 1 Count at 400 false"];
        check(event("", Value::Null).trim_end_matches('}'), &parsing);
        for (pointer, value) in [
            ("/_aws/Timestamp", json!("now")),
            ("/_aws/Timestamp", json!(-1)),
            ("/_aws/CloudWatchMetrics", json!({})),
            ("/_aws/CloudWatchMetrics/0/Dimensions", json!(["shop"])),
            ("/_aws/CloudWatchMetrics/0/Namespace", json!(1)),
            ("/_aws/CloudWatchMetrics/0/Metrics/0", json!("time")),
        ] {
            check(&event(pointer, value), &parsing);
        }
        let many = |count: usize| vec!["shop"; count];
        for (pointer, value) in [
            ("/_aws/Timestamp", json!(1_795_406_390)),
            ("/_aws/CloudWatchMetrics/0/Namespace", json!("AWS/Lambda")),
            ("/_aws/CloudWatchMetrics/0/Namespace", json!("")),
            ("/_aws/CloudWatchMetrics/0/Dimensions", json!([["absent"]])),
            ("/_aws/CloudWatchMetrics/0/Dimensions", json!([["time"]])),
            ("/_aws/CloudWatchMetrics/0/Dimensions", json!([many(31)])),
            ("/_aws/CloudWatchMetrics/0/Dimensions", json!(vec![many(1); 31])),
            ("/_aws/CloudWatchMetrics/0/Metrics", json!(vec![json!({"Name": "time"}); 101])),
            ("/_aws/CloudWatchMetrics/0/Metrics/0/Name", json!("absent")),
            ("/_aws/CloudWatchMetrics/0/Metrics/0/Unit", json!("Furlongs")),
            ("/shop", json!("")),
            ("/shop", json!(7)),
            ("/time", json!("3")),
            ("/time", json!(vec![1; 101])),
            ("/time", json!([])),
        ] {
            check(&event(pointer, value), &validation);
        }
    }
}
