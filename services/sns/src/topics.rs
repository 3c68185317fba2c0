// SPDX-License-Identifier: Apache-2.0
//! Operations on topics.

use crate::publish::now_ms;
use crate::topic::{State, Topic, TopicKey, TopicRecord, invalid};
use crate::{Sns, delivery_policy, permissions, settings};
use api::sns::{self, Attributes, Tag, TopicOperations, fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Context, Result};

pub(crate) const PAGE: usize = 100;
const TAGS_MAX: usize = 50;

impl TopicOperations for Sns {
    async fn create_topic(
        &self,
        cx: &Context,
        input: sns::CreateTopicInput,
    ) -> Result<sns::CreateTopicOutput> {
        let key = TopicKey::new(cx, &input.name)?;
        if input.data_protection_policy.is_some_and(|policy| !policy.is_empty()) {
            return Err(invalid(
                "DataProtectionPolicy Reason: It is not available in this build of Tinderbox",
            ));
        }
        let mut attributes = input.attributes.unwrap_or_default();
        let fifo = settings::fifo(&key, attributes.remove("FifoTopic").as_deref())?;
        let mut record = TopicRecord { fifo, ..TopicRecord::default() };
        for (name, value) in &attributes {
            settings::set_of_topic(&mut record, name, value)?;
        }
        record.tags = check_tags(BTreeMap::new(), input.tags.unwrap_or_default())?;
        let answer = sns::CreateTopicOutput { topic_arn: Some(key.arn()) };

        let changing = self.service.changing().await;
        if let Some(topic) = self.service.table.get(&key) {
            check_same(&topic, &record, &attributes)?;
            return Ok(answer);
        }
        let count = self.service.table.of_region(&key.account, &key.region, "").len();
        if count >= self.service.options.topics_max {
            return Err(fault::topic_limit_exceeded("Topic limit exceeded"));
        }
        self.service.put_topic(&changing, Topic::new(key, record)).await?;
        Ok(answer)
    }

