// SPDX-License-Identifier: Apache-2.0
//! How other services send messages to queues: by the operation, on behalf of a queue's own account.

use super::{MessageOperations, SendMessageInput};
use names::{AccountId, Region, RequestId, TraceHeader};
use std::fmt;
use wire::{Authority, BoxFuture, Caller, Context, Result};

/// Whatever takes messages for queues: in a server it is Amazon SQS, by its own operation.
pub trait SendMessage: fmt::Debug + Send + Sync {
    fn send_message<'a>(
        &'a self,
        cx: &'a Context,
        input: SendMessageInput,
    ) -> BoxFuture<'a, Result<()>>;
}

impl<S: MessageOperations + fmt::Debug> SendMessage for S {
    fn send_message<'a>(
        &'a self,
        cx: &'a Context,
        input: SendMessageInput,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { MessageOperations::send_message(self, cx, input).await.map(drop) })
    }
}

/// Of what the server does for somebody of this account, as its root.
pub fn owner_context(account: AccountId, region: Region, trace: TraceHeader) -> Context {
    Context {
        caller: Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_string(),
            access_key_id: String::new(),
        },
        account,
        region,
        request_id: RequestId::random(),
        trace,
        authority: Authority::Full,
        endpoint: String::new(),
    }
}
