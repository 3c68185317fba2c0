// SPDX-License-Identifier: Apache-2.0
//! A topic and its subscriptions, as they are in memory and in the store.

use crate::endpoint;
use crate::filter::Filter;
use crate::order::Order;
use crate::pace::Pace;
use crate::signing::Version;
use api::sns::{Attributes, fault};
use meter::Tally;
use names::{AccountId, Region};
use policy::{Document, Kind, Named};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use wire::{Context, Fault, Result};

const NAME_MAX: usize = 256;
const FIFO_SUFFIX: &str = ".fifo";

/// Which topic. Invariant: the name is 1 to 256 of `[a-zA-Z0-9_-]`, with `.fifo` at the end of a FIFO topic's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// What is kept of a topic. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicRecord {
    #[serde(default)]
    pub(crate) display_name: String,
    /// As it was set. `None`: AWS's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// Of a FIFO topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fifo: Option<Fifo>,
    /// If it was ever set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature_version: Option<Version>,
    /// As it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_policy: Option<String>,
}

/// What is set of a FIFO topic alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Fifo {
    /// A message without an id for deduplication is known by its text.
    pub(crate) knows_content: bool,
    pub(crate) scope: Scope,
}

/// Where an id for deduplication counts: `FifoThroughputScope`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scope {
    #[default]
    Topic,
    MessageGroup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    Sqs,
    Lambda,
    Http,
    Https,
}

/// What is kept of a subscription. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    /// Who subscribed.
    pub(crate) principal: String,
    /// The account of who subscribed, where it is not the topic's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<AccountId>,
    /// What was said of it: `RawMessageDelivery`, `FilterPolicy` and the like, each good.
    #[serde(default)]
    pub(crate) attributes: Attributes,
    #[serde(default, skip_serializing_if = "State::is_confirmed")]
    pub(crate) state: State,
    /// The last one that its endpoint was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
    #[serde(default)]
    pub(crate) confirmation: Confirmation,
}

/// How it stands with a subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    #[default]
    Confirmed,
    /// Its endpoint was asked.
    Pending,
    /// It may come back: its endpoint was told how.
    Ended,
}

/// What confirms a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// SHA-256, in hexadecimal digits.
    pub(crate) digest: String,
    /// Milliseconds since 1970.
    pub(crate) until_ms: u64,
}

/// How a subscription was confirmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Confirmation {
    /// By somebody who signed: whoever subscribed a queue or a function.
    #[default]
    Signed,
    /// The same, who wants that nobody ends it without.
    SignedForGood,
    /// By whoever had the token.
    Unsigned,
}

/// A topic in memory. Immutable: a change makes another, which takes its place in the table.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) key: TopicKey,
    pub(crate) record: TopicRecord,
    pub(crate) subscriptions: BTreeMap<String, Arc<Subscription>>,
    /// Of a FIFO topic. What replaces this topic shares it.
    pub(crate) order: Option<Arc<Order>>,
    /// As it is asked, made when it first is.
    pub(crate) policy: OnceLock<Named>,
    pub(crate) tally: Tally,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) record: SubscriptionRecord,
    pub(crate) filter: Option<Filter>,
    pub(crate) pace: Pace,
}

impl TopicKey {
    pub(crate) fn new(cx: &Context, name: &str) -> Result<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let stem = name.strip_suffix(FIFO_SUFFIX).unwrap_or(name);
        let is_good = !stem.is_empty() && stem.bytes().all(is_allowed);
        if name.len() > NAME_MAX || !is_good {
            return Err(fault::invalid_parameter("Invalid parameter: Topic Name"));
        }
        let (account, region) = (cx.account.clone(), cx.region.clone());
        Ok(Self { account, region, name: name.to_owned() })
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.name.ends_with(FIFO_SUFFIX)
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:sns:{}:{}:{}", self.region, self.account, self.name)
    }

    /// The name of its record.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let account = parts.next()?.parse().ok()?;
        let region = parts.next()?.parse().ok()?;
        Some(Self { account, region, name: parts.next()?.to_owned() })
    }

    /// The topic of an ARN, and what stands behind it: the id of a subscription.
    pub(crate) fn split(arn: &str) -> Option<(Self, Option<&str>)> {
        let mut parts = arn.strip_prefix("arn:aws:sns:")?.splitn(4, ':');
        let region = parts.next()?.parse().ok()?;
        let account = parts.next()?.parse().ok()?;
        let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
        Some((Self { account, region, name }, parts.next()))
    }
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "Topic",
            Self::MessageGroup => "MessageGroup",
        }
    }
}

impl Topic {
    pub(crate) fn new(key: TopicKey, record: TopicRecord) -> Self {
        let order = record.fifo.is_some().then(Arc::default);
        Self {
            key,
            record,
            subscriptions: BTreeMap::new(),
            order,
            policy: OnceLock::new(),
            tally: Tally::default(),
        }
    }

    /// Its policy, to be asked, if one was set.
    pub(crate) fn policy(&self) -> Option<Named> {
        let text = self.record.policy.as_deref()?;
        let ready = || {
            let document = Document::parse(text, Kind::Resource).unwrap_or_else(|error| {
                // One that was kept before documents were checked.
                tracing::error!(error = %error, "policy of a topic not understood");
                Document::deny_all()
            });
            Named { name: "the topic's policy".into(), document: Arc::new(document) }
        };
        Some(self.policy.get_or_init(ready).clone())
    }
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub(crate) const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

impl State {
    const fn is_confirmed(&self) -> bool {
        matches!(self, Self::Confirmed)
    }
}

impl Token {
    pub(crate) const fn is_good(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms
    }
}

impl Subscription {
    pub(crate) fn new(id: String, record: SubscriptionRecord) -> Self {
        let filter = Filter::of(&record.attributes);
        Self { id, record, filter, pace: Pace::default() }
    }

    pub(crate) fn arn(&self, topic: &TopicKey) -> String {
        format!("{}:{}", topic.arn(), self.id)
    }

    pub(crate) fn owner<'a>(&'a self, topic: &'a TopicKey) -> &'a AccountId {
        self.record.owner.as_ref().unwrap_or(&topic.account)
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.record.state == State::Confirmed
    }

    /// Neither confirmed nor to be confirmed any more: as if it were not there.
    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        let may_come = || self.record.token.as_ref().is_some_and(|token| token.is_good(now_ms));
        !self.is_confirmed() && !may_come()
    }

    /// As everybody may see it.
    pub(crate) fn endpoint(&self) -> Cow<'_, str> {
        endpoint::shown(&self.record.endpoint)
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.record.attributes.get("RawMessageDelivery").is_some_and(|value| value == "true")
    }

    /// The ARN of the queue that takes what can not be delivered.
    pub(crate) fn dead_letters(&self) -> Option<String> {
        redrive_target(self.record.attributes.get("RedrivePolicy")?)
    }
}

/// `{"deadLetterTargetArn": "arn:aws:sqs:..."}`
pub(crate) fn redrive_target(policy: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Policy {
        #[serde(rename = "deadLetterTargetArn")]
        target: String,
    }
    serde_json::from_str::<Policy>(policy).ok().map(|policy| policy.target)
}

pub(crate) fn no_topic() -> Fault {
    fault::not_found("Topic does not exist")
}

pub(crate) fn no_subscription() -> Fault {
    fault::not_found("Subscription does not exist")
}

/// As SNS says what is wrong with a member.
pub(crate) fn invalid(what: impl std::fmt::Display) -> Fault {
    fault::invalid_parameter(format!("Invalid parameter: {what}"))
}
