// SPDX-License-Identifier: Apache-2.0
//! What a request says about its signature, and whether it is true.

use crate::canonical::{self, PathRule, decode_hex, push_hex};
use crate::{
    CLOCK_SKEW_MAX_S, ChunkSigner, Credentials, Instant, OBJECTS, Payload, PayloadHash,
    SignatureError,
};
use hmac::Mac;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use subtle::ConstantTimeEq;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
pub(crate) const PRESIGN_MAX_S: i64 = 7 * 24 * 60 * 60;

pub(crate) const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// What a signature is good for: `20261123/us-east-1/lambda/aws4_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    /// The first three, as they stand in the request.
    text: &'a str,
}

/// A signature as it stands in a request, readable but not yet believed.
#[derive(Clone)]
pub struct Claim<'a> {
    /// `AKIA…/20261123/us-east-1/lambda/aws4_request`. Invariant: `Scope::split` takes it.
    credential: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
    signature: [u8; 32],
    signed_at: Instant,
    /// For presigned requests: seconds after `signed_at`.
    expires_s: Option<i64>,
    session_token: Option<Cow<'a, str>>,
    /// Invariant: a hash, or the service is Amazon S3.
    payload: Option<Payload>,
}

impl std::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("credential", &self.credential)
            .field("signed_at", &self.signed_at)
            .finish()
    }
}

impl<'a> Scope<'a> {
    pub(crate) const TERMINATOR: &'static str = "aws4_request";

    /// The access key's id, the scope and its last part.
    fn split(credential: &'a str) -> Option<(&'a str, Self, &'a str)> {
        let (rest, terminator) = credential.rsplit_once('/')?;
        let (access_key_id, text) = rest.split_once('/')?;
        let (date, rest) = text.split_once('/')?;
        let (region, service) = rest.split_once('/')?;
        let is_whole = [access_key_id, date, region, service].iter().all(|part| !part.is_empty());
        (is_whole && !service.contains('/')).then_some((
            access_key_id,
            Self { date, region, service, text },
            terminator,
        ))
    }

    pub(crate) const fn without_terminator(&self) -> &'a str {
        self.text
    }

    /// `text` is `20261123/us-east-1/lambda`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (date, rest) = text.split_once('/')?;
        let (region, service) = rest.split_once('/')?;
        Some(Self { date, region, service, text })
    }
}

impl<'a> Claim<'a> {
    /// Finds the signature in a request's head.
    pub fn parse(head: &'a Parts) -> Result<Self, SignatureError> {
        if let Some(value) = head.headers.get(header::AUTHORIZATION) {
            let value =
                value.to_str().map_err(|_| incomplete("Authorization header is not readable."))?;
            return Self::parse_header(value, &head.headers);
        }
        match head.uri.query() {
            Some(query) if query.contains("X-Amz-Algorithm=") => {
                Self::parse_query(query, &head.headers)
            }
            _ => Err(SignatureError::Missing),
        }
    }

    fn parse_header(value: &'a str, headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let (algorithm, parameters) = value.split_once(' ').unwrap_or((value, ""));
        check_algorithm(algorithm)?;

        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for parameter in
            parameters.split(',').map(str::trim).filter(|parameter| !parameter.is_empty())
        {
            let (name, value) = parameter.split_once('=').ok_or_else(|| {
                incomplete("An element of the Authorization header is not a valid key=value pair (missing equal-sign).")
            })?;
            match name {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => {}
            }
        }
        let date = headers.get(X_AMZ_DATE).or_else(|| headers.get(header::DATE));
        let (Some(credential), Some(signed_headers), Some(signature), Some(date)) =
            (credential, signed_headers, signature, date)
        else {
            return Err(absent(
                "Authorization header requires",
                &[
                    ("'Credential' parameter.", credential.is_some()),
                    ("'Signature' parameter.", signature.is_some()),
                    ("'SignedHeaders' parameter.", signed_headers.is_some()),
                    ("existence of either a 'X-Amz-Date' or a 'Date' header.", date.is_some()),
                ],
            ));
        };
        let signed_at = parse_date(date.to_str().unwrap_or_default())?;
        let session_token = match headers.get(X_AMZ_SECURITY_TOKEN) {
            Some(token) => {
                Some(Cow::Borrowed(token.to_str().map_err(|_| SignatureError::UnknownKey)?))
            }
            None => None,
        };
        Self {
            credential: Cow::Borrowed(credential),
            signed_headers: Cow::Borrowed(signed_headers),
            signature: parse_signature(signature)?,
            signed_at,
            expires_s: None,
            session_token,
            payload: stated_payload(headers)?,
        }
        .checked(headers)
    }

