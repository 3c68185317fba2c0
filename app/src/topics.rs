// SPDX-License-Identifier: Apache-2.0
//! How what is published to topics gets to functions: the seam between Amazon SNS and AWS Lambda.

use crate::opening::Later;
use api::lambda::{InvocationType, InvokeInput, InvokeOperations as _, LambdaEndpoint};
use edge::Mode;
use lambda::Lambda;
use names::{FunctionArn, RequestId};
use policy::{FactList, Principal};
use sns::{Invocation, InvokeFunction};
use std::fmt;
use wire::{Authority, BoxFuture, Caller, Context, Fault, Result};

const ACTION: &str = "lambda:InvokeFunction";
const SERVICE: &str = "sns.amazonaws.com";

pub(crate) struct Topics {
    pub(crate) lambda: Later<LambdaEndpoint<Lambda>>,
    pub(crate) mode: Mode,
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Topics")
    }
}

impl InvokeFunction for Topics {
    fn invoke<'a>(&'a self, invocation: Invocation<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let LambdaEndpoint(lambda) = self.lambda.wait().await;
            let Invocation { function_arn, topic_arn, trace, payload } = invocation;
            let gone = || Fault::new("ResourceNotFoundException", 404, "Function not found");
            let function: FunctionArn = function_arn.parse().map_err(|_| gone())?;
            if !self.is_allowed(lambda, function_arn, topic_arn) {
                let text = format!("the policy of {function_arn} does not let {topic_arn} call it");
                return Err(Fault::new("AccessDeniedException", 403, text));
            }
            let cx = Context {
                account: function.account,
                region: function.region,
                request_id: RequestId::random(),
                trace,
                caller: Caller {
                    arn: SERVICE.to_owned(),
                    user_id: SERVICE.to_owned(),
                    access_key_id: String::new(),
                },
                authority: Authority::Full,
                endpoint: String::new(),
            };
            let input = InvokeInput {
                function_name: function_arn.to_owned(),
                invocation_type: Some(InvocationType::Event),
                payload: payload.into(),
                ..InvokeInput::default()
            };
            lambda.invoke(&cx, input).await.map(drop)
        })
    }
}

impl Topics {
    fn is_allowed(&self, lambda: &Lambda, function: &str, topic: &str) -> bool {
        let account = topic.split(':').nth(4).unwrap_or_default();
        let facts: FactList =
            [("aws:SourceArn", topic), ("aws:SourceAccount", account)].into_iter().collect();
        let is_allowed = lambda.allows(function, Principal::Service(SERVICE), ACTION, &facts);
        if !is_allowed && self.mode == Mode::Warn {
            tracing::warn!(function, topic, "call would be denied");
        }
        is_allowed || self.mode != Mode::Enforce
    }
}
