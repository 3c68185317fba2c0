// SPDX-License-Identifier: Apache-2.0
//! A secret key, and the signing keys derived from it.

use crate::claim::Scope;
use ::hmac::{Hmac, Mac};
use ring::hmac;
use sha2::Sha256;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;

pub(crate) type HmacSha256 = Hmac<Sha256>;

/// Scopes whose signing key is kept: a client uses few services and regions, and a day ends.
const SIGNING_KEYS_MAX: usize = 16;

/// What one access key is worth. Its id is whoever holds this's business.
pub struct Credentials {
    secret: Box<str>,
    /// Must be in the request, for keys that are part of a session.
    session_token: Option<Box<str>>,
    /// The most recently derived at the end.
    signing_keys: Mutex<Vec<SigningKey>>,
}

struct SigningKey {
    /// `20261123/us-east-1/lambda`
    scope: Box<str>,
    hmac: HmacSha256,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

impl Credentials {
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self { secret: secret.into(), session_token: None, signing_keys: Mutex::default() }
    }

    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<Box<str>>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Whether `token` is this session's. A key that needs none does not look at it, so that scripts that set a
    /// placeholder beside a permanent key go on working.
    pub(crate) fn accepts_token(&self, token: Option<&str>) -> bool {
        let Some(expected) = &self.session_token else { return true };
        token.is_some_and(|token| expected.as_bytes().ct_eq(token.as_bytes()).into())
    }

    /// Whether a signature of Version 2 is of this key.
    pub(crate) fn has_signed_v2(&self, text: &[u8], signature: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.as_bytes());
        hmac::verify(&key, text, signature).is_ok()
    }

    /// The keyed hash of `scope`, ready to take a string to sign.
    pub(crate) fn signing_key(&self, scope: &Scope<'_>) -> HmacSha256 {
        let text = scope.without_terminator();
        {
            let keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = keys.iter().rev().find(|key| *key.scope == *text) {
                return key.hmac.clone();
            }
        }

        let hmac = self.derive(scope);
        let mut keys = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= SIGNING_KEYS_MAX {
            keys.remove(0);
        }
        keys.push(SigningKey { scope: text.into(), hmac: hmac.clone() });
        hmac
    }

    fn derive(&self, scope: &Scope<'_>) -> HmacSha256 {
        let mut key = keyed(format!("AWS4{}", self.secret).as_bytes());
        for part in [scope.date, scope.region, scope.service, Scope::TERMINATOR] {
            key.update(part.as_bytes());
            key = keyed(&key.finalize().into_bytes());
        }
        key
    }
}

fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}
