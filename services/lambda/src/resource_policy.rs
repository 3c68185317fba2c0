// SPDX-License-Identifier: Apache-2.0
//! Resource policies: documents of statements, written as AWS writes them.
//!
//! A statement is kept as the text it is answered with: `AddPermission` builds it in AWS's order of members, and
//! `PutResourcePolicy` brings its own. Who is allowed or denied what by it, `policy` says.

use crate::error::Error;
use policy::{Document, Kind, Named};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

pub(crate) const BYTES_MAX: usize = 20_480;
const VERSION: &str = "2012-10-17";

/// A policy, in the store as in memory. It is never without statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    version: String,
    id: Option<String>,
    statements: Vec<Kept>,
    #[serde(skip)]
    ready: Ready,
}

/// The policy as it is asked, made when it first is.
#[derive(Debug, Clone, Default)]
struct Ready(OnceLock<Named>);

impl PartialEq for Ready {
    fn eq(&self, _: &Self) -> bool {
        // It follows from the statements.
        true
    }
}

impl Eq for Ready {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    sid: Option<String>,
    json: String,
}

/// A statement as `AddPermission` and `AddLayerVersionPermission` make it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Statement<'a> {
    pub(crate) sid: &'a str,
    pub(crate) effect: &'static str,
    pub(crate) principal: Principal,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub(crate) condition: Conditions<'a>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Principal {
    Service(String),
    #[serde(rename = "AWS")]
    Aws(String),
    #[serde(untagged)]
    Everyone(&'static str),
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Conditions<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) string_equals: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) arn_like: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) bool: BTreeMap<&'static str, &'a str>,
}

impl Conditions<'_> {
    fn is_empty(&self) -> bool {
        self.string_equals.is_empty() && self.arn_like.is_empty() && self.bool.is_empty()
    }
}

impl Principal {
    /// A service, an account, an ARN of IAM, or everyone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if text == "*" {
            return Some(Self::Everyone("*"));
        }
        if is_account {
            return Some(Self::Aws(format!("arn:aws:iam::{text}:root")));
        }
        if let Some(rest) = text.strip_prefix("arn:") {
            let mut parts = rest.split(':');
            let is_iam = parts.next().is_some_and(|partition| partition.starts_with("aws"))
                && matches!(parts.next(), Some("iam" | "sts"));
            return is_iam.then(|| Self::Aws(text.to_owned()));
        }
        let is_service = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"]
            .iter()
            .any(|end| text.strip_suffix(end).is_some_and(|name| !name.is_empty()))
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        is_service.then(|| Self::Service(text.to_owned()))
    }
}

impl Statement<'_> {
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("a statement is maps with text for keys")
    }
}

/// The members of a document that are kept. That it has no others, `policy` has checked.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    version: Option<String>,
    id: Option<String>,
    #[serde(borrow)]
    statement: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatementMembers {
    sid: Option<String>,
    #[serde(default)]
    resource: serde_json::Value,
}

impl Policy {
    /// Reads a whole document for the resource `arn`.
    pub(crate) fn parse(text: &str, arn: &str) -> Result<Self, Error> {
        Document::parse(text, Kind::Resource).map_err(malformed)?;
        let members: Members<'_> = serde_json::from_str(text).map_err(malformed)?;
        let list = members.statement.get();
        let texts: Vec<&RawValue> = if list.starts_with('[') {
            serde_json::from_str(list).map_err(malformed)?
        } else {
            vec![members.statement]
        };
        let mut statements = Vec::with_capacity(texts.len());
        for text in texts {
            let parsed: StatementMembers = serde_json::from_str(text.get()).map_err(malformed)?;
            check_resources(&parsed.resource, arn).map_err(malformed)?;
            statements.push(Kept { sid: parsed.sid, json: text.get().to_owned() });
        }
        let version = members.version.unwrap_or_else(|| "2008-10-17".to_owned());
        let policy = Self { version, id: members.id, statements, ready: Ready::default() };
        policy.check_length()?;
        Ok(policy)
    }

    /// The policy, to be asked.
    pub(crate) fn named(&self) -> &Named {
        self.ready.0.get_or_init(|| {
            let document = Document::parse(&self.json(), Kind::Resource).unwrap_or_else(|error| {
                // One that was kept before documents were checked.
                tracing::error!(error = %error, "resource policy not understood");
                Document::deny_all()
            });
            let name = self.id.as_deref().unwrap_or("resource policy").into();
            Named { name, document: Arc::new(document) }
        })
    }

    /// `policy` with one statement more.
    pub(crate) fn with(policy: Option<Self>, sid: &str, json: String) -> Result<Self, Error> {
        let mut policy = policy.unwrap_or_else(|| Self {
            version: VERSION.to_owned(),
            id: Some("default".to_owned()),
            statements: Vec::new(),
            ready: Ready::default(),
        });
        policy.ready = Ready::default();
        if policy.has(sid) {
            return Err(Error::StatementExists { sid: sid.to_owned() });
        }
        policy.statements.push(Kept { sid: Some(sid.to_owned()), json });
        Document::parse(&policy.json(), Kind::Resource).map_err(malformed)?;
        policy.check_length()?;
        Ok(policy)
    }

