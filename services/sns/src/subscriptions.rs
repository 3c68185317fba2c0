// SPDX-License-Identifier: Apache-2.0
//! Operations on subscriptions.
//!
//! Queues and functions of the topic's own account are subscribed at once: nothing is ever left to be confirmed.

use crate::topic::{Protocol, Subscription, SubscriptionRecord, Topic, invalid, no_subscription};
use crate::topics::{PAGE, read_token, token};
use crate::{Sns, settings};
use api::sns::{self, SubscriptionOperations, fault};
use names::{FunctionArn, QueueArn};
use std::sync::Arc;
use wire::{Context, Result};

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
        check_endpoint(&topic, protocol, &endpoint)?;
        let attributes = settings::of_subscription(&topic, protocol, &told)?;
        let answer = |id: &str| sns::SubscribeOutput {
            subscription_arn: Some(format!("{}:{id}", topic.key.arn())),
        };
        let is_it = |subscription: &&Arc<Subscription>| {
            subscription.record.protocol == protocol && subscription.record.endpoint == endpoint
        };
        if let Some(subscription) = topic.subscriptions.values().find(is_it) {
            let is_same =
                |name: &String| subscription.record.attributes.get(name) == attributes.get(name);
            if !told.keys().all(is_same) {
                return Err(invalid(
                    "Attributes Reason: Subscription already exists with different attributes",
                ));
            }
            return Ok(answer(&subscription.id));
        }
        if topic.subscriptions.len() >= self.service.options.topic_subscriptions_max {
            return Err(fault::subscription_limit_exceeded("Subscription limit exceeded"));
        }
        let id = uuid::Uuid::new_v4().to_string();
        let output = answer(&id);
        let principal = cx.caller.arn.clone();
        let owner = Some(cx.account.clone()).filter(|account| *account != topic.key.account);
        let record = SubscriptionRecord { protocol, endpoint, principal, owner, attributes };
        let subscription = Subscription::new(id, record);
        self.service.put_subscription(&changing, &topic, subscription).await?;
        Ok(output)
    }

    async fn confirm_subscription(
        &self,
        cx: &Context,
        input: sns::ConfirmSubscriptionInput,
    ) -> Result<sns::ConfirmSubscriptionOutput> {
        self.service.find(cx, &input.topic_arn, "TopicArn")?;
        // No token was ever sent.
        Err(invalid("Token"))
    }

    async fn unsubscribe(&self, cx: &Context, input: sns::UnsubscribeInput) -> Result<()> {
        let changing = self.service.changing().await;
        // To end what has ended is no error.
        match self.service.find_subscription(cx, &input.subscription_arn)? {
            Some((topic, subscription)) => {
                self.service.delete_subscription(&changing, &topic, &subscription.id).await
            }
            None => Ok(()),
        }
    }

    async fn list_subscriptions(
        &self,
        cx: &Context,
        input: sns::ListSubscriptionsInput,
    ) -> Result<sns::ListSubscriptionsOutput> {
        let from = input.next_token.as_deref().map(read_token).transpose()?.unwrap_or_default();
        let (topic, id) = from.split_once(':').unwrap_or_default();
        let topics = self.service.table.of_region(&cx.account, &cx.region, topic);
        let of_topic = |found: &Arc<Topic>| {
            let from = if found.key.name == topic { id } else { "" };
            let subscriptions = found.subscriptions.range(from.to_owned()..);
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
        let found = topic.subscriptions.range(id.to_owned()..).take(PAGE + 1);
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
        let SubscriptionRecord { protocol, endpoint, principal, attributes, .. } =
            &subscription.record;
        let known = [
            ("SubscriptionArn", subscription.arn(&topic.key)),
            ("TopicArn", topic.key.arn()),
            ("Owner", subscription.owner(&topic.key).to_string()),
            ("Protocol", protocol.as_str().to_owned()),
            ("Endpoint", endpoint.clone()),
            ("SubscriptionPrincipal", principal.clone()),
            ("ConfirmationWasAuthenticated", "true".to_owned()),
            ("PendingConfirmation", "false".to_owned()),
            ("RawMessageDelivery", "false".to_owned()),
        ];
        let mut all: sns::Attributes = known.map(|(name, value)| (name.to_owned(), value)).into();
        all.extend(attributes.clone());
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
        "http" | "https" | "email" | "email-json" | "sms" | "application" | "firehose" => Err(
            invalid(format!("Protocol Reason: {text} is not available in this build of Tinderbox")),
        ),
        _ => Err(invalid(format!("Amazon SNS does not support this protocol string: {text}"))),
    }
}

/// Whether it is there is seen when something is delivered.
fn check_endpoint(topic: &Topic, protocol: Protocol, endpoint: &str) -> Result<()> {
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
        Protocol::Lambda if topic.order.is_some() => {
            Err(invalid("Protocol Reason: FIFO topics deliver to queues of Amazon SQS alone"))
        }
        Protocol::Lambda => {
            let arn: std::result::Result<FunctionArn, _> = endpoint.parse();
            arn.map(drop).map_err(|_| invalid("Lambda endpoint ARN"))
        }
    }
}

/// The first of these, and where the next page begins.
fn page(found: &[(Arc<Topic>, Arc<Subscription>)]) -> (Vec<sns::Subscription>, Option<String>) {
    let next = found.get(PAGE).map(|(topic, one)| token(&format!("{}:{}", topic.key.name, one.id)));
    let view = |(topic, one): &(Arc<Topic>, Arc<Subscription>)| sns::Subscription {
        subscription_arn: Some(one.arn(&topic.key)),
        owner: Some(one.owner(&topic.key).to_string()),
        protocol: Some(one.record.protocol.as_str().to_owned()),
        endpoint: Some(one.record.endpoint.clone()),
        topic_arn: Some(topic.key.arn()),
    };
    (found.iter().take(PAGE).map(view).collect(), next)
}
