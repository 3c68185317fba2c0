// SPDX-License-Identifier: Apache-2.0
//! Brings what functions used from the meters to the ledger and to their metrics, every second; and to metrics what happened to
//! queues, topics, rules and schedules.
//!
//! What is printed is counted, in one place (`worker`); what is counted is on the disk a second later. A server that is
//! killed forgets at most that second, and never counts anything twice: before the counts are written, the lines that
//! they were printed in are.

use crate::embedded::Embedded;
use crate::scrape;
use anyhow::Context as _;
use cloudwatch::CloudWatch;
use invoke::Invoker;
use lambda::Lambda;
use log_store::Logs;
use meter::{Drained, Meters};
use sqs::Sqs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::{Date, OffsetDateTime};
use tokio::time::Instant;
use usage::{Column, Entry, Ledger, Row, Totals};

/// Rows that are summed up at once.
const ROWS_MAX: usize = 1_000_000;
const DAY_MS: u64 = 86_400_000;

#[derive(Debug)]
pub(crate) struct Metering {
    meters: Meters,
    invoker: Invoker,
    lambda: Lambda,
    queues: Sqs,
    logs: Logs,
    ledger: Ledger,
    metrics: CloudWatch,
    embedded: Embedded,
    every: Duration,
    /// When what is provisioned was last counted.
    provisioned_until: Mutex<Instant>,
}

/// Where it comes from and where it goes.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) meters: Meters,
    pub(crate) ledger: Ledger,
    pub(crate) metrics: CloudWatch,
}

impl Metering {
    pub(crate) fn new(
        invoker: &Invoker,
        lambda: &Lambda,
        queues: &Sqs,
        logs: &Logs,
        kept: Kept,
        options: &usage::Options,
    ) -> Arc<Self> {
        let Kept { meters, ledger, metrics } = kept;
        let embedded = Embedded::new(logs, metrics.clone());
        Arc::new(Self {
            meters,
            invoker: invoker.clone(),
            lambda: lambda.clone(),
            queues: queues.clone(),
            logs: logs.clone(),
            ledger,
            metrics,
            embedded,
            every: Duration::from_millis(options.flush_ms.max(1)),
            provisioned_until: Mutex::new(Instant::now()),
        })
    }

    /// Collects, for as long as the server runs.
    pub(crate) async fn run(&self) {
        tokio::join!(self.collect_often(), self.metrics.run(), self.embedded.run());
    }

    /// Collects what is left when nothing runs any more.
    pub(crate) async fn finish(&self) -> anyhow::Result<()> {
        self.collect().await.context("what functions used was not written")?;
        self.flush_logs().await;
        self.embedded.finish().await;
        self.metrics.flush().await.context("metrics were not written")
    }

    async fn collect_often(&self) {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(self.every).await;
            let result = self.collect().await;
            if let Err(error) = &result
                && !is_failing
            {
                tracing::error!(
                    error = &**error as &dyn std::error::Error,
                    "usage not written; it waits in memory"
                );
            }
            is_failing = result.is_err();
        }
    }

    /// Takes what was counted until now to the disk.
    async fn collect(&self) -> anyhow::Result<()> {
        self.lambda.note_levels();
        self.queues.note_levels();
        let drained = self.meters.drain();
        scrape::count(&drained);
        self.ledger.add(self.provisioned());
        self.ledger.add(used(&drained));
        if !drained.meters.is_empty() {
            self.flush_logs().await;
        }
        self.ledger.settle().await?;
        // What is billed goes first.
        self.metrics.take(&drained).await?;
        Ok(self.metrics.take_tallied(&meter::drain_tallies()).await?)
    }

    async fn flush_logs(&self) {
        let logs = self.logs.clone();
        // It fails only when the server stops, which flushes the logs itself.
        drop(tokio::task::spawn_blocking(move || logs.flush()).await);
    }

    pub(crate) async fn usage(
        &self,
        from: &str,
        to: &str,
        by: &[Column],
    ) -> anyhow::Result<Vec<Row>> {
        self.collect().await?;
        Ok(usage::group(self.ledger.rows(from, to, ROWS_MAX).await?, by))
    }

    /// What provisioned environments took since the last time, used or not.
    fn provisioned(&self) -> Vec<Entry> {
        let now = Instant::now();
        let elapsed = {
            let mut until = self.provisioned_until.lock().unwrap_or_else(PoisonError::into_inner);
            // Whole milliseconds: what is left is counted the next time.
            let elapsed_ms = u64::try_from((now - *until).as_millis()).unwrap_or(u64::MAX);
            *until += Duration::from_millis(elapsed_ms);
            elapsed_ms
        };
        let day = epoch_ms() / DAY_MS;
        let entry = |(function, _, progress): (Arc<worker::Function>, _, invoke::Provisioned)| {
            let allocated = u64::try_from(progress.allocated).unwrap_or(u64::MAX);
            let mb_ms = allocated.saturating_mul(function.memory_mb.into()).saturating_mul(elapsed);
            let totals = Totals { provisioned_mb_ms: mb_ms, ..Totals::default() };
            (mb_ms > 0).then(|| Entry { whose: function.whose(), day, totals })
        };
        self.invoker.all_provisioned().into_iter().filter_map(entry).collect()
    }
}

/// Milliseconds since 1970.
pub(crate) fn epoch_ms() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the time of day, which usage is summed up by")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Of UTC.
pub(crate) fn today() -> Date {
    let seconds = i64::try_from(epoch_ms() / 1_000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).map_or(Date::MIN, OffsetDateTime::date)
}

fn used(drained: &Drained) -> impl Iterator<Item = Entry> {
    drained.meters.iter().flat_map(|(meter, windows)| {
        windows.iter().map(|window| Entry {
            whose: meter.whose().clone(),
            day: window.day,
            totals: window.counted.into(),
        })
    })
}
