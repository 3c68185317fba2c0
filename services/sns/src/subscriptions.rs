// SPDX-License-Identifier: Apache-2.0
//! Operations on subscriptions.
//!
//! Queues and functions are subscribed at once, by whoever signs. Endpoints of HTTP/S are asked: they are sent a token, and whoever
//! has it confirms. One that was ended by a link may come back by a last token. What nobody confirms in time is as if it were not
//! there, and goes when its topic gets its next subscription.

use crate::delivery_policy::DeliveryPolicy;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::notification::{Question, QuestionKind};
use crate::publish::{not_kept, now_ms};
use crate::service::Changing;
use crate::topic::{
    Confirmation, Protocol, State, Subscription, SubscriptionRecord, Token, Topic, invalid,
    no_subscription,
};
use crate::topics::{PAGE, read_token, token};
use crate::{Sns, delivery, settings};
use api::sns::{self, SubscriptionOperations, fault};
use names::{FunctionArn, QueueArn};
use std::sync::Arc;
use wire::{Context, Fault, Result};

impl SubscriptionOperations for Sns {
    async fn subscribe(
        &self,
        cx: &Context,
        input: sns::SubscribeInput,
    ) -> Result<sns::SubscribeOutput> {
        let protocol = protocol(&input.protocol)?;
        let endpoint = input.endpoint.unwrap_or_default();
        let told = input.attributes.unwrap_or_default();

        let changing = self.service.changing().await;
        let topic = self.service.find(cx, &input.topic_arn, "TopicArn")?;
        let topic = self.service.without_overdue(&changing, topic).await?;
        self.check_endpoint(&topic, protocol, &endpoint)?;
        let attributes = settings::of_subscription(&topic, protocol, &told)?;
        let is_it = |subscription: &&Arc<Subscription>| {
            subscription.record.protocol == protocol && subscription.record.endpoint == endpoint
        };
        let known = topic.subscriptions.values().find(is_it);
        if let Some(subscription) = known.filter(|subscription| subscription.is_confirmed()) {
            let is_same =
                |name: &String| subscription.record.attributes.get(name) == attributes.get(name);
            if !told.keys().all(is_same) {
                return Err(invalid(
                    "Attributes Reason: Subscription already exists with different attributes",
                ));
            }
            let subscription_arn = Some(subscription.arn(&topic.key));
            return Ok(sns::SubscribeOutput { subscription_arn });
        }
        let count = topic.subscriptions.len();
        if known.is_none() && count >= self.service.options.topic_subscriptions_max {
            return Err(fault::subscription_limit_exceeded("Subscription limit exceeded"));
        }
        let id = known.map_or_else(|| uuid::Uuid::new_v4().to_string(), |known| known.id.clone());
        let record = SubscriptionRecord {
            protocol,
            endpoint,
            principal: cx.caller.arn.clone(),
            owner: Some(cx.account.clone()).filter(|account| *account != topic.key.account),
            attributes,
            state: State::Confirmed,
            token: None,
            confirmation: Confirmation::Signed,
        };
        let mut subscription = Subscription::new(id, record);
        let arn = subscription.arn(&topic.key);
        if !protocol.is_http() {
            self.service.put_subscription(&changing, &topic, subscription).await?;
            return Ok(sns::SubscribeOutput { subscription_arn: Some(arn) });
        }
        subscription.record.state = State::Pending;
        let kind = QuestionKind::SubscriptionConfirmation;
        self.ask(cx, &changing, &topic, subscription, kind).await?;
        let is_told = input.return_subscription_arn.unwrap_or_default();
        let arn = if is_told { arn } else { "pending confirmation".to_owned() };
        Ok(sns::SubscribeOutput { subscription_arn: Some(arn) })
    }

