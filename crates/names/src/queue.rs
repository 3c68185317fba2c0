// SPDX-License-Identifier: Apache-2.0
//! Queues of Amazon SQS, by their ARNs.

use crate::{AccountId, Region};
use std::fmt;
use std::str::FromStr;

/// `arn:aws:sqs:us-east-1:000000000000:name`
///
/// Invariant: 1 to 80 of `[a-zA-Z0-9_-.]` as its name. Whether a dot is where one may be, the queue's service knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueArn {
    pub region: Region,
    pub account: AccountId,
    pub name: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the ARN of a queue")]
pub struct InvalidQueueArn(String);

impl QueueArn {
    /// The end of the queue's URL, which is as good as all of it: `/000000000000/name`.
    pub fn url_path(&self) -> String {
        format!("/{}/{}", self.account, self.name)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:aws:sqs:")?.splitn(3, ':');
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let name = parts.next()?;
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = (1..=80).contains(&name.len()) && name.bytes().all(is_allowed);
        is_name.then(|| Self { region, account, name: name.into() })
    }
}

impl FromStr for QueueArn {
    type Err = InvalidQueueArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or_else(|| InvalidQueueArn(text.to_owned()))
    }
}

impl fmt::Display for QueueArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:sqs:{}:{}:{}", self.region, self.account, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_prints_as_it_parses() {
        let text = "arn:aws:sqs:eu-west-1:123456789012:a-b_C.fifo";
        let arn: QueueArn = text.parse().unwrap();
        assert_eq!(
            (arn.to_string().as_str(), arn.url_path().as_str()),
            (text, "/123456789012/a-b_C.fifo")
        );
        for bad in [
            "arn:aws:sns:eu-west-1:123456789012:a",
            "arn:aws:sqs:eu-west-1:1:a",
            "arn:aws:sqs:eu-west-1:123456789012:",
            "arn:aws:sqs:eu-west-1:123456789012:a/b",
            "arn:aws:sqs:eu-west-1:123456789012",
            "a",
        ] {
            assert!(bad.parse::<QueueArn>().is_err(), "{bad}");
        }
    }
}
