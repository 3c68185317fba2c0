// SPDX-License-Identifier: Apache-2.0
//! AWS Security Token Service: who am I, and sessions of roles and users.
//!
//! There is no state here: a session's token holds what is known of it, sealed (see `edge::SessionTokens`). Whose roles there are,
//! IAM is asked through its declared operations.

mod assume_role;
mod session_token;

use api::iam::RoleOperations;
use api::sts::{
    AssumeRoleInput, AssumeRoleOutput, Credentials, GetCallerIdentityInput,
    GetCallerIdentityOutput, GetSessionTokenInput, GetSessionTokenOutput, Sts, StsEndpoint,
};
use edge::{Session, SessionTokens};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use wire::{Context, Endpoint, Result, Timestamp};

/// `R` is IAM.
#[derive(Debug)]
pub struct Service<R> {
    roles: R,
    tokens: Arc<SessionTokens>,
}

impl<R: RoleOperations> Service<R> {
    pub const fn new(roles: R, tokens: Arc<SessionTokens>) -> Self {
        Self { roles, tokens }
    }

    /// The service, as it is called over the wire.
    pub fn endpoint(self) -> Arc<dyn Endpoint> {
        Arc::new(StsEndpoint(self))
    }

    fn issue(&self, session: Session) -> Credentials {
        let expiration = Timestamp::from_epoch_ms(session.expires_at_s.saturating_mul(1_000));
        let made = self.tokens.issue(session);
        Credentials {
            access_key_id: made.access_key_id,
            secret_access_key: made.secret_access_key,
            session_token: made.session_token,
            expiration,
        }
    }
}

impl<R: RoleOperations> Sts for Service<R> {
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

    async fn assume_role(&self, cx: &Context, input: AssumeRoleInput) -> Result<AssumeRoleOutput> {
        self.assume(cx, input).await
    }

    async fn get_session_token(
        &self,
        cx: &Context,
        input: GetSessionTokenInput,
    ) -> Result<GetSessionTokenOutput> {
        self.session_of_caller(cx, &input)
    }
}

/// The one place where the time of day is asked for. Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "sessions end by the time of day")]
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
