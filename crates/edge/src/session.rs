// SPDX-License-Identifier: Apache-2.0
//! Sessions that STS makes: what is known of one travels in its token, sealed. So they outlive servers, and need no disk.

use crate::access_key::{AccessKey, SessionCredentials};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use names::AccountId;
use secrets::Sealer;
use serde::{Deserialize, Serialize};
use sigv4::Credentials;
use wire::Caller;

/// A session of a role or a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub account: AccountId,
    /// Who calls with it: `arn:aws:sts::000000000000:assumed-role/name/session`, or the user's own ARN.
    pub arn: String,
    /// `AROA...:session`, or the user's own.
    pub user_id: String,
    /// The id of the role or the user: another one of the same name has another.
    pub holder_id: String,
    /// Seconds since 1970, as is the next.
    pub issued_at_s: i64,
    pub expires_at_s: i64,
    /// A document that was passed with the call.
    pub policy: Option<String>,
    /// ARNs of managed policies that were passed with the call.
    pub policy_arns: Vec<String>,
    pub tags: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    secret: String,
    session: Session,
}

/// Makes the tokens of sessions, and reads them.
#[derive(Debug)]
pub struct SessionTokens {
    sealer: Sealer,
}

impl SessionTokens {
    pub const fn new(sealer: Sealer) -> Self {
        Self { sealer }
    }

    /// Credentials of a new session.
    pub fn issue(&self, session: Session) -> SessionCredentials {
        let access_key_id = secrets::access_key_id("ASIA");
        let secret_access_key = secrets::secret_access_key();
        let sealed = Sealed { secret: secret_access_key.clone(), session };
        let plain = serde_json::to_vec(&sealed).expect("texts and numbers make JSON");
        let session_token = STANDARD.encode(self.sealer.seal(&access_key_id, &plain));
        SessionCredentials { access_key_id, secret_access_key, session_token }
    }

    /// The session that a token is of, and its key. `None`: the token is of another key, or not ours.
    pub(crate) fn open(&self, access_key_id: &str, token: &str) -> Option<(Session, AccessKey)> {
        let sealed = STANDARD.decode(token).ok()?;
        let plain = self.sealer.open(access_key_id, &sealed)?;
        let Sealed { secret, session } = serde_json::from_slice(&plain).ok()?;
        let caller = Caller {
            arn: session.arn.clone(),
            user_id: session.user_id.clone(),
            access_key_id: access_key_id.to_owned(),
        };
        let credentials = Credentials::new(secret).with_session_token(token);
        let key = AccessKey::new(credentials, session.account.clone(), caller)
            .expiring(session.expires_at_s);
        Some((session, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::KeyFile;

    fn session() -> Session {
        Session {
            account: "000000000000".parse().unwrap(),
            arn: "arn:aws:sts::000000000000:assumed-role/r/s".to_owned(),
            user_id: "AROA:s".to_owned(),
            holder_id: "AROA".to_owned(),
            issued_at_s: 1,
            expires_at_s: 3_601,
            policy: None,
            policy_arns: Vec::new(),
            tags: vec![("team".to_owned(), "a".to_owned())],
        }
    }

    #[test]
    fn a_token_opens_with_its_own_key_only() {
        let keys = KeyFile::ephemeral();
        let tokens = SessionTokens::new(keys.sealer("session tokens"));
        let made = tokens.issue(session());
        let (found, key) = tokens.open(&made.access_key_id, &made.session_token).unwrap();
        assert_eq!(found, session());
        assert!(!key.is_expired(3_600) && key.is_expired(3_601));

        let other = tokens.issue(session());
        assert!(tokens.open(&other.access_key_id, &made.session_token).is_none());
        assert!(tokens.open(&made.access_key_id, "AAAA").is_none());
        let restarted = SessionTokens::new(keys.sealer("session tokens"));
        assert!(restarted.open(&made.access_key_id, &made.session_token).is_some());
        let elsewhere = SessionTokens::new(KeyFile::ephemeral().sealer("session tokens"));
        assert!(elsewhere.open(&made.access_key_id, &made.session_token).is_none());
    }
}