    async fn confirm_subscription(
        &self,
        cx: &Context,
        input: sns::ConfirmSubscriptionInput,
    ) -> Result<sns::ConfirmSubscriptionOutput> {
        let for_good = match input.authenticate_on_unsubscribe.as_deref() {
            None | Some("" | "false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("AuthenticateOnUnsubscribe")),
        };
        let confirmation = match (for_good, is_nobody(cx)) {
            (true, true) => return Err(unsigned()),
            (true, false) => Confirmation::SignedForGood,
            (false, true) => Confirmation::Unsigned,
            (false, false) => Confirmation::Signed,
        };
        let changing = self.service.changing().await;
        let topic = self.service.find(cx, &input.topic_arn, "TopicArn")?;
        let (digest, now) = (delivery::digest(&input.token), now_ms());
        let is_it = |subscription: &&Arc<Subscription>| {
            let token = subscription.record.token.as_ref();
            token.is_some_and(|token| token.digest == digest && token.is_good(now))
        };
        let found = topic.subscriptions.values().find(is_it).ok_or_else(|| invalid("Token"))?;
        let subscription_arn = Some(found.arn(&topic.key));
        if !found.is_confirmed() {
            let state = State::Confirmed;
            let record = SubscriptionRecord { state, confirmation, ..found.record.clone() };
            let subscription = Subscription::new(found.id.clone(), record);
            self.service.put_subscription(&changing, &topic, subscription).await?;
        }
        Ok(sns::ConfirmSubscriptionOutput { subscription_arn })
    }

    /// Whoever follows the link of a message to an endpoint may, too, unless whoever confirmed wanted a signature. Then its endpoint
    /// is told, and may come back. What somebody ended who signed comes back by another `Subscribe` only.
    async fn unsubscribe(&self, cx: &Context, input: sns::UnsubscribeInput) -> Result<()> {
        let changing = self.service.changing().await;
        // To end what has ended is no error.
        let found = self.service.find_subscription(cx, &input.subscription_arn)?;
        let Some((topic, subscription)) = found else { return Ok(()) };
        let SubscriptionRecord { protocol, confirmation, .. } = subscription.record;
        if is_nobody(cx) && (!protocol.is_http() || confirmation == Confirmation::SignedForGood) {
            return Err(unsigned());
        }
        if !is_nobody(cx) || !subscription.is_confirmed() {
            return self.service.delete_subscription(&changing, &topic, &subscription.id).await;
        }
        let record = SubscriptionRecord { state: State::Ended, ..subscription.record.clone() };
        let subscription = Subscription::new(subscription.id.clone(), record);
        self.ask(cx, &changing, &topic, subscription, QuestionKind::UnsubscribeConfirmation).await
    }

    async fn list_subscriptions(
        &self,
        cx: &Context,
        input: sns::ListSubscriptionsInput,
    ) -> Result<sns::ListSubscriptionsOutput> {
        let from = input.next_token.as_deref().map(read_token).transpose()?.unwrap_or_default();
        let (topic, id) = from.split_once(':').unwrap_or_default();
        let topics = self.service.table.of_region(&cx.account, &cx.region, topic);
        let now = now_ms();
        let of_topic = |found: &Arc<Topic>| {
            let from = if found.key.name == topic { id } else { "" };
            let subscriptions = found.subscriptions.range(from.to_owned()..);
            let subscriptions = subscriptions.filter(|(_, one)| !one.is_over(now));
            subscriptions.map(|(_, one)| (Arc::clone(found), Arc::clone(one))).collect::<Vec<_>>()
        };
        let found: Vec<_> = topics.iter().flat_map(of_topic).take(PAGE + 1).collect();
        let (subscriptions, next_token) = page(&found);
        Ok(sns::ListSubscriptionsOutput { subscriptions, next_token })
    }

    async fn list_subscriptions_by_topic(
        &self,
        cx: &Context,
        input: sns::ListSubscriptionsByTopicInput,
    ) -> Result<sns::ListSubscriptionsByTopicOutput> {
        let from = input.next_token.as_deref().map(read_token).transpose()?.unwrap_or_default();
        let (_, id) = from.split_once(':').unwrap_or_default();
        let topic = self.service.find(cx, &input.topic_arn, "TopicArn")?;
        let now = now_ms();
        let found = topic.subscriptions.range(id.to_owned()..);
        let found = found.filter(|(_, one)| !one.is_over(now)).take(PAGE + 1);
        let found: Vec<_> = found.map(|(_, one)| (Arc::clone(&topic), Arc::clone(one))).collect();
        let (subscriptions, next_token) = page(&found);
        Ok(sns::ListSubscriptionsByTopicOutput { subscriptions, next_token })
    }

    async fn get_subscription_attributes(
        &self,
        cx: &Context,
        input: sns::GetSubscriptionAttributesInput,
    ) -> Result<sns::GetSubscriptionAttributesOutput> {
        let found = self.service.find_subscription(cx, &input.subscription_arn)?;
        let (topic, subscription) = found.ok_or_else(no_subscription)?;
        let SubscriptionRecord { protocol, principal, attributes, state, confirmation, .. } =
            &subscription.record;
        let is_signed = *state == State::Confirmed && *confirmation != Confirmation::Unsigned;
        let known = [
            ("SubscriptionArn", subscription.arn(&topic.key)),
            ("TopicArn", topic.key.arn()),
            ("Owner", subscription.owner(&topic.key).to_string()),
            ("Protocol", protocol.as_str().to_owned()),
            ("Endpoint", subscription.endpoint().into_owned()),
            ("SubscriptionPrincipal", principal.clone()),
            ("ConfirmationWasAuthenticated", is_signed.to_string()),
            ("PendingConfirmation", (*state == State::Pending).to_string()),
            ("RawMessageDelivery", "false".to_owned()),
        ];
        let mut all: sns::Attributes = known.map(|(name, value)| (name.to_owned(), value)).into();
        all.extend(attributes.clone());
        if protocol.is_http() {
            let own = attributes.get("DeliveryPolicy").map(String::as_str);
            let of_topic = topic.record.delivery_policy.as_deref();
            let policy = DeliveryPolicy::effective(of_topic, own).text();
            all.insert("EffectiveDeliveryPolicy".to_owned(), policy);
        }
        if attributes.contains_key("FilterPolicy") {
            let scope = "FilterPolicyScope".to_owned();
            all.entry(scope).or_insert_with(|| "MessageAttributes".to_owned());
        }
        Ok(sns::GetSubscriptionAttributesOutput { attributes: Some(all) })
    }

    async fn set_subscription_attributes(
        &self,
        cx: &Context,
        input: sns::SetSubscriptionAttributesInput,
    ) -> Result<()> {
        let changing = self.service.changing().await;
        let found = self.service.find_subscription(cx, &input.subscription_arn)?;
        let (topic, subscription) = found.ok_or_else(no_subscription)?;
        let mut record = subscription.record.clone();
        let value = input.attribute_value.unwrap_or_default();
        let name = &input.attribute_name;
        let protocol = record.protocol;
        settings::set_of_subscription(&mut record.attributes, &topic, protocol, name, &value)?;
        let subscription = Subscription::new(subscription.id.clone(), record);
        self.service.put_subscription(&changing, &topic, subscription).await
    }
}

fn protocol(text: &str) -> Result<Protocol> {
    match text {
        "sqs" => Ok(Protocol::Sqs),
        "lambda" => Ok(Protocol::Lambda),
        "http" => Ok(Protocol::Http),
        "https" => Ok(Protocol::Https),
        "email" | "email-json" | "sms" | "application" | "firehose" => Err(invalid(format!(
            "Protocol Reason: {text} is not available in this build of Tinderbox"
        ))),
        _ => Err(invalid(format!("Amazon SNS does not support this protocol string: {text}"))),
    }
}

fn is_nobody(cx: &Context) -> bool {
    cx.caller == Sns::nobody()
}

fn unsigned() -> Fault {
    fault::authorization_error("This request has to be signed.")
}

impl Sns {
    /// Keeps a subscription that its endpoint is to confirm, and asks it.
    async fn ask(
        &self,
        cx: &Context,
        changing: &Changing<'_>,
        topic: &Topic,
        mut subscription: Subscription,
        kind: QuestionKind,
    ) -> Result<()> {
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        let token: String = random.iter().map(|part| part.simple().to_string()).collect();
        let lasts_ms = self.service.options.confirmation_seconds.saturating_mul(1_000);
        let until_ms = now_ms().saturating_add(lasts_ms);
        subscription.record.token = Some(Token { digest: delivery::digest(&token), until_ms });
        let arn = subscription.arn(&topic.key);
        let message = Message::asking(cx, topic, kind.text(&topic.key.arn(), &arn), now_ms());
        self.service.put_subscription(changing, topic, subscription).await?;
        let new = delivery::asked(&arn, Question { kind, token }, &message);
        self.service.queue().await?.keep(new).await.map_err(not_kept)
    }

