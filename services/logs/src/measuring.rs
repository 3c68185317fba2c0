// SPDX-License-Identifier: Apache-2.0
//! Makes metrics of what metric filters find.
//!
//! All filters of a group share one reader, which keeps its place as those of subscriptions do: events are looked at once. Values go
//! to CloudWatch through a seam that `app` fills. A default value is told for a minute in which events arrived and none
//! matched, once the minute is over.
//!
//! Pure, but for [`follow`].

use crate::clock;
use crate::pattern::Pattern;
use crate::service::Service;
use api::cloudwatch::{Dimension, MetricDatum, PutMetricDataInput, StandardUnit};
use log_store::{Arrived, GroupKey, MetricFilter, Place};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use wire::{BoxFuture, Result, Timestamp};

/// The reader's name: that of no filter, since they have no colon.
pub(crate) const READER: &str = ":metrics";
/// Bytes of a group that are read at once.
const ROUND_BYTES: usize = 512 << 10;
const MINUTE_MS: i64 = 60_000;
/// Different values of a datum, and data of a request, as CloudWatch takes them.
const VALUES_MAX: usize = 150;
const DATA_MAX: usize = 1_000;

/// Whatever takes values of metrics: in a server it is Amazon CloudWatch.
pub trait Metrics: fmt::Debug + Send + Sync + 'static {
    /// For the account and the region of a log group.
    fn put<'a>(
        &'a self,
        group: &'a GroupKey,
        input: PutMetricDataInput,
    ) -> BoxFuture<'a, Result<()>>;
}

/// Filters with a default value that saw events in a minute: which minute, and whether one matched.
#[derive(Debug, Default)]
pub(crate) struct Minutes(Mutex<HashMap<(GroupKey, String), Minute>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Minute {
    /// Since 1970.
    number: i64,
    has_match: bool,
}

/// What a round found.
struct Round {
    inputs: Vec<PutMetricDataInput>,
    next: Place,
}

/// What values are of: filter, dimensions, minute.
type Series = (usize, Vec<(String, String)>, i64);

/// Makes metrics until there is nothing left.
pub(crate) async fn follow(service: &Service, group: &GroupKey) {
    loop {
        tokio::time::sleep(crate::following::GATHER).await;
        // Nobody closes it.
        let _room = service.rounds.acquire().await;
        let key = group.clone();
        let Ok(Some(round)) = service.work(move |service| Ok(read(service, &key))).await else {
            return;
        };
        put(service, group, round.inputs).await;
        let key = group.clone();
        let kept = service.work(move |service| {
            let group = service.logs.group(&key);
            Ok(group.map_or(Ok(()), |group| group.set_bookmark(READER, Some(round.next))))
        });
        if !matches!(kept.await, Ok(Ok(()))) {
            tracing::error!(group = group.name, "the place of metric filters was not kept");
            return;
        }
    }
}

async fn put(service: &Service, group: &GroupKey, inputs: Vec<PutMetricDataInput>) {
    for input in inputs {
        let namespace = input.namespace.clone();
        if let Err(fault) = service.metrics.put(group, input).await {
            let group = &group.name;
            tracing::warn!(group, namespace, %fault, "values of metric filters lost");
        }
    }
}

/// Tells the default values of minutes that are over.
pub(crate) async fn tell_defaults(service: &Service) {
    let now = clock::epoch_ms() / MINUTE_MS;
    for ((key, filter), minute) in service.minutes.take_before(now) {
        let found = service.work(move |service| {
            let settings = service.logs.group(&key).map(|group| group.settings());
            let filters = settings.as_ref().map(|settings| settings.metric_filters.iter());
            let found = filters.into_iter().flatten().find(|known| known.name == filter).cloned();
            Ok((key, found))
        });
        if let Ok((key, Some(filter))) = found.await
            && let Some(value) = filter.default_value
        {
            let values = BTreeMap::from([(value.to_bits(), 1)]);
            let datum = data(&filter, &[], minute.number, &values);
            put(service, &key, inputs(vec![(filter.metric_namespace, datum)])).await;
        }
    }
}

fn read(service: &Service, key: &GroupKey) -> Option<Round> {
    let group = service.logs.group(key)?;
    let settings = group.settings();
    let filters = &settings.metric_filters;
    let first = filters.iter().map(|filter| filter.from).min()?;
    let from = group.bookmark(READER).map_or(first, |place| place.max(first));
    let followed = group.follow(from, Place::MAX, ROUND_BYTES);
    let followed = followed.map_err(|error| {
        tracing::error!(group = key.name, %error, "log events not read for metric filters");
    });
    let followed = followed.ok().filter(|followed| followed.next != from)?;
    if followed.has_gap {
        tracing::warn!(
            group = key.name,
            "log events were removed before metrics were made of them"
        );
    }
    let found = Found::of(filters, &followed.arrived);
    service.minutes.note(key, filters, &found);
    Some(Round { inputs: found.inputs(filters), next: followed.next })
}

/// What filters found in events.
#[derive(Debug, Default)]
struct Found {
    /// How often there was which value.
    values: BTreeMap<Series, BTreeMap<u64, u32>>,
    /// Of each filter, by its place: the last minute in which events arrived, and whether one matched in it.
    minutes: HashMap<usize, Minute>,
}

impl Found {
    fn of(filters: &[MetricFilter], arrived: &[Arrived]) -> Self {
        let mut found = Self::default();
        for (place, filter) in filters.iter().enumerate() {
            let Ok(pattern) = Pattern::parse(&filter.pattern) else { continue };
            for batch in arrived.iter().filter(|batch| batch.place() >= filter.from) {
                let mut has_match = false;
                for (_, time, text) in batch.events() {
                    let text = String::from_utf8_lossy(text);
                    if pattern.is_match(&text) {
                        has_match = true;
                        found.note(place, filter, &pattern, time, &text);
                    }
                }
                let minute = Minute { number: batch.time / MINUTE_MS, has_match };
                let known = found.minutes.entry(place).or_insert(minute);
                *known = known.and(minute);
            }
        }
        found
    }

    /// An event that matches. One without a number, or without what a dimension needs, has no value.
    fn note(
        &mut self,
        place: usize,
        filter: &MetricFilter,
        pattern: &Pattern,
        time: i64,
        text: &str,
    ) {
        let written = match filter.metric_value.starts_with('$') {
            true => pattern.select(text, &filter.metric_value),
            false => Some(filter.metric_value.clone()),
        };
        let value = written.and_then(|text| text.parse::<f64>().ok()).filter(|it| it.is_finite());
        let is_good = |text: &String| text.is_ascii() && !text.trim().is_empty();
        let dimensions: Option<Vec<_>> = filter
            .dimensions
            .iter()
            .map(|(name, field)| Some((name.clone(), pattern.select(text, field).filter(is_good)?)))
            .collect();
        if let Some((value, dimensions)) = value.zip(dimensions) {
            let series = (place, dimensions, time / MINUTE_MS);
            *self.values.entry(series).or_default().entry(value.to_bits()).or_default() += 1;
        }
    }

    fn inputs(&self, filters: &[MetricFilter]) -> Vec<PutMetricDataInput> {
        let found = self.values.iter().filter_map(|((place, dimensions, minute), values)| {
            let filter = filters.get(*place)?;
            let namespace = filter.metric_namespace.clone();
            Some((namespace, data(filter, dimensions, *minute, values)))
        });
        inputs(found.collect())
    }
}

impl Minute {
    /// What is known of the later of two, or of both if they are the same.
    fn and(self, other: Self) -> Self {
        match self.number.cmp(&other.number) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Equal => {
                Self { has_match: self.has_match || other.has_match, ..self }
            }
        }
    }
}

