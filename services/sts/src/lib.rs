// SPDX-License-Identifier: Apache-2.0
//! AWS Security Token Service: who am I.
//!
//! Every client's first question. The answer is in the context, since the edge has verified the signature. There is no
//! state here; the operations that issue credentials are declared and not built.

use api::sts::{GetCallerIdentityInput, GetCallerIdentityOutput, Sts, StsEndpoint};
use std::sync::Arc;
use wire::{Context, Endpoint, Result};

#[derive(Debug, Clone, Copy, Default)]
pub struct Service;

impl Service {
    /// The service, as it is called over the wire.
    pub fn endpoint() -> Arc<dyn Endpoint> {
        Arc::new(StsEndpoint(Self))
    }
}

impl Sts for Service {
    async fn get_caller_identity(
        &self,
        cx: &Context,
        GetCallerIdentityInput {}: GetCallerIdentityInput,
    ) -> Result<GetCallerIdentityOutput> {
        Ok(GetCallerIdentityOutput {
            user_id: cx.caller.user_id.clone(),
            account: cx.account.to_string(),
            arn: cx.caller.arn.clone(),
        })
    }
}