    fn parse_query(query: &'a str, headers: &HeaderMap) -> Result<Self, SignatureError> {
        let parameter = |name: &str| {
            let mut values = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .filter(|pair| pair.0 == name);
            let (_, value) = values.next()?;
            let is_single = values.next().is_none();
            is_single.then(|| percent_decode_str(value).decode_utf8_lossy())
        };
        check_algorithm(&parameter("X-Amz-Algorithm").unwrap_or_default())?;
        let (credential, signature) = (parameter("X-Amz-Credential"), parameter("X-Amz-Signature"));
        let (signed_headers, date) = (parameter("X-Amz-SignedHeaders"), parameter("X-Amz-Date"));
        let expires = parameter("X-Amz-Expires");
        let (Some(credential), Some(signed_headers), Some(signature), Some(date), Some(expires)) =
            (&credential, &signed_headers, &signature, &date, &expires)
        else {
            return Err(absent(
                "AWS query-string parameters must include",
                &[
                    ("'X-Amz-Credential'.", credential.is_some()),
                    ("'X-Amz-Signature'.", signature.is_some()),
                    ("'X-Amz-SignedHeaders'.", signed_headers.is_some()),
                    ("'X-Amz-Date'.", date.is_some()),
                    ("'X-Amz-Expires'.", expires.is_some()),
                ],
            ));
        };
        let expires_s = expires
            .parse()
            .ok()
            .filter(|seconds| (1..=PRESIGN_MAX_S).contains(seconds))
            .ok_or_else(|| {
                incomplete(&format!(
                    "X-Amz-Expires must be a number of seconds from 1 to {PRESIGN_MAX_S}."
                ))
            })?;
        Self {
            credential: credential.clone(),
            signed_headers: signed_headers.clone(),
            signature: parse_signature(signature)?,
            signed_at: parse_date(date)?,
            expires_s: Some(expires_s),
            session_token: parameter("X-Amz-Security-Token"),
            // What is not signed was not stated by the signer.
            payload: match signed_headers.split(';').any(|name| name == X_AMZ_CONTENT_SHA256) {
                true => stated_payload(headers)?,
                false => None,
            },
        }
        .checked(headers)
    }