impl Minutes {
    fn note(&self, group: &GroupKey, filters: &[MetricFilter], found: &Found) {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, minute) in &found.minutes {
            let Some(filter) = filters.get(*place).filter(|it| it.default_value.is_some()) else {
                continue;
            };
            let key = (group.clone(), filter.name.clone());
            let known = minutes.entry(key).or_insert(*minute);
            *known = known.and(*minute);
        }
    }

    /// Those over before the minute `now` in which nothing matched.
    fn take_before(&self, now: i64) -> Vec<((GroupKey, String), Minute)> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<_> = minutes.extract_if(|_, minute| minute.number < now).collect();
        over.into_iter().filter(|(_, minute)| !minute.has_match).collect()
    }
}

/// The values of a minute.
fn data(
    filter: &MetricFilter,
    dimensions: &[(String, String)],
    minute: i64,
    values: &BTreeMap<u64, u32>,
) -> Vec<MetricDatum> {
    let all: Vec<(f64, f64)> =
        values.iter().map(|(bits, count)| (f64::from_bits(*bits), f64::from(*count))).collect();
    let dimension =
        |(name, value): &(String, String)| Dimension { name: name.clone(), value: value.clone() };
    let datum = |part: &[(f64, f64)]| MetricDatum {
        metric_name: filter.metric_name.clone(),
        dimensions: Some(dimensions.iter().map(dimension).collect()),
        timestamp: Some(Timestamp::from_epoch_ms(minute * MINUTE_MS)),
        value: None,
        statistic_values: None,
        values: Some(part.iter().map(|(value, _)| *value).collect()),
        counts: Some(part.iter().map(|(_, count)| *count).collect()),
        unit: filter.unit.as_deref().and_then(StandardUnit::parse),
        storage_resolution: None,
    };
    all.chunks(VALUES_MAX).map(datum).collect()
}

/// Requests for all of these, each of one namespace.
fn inputs(data: Vec<(String, Vec<MetricDatum>)>) -> Vec<PutMetricDataInput> {
    let mut by_namespace: BTreeMap<String, Vec<MetricDatum>> = BTreeMap::new();
    for (namespace, more) in data {
        by_namespace.entry(namespace).or_default().extend(more);
    }
    let mut inputs = Vec::new();
    for (namespace, mut data) in by_namespace {
        while !data.is_empty() {
            let rest = data.split_off(data.len().min(DATA_MAX));
            inputs.push(PutMetricDataInput {
                namespace: namespace.clone(),
                metric_data: Some(std::mem::replace(&mut data, rest)),
                entity_metric_data: None,
                strict_entity_validation: None,
            });
        }
    }
    inputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_without_a_match_is_told_once_and_when_it_is_over() {
        let group = GroupKey {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: "/g".to_owned(),
        };
        let filter = |name: &str, default_value| MetricFilter {
            name: name.to_owned(),
            default_value,
            ..MetricFilter::default()
        };
        let filters = [filter("defaults", Some(0.0)), filter("none", None)];
        let minutes = Minutes::default();
        let note = |number, has_match| {
            let minute = Minute { number, has_match };
            let found =
                Found { minutes: HashMap::from([(0, minute), (1, minute)]), ..Found::default() };
            minutes.note(&group, &filters, &found);
        };
        let told = |now| -> Vec<(String, i64)> {
            let over = minutes.take_before(now).into_iter();
            over.map(|((_, filter), minute)| (filter, minute.number)).collect()
        };
        note(7, false);
        note(7, false);
        assert_eq!(told(7), []);
        assert_eq!(told(8), [("defaults".to_owned(), 7)]);
        assert_eq!(told(9), []);
        note(9, false);
        note(9, true);
        note(9, false);
        assert_eq!(told(10), [], "one that matched is enough");
    }
}
