// SPDX-License-Identifier: Apache-2.0
//! Which function a request means, and which version of it.
//!
//! The front layer compared the text with AWS's pattern, and `names` takes it apart. Here it meets the place of the
//! call: another region or another account's function is not reachable, and a qualifier may come from two sides.

use crate::error::Error;
use crate::function::Key;
use names::{FunctionReference, Qualifier};
use wire::{Authority, Context};

/// A function, and which version of it if the request says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) key: Key,
    pub(crate) qualifier: Option<Qualifier>,
}

impl Address {
    /// Reads a function's name as `operation` got it, with the qualifier that came beside it.
    pub(crate) fn parse(
        cx: &Context,
        operation: &'static str,
        text: &str,
        qualifier: Option<&str>,
    ) -> Result<Self, Error> {
        Self::resolve(cx, operation, text, qualifier, false)
    }

    /// The same for operations whose dispatch asked about the function itself: it may be another account's, when policies
    /// of both have let the caller in. Root is not asked about, and stays in its account.
    pub(crate) fn parse_admitted(
        cx: &Context,
        operation: &'static str,
        text: &str,
        qualifier: Option<&str>,
    ) -> Result<Self, Error> {
        let is_admitted = matches!(cx.authority, Authority::Limited(_));
        Self::resolve(cx, operation, text, qualifier, is_admitted)
    }

    fn resolve(
        cx: &Context,
        operation: &'static str,
        text: &str,
        qualifier: Option<&str>,
        reaches_accounts: bool,
    ) -> Result<Self, Error> {
        // Of what the pattern lets through, this is what a name can still break. AWS's front layer does not find it.
        let reference: FunctionReference = text.parse().map_err(|_| {
            Error::InvalidParameter(format!(
                "1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"
            ))
        })?;

        if let Some(region) = reference.region.filter(|region| *region != cx.region) {
            return Err(Error::OtherRegion {
                asked: region.to_string(),
                region: cx.region.to_string(),
            });
        }
        let name = reference.name;
        let account = reference.account.unwrap_or_else(|| cx.account.clone());
        if account != cx.account && !reaches_accounts {
            let resource = format!("arn:aws:lambda:{}:{account}:function:{name}", cx.region);
            return Err(Error::OtherAccount { caller: cx.caller.arn.clone(), operation, resource });
        }
        let key = Key { account, region: cx.region.clone(), name };
        let beside = match qualifier.filter(|qualifier| !qualifier.is_empty()) {
            // AWS's pattern lets through what no version and no alias can be called.
            Some(text) => Some(
                text.parse::<Qualifier>()
                    .map_err(|_| Error::FunctionNotFound { arn: key.qualified_arn(text) })?,
            ),
            None => None,
        };
        let qualifier = match (reference.qualifier, beside) {
            (Some(derived), Some(beside)) if derived != beside => {
                return Err(Error::QualifierMismatch);
            }
            (derived, beside) => derived.or(beside),
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
            None | Some(Qualifier::Latest) => Ok(self.key),
            Some(Qualifier::LatestPublished | Qualifier::Version(_) | Qualifier::Alias(_)) => {
                Err(Error::QualifierNotAllowed { arn: self.arn() })
            }
        }
    }

    /// The function alone, for operations that know no versions.
    pub(crate) fn function_only(self) -> Result<Key, Error> {
        match self.qualifier {
            None => Ok(self.key),
            Some(_) => Err(Error::FunctionsOnly),
        }
    }
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
