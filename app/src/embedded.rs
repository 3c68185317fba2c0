// SPDX-License-Identifier: Apache-2.0
//! Brings metrics that are printed to logs, in the Embedded Metric Format, from the log groups to CloudWatch.

use cloudwatch::CloudWatch;
use log_store::{Logs, Lookout, Sighted};
use tokio::sync::Mutex;

#[derive(Debug)]
pub(crate) struct Embedded {
    lookout: Mutex<Lookout>,
    metrics: CloudWatch,
}

impl Embedded {
    pub(crate) fn new(logs: &Logs, metrics: CloudWatch) -> Self {
        Self { lookout: Mutex::new(logs.look_out(cloudwatch::MARK)), metrics }
    }

    /// Brings what comes, for as long as it is polled.
    pub(crate) async fn run(&self) {
        let mut lookout = self.lookout.lock().await;
        let mut dropped = 0;
        while let Some(sighted) = lookout.next().await {
            self.take(&sighted).await;
            let all = lookout.dropped();
            if all > dropped {
                tracing::warn!(batches = all - dropped, "metrics in log events dropped");
                dropped = all;
            }
        }
    }

    /// Brings what is there.
    pub(crate) async fn finish(&self) {
        let mut lookout = self.lookout.lock().await;
        while let Some(sighted) = lookout.try_next() {
            self.take(&sighted).await;
        }
    }

    async fn take(&self, sighted: &Sighted) {
        let group = &sighted.group;
        let (account, region, name) = (&group.account, &group.region, &group.name);
        let taken = self.metrics.take_embedded(account, region, name, sighted.texts()).await;
        if let Err(error) = taken {
            let error: &dyn std::error::Error = &error;
            tracing::error!(group = name, error, "metrics in log events lost");
        }
    }
}
