// SPDX-License-Identifier: Apache-2.0
//! A repository of a registry: the reading half of the Docker Registry API, version 2, and its ways to log in.
//!
//! Blocks. Without credentials first; who is asked for them gives what the operator has configured, by HTTP's basic scheme or for
//! a token.

use crate::client::{Answer, Client, is_loopback, unreachable};
use crate::error::ImageError;
use crate::manifest::{INDEXES, MANIFESTS};
use crate::options::{Registry, Secret};
use crate::reference::Which;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};

/// The longest answer of a token service.
const TOKEN_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Repository {
    client: Client,
    host: String,
    name: String,
    options: Registry,
    /// What the last request was authorized by.
    authorization: Mutex<Option<Secret>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Repository {
    pub(crate) fn new(client: Client, host: &str, name: &str, options: Registry) -> Self {
        let (host, name) = (host.to_owned(), name.to_owned());
        Self { client, host, name, options, authorization: Mutex::default() }
    }

    pub(crate) fn manifest(
        &self,
        which: &Which,
        max: u64,
    ) -> Result<(Vec<u8>, Option<String>), ImageError> {
        let which = match which {
            Which::Tag(tag) => tag.clone(),
            Which::Digest(digest) => digest.to_string(),
            Which::Only => "latest".to_owned(),
        };
        let accept: Vec<_> = MANIFESTS.into_iter().chain(INDEXES).collect();
        let answer = self.get(&format!("manifests/{which}"), &accept)?;
        let media_type = answer.media_type.clone();
        Ok((answer.bytes(&self.host, max)?, media_type))
    }

    pub(crate) fn blob(
        &self,
        digest: crate::digest::Digest,
    ) -> Result<impl std::io::Read + Send + use<>, ImageError> {
        Ok(self.get(&format!("blobs/{digest}"), &[])?.into_reader())
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    fn get(&self, path: &str, accept: &[&str]) -> Result<Answer, ImageError> {
        let scheme = if self.is_plain() { "http" } else { "https" };
        let url = format!("{scheme}://{}/v2/{}/{path}", self.host, self.name);
        let get = |authorization: Option<&Secret>| {
            let authorization = authorization.map(Secret::reveal);
            self.client.get(&url, accept, authorization, self.may_be_plain())
        };
        let known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut answer = get(known.as_ref())?;
        if answer.status == 401
            && let Some(challenge) = &answer.challenge
        {
            let authorization = self.authorize(challenge)?;
            answer = get(Some(&authorization))?;
            *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(authorization);
        }
        match answer.status {
            200 => Ok(answer),
            401 | 403 => Err(ImageError::Denied),
            404 => Err(ImageError::NotFound),
            status => Err(ImageError::Unreachable {
                host: self.host.clone(),
                reason: format!("it answered with status {status}"),
            }),
        }
    }

    /// A registry on this machine is spoken to without encryption, unless the operator says otherwise.
    fn is_plain(&self) -> bool {
        self.options.plain_http.unwrap_or_else(|| is_loopback(&self.host))
    }

    /// Whether the operator lets credentials leave this machine as they are.
    fn may_be_plain(&self) -> bool {
        self.options.plain_http == Some(true)
    }

    /// The header that a challenge asks for.
    fn authorize(&self, challenge: &str) -> Result<Secret, ImageError> {
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or((challenge, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return self.basic()?.ok_or(ImageError::Denied);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ImageError::Denied);
        }
        let parameter = |name| parameter(parameters, name);
        let realm = parameter("realm").ok_or(ImageError::Denied)?;
        let mut url = realm;
        let default_scope = format!("repository:{}:pull", self.name);
        let scope = parameter("scope").unwrap_or(default_scope);
        for (name, value) in [("service", parameter("service")), ("scope", Some(scope))] {
            if let Some(value) = value {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)));
            }
        }
        let basic = self.basic()?;
        let answer =
            self.client.get(&url, &[], basic.as_ref().map(Secret::reveal), self.may_be_plain())?;
        match answer.status {
            200 => {}
            400 | 401 | 403 => return Err(ImageError::Denied),
            status => {
                return Err(ImageError::Unreachable {
                    host: self.host.clone(),
                    reason: format!("its token service answered with status {status}"),
                });
            }
        }
        let bytes = answer.bytes(&self.host, TOKEN_BYTES_MAX)?;
        // What the parser says could quote the token.
        let token: Token = serde_json::from_slice(&bytes).map_err(|_| {
            unreachable(&self.host, &std::io::Error::other("no token in its answer"))
        })?;
        let token = token.token.or(token.access_token).ok_or(ImageError::Denied)?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ImageError::Denied);
        }
        Ok(Secret::new(format!("Bearer {token}")))
    }

    /// The configured credentials as a header.
    fn basic(&self) -> Result<Option<Secret>, ImageError> {
        let password = match (&self.options.password, &self.options.password_file) {
            (Some(password), _) => password.clone(),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(ImageError::file("read", path))?;
                Secret::new(text.trim_end_matches(['\r', '\n']))
            }
            (None, None) => return Ok(None),
        };
        let user = self.options.username.as_deref().unwrap_or_default();
        let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
        Ok(Some(Secret::new(format!("Basic {pair}"))))
    }
}

/// One parameter of a challenge: `realm="https://auth.example.com/token",service="r.example.com"`.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_start_matches([',', ' ']).trim();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.to_owned());
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_challenge_are_found() {
        let text = r#"realm="https://auth.test/token?a=b,c",service=r.test, scope="repository:a/b:pull,push""#;
        assert_eq!(parameter(text, "realm").as_deref(), Some("https://auth.test/token?a=b,c"));
        assert_eq!(parameter(text, "service").as_deref(), Some("r.test"));
        assert_eq!(parameter(text, "Scope").as_deref(), Some("repository:a/b:pull,push"));
        assert_eq!(parameter(text, "error"), None);
        assert_eq!(parameter("realm=\"unclosed", "realm"), None);
    }
}
