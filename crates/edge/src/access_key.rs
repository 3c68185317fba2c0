// SPDX-License-Identifier: Apache-2.0
//! Access keys: made, and what they stand for.

use names::AccountId;
use sigv4::Credentials;
use std::fmt;
use wire::Caller;

/// A key and the principal behind it.
#[derive(Debug)]
pub struct AccessKey {
    pub(crate) credentials: Credentials,
    pub(crate) account: AccountId,
    pub(crate) caller: Caller,
    /// Seconds since 1970.
    pub(crate) expires_at_s: Option<i64>,
}

/// What a function gets to call AWS with, in the three variables that every SDK reads.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCredentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl AccessKey {
    /// `caller.access_key_id` is the key's id.
    pub const fn new(credentials: Credentials, account: AccountId, caller: Caller) -> Self {
        Self { credentials, account, caller, expires_at_s: None }
    }

    /// For keys that are good for a while: until so many seconds after 1970.
    #[must_use]
    pub const fn expiring(mut self, at_s: i64) -> Self {
        self.expires_at_s = Some(at_s);
        self
    }

    pub(crate) fn is_expired(&self, now_s: u64) -> bool {
        self.expires_at_s.is_some_and(|at_s| i64::try_from(now_s).is_ok_and(|now_s| now_s >= at_s))
    }

    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    pub(crate) fn root(account: &AccountId, access_key_id: &str, secret: &str) -> Self {
        let caller = Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_string(),
            access_key_id: access_key_id.to_owned(),
        };
        Self::new(Credentials::new(secret), account.clone(), caller)
    }

    /// The key of a session of a role.
    pub(crate) fn session(
        account: &AccountId,
        role_arn: &str,
        role_id: &str,
        session_name: &str,
        session: &SessionCredentials,
    ) -> Self {
        let caller =
            session_caller(account, role_arn, role_id, session_name, &session.access_key_id);
        let credentials = Credentials::new(session.secret_access_key.as_str())
            .with_session_token(session.session_token.as_str());
        Self::new(credentials, account.clone(), caller)
    }
}

impl SessionCredentials {
    pub(crate) fn random() -> Self {
        Self {
            access_key_id: secrets::access_key_id("ASIA"),
            secret_access_key: secrets::secret_access_key(),
            session_token: secrets::text::<172>(),
        }
    }
}

/// Who a session of a role is: `arn:aws:iam::000000000000:role/path/name` makes
/// `arn:aws:sts::000000000000:assumed-role/name/session`.
pub(crate) fn session_caller(
    account: impl fmt::Display,
    role_arn: &str,
    role_id: &str,
    session_name: &str,
    access_key_id: &str,
) -> Caller {
    let role_name = role_arn.rsplit('/').next().unwrap_or(role_arn);
    Caller {
        arn: format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}"),
        user_id: format!("{role_id}:{session_name}"),
        access_key_id: access_key_id.to_owned(),
    }
}
