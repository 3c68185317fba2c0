// SPDX-License-Identifier: Apache-2.0
//! How what filters of log groups find gets to functions and to metrics: the seams of CloudWatch Logs to AWS Lambda and CloudWatch.

use crate::opening::Later;
use api::cloudwatch::{CloudWatch as _, PutMetricDataInput};
use api::lambda::{InvocationType, InvokeInput, InvokeOperations as _, LambdaEndpoint};
use cloudwatch::CloudWatch;
use edge::Mode;
use lambda::Lambda;
use log_store::GroupKey;
use logs::{Call, NotTaken};
use names::{AccountId, Region, RequestId, TraceHeader};
use policy::{FactList, Principal};
use std::fmt;
use wire::{Authority, Blame, Blob, BoxFuture, Caller, Context, Fault};

const ACTION: &str = "lambda:InvokeFunction";

pub(crate) struct Subscribers {
    pub(crate) lambda: Later<LambdaEndpoint<Lambda>>,
    pub(crate) mode: Mode,
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscribers")
    }
}

impl logs::Functions for Subscribers {
    fn check<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<(), NotTaken>> {
        let trace = TraceHeader::start(0);
        Box::pin(self.invoke(call, trace, InvocationType::DryRun, Blob::default()))
    }

    fn send<'a>(
        &'a self,
        call: Call<'a>,
        trace: TraceHeader,
        event: Blob,
    ) -> BoxFuture<'a, Result<(), NotTaken>> {
        Box::pin(self.invoke(call, trace, InvocationType::Event, event))
    }
}

impl Subscribers {
    async fn invoke(
        &self,
        call: Call<'_>,
        trace: TraceHeader,
        invocation_type: InvocationType,
        event: Blob,
    ) -> Result<(), NotTaken> {
        let LambdaEndpoint(lambda) = self.lambda.wait().await;
        let function = call.function.to_string();
        if !self.is_allowed(lambda, &function, &call) {
            let group = call.source_arn;
            let text = format!("the policy of {function} does not let {group} have it called");
            return Err(NotTaken::Refused(text));
        }
        let input = InvokeInput {
            function_name: function,
            invocation_type: Some(invocation_type),
            payload: event,
            ..InvokeInput::default()
        };
        let cx = context(&call.function.account, &call.function.region, trace);
        let taken = lambda.invoke(&cx, input).await;
        taken.map(drop).map_err(|fault| match may_be_taken_later(&fault) {
            true => NotTaken::NotNow(fault.message),
            false => NotTaken::Refused(fault.message),
        })
    }

    fn is_allowed(&self, lambda: &Lambda, function: &str, call: &Call<'_>) -> bool {
        let regional = format!("logs.{}.amazonaws.com", call.function.region);
        let facts: FactList = [
            ("aws:SourceArn", call.source_arn),
            ("aws:SourceAccount", call.source_account.as_str()),
        ]
        .into_iter()
        .collect();
        let is_allowed = ["logs.amazonaws.com", regional.as_str()]
            .into_iter()
            .any(|service| lambda.allows(function, Principal::Service(service), ACTION, &facts));
        if !is_allowed && self.mode == Mode::Warn {
            tracing::warn!(function, source = call.source_arn, "call would be denied");
        }
        is_allowed || self.mode != Mode::Enforce
    }
}

/// A throttle, a function that is being made, and whatever is this server's own fault.
fn may_be_taken_later(fault: &Fault) -> bool {
    fault.status == 429 || fault.status == 409 || fault.blame() == Blame::Platform
}

/// Where values of metric filters go.
#[derive(Debug)]
pub(crate) struct Measured(pub(crate) CloudWatch);

impl logs::Metrics for Measured {
    fn put<'a>(
        &'a self,
        group: &'a GroupKey,
        input: PutMetricDataInput,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let cx = context(&group.account, &group.region, TraceHeader::start(0));
            self.0.put_metric_data(&cx, input).await
        })
    }
}

/// Of a call that CloudWatch Logs makes.
fn context(account: &AccountId, region: &Region, trace: TraceHeader) -> Context {
    let service = || "logs.amazonaws.com".to_owned();
    Context {
        account: account.clone(),
        region: region.clone(),
        request_id: RequestId::random(),
        trace,
        caller: Caller { arn: service(), user_id: service(), access_key_id: String::new() },
        authority: Authority::Full,
        endpoint: String::new(),
    }
}
