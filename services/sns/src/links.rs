// SPDX-License-Identifier: Apache-2.0
//! What the links in messages begin with, and where they lead: the certificate of signatures.

use std::borrow::Cow;
use std::net::SocketAddr;

/// Where links lead, behind what this server is reached by.
const PATH: &str = "/_tinderbox/sns/";

#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// As the operator says, without a slash at its end.
    told: Option<String>,
    address: SocketAddr,
}

impl Links {
    pub(crate) fn new(told: &str, address: SocketAddr) -> Self {
        let told = told.trim_end_matches('/');
        Self { told: (!told.is_empty()).then(|| told.to_owned()), address }
    }

    /// `reached_by` is how somebody reached this server who is of its own network: `http://127.0.0.1:4566`. A function is not,
    /// so where the server listens on one address, it is that.
    pub(crate) fn base<'a>(&'a self, reached_by: &'a str) -> Cow<'a, str> {
        match &self.told {
            Some(told) => told.into(),
            None if !self.address.ip().is_unspecified() => {
                format!("http://{}", self.address).into()
            }
            None if reached_by.is_empty() => {
                format!("http://localhost:{}", self.address.port()).into()
            }
            None => reached_by.into(),
        }
    }
}

pub(crate) fn certificate(base: &str, name: &str) -> String {
    format!("{base}{PATH}{name}")
}

pub(crate) fn confirming(base: &str, topic_arn: &str, token: &str) -> String {
    format!("{base}{PATH}?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}")
}

pub(crate) fn unsubscribing(base: &str, subscription_arn: &str) -> String {
    format!("{base}{PATH}?Action=Unsubscribe&SubscriptionArn={subscription_arn}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_what_others_reach() {
        let base = |told: &str, address: &str, reached_by: &str| {
            Links::new(told, address.parse().unwrap()).base(reached_by).into_owned()
        };
        assert_eq!(base("https://a/", "127.0.0.1:1", "http://b"), "https://a");
        assert_eq!(base("", "127.0.0.1:1", "http://b"), "http://127.0.0.1:1");
        assert_eq!(base("", "0.0.0.0:1", "http://b"), "http://b");
        assert_eq!(base("", "[::]:1", ""), "http://localhost:1");
    }
}
