// SPDX-License-Identifier: Apache-2.0
//! Subscriptions: who gets what is published.

use super::{Attributes, access};
use wire::{Context, Input, Output, Result, Structure, operations};

/// What is done to subscriptions.
#[operations("sns")]
pub trait SubscriptionOperations: Send + Sync + 'static {
    /// Subscribes an endpoint to a topic, or answers the subscription that it has.
    #[operation(on = access::subscribed(topic_arn, protocol, endpoint))]
    async fn subscribe(&self, cx: &Context, input: SubscribeInput) -> Result<SubscribeOutput>;

    /// Confirms a subscription, with the token that its endpoint was sent.
    #[operation(on = access::topic(topic_arn))]
    async fn confirm_subscription(
        &self,
        cx: &Context,
        input: ConfirmSubscriptionInput,
    ) -> Result<ConfirmSubscriptionOutput>;

    /// Ends a subscription. Who may is whoever owns it or its topic: the service looks.
    #[operation(on = access::anything())]
    async fn unsubscribe(&self, cx: &Context, input: UnsubscribeInput) -> Result<()>;

    /// Lists subscriptions, page by page.
    #[operation(on = access::anything())]
    async fn list_subscriptions(
        &self,
        cx: &Context,
        input: ListSubscriptionsInput,
    ) -> Result<ListSubscriptionsOutput>;

    /// The same of a topic.
    #[operation(on = access::topic(topic_arn))]
    async fn list_subscriptions_by_topic(
        &self,
        cx: &Context,
        input: ListSubscriptionsByTopicInput,
    ) -> Result<ListSubscriptionsByTopicOutput>;

    /// Answers the attributes of a subscription.
    #[operation(on = access::anything())]
    async fn get_subscription_attributes(
        &self,
        cx: &Context,
        input: GetSubscriptionAttributesInput,
    ) -> Result<GetSubscriptionAttributesOutput>;

    /// Changes an attribute of a subscription.
    #[operation(on = access::anything())]
    async fn set_subscription_attributes(
        &self,
        cx: &Context,
        input: SetSubscriptionAttributesInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct SubscribeInput {
    pub topic_arn: String,
    pub protocol: String,
    pub endpoint: Option<String>,
    pub attributes: Option<Attributes>,
    pub return_subscription_arn: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct SubscribeOutput {
    pub subscription_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ConfirmSubscriptionInput {
    pub topic_arn: String,
    pub token: String,
    pub authenticate_on_unsubscribe: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ConfirmSubscriptionOutput {
    pub subscription_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct UnsubscribeInput {
    pub subscription_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListSubscriptionsInput {
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListSubscriptionsOutput {
    pub subscriptions: Vec<Subscription>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListSubscriptionsByTopicInput {
    pub topic_arn: String,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListSubscriptionsByTopicOutput {
    pub subscriptions: Vec<Subscription>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct Subscription {
    pub subscription_arn: Option<String>,
    pub owner: Option<String>,
    pub protocol: Option<String>,
    pub endpoint: Option<String>,
    pub topic_arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct GetSubscriptionAttributesInput {
    pub subscription_arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct GetSubscriptionAttributesOutput {
    pub attributes: Option<Attributes>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct SetSubscriptionAttributesInput {
    pub subscription_arn: String,
    pub attribute_name: String,
    pub attribute_value: Option<String>,
}
