// SPDX-License-Identifier: Apache-2.0
//! One attempt to bring a message, or a question, to a subscription, or to its dead-letter queue.

use crate::delivery_policy::DeliveryPolicy;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::notification::{self, Envelope, Question};
use crate::post::Post;
use crate::service::Service;
use crate::signing::Signature;
use crate::topic::{Protocol, Subscription, Topic, TopicKey};
use api::sqs::{self, SendMessageInput};
use flow::{Fact, Outcome};
use names::QueueArn;
use std::error::Error;
use targets::{NotTaken, Parcel, Sender};

/// Who sends, as policies call it.
const SERVICE: &str = "sns.amazonaws.com";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) service: &'a Service,
    pub(crate) topic: &'a Topic,
    pub(crate) subscription: &'a Subscription,
    /// Of the subscription.
    pub(crate) arn: &'a str,
    pub(crate) message: &'a Message,
}

impl Attempt<'_> {
    pub(crate) async fn send(&self) -> Result<(), NotTaken> {
        match self.subscription.record.protocol {
            Protocol::Sqs => self.send_to_queue(&self.subscription.record.endpoint).await,
            Protocol::Lambda => {
                let function_arn = self.subscription.record.endpoint.clone();
                let event = notification::for_function(self.message, &self.envelope().await?);
                self.hand_over(Parcel::Invocation { function_arn, payload: event.into() }).await
            }
            Protocol::Http | Protocol::Https => self.post_notification().await,
        }
    }

    /// Asks an endpoint of HTTP or HTTPS. The message has the text.
    pub(crate) async fn ask(&self, question: &Question) -> Result<(), NotTaken> {
        let base = self.service.links.base(&self.message.endpoint);
        let signed = notification::signed_question(self.message, question, &base);
        let signature = self.sign(signed).await?;
        let body = notification::ask(self.message, question, &base, &signature);
        self.post(question.kind.as_str(), Vec::new(), body).await
    }

    async fn post_notification(&self) -> Result<(), NotTaken> {
        let mut headers = vec![("x-amz-sns-subscription-arn", self.arn.to_owned())];
        let body = if self.subscription.is_raw() {
            headers.push(("x-amz-sns-rawdelivery", "true".to_owned()));
            self.text().to_owned()
        } else {
            notification::envelop(self.message, &self.envelope().await?)
        };
        self.post(notification::NOTIFICATION, headers, body).await
    }

    async fn post(
        &self,
        kind: &str,
        mut headers: Vec<(&'static str, String)>,
        body: String,
    ) -> Result<(), NotTaken> {
        let record = &self.subscription.record;
        let endpoint = Endpoint::parse(&record.endpoint)
            .ok_or_else(|| NotTaken::no_such_target(&self.subscription.endpoint()))?;
        headers.extend([
            ("x-amz-sns-message-type", kind.to_owned()),
            ("x-amz-sns-message-id", self.message.id.clone()),
            ("x-amz-sns-topic-arn", self.message.topic_arn.clone()),
            ("Content-Type", self.policy().content_type().to_owned()),
        ]);
        let posted = self.service.poster.post(Post { endpoint, headers, body }).await;
        flow::tell(|| {
            let fact = |outcome| fact(self.message, &self.subscription.endpoint(), outcome);
            match &posted {
                Ok(()) => fact(Outcome::Delivered),
                Err(error @ NotTaken::NotNow { .. }) => {
                    fact(Outcome::Retried).because(error.to_string())
                }
                Err(error @ NotTaken::Never { .. }) => {
                    fact(Outcome::Failed).because(error.to_string())
                }
            }
        });
        posted
    }

    /// How an endpoint of HTTP or HTTPS gets messages.
    pub(crate) fn policy(&self) -> DeliveryPolicy {
        let own = self.subscription.record.attributes.get("DeliveryPolicy");
        let of_topic = self.topic.record.delivery_policy.as_deref();
        DeliveryPolicy::effective(of_topic, own.map(String::as_str))
    }

    /// What a function did not take goes to a queue as it would have gone to the function.
    pub(crate) async fn send_dead_letter(&self, target: &str) -> Result<(), NotTaken> {
        match self.subscription.record.protocol {
            Protocol::Sqs | Protocol::Http | Protocol::Https => self.send_to_queue(target).await,
            Protocol::Lambda => {
                let event = notification::for_function(self.message, &self.envelope().await?);
                let body = String::from_utf8_lossy(&event).into_owned();
                self.send_message(target, body, None).await
            }
        }
    }

    async fn send_to_queue(&self, queue: &str) -> Result<(), NotTaken> {
        if !self.subscription.is_raw() {
            let body = notification::envelop(self.message, &self.envelope().await?);
            return self.send_message(queue, body, None).await;
        }
        let attributes = notification::raw_attributes(self.message).ok_or_else(|| {
            let message = "a queue's message has at most 10 attributes".to_owned();
            NotTaken::Never { code: "InvalidParameterValue".to_owned(), message }
        })?;
        let body = self.text().to_owned();
        self.send_message(queue, body, Some(attributes)).await
    }

    async fn send_message(
        &self,
        queue: &str,
        message_body: String,
        message_attributes: Option<sqs::MessageAttributes>,
    ) -> Result<(), NotTaken> {
        let Message { group, deduplication, sequence, .. } = self.message;
        let queue: QueueArn = queue.parse().map_err(|_| NotTaken::no_such_target(queue))?;
        // FIFO topics tell their groups to FIFO queues, and standard ones theirs to standard queues.
        let is_fifo = queue.name.ends_with(".fifo");
        let input = SendMessageInput {
            message_body,
            message_attributes,
            message_group_id: group.clone().filter(|_| is_fifo == sequence.is_some()),
            message_deduplication_id: deduplication.clone().filter(|_| is_fifo),
            ..SendMessageInput::default()
        };
        self.hand_over(Parcel::Message { queue, input }).await
    }

    /// Sends for the topic, which whoever gets it has to let.
    async fn hand_over(&self, parcel: Parcel) -> Result<(), NotTaken> {
        let TopicKey { account, .. } = &self.topic.key;
        let (source_arn, source_account) = (self.topic.key.arn(), account.clone());
        let sender = Sender::Service { name: SERVICE, source_arn, source_account };
        self.service.targets.deliver(&sender, self.message.trace(), parcel).await
    }

    fn text(&self) -> &str {
        self.message.text_for(self.subscription.record.protocol)
    }

    async fn sign(&self, text: String) -> Result<Signature, NotTaken> {
        let version = self.topic.record.signature_version.unwrap_or_default();
        self.service.signer.sign(version, text).await.map_err(|error| not_now(&error))
    }

    /// What stands around the message. FIFO topics sign nothing, as on AWS.
    async fn envelope(&self) -> Result<Envelope<'_>, NotTaken> {
        let text = self.text();
        let signature = match self.topic.order {
            Some(_) => None,
            None => Some(self.sign(notification::signed_text(self.message, text)).await?),
        };
        let base = self.service.links.base(&self.message.endpoint);
        Ok(Envelope { text, subscription_arn: self.arn, base, signature })
    }
}

pub(crate) fn fact(message: &Message, target: &str, outcome: Outcome) -> Fact {
    Fact::new(&message.topic_arn, target, outcome).in_trace(message.trace().root())
}

/// A failure of ours, which goes to the log.
fn not_now(error: &(dyn Error + 'static)) -> NotTaken {
    tracing::error!(error, "message not signed");
    let message = "the message could not be signed".to_owned();
    NotTaken::NotNow { code: "InternalError".to_owned(), message }
}
