// SPDX-License-Identifier: Apache-2.0
//! Signature Version 2 in the query of a presigned URL for Amazon S3, which older clients make, and boto3 unless told otherwise.
//!
//! Only this form: whoever signs a request as it is sent uses Version 4.

use crate::{Credentials, SignatureError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::fmt::Write as _;

/// Parameters that are part of what is signed.
const SIGNED: [&str; 35] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// A signature as it stands in a query, readable but not yet believed.
#[derive(Debug)]
pub struct QueryV2 {
    pairs: Vec<(String, Option<String>)>,
    access_key_id: String,
    expires_at_s: i64,
}

impl QueryV2 {
    /// `None`: there is none.
    pub fn parse(head: &Parts) -> Option<Result<Self, SignatureError>> {
        let query = head.uri.query()?;
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        let pairs: Vec<_> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) => (decode(name), Some(decode(value))),
                None => (decode(pair), None),
            })
            .collect();
        let value = |name: &str| {
            pairs.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone())
        };
        let access_key_id = value("AWSAccessKeyId")?;
        let expires = value("Expires").and_then(|text| text.parse().ok());
        let (Some(expires_at_s), Some(_)) = (expires, value("Signature")) else {
            let text = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
            return Some(Err(SignatureError::Incomplete(text.to_owned())));
        };
        Some(Ok(Self { pairs, access_key_id, expires_at_s }))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.as_deref())
    }

    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The token that came with a temporary key.
    pub fn session_token(&self) -> Option<&str> {
        self.value("x-amz-security-token")
    }

    /// Whether the time until which it is good has come.
    pub const fn is_expired(&self, now_s: i64) -> bool {
        now_s > self.expires_at_s
    }

    /// Checks the signature of `head`. `bucket` is the one that its host names.
    pub fn check(
        &self,
        head: &Parts,
        bucket: Option<&str>,
        credentials: &Credentials,
    ) -> Result<(), SignatureError> {
        if !credentials.accepts_token(self.session_token()) {
            return Err(SignatureError::UnknownKey);
        }
        let stated = self.value("Signature").and_then(|text| STANDARD.decode(text).ok());
        let text = self.string_to_sign(head, bucket);
        let is_right =
            stated.is_some_and(|stated| credentials.has_signed_v2(text.as_bytes(), &stated));
        if is_right { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn string_to_sign(&self, head: &Parts, bucket: Option<&str>) -> String {
        // A header may stand in the query instead.
        let header = |name: &str| {
            let sent = head.headers.get(name).and_then(|value| value.to_str().ok());
            sent.or_else(|| self.value(name)).unwrap_or_default().to_owned()
        };
        let (md5, kind) = (header("content-md5"), header("content-type"));
        let mut text = format!("{}\n{md5}\n{kind}\n{}\n", head.method, self.expires_at_s);
        let sent = head.headers.keys().map(|name| name.as_str().to_owned());
        let named = self.pairs.iter().map(|(name, _)| name.to_ascii_lowercase());
        let mut amazon: Vec<_> =
            sent.chain(named).filter(|name| name.starts_with("x-amz-")).collect();
        amazon.sort_unstable();
        amazon.dedup();
        for name in amazon {
            let _ = writeln!(text, "{name}:{}", header(&name).trim());
        }
        if let Some(bucket) = bucket {
            text.push('/');
            text.push_str(bucket);
        }
        text.push_str(head.uri.path());
        let is_signed = |name: &str| SIGNED.contains(&name);
        let mut signed: Vec<_> = self.pairs.iter().filter(|(name, _)| is_signed(name)).collect();
        signed.sort_unstable();
        for (position, (name, value)) in signed.into_iter().enumerate() {
            text.push(if position == 0 { '?' } else { '&' });
            text.push_str(name);
            if let Some(value) = value {
                let _ = write!(text, "={value}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in AWS's page on Version 2.
    #[test]
    fn the_example_of_aws_is_signed_so() {
        let url = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
        let request = http::Request::builder().uri(url).body(()).unwrap();
        let (head, ()) = request.into_parts();
        let claim = QueryV2::parse(&head).unwrap().unwrap();
        let credentials = Credentials::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        assert_eq!(claim.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(claim.check(&head, Some("johnsmith"), &credentials), Ok(()));
        assert_eq!(claim.check(&head, None, &credentials), Err(SignatureError::Mismatch));
        assert!(claim.is_expired(1_175_139_621) && !claim.is_expired(1_175_139_620));
    }
}