    /// Whether it is there is seen when something is delivered.
    fn check_endpoint(&self, topic: &Topic, protocol: Protocol, endpoint: &str) -> Result<()> {
        match protocol {
            Protocol::Sqs => {
                let queue: QueueArn = endpoint.parse().map_err(|_| invalid("SQS endpoint ARN"))?;
                if queue.name.ends_with(".fifo") && topic.order.is_none() {
                    return Err(invalid(
                        "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
                    ));
                }
                Ok(())
            }
            _ if topic.order.is_some() => {
                Err(invalid("Protocol Reason: FIFO topics deliver to queues of Amazon SQS alone"))
            }
            Protocol::Lambda => {
                let arn: std::result::Result<FunctionArn, _> = endpoint.parse();
                arn.map(drop).map_err(|_| invalid("Lambda endpoint ARN"))
            }
            Protocol::Http | Protocol::Https => {
                let scheme = format!("{}://", protocol.as_str());
                if !endpoint.starts_with(&scheme) {
                    return Err(invalid("Endpoint must match the specified protocol"));
                }
                let endpoint = Endpoint::parse(endpoint).ok_or_else(|| invalid("Endpoint"))?;
                if !self.service.poster.allows(&endpoint) {
                    return Err(invalid(
                        "Endpoint Reason: its address is in no network that this server posts to",
                    ));
                }
                Ok(())
            }
        }
    }
}

/// The first of these, and where the next page begins.
fn page(found: &[(Arc<Topic>, Arc<Subscription>)]) -> (Vec<sns::Subscription>, Option<String>) {
    let next = found.get(PAGE).map(|(topic, one)| token(&format!("{}:{}", topic.key.name, one.id)));
    let view = |(topic, one): &(Arc<Topic>, Arc<Subscription>)| sns::Subscription {
        subscription_arn: Some(match one.record.state {
            State::Confirmed => one.arn(&topic.key),
            State::Pending => "PendingConfirmation".to_owned(),
            State::Ended => "Deleted".to_owned(),
        }),
        owner: Some(one.owner(&topic.key).to_string()),
        protocol: Some(one.record.protocol.as_str().to_owned()),
        endpoint: Some(one.endpoint().into_owned()),
        topic_arn: Some(topic.key.arn()),
    };
    (found.iter().take(PAGE).map(view).collect(), next)
}
