// SPDX-License-Identifier: Apache-2.0
//! Where values go that metric filters take from log events: the seam of CloudWatch Logs to CloudWatch.

use api::cloudwatch::{CloudWatch as _, PutMetricDataInput};
use cloudwatch::CloudWatch;
use log_store::GroupKey;
use names::{RequestId, TraceHeader};
use wire::{Authority, BoxFuture, Caller, Context, Fault};

#[derive(Debug)]
pub(crate) struct Measured(pub(crate) CloudWatch);

impl logs::Metrics for Measured {
    fn put<'a>(
        &'a self,
        group: &'a GroupKey,
        input: PutMetricDataInput,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let service = || "logs.amazonaws.com".to_owned();
            let cx = Context {
                account: group.account.clone(),
                region: group.region.clone(),
                request_id: RequestId::random(),
                trace: TraceHeader::start(0),
                caller: Caller { arn: service(), user_id: service(), access_key_id: String::new() },
                authority: Authority::Full,
                endpoint: String::new(),
            };
            self.0.put_metric_data(&cx, input).await
        })
    }
}