    async fn delete_topic(&self, cx: &Context, input: sns::DeleteTopicInput) -> Result<()> {
        let changing = self.service.changing().await;
        match self.service.find(cx, &input.topic_arn, "TopicArn") {
            Ok(topic) => self.service.delete_topic(&changing, &topic).await,
            // To delete what is not there is no error.
            Err(error) if error.status == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn list_topics(
        &self,
        cx: &Context,
        input: sns::ListTopicsInput,
    ) -> Result<sns::ListTopicsOutput> {
        let from = input.next_token.as_deref().map(read_token).transpose()?.unwrap_or_default();
        let topics = self.service.table.of_region(&cx.account, &cx.region, &from);
        let next_token = topics.get(PAGE).map(|topic| token(&topic.key.name));
        let topic = |topic: &Arc<Topic>| sns::Topic { topic_arn: Some(topic.key.arn()) };
        Ok(sns::ListTopicsOutput {
            topics: topics.iter().take(PAGE).map(topic).collect(),
            next_token,
        })
    }

    async fn get_topic_attributes(
        &self,
        cx: &Context,
        input: sns::GetTopicAttributesInput,
    ) -> Result<sns::GetTopicAttributesOutput> {
        let topic = self.service.find(cx, &input.topic_arn, "TopicArn")?;
        let Topic { key, record, subscriptions, .. } = &*topic;
        let policy = record.policy.clone().unwrap_or_else(|| permissions::default(key).to_string());
        let now = now_ms();
        let count = |state: State| {
            let found = subscriptions.values().filter(|one| one.record.state == state);
            found.filter(|one| !one.is_over(now)).count().to_string()
        };
        let attributes = [
            ("TopicArn", key.arn()),
            ("Owner", key.account.to_string()),
            ("DisplayName", record.display_name.clone()),
            ("Policy", policy),
            ("SubscriptionsConfirmed", count(State::Confirmed)),
            ("SubscriptionsPending", count(State::Pending)),
            ("SubscriptionsDeleted", count(State::Ended)),
            (
                "EffectiveDeliveryPolicy",
                delivery_policy::effective_of_topic(record.delivery_policy.as_deref()),
            ),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
        let mut attributes = Attributes::from(attributes);
        attributes.extend(record.fifo.iter().flat_map(settings::of_fifo));
        if let Some(policy) = &record.delivery_policy {
            attributes.insert("DeliveryPolicy".to_owned(), policy.clone());
        }
        if let Some(version) = record.signature_version {
            attributes.insert("SignatureVersion".to_owned(), version.as_str().to_owned());
        }
        Ok(sns::GetTopicAttributesOutput { attributes: Some(attributes) })
    }

    async fn set_topic_attributes(
        &self,
        cx: &Context,
        input: sns::SetTopicAttributesInput,
    ) -> Result<()> {
        let value = input.attribute_value.unwrap_or_default();
        self.change_topic(cx, &input.topic_arn, |topic| {
            settings::set_of_topic(&mut topic.record, &input.attribute_name, &value)
        })
        .await
    }

    async fn add_permission(&self, cx: &Context, input: sns::AddPermissionInput) -> Result<()> {
        let arn = input.topic_arn.clone();
        self.change_topic(cx, &arn, |topic| {
            let policy = permissions::with(topic.record.policy.as_deref(), &topic.key, &input)?;
            topic.record.policy = Some(policy);
            Ok(())
        })
        .await
    }

    async fn remove_permission(
        &self,
        cx: &Context,
        input: sns::RemovePermissionInput,
    ) -> Result<()> {
        self.change_topic(cx, &input.topic_arn, |topic| {
            let policy = topic.record.policy.as_deref();
            if let Some(policy) = permissions::without(policy, &topic.key, &input.label) {
                topic.record.policy = Some(policy);
            }
            Ok(())
        })
        .await
    }

    async fn tag_resource(
        &self,
        cx: &Context,
        input: sns::TagResourceInput,
    ) -> Result<sns::TagResourceOutput> {
        self.change_tags(cx, &input.resource_arn, |tags| check_tags(tags, input.tags)).await?;
        Ok(sns::TagResourceOutput {})
    }

    async fn untag_resource(
        &self,
        cx: &Context,
        input: sns::UntagResourceInput,
    ) -> Result<sns::UntagResourceOutput> {
        self.change_tags(cx, &input.resource_arn, |mut tags| {
            tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(tags)
        })
        .await?;
        Ok(sns::UntagResourceOutput {})
    }

    async fn list_tags_for_resource(
        &self,
        cx: &Context,
        input: sns::ListTagsForResourceInput,
    ) -> Result<sns::ListTagsForResourceOutput> {
        let topic =
            self.service.find(cx, &input.resource_arn, "ResourceArn").map_err(no_resource)?;
        let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
        Ok(sns::ListTagsForResourceOutput { tags: topic.record.tags.iter().map(tag).collect() })
    }
}

impl Sns {
    async fn change_topic(
        &self,
        cx: &Context,
        arn: &str,
        change: impl FnOnce(&mut Topic) -> Result<()>,
    ) -> Result<()> {
        let changing = self.service.changing().await;
        let mut topic = Topic::clone(&*self.service.find(cx, arn, "TopicArn")?);
        change(&mut topic)?;
        self.service.put_topic(&changing, topic).await
    }

    async fn change_tags(
        &self,
        cx: &Context,
        arn: &str,
        change: impl FnOnce(BTreeMap<String, String>) -> Result<BTreeMap<String, String>>,
    ) -> Result<()> {
        let changed = self.change_topic(cx, arn, |topic| {
            topic.record.tags = change(std::mem::take(&mut topic.record.tags))?;
            Ok(())
        });
        changed.await.map_err(no_resource)
    }
}

/// What tags are put on is called otherwise.
fn no_resource(error: wire::Fault) -> wire::Fault {
    match error.status {
        404 => fault::resource_not_found("Resource does not exist"),
        _ => error,
    }
}

/// A topic that is there is answered if nothing else was asked for.
fn check_same(topic: &Topic, wanted: &TopicRecord, told: &Attributes) -> Result<()> {
    let is_same = |name: &str| match name {
        "DisplayName" => topic.record.display_name == wanted.display_name,
        "Policy" => topic.record.policy == wanted.policy,
        "DeliveryPolicy" => topic.record.delivery_policy == wanted.delivery_policy,
        "SignatureVersion" => topic.record.signature_version == wanted.signature_version,
        "ContentBasedDeduplication" | "FifoThroughputScope" => topic.record.fifo == wanted.fifo,
        _ => true,
    };
    if !told.keys().all(|name| is_same(name)) {
        return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
    }
    if !wanted.tags.is_empty() && wanted.tags != topic.record.tags {
        return Err(invalid("Tags Reason: Topic already exists with different tags"));
    }
    Ok(())
}

fn check_tags(
    mut tags: BTreeMap<String, String>,
    more: Vec<Tag>,
) -> Result<BTreeMap<String, String>> {
    for Tag { key, value } in more {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tags Reason: Tag keys that start with aws: are reserved"));
        }
        tags.insert(key, value);
    }
    if tags.len() > TAGS_MAX {
        return Err(fault::tag_limit_exceeded(
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    Ok(tags)
}

/// Where a page begins.
pub(crate) fn token(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

pub(crate) fn read_token(token: &str) -> Result<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok();
    decoded.and_then(|name| String::from_utf8(name).ok()).ok_or_else(|| invalid("NextToken"))
}
