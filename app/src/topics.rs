// SPDX-License-Identifier: Apache-2.0
//! How what is published to topics gets to functions: the seam between Amazon SNS and AWS Lambda.

use crate::targets::Targets;
use sns::{Invocation, InvokeFunction};
use std::sync::Arc;
use targets::{Deliver as _, NotTaken, Parcel, Sender};
use wire::{BoxFuture, Fault, Result};

const SERVICE: &str = "sns.amazonaws.com";

#[derive(Debug)]
pub(crate) struct Topics(pub(crate) Arc<Targets>);

impl InvokeFunction for Topics {
    fn invoke<'a>(&'a self, invocation: Invocation<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Invocation { function_arn, topic_arn, trace, payload } = invocation;
            let account = topic_arn.split(':').nth(4).unwrap_or_default();
            let source_account = account.parse().map_err(|_| Fault::internal())?;
            let sender =
                Sender::Service { name: SERVICE, source_arn: topic_arn.to_owned(), source_account };
            let parcel = Parcel::Invocation {
                function_arn: function_arn.to_owned(),
                payload: payload.into(),
            };
            self.0.deliver(&sender, trace, parcel).await.map_err(fault)
        })
    }
}

fn fault(error: NotTaken) -> Fault {
    let (status, code, message) = match error {
        NotTaken::Never { code, message } => (400, code, message),
        NotTaken::NotNow { code, message } => (503, code, message),
    };
    Fault { code: code.into(), ..Fault::new("", status, message) }
}
