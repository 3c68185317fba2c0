// SPDX-License-Identifier: Apache-2.0
//! Amazon CloudWatch: metrics that are put, and those of functions, queues, topics, rules and schedules.
//!
//! Start at `metrics.rs` for where values are, at `table.rs` for what of them is in memory. `put.rs` is what may be put,
//! `lambda.rs` what functions' meters counted, `tallied.rs` what other services did, `embedded.rs` what stands in logs, `statistics.rs`, `query.rs` and `list.rs` what can be asked, `expression.rs`
//! the arithmetic.
//!
//! Invariants:
//! - a value that was put is there for the next question, and on the disk within `flush_seconds`;
//! - what one account put, no other is answered.
//!
//! Not here: alarms, dashboards, streams and insights, which are declared and not built.

mod embedded;
mod expression;
mod lambda;
mod list;
mod metrics;
mod put;
mod query;
mod series;
mod statistic;
mod statistics;
mod table;
mod tallied;

pub use embedded::MARK;
pub use metrics::MetricsError;

use api::cloudwatch::{
    CloudWatch as Operations, CloudWatchEndpoint, GetMetricDataInput, GetMetricDataOutput,
    GetMetricStatisticsInput, GetMetricStatisticsOutput, ListMetricsInput, ListMetricsOutput,
    PutMetricDataInput, fault,
};
use meter::{Drained, Tallied};
use metrics::Metrics;
use names::{AccountId, Region};
use series::Place;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use wire::{Context, Endpoint, Fault, Result, Timestamp};

#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Metrics of all accounts, each of its units counted. Beyond it new ones are refused. Default: 100000.
    pub metrics_max: usize,
    /// Seconds between two writes of metrics: what of them a server that is killed loses at most. Default: 60.
    pub flush_seconds: u64,
    /// Days that metrics are kept at most. AWS keeps minutes for 15, five minutes for 63 and hours for 455. Default: 455.
    pub days_max: u64,
    #[serde(skip, default = "wall_clock")]
    pub clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self { metrics_max: 100_000, flush_seconds: 60, days_max: 455, clock: now }
    }
}

fn wall_clock() -> fn() -> Timestamp {
    now
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock of this service; tests put another into `Options`"
)]
fn now() -> Timestamp {
    let elapsed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

/// Amazon CloudWatch. Clones share it.
#[derive(Debug, Clone)]
pub struct CloudWatch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    metrics: Metrics,
    options: Options,
}

impl CloudWatch {
    pub fn new(store: &Store, options: Options) -> Self {
        Self(Arc::new(Shared { metrics: Metrics::new(store, options.clone()), options }))
    }

    /// The service, as it is called over the wire.
    pub fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::new(CloudWatchEndpoint(self.clone()))
    }

    /// Takes what meters counted into the metrics of functions.
    ///
    /// # Errors
    ///
    /// When what is kept of metrics cannot be read.
    pub async fn take(&self, drained: &Drained) -> std::result::Result<(), MetricsError> {
        if self.0.metrics.add(lambda::values(drained)).await?.is_err() {
            tracing::debug!("too many metrics; those of new functions are not kept");
        }
        Ok(())
    }

    /// Takes what was counted until now of resources of other services.
    ///
    /// # Errors
    ///
    /// When what is kept of metrics cannot be read.
    pub async fn take_tallied(&self, tallied: &[Tallied]) -> std::result::Result<(), MetricsError> {
        if tallied.is_empty() {
            return Ok(());
        }
        if self.0.metrics.add(tallied::values(tallied, self.now_s())).await?.is_err() {
            tracing::debug!("too many metrics; those of new resources are not kept");
        }
        Ok(())
    }

    /// Takes the metrics of log events of a group: of texts in which [`MARK`] was found.
    ///
    /// # Errors
    ///
    /// When what is kept of metrics cannot be read.
    pub async fn take_embedded<'a>(
        &self,
        account: &AccountId,
        region: &Region,
        group: &str,
        texts: impl Iterator<Item = &'a [u8]>,
    ) -> std::result::Result<(), MetricsError> {
        let place = Place { account: account.clone(), region: region.clone() };
        let now = (self.0.options.clock)();
        let values = texts.flat_map(|text| embedded::values(&place, group, text, now));
        let values: Vec<_> = values.collect();
        if self.0.metrics.add(values).await?.is_err() {
            tracing::debug!(group, "too many metrics; those of log events are not kept");
        }
        Ok(())
    }

    /// Writes what is not on the disk yet.
    ///
    /// # Errors
    ///
    /// When the store fails. What was not written stays in memory, and is written the next time.
    pub async fn flush(&self) -> std::result::Result<(), MetricsError> {
        self.0.metrics.flush(self.now_s()).await
    }

    /// Writes now and then, for as long as the server runs.
    pub async fn run(&self) {
        let every = Duration::from_secs(self.0.options.flush_seconds.max(1));
        let mut is_failing = false;
        loop {
            tokio::time::sleep(every).await;
            let result = self.flush().await;
            if let Err(error) = &result
                && !is_failing
            {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "metrics not written; they wait in memory"
                );
            }
            is_failing = result.is_err();
        }
    }

    fn now_s(&self) -> u64 {
        u64::try_from((self.0.options.clock)().epoch_ms()).unwrap_or_default() / 1_000
    }
}

impl Operations for CloudWatch {
    async fn put_metric_data(&self, cx: &Context, input: PutMetricDataInput) -> Result<()> {
        put::check_namespace(&input.namespace)?;
        let place = Place { account: cx.account.clone(), region: cx.region.clone() };
        let plain = input.metric_data.iter().flatten().enumerate();
        let plain = plain.map(|(index, datum)| (format!("MetricData.member.{}", index + 1), datum));
        // Whose values they are is not kept: nothing here asks by entity.
        let entities = input.entity_metric_data.iter().flatten();
        let of_entities = entities.flat_map(|entity| entity.metric_data.iter().flatten());
        let of_entities = of_entities.map(|datum| ("EntityMetricData.member".to_owned(), datum));
        let now = (self.0.options.clock)();
        let kept = put::kept(&place, &input.namespace, plain.chain(of_entities), now)?;
        if kept.is_empty() {
            return Err(fault::missing_parameter("The parameter MetricData is required."));
        }
        let added = self.0.metrics.add(kept).await.map_err(internal)?;
        added.map_err(|_too_many| {
            let max = self.0.options.metrics_max;
            fault::limit_exceeded_fault(format!(
                "There are {max} metrics already (cloudwatch.metrics_max)"
            ))
        })
    }

    async fn get_metric_data(
        &self,
        cx: &Context,
        input: GetMetricDataInput,
    ) -> Result<GetMetricDataOutput> {
        self.data(cx, input).await
    }

    async fn get_metric_statistics(
        &self,
        cx: &Context,
        input: GetMetricStatisticsInput,
    ) -> Result<GetMetricStatisticsOutput> {
        self.statistics(cx, input).await
    }

    async fn list_metrics(
        &self,
        cx: &Context,
        input: ListMetricsInput,
    ) -> Result<ListMetricsOutput> {
        self.list(cx, input).await
    }
}

/// Ours: the cause goes to the log, and the client gets none of it.
fn internal(error: MetricsError) -> Fault {
    tracing::error!(error = &error as &dyn std::error::Error, "metrics not available");
    fault::internal_service_error("An internal error occurred.")
}