    /// What can be said without the key: the scope fits the date, and what must be signed is.
    fn checked(self, headers: &HeaderMap) -> Result<Self, SignatureError> {
        let Some((_, scope, terminator)) = Scope::split(&self.credential) else {
            return Err(SignatureError::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
                self.credential
            )));
        };
        if terminator != Scope::TERMINATOR {
            return Err(SignatureError::Scope(format!(
                "Credential should be scoped with a valid terminator: '{}', not '{terminator}'.",
                Scope::TERMINATOR
            )));
        }
        let date = self.signed_at.date_text();
        if scope.date != date {
            return Err(SignatureError::Scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{date}', from '{}'.",
                scope.date, self.signed_at
            )));
        }
        let is_signed = |header: &str| self.signed_headers.split(';').any(|name| name == header);
        if !is_signed("host") {
            return Err(SignatureError::Scope(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
                    .to_owned(),
            ));
        }
        if scope.service != OBJECTS && !matches!(self.payload, None | Some(Payload::Hash(_))) {
            return Err(SignatureError::Mismatch);
        }
        // Amazon S3 has rules of its own.
        if scope.service == OBJECTS {
            return Ok(self);
        }
        // What AWS reads in a head was meant by who signed. A session's token is added after signing by some clients; whose it
        // is, its key proves.
        let mut read_by_aws = headers
            .keys()
            .filter(|name| name.as_str().starts_with("x-amz-") && *name != X_AMZ_SECURITY_TOKEN);
        match read_by_aws.find(|name| !is_signed(name.as_str())) {
            Some(name) => Err(SignatureError::Scope(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            ))),
            None => Ok(self),
        }
    }

    /// The token that came with a temporary key.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    pub fn access_key_id(&self) -> &str {
        self.split().0
    }

    pub fn scope(&self) -> Scope<'_> {
        self.split().1
    }

    fn split(&self) -> (&str, Scope<'_>) {
        let (access_key_id, scope, _) =
            Scope::split(&self.credential).expect("`checked` has split it before");
        (access_key_id, scope)
    }

    /// The body's hash, when the head states it: then the signature can be verified before the body is read.
    pub const fn payload(&self) -> Option<PayloadHash> {
        match self.payload {
            Some(Payload::Hash(hash)) => Some(hash),
            _ => None,
        }
    }

    /// The same for Amazon S3, where the body needs not be hashed. `None`: the head does not say.
    pub const fn object_payload(&self) -> Option<Payload> {
        match (self.payload, self.expires_s) {
            (None, Some(_)) => Some(Payload::Unsigned),
            (payload, _) => payload,
        }
    }

    /// Checks all that needs no body: the clock, and the session token.
    pub fn check_head(
        &self,
        credentials: &Credentials,
        now: Instant,
    ) -> Result<(), SignatureError> {
        if !credentials.accepts_token(self.session_token.as_deref()) {
            return Err(SignatureError::UnknownKey);
        }
        let latest = now.plus_s(CLOCK_SKEW_MAX_S);
        if self.signed_at > latest {
            let minutes = CLOCK_SKEW_MAX_S / 60;
            return Err(SignatureError::NotYetCurrent {
                signed_at: self.signed_at,
                latest,
                now,
                minutes,
            });
        }
        let age_max_s = self.expires_s.unwrap_or(CLOCK_SKEW_MAX_S);
        let earliest = now.plus_s(-age_max_s);
        if self.signed_at < earliest {
            let minutes = age_max_s / 60;
            return Err(SignatureError::Expired {
                signed_at: self.signed_at,
                earliest,
                now,
                minutes,
            });
        }
        Ok(())
    }

    /// Checks the signature of `head`, whose body has the hash `payload`.
    pub fn check_signature(
        &self,
        head: &Parts,
        credentials: &Credentials,
        payload: PayloadHash,
    ) -> Result<(), SignatureError> {
        self.check(head, credentials, Payload::Hash(payload), PathRule::Normal)
    }

    /// The same for Amazon S3: paths are signed as they were sent, and all that S3 obeys must be signed.
    pub fn check_object_signature(
        &self,
        head: &Parts,
        credentials: &Credentials,
    ) -> Result<(), SignatureError> {
        let payload = self.object_payload().ok_or_else(|| {
            incomplete("Missing required header for this request: x-amz-content-sha256")
        })?;
        self.check(head, credentials, payload, PathRule::AsSent)?;
        let is_signed = |name: &str| self.signed_headers.split(';').any(|signed| signed == name);
        let mut amazon = head.headers.keys().filter(|name| name.as_str().starts_with("x-amz-"));
        if amazon.any(|name| *name != X_AMZ_CONTENT_SHA256 && !is_signed(name.as_str())) {
            return Err(SignatureError::HeadersNotSigned);
        }
        Ok(())
    }

    /// Verifies the chunks of a body whose head has this signature.
    pub fn chunk_signer(&self, credentials: &Credentials) -> ChunkSigner {
        let scope = self.scope();
        let about =
            format!("{}\n{}/{}\n", self.signed_at, scope.without_terminator(), Scope::TERMINATOR);
        ChunkSigner::new(credentials.signing_key(&scope), about, self.signature)
    }

    fn check(
        &self,
        head: &Parts,
        credentials: &Credentials,
        payload: Payload,
        path: PathRule,
    ) -> Result<(), SignatureError> {
        let (headers, signed) = (&head.headers, &self.signed_headers);
        let hash = canonical::hash(&head.method, &head.uri, headers, signed, payload, path)
            .ok_or(SignatureError::Mismatch)?;
        let signature = signature(credentials, self.signed_at, &self.scope(), &hash);
        if signature.ct_eq(&self.signature).into() { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

/// Signs the hash of a canonical request.
pub(crate) fn signature(
    credentials: &Credentials,
    signed_at: Instant,
    scope: &Scope<'_>,
    canonical_hash: &[u8; 32],
) -> [u8; 32] {
    let (text, terminator) = (scope.without_terminator(), Scope::TERMINATOR);
    let mut string_to_sign =
        format!("{ALGORITHM}\n{signed_at}\n{text}/{terminator}\n").into_bytes();
    push_hex(&mut string_to_sign, canonical_hash);
    let mut key = credentials.signing_key(scope);
    key.update(&string_to_sign);
    key.finalize().into_bytes().into()
}

fn check_algorithm(algorithm: &str) -> Result<(), SignatureError> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    let algorithm: String = algorithm.chars().take(40).collect();
    Err(SignatureError::Incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")))
}

fn parse_signature(text: &str) -> Result<[u8; 32], SignatureError> {
    // AWS compares the text: one that is not a signature at all is a wrong one.
    decode_hex(text.as_bytes()).ok_or(SignatureError::Mismatch)
}

fn parse_date(text: &str) -> Result<Instant, SignatureError> {
    let from_http = || {
        let time = httpdate::parse_http_date(text).ok()?;
        let seconds = time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        Instant::from_unix_s(i64::try_from(seconds).ok()?)
    };
    Instant::parse(text).or_else(from_http).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        SignatureError::Incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })
}

fn stated_payload(headers: &HeaderMap) -> Result<Option<Payload>, SignatureError> {
    let Some(value) = headers.get(X_AMZ_CONTENT_SHA256) else { return Ok(None) };
    value.to_str().ok().and_then(Payload::parse).map(Some).ok_or(SignatureError::Mismatch)
}

fn incomplete(message: &str) -> SignatureError {
    SignatureError::Incomplete(message.to_owned())
}

/// Names every part that is not there.
fn absent(requires: &str, parts: &[(&str, bool)]) -> SignatureError {
    let sentences: Vec<String> = parts
        .iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(part, _)| format!("{requires} {part}"))
        .collect();
    SignatureError::Incomplete(sentences.join(" "))
}
