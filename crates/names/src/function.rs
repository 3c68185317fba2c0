// SPDX-License-Identifier: Apache-2.0
//! Functions: their names, qualifiers and ARNs, and the ways a client may refer to one.

use crate::{AccountId, Region};
use std::fmt;
use std::str::FromStr;

/// The name of a function, without account, region or qualifier.
///
/// Invariant: 1 to 64 of `[a-zA-Z0-9-_]`. There is no other way to make one than to parse it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionName(Box<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a function name: 1 to 64 letters, digits, `-` and `_` are")]
pub struct InvalidFunctionName(String);

impl FunctionName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FunctionName {
    type Err = InvalidFunctionName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() <= 64 && is_word(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidFunctionName(text.to_owned()))
        }
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Which version of a function: `$LATEST`, `$LATEST.PUBLISHED`, a number, or an alias that leads to one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Qualifier {
    Latest,
    LatestPublished,
    Version(u64),
    /// 1 to 128 of `[a-zA-Z0-9-_]`, not digits only.
    Alias(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a qualifier: `$LATEST`, a version number and an alias are")]
pub struct InvalidQualifier(String);

impl FromStr for Qualifier {
    type Err = InvalidQualifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidQualifier(text.to_owned());
        if text == "$LATEST" {
            return Ok(Self::Latest);
        }
        if text == "$LATEST.PUBLISHED" {
            return Ok(Self::LatestPublished);
        }
        if text.len() > 128 || !is_word(text) {
            return Err(invalid());
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Version).map_err(|_| invalid());
        }
        Ok(Self::Alias(text.to_owned()))
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("$LATEST"),
            Self::LatestPublished => f.write_str("$LATEST.PUBLISHED"),
            Self::Version(number) => number.fmt(f),
            Self::Alias(name) => f.write_str(name),
        }
    }
}

/// `arn:aws:lambda:us-east-1:000000000000:function:hello:live`
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionArn {
    pub partition: Partition,
    pub region: Region,
    pub account: AccountId,
    pub name: FunctionName,
    pub qualifier: Option<Qualifier>,
}

/// A partition of AWS. Invariant: `aws`, or `aws-` and letters or dashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(Box<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a partition such as aws")]
pub struct InvalidPartition(String);

impl Partition {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self("aws".into())
    }
}

impl FromStr for Partition {
    type Err = InvalidPartition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
        if text.len() <= 32 && text.starts_with("aws") && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPartition(text.to_owned()))
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the ARN of a function")]
pub struct InvalidFunctionArn(String);

impl FunctionArn {
    /// The ARN of a function in partition `aws`.
    pub fn new(region: Region, account: AccountId, name: FunctionName) -> Self {
        Self { partition: Partition::default(), region, account, name, qualifier: None }
    }

    #[must_use]
    pub fn qualified(self, qualifier: Qualifier) -> Self {
        Self { qualifier: Some(qualifier), ..self }
    }

    #[must_use]
    pub fn unqualified(self) -> Self {
        Self { qualifier: None, ..self }
    }
}

impl FromStr for FunctionArn {
    type Err = InvalidFunctionArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_arn(text).ok_or_else(|| InvalidFunctionArn(text.to_owned()))
    }
}

fn parse_arn(text: &str) -> Option<FunctionArn> {
    let (partition, rest) = text.strip_prefix("arn:")?.split_once(':')?;
    let (region, rest) = rest.strip_prefix("lambda:")?.split_once(':')?;
    let (account, rest) = rest.split_once(':')?;
    let (name, qualifier) = parse_name(rest.strip_prefix("function:")?)?;
    Some(FunctionArn {
        partition: partition.parse().ok()?,
        region: region.parse().ok()?,
        account: account.parse().ok()?,
        name,
        qualifier,
    })
}

