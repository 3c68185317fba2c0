// SPDX-License-Identifier: Apache-2.0
//! GetSessionToken.

use crate::{Service, now_s};
use api::iam::RoleOperations;
use api::sts::{GetSessionTokenInput, GetSessionTokenOutput};
use edge::Session;
use wire::{Context, Fault, Result};

/// Twelve hours.
const DURATION_S_DEFAULT: i32 = 43_200;
/// An hour.
const ROOT_DURATION_S_MAX: i32 = 3_600;

/// What sessions without a device can not do, as AWS says.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"},
    {"Effect":"Allow","Action":["sts:AssumeRole","sts:GetCallerIdentity"],"Resource":"*"}]}"#;

impl<R: RoleOperations> Service<R> {
    pub(crate) fn session_of_caller(
        &self,
        cx: &Context,
        input: &GetSessionTokenInput,
    ) -> Result<GetSessionTokenOutput> {
        if input.serial_number.is_some() || input.token_code.is_some() {
            return Err(Fault::validation("MFA is not supported by this build of Tinderbox"));
        }
        if cx.caller.access_key_id.starts_with("ASIA") {
            let text = "Cannot call GetSessionToken with session credentials";
            return Err(Fault::new("AccessDenied", 403, text));
        }
        let is_root = cx.caller.arn.ends_with(":root");
        let asked_s = input.duration_seconds.unwrap_or(DURATION_S_DEFAULT);
        let duration_s = if is_root { asked_s.min(ROOT_DURATION_S_MAX) } else { asked_s };
        let issued_at_s = now_s();
        let session = Session {
            account: cx.account.clone(),
            arn: cx.caller.arn.clone(),
            user_id: cx.caller.user_id.clone(),
            holder_id: cx.caller.user_id.clone(),
            issued_at_s,
            expires_at_s: issued_at_s.saturating_add(i64::from(duration_s)),
            policy: (!is_root).then(|| POLICY.to_owned()),
            policy_arns: Vec::new(),
            tags: Vec::new(),
        };
        Ok(GetSessionTokenOutput {
            credentials: Some(self.issue(session)),
            ..GetSessionTokenOutput::default()
        })
    }
}
