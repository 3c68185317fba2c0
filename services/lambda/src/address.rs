// SPDX-License-Identifier: Apache-2.0
//! How a request names a function: a bare name, a partial ARN or a whole one, with or without a qualifier.
//!
//! `name`, `123456789012:function:name`, `arn:aws:lambda:REGION:ACCOUNT:function:name`, each may end in `:QUALIFIER`.
//! The front layer compared the text with AWS's pattern; here it is taken apart, from the left, as that pattern reads.

use crate::error::Error;
use crate::function::Key;
use crate::version::Number;
use names::{AccountId, Region};
use std::fmt;
use wire::Context;

const NAME_LENGTH_MAX: usize = 64;

/// A function, and which version of it if the request says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) key: Key,
    pub(crate) qualifier: Option<Qualifier>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Qualifier {
    Version(Number),
    Alias(String),
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => number.fmt(f),
            Self::Alias(name) => name.fmt(f),
        }
    }
}

impl Qualifier {
    fn parse(text: &str) -> Self {
        let is_number = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            _ if text == "$LATEST" => Self::Version(Number::Latest),
            Ok(number) if is_number => Self::Version(Number::Published(number)),
            _ => Self::Alias(text.to_owned()),
        }
    }
}

impl Address {
    /// Reads a function's name as `operation` got it, with the qualifier that came beside it.
    pub(crate) fn parse(
        cx: &Context,
        operation: &'static str,
        text: &str,
        qualifier: Option<&str>,
    ) -> Result<Self, Error> {
        let parts = split(text);
        let valid_name = |name: &&str| {
            let is_allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            matches!(name.len(), 1..=NAME_LENGTH_MAX) && name.bytes().all(is_allowed)
        };
        let name = Some(parts.name).filter(valid_name).ok_or_else(|| Error::Constraint {
            value: text.to_owned(),
            at: "functionName",
            rule: format!("Member must have length less than or equal to {NAME_LENGTH_MAX}"),
        })?;

        if let Some(region) = parts.region
            && region != cx.region.as_str()
        {
            return Err(Error::OtherRegion {
                asked: region.to_owned(),
                region: cx.region.to_string(),
            });
        }
        let key =
            Key { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() };
        if let Some(account) = parts.account
            && account != cx.account.as_str()
        {
            let resource = format!("arn:aws:lambda:{}:{account}:function:{name}", cx.region);
            return Err(Error::OtherAccount { caller: cx.caller.arn.clone(), operation, resource });
        }

        let beside = qualifier.filter(|qualifier| !qualifier.is_empty());
        let qualifier = match (parts.qualifier, beside) {
            (Some(derived), Some(beside)) if derived != beside => {
                return Err(Error::QualifierMismatch);
            }
            (derived, beside) => derived.or(beside).map(Qualifier::parse),
        };
        Ok(Self { key, qualifier })
    }

    /// As the request named it: with its qualifier, or without.
    pub(crate) fn arn(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => self.key.qualified_arn(qualifier),
            None => self.key.arn(),
        }
    }

    pub(crate) fn not_found(&self) -> Error {
        Error::FunctionNotFound { arn: self.arn() }
    }

    /// The function alone, for operations that change `$LATEST`.
    pub(crate) fn unqualified(self) -> Result<Key, Error> {
        match self.qualifier {
            None | Some(Qualifier::Version(Number::Latest)) => Ok(self.key),
            Some(_) => Err(Error::QualifierNotAllowed { arn: self.arn() }),
        }
    }

    /// Which version is meant; unqualified is `$LATEST`. An alias is found by nobody yet.
    pub(crate) fn number(&self) -> Option<Number> {
        match &self.qualifier {
            None => Some(Number::Latest),
            Some(Qualifier::Version(number)) => Some(*number),
            Some(Qualifier::Alias(_)) => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

/// Takes optional parts from the left for as long as a name is left over.
fn split(text: &str) -> Parts<'_> {
    let mut rest = text;
    if let Some((partition, tail)) =
        text.strip_prefix("arn:").and_then(|tail| tail.split_once(":lambda:"))
        && (partition.is_empty() || partition.starts_with("aws"))
    {
        rest = tail;
    }
    let mut take = |is_it: &dyn Fn(&str) -> bool| {
        let (head, tail) = rest.split_once(':')?;
        is_it(head).then(|| {
            rest = tail;
            head
        })
    };
    let region =
        take(&|head| head.contains('-') && head.parse::<Region>().is_ok() && ends_in_digit(head));
    let account = take(&|head| head.parse::<AccountId>().is_ok());
    take(&|head| head == "function");
    let (name, qualifier) =
        rest.split_once(':').map_or((rest, None), |(name, qualifier)| (name, Some(qualifier)));
    Parts { region, account, name, qualifier }
}

/// `us-east-1`, but not the function `my-function`.
fn ends_in_digit(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(_, number)| {
        number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
    fn check(text: &str, qualifier: Option<&str>, expected: Expect) {
        let cx = crate::tests::context();
        let shown = match Address::parse(&cx, "GetFunction", text, qualifier) {
            Ok(address) => address.arn(),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn every_form_names_the_same_function() {
        for text in [
            "hello",
            "function:hello",
            "000000000000:hello",
            "000000000000:function:hello",
            "us-east-1:000000000000:function:hello",
            "arn:aws:lambda:us-east-1:000000000000:function:hello",
        ] {
            check(text, None, expect!["arn:aws:lambda:us-east-1:000000000000:function:hello"]);
        }
    }

    #[test]
    fn a_qualifier_comes_with_the_name_or_beside_it() {
        check("hello:7", None, expect!["arn:aws:lambda:us-east-1:000000000000:function:hello:7"]);
        check(
            "hello",
            Some("$LATEST"),
            expect!["arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST"],
        );
        check(
            "hello:7",
            Some("7"),
            expect!["arn:aws:lambda:us-east-1:000000000000:function:hello:7"],
        );
        check(
            "hello:7",
            Some("8"),
            expect![
                "The derived qualifier from the function name does not match the specified qualifier."
            ],
        );
    }

    #[test]
    fn other_places_are_not_reachable() {
        check(
            "arn:aws:lambda:eu-west-1:000000000000:function:hello",
            None,
            expect!["Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"],
        );
        check(
            "111122223333:function:hello",
            None,
            expect![
                "User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:hello because no resource-based policy allows the lambda:GetFunction action"
            ],
        );
    }
}