    /// The policy without the statement `sid`, or nothing when it was the last.
    pub(crate) fn without(mut self, sid: &str) -> Result<Option<Self>, Error> {
        if !self.has(sid) {
            let text = format!("Statement {sid} is not found in resource policy.");
            return Err(Error::NotFound(text));
        }
        self.ready = Ready::default();
        self.statements.retain(|kept| kept.sid.as_deref() != Some(sid));
        Ok((!self.statements.is_empty()).then_some(self))
    }

    fn has(&self, sid: &str) -> bool {
        self.statements.iter().any(|kept| kept.sid.as_deref() == Some(sid))
    }

    /// The whole document.
    pub(crate) fn json(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let statements: Vec<_> =
            self.statements.iter().map(|statement| statement.json.as_str()).collect();
        let id = self.id.as_deref().map(|id| format!("\"Id\":{},", quoted(id)));
        format!(
            "{{\"Version\":{},{}\"Statement\":[{}]}}",
            quoted(&self.version),
            id.unwrap_or_default(),
            statements.join(",")
        )
    }

    fn check_length(&self) -> Result<(), Error> {
        let bytes = self.json().len();
        if bytes > BYTES_MAX {
            return Err(Error::PolicyTooLong { bytes });
        }
        Ok(())
    }
}

fn malformed(cause: impl std::fmt::Display) -> Error {
    Error::InvalidParameter(format!("The policy document is malformed: {cause}"))
}

/// A policy is for what it is attached to, and for nothing else.
fn check_resources(resources: &serde_json::Value, arn: &str) -> Result<(), String> {
    let resources = texts_of(resources).unwrap_or_default();
    match resources.iter().find(|resource| **resource != arn && **resource != "*") {
        Some(other) => Err(format!("the Resource {other} is not {arn}")),
        None => Ok(()),
    }
}

/// A text, or a list of texts.
fn texts_of(value: &serde_json::Value) -> Option<Vec<&str>> {
    match value {
        serde_json::Value::String(text) => Some(vec![text]),
        serde_json::Value::Array(items) => items.iter().map(serde_json::Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";

    #[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
    fn check(text: &str, expected: Expect) {
        expected.assert_eq(
            &Policy::parse(text, ARN)
                .map_or_else(|error| error.to_string(), |policy| policy.json()),
        );
    }

    #[test]
    fn principals() {
        for (text, expected) in [
            ("*", r#""*""#),
            ("123456789012", r#"{"AWS":"arn:aws:iam::123456789012:root"}"#),
            ("arn:aws:iam::123456789012:user/u", r#"{"AWS":"arn:aws:iam::123456789012:user/u"}"#),
            ("s3.amazonaws.com", r#"{"Service":"s3.amazonaws.com"}"#),
            ("alexa-appkit.amazon.com", r#"{"Service":"alexa-appkit.amazon.com"}"#),
        ] {
            let json = serde_json::to_string(&Principal::parse(text).unwrap()).unwrap();
            assert_eq!(json, expected);
        }
        for text in ["", "invalid.nonaws.com", ".amazonaws.com", "12345", "arn:aws:s3:::bucket"] {
            assert_eq!(Principal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn documents() {
        check(
            r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "lambda:*"}}"#,
            expect![[
                r#"{"Version":"2008-10-17","Statement":[{"Effect": "Deny", "Principal": "*", "Action": "lambda:*"}]}"#
            ]],
        );
        check(
            r#"{"Version":"2012-10-17","Statement":[]}"#,
            expect!["The policy document is malformed: Syntax errors in policy."],
        );
        check(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*"}]}"#,
            expect!["The policy document is malformed: Missing required field Principal"],
        );
        check(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"arn:aws:lambda:us-east-1:000000000000:function:other"}]}"#,
            expect![
                "The policy document is malformed: the Resource arn:aws:lambda:us-east-1:000000000000:function:other is not arn:aws:lambda:us-east-1:000000000000:function:hello"
            ],
        );
        check("[]", expect!["The policy document is malformed: Syntax errors in policy."]);
    }

    proptest! {
        /// Whatever the names, the document is JSON that has them, and adding and removing undo each other.
        #[test]
        fn what_is_added_is_in_the_document(sids in prop::collection::btree_set("[a-zA-Z0-9_-]{1,8}", 1..8), id in ".*") {
            let mut policy = Policy::parse(
                &serde_json::json!({"Id": id, "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*"}}).to_string(),
                ARN,
            ).unwrap();
            let before = policy.clone();
            for sid in &sids {
                policy = Policy::with(Some(policy), sid, serde_json::json!({"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "*"}).to_string()).unwrap();
            }
            let document: serde_json::Value = serde_json::from_str(&policy.json()).unwrap();
            prop_assert_eq!(&document["Id"], &serde_json::json!(id));
            prop_assert_eq!(document["Statement"].as_array().unwrap().len(), sids.len() + 1);
            for sid in &sids {
                policy = policy.without(sid).unwrap().unwrap();
            }
            prop_assert_eq!(policy, before);
        }
    }
}