/// `name` or `name:qualifier`
fn parse_name(text: &str) -> Option<(FunctionName, Option<Qualifier>)> {
    match text.split_once(':') {
        Some((name, qualifier)) => Some((name.parse().ok()?, Some(qualifier.parse().ok()?))),
        None => Some((text.parse().ok()?, None)),
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name, qualifier } = self;
        write!(f, "arn:{partition}:lambda:{region}:{account}:function:{name}")?;
        match qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

/// What a client may write for a function: a name, a partial ARN, or an ARN, each with or without a
/// qualifier.
///
/// ```text
/// hello   hello:live   000000000000:function:hello   function:hello:3
/// arn:aws:lambda:us-east-1:000000000000:function:hello
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionReference {
    pub partition: Option<Partition>,
    pub region: Option<Region>,
    pub account: Option<AccountId>,
    pub name: FunctionName,
    pub qualifier: Option<Qualifier>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a function name nor the ARN of a function")]
pub struct InvalidFunctionReference(String);

impl FunctionReference {
    /// The ARN, with what the reference leaves open taken from the caller's own place.
    pub fn resolve(self, region: &Region, account: &AccountId) -> FunctionArn {
        FunctionArn {
            partition: self.partition.unwrap_or_default(),
            region: self.region.unwrap_or_else(|| region.clone()),
            account: self.account.unwrap_or_else(|| account.clone()),
            name: self.name,
            qualifier: self.qualifier,
        }
    }
}

impl FromStr for FunctionReference {
    type Err = InvalidFunctionReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_reference(text).ok_or_else(|| InvalidFunctionReference(text.to_owned()))
    }
}

impl From<FunctionName> for FunctionReference {
    fn from(name: FunctionName) -> Self {
        Self { partition: None, region: None, account: None, name, qualifier: None }
    }
}

impl From<FunctionArn> for FunctionReference {
    fn from(arn: FunctionArn) -> Self {
        Self {
            partition: Some(arn.partition),
            region: Some(arn.region),
            account: Some(arn.account),
            name: arn.name,
            qualifier: arn.qualifier,
        }
    }
}

/// Each part in front of the name is optional, in AWS's order, and taken whenever it fits: twelve digits
/// before a colon are an account, not a name with a qualifier.
fn parse_reference(text: &str) -> Option<FunctionReference> {
    if text.starts_with("arn:") {
        return parse_arn(text).map(FunctionReference::from);
    }
    let mut rest = text;
    let mut account = None;
    if let Some((first, after)) = rest.split_once(':')
        && let Ok(parsed) = first.parse()
    {
        account = Some(parsed);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("function:") {
        rest = after;
    }
    let (name, qualifier) = parse_name(rest)?;
    Some(FunctionReference { account, qualifier, ..name.into() })
}

impl fmt::Display for FunctionReference {
    /// The shortest form that says as much.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.partition, &self.region, &self.account) {
            (partition, Some(region), Some(account)) => {
                let partition = partition.as_ref().map_or("aws", Partition::as_str);
                write!(f, "arn:{partition}:lambda:{region}:{account}:function:")?;
            }
            (_, _, Some(account)) => write!(f, "{account}:function:")?,
            // A name that reads as a prefix needs its own before it.
            _ if self.name.as_str() == "function"
                || self.name.as_str().parse::<AccountId>().is_ok() =>
            {
                f.write_str("function:")?;
            }
            _ => {}
        }
        match &self.qualifier {
            Some(qualifier) => write!(f, "{}:{qualifier}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";

    fn reference(text: &str) -> Option<FunctionArn> {
        let region = "eu-west-1".parse().unwrap();
        let account = "123456789012".parse().unwrap();
        text.parse::<FunctionReference>().ok().map(|reference| reference.resolve(&region, &account))
    }

    #[test]
    fn every_form_of_a_reference() {
        let own = "arn:aws:lambda:eu-west-1:123456789012:function:hello";
        let other = "arn:aws:lambda:eu-west-1:000000000000:function:hello";
        for (text, expected) in [
            ("hello", own.to_owned()),
            ("hello:live", format!("{own}:live")),
            ("hello:$LATEST", format!("{own}:$LATEST")),
            ("function:hello", own.to_owned()),
            ("000000000000:function:hello", other.to_owned()),
            ("000000000000:function:hello:7", format!("{other}:7")),
            ("000000000000:hello", other.to_owned()),
            (ARN, ARN.to_owned()),
            (&format!("{ARN}:live"), format!("{ARN}:live")),
            (
                "arn:aws-cn:lambda:cn-north-1:000000000000:function:a_b-C9:1",
                "arn:aws-cn:lambda:cn-north-1:000000000000:function:a_b-C9:1".to_owned(),
            ),
        ] {
            assert_eq!(
                reference(text).map(|arn| arn.to_string()).as_ref(),
                Some(&expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_reference() {
        let long = "n".repeat(65);
        for text in [
            "",
            "a b",
            "a:b:c",
            "hello:",
            "hello:$NEWEST",
            "hello:99999999999999999999999",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:us-east-1:0:function:hello",
            "arn:aws:lambda:US:000000000000:function:hello",
            "arn:aws:lambda:us-east-1:000000000000:layer:hello",
            long.as_str(),
        ] {
            assert!(text.parse::<FunctionReference>().is_err(), "{text}");
        }
    }

    #[test]
    fn digits_are_a_version_and_never_an_alias() {
        assert_eq!("7".parse(), Ok(Qualifier::Version(7)));
        assert_eq!("7a".parse(), Ok(Qualifier::Alias("7a".to_owned())));
        assert_eq!("$LATEST".parse(), Ok(Qualifier::Latest));
        assert!("".parse::<Qualifier>().is_err());
        assert!("a.b".parse::<Qualifier>().is_err());
        assert!("a".repeat(129).parse::<Qualifier>().is_err());
    }

    fn qualifier() -> impl Strategy<Value = Qualifier> {
        prop_oneof![
            Just(Qualifier::Latest),
            any::<u64>().prop_map(Qualifier::Version),
            "[0-9]{0,3}[a-zA-Z_-][a-zA-Z0-9_-]{0,100}".prop_map(Qualifier::Alias),
        ]
    }

    proptest! {
        #[test]
        fn an_arn_reads_as_it_was_written(
            partition in "aws(-[a-z]{2,3})?",
            region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
            account in "[0-9]{12}",
            name in "[a-zA-Z0-9_-]{1,64}",
            qualifier in proptest::option::of(qualifier()),
        ) {
            let arn = FunctionArn {
                partition: partition.parse().unwrap(),
                region: region.parse().unwrap(),
                account: account.parse().unwrap(),
                name: name.parse().unwrap(),
                qualifier,
            };
            prop_assert_eq!(&arn.to_string().parse::<FunctionArn>().unwrap(), &arn);
            let reference = FunctionReference::from(arn);
            prop_assert_eq!(reference.to_string().parse::<FunctionReference>().unwrap(), reference);
        }

        #[test]
        fn a_short_reference_reads_as_it_was_written(
            account in proptest::option::of("[0-9]{12}"),
            name in prop_oneof!["[a-zA-Z0-9_-]{1,64}", "[0-9]{12}", Just("function".to_owned())],
            qualifier in proptest::option::of(qualifier()),
        ) {
            let account = account.map(|account| account.parse().unwrap());
            let name: FunctionName = name.parse().unwrap();
            let reference = FunctionReference { account, qualifier, ..name.into() };
            prop_assert_eq!(reference.to_string().parse::<FunctionReference>().unwrap(), reference);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = text.parse::<FunctionReference>();
            let _ = text.parse::<Qualifier>();
        }
    }
}
