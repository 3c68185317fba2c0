// SPDX-License-Identifier: Apache-2.0
//! The operations on queues.

use crate::Sqs;
use crate::permissions;
use crate::queue::{Key, Queue, QueueName, Record, nonexistent};
use crate::receive::within;
use crate::service::{Service, failed};
use crate::settings::Settings;
use api::sqs::{self, QueueOperations, fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use wire::{Context, Fault, Result};

const TAGS_MAX: usize = 50;
const PAGE_MAX: i32 = 1_000;
const PURGE_EVERY_MS: u64 = 60_000;

/// Attributes that are no settings.
const FACTS: [&str; 6] = [
    "QueueArn",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];
/// Settings that some queue may have.
const SETTINGS: [&str; 15] = [
    "Policy",
    "VisibilityTimeout",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "FifoQueue",
    "ContentBasedDeduplication",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "SqsManagedSseEnabled",
];

impl QueueOperations for Sqs {
    async fn create_queue(
        &self,
        cx: &Context,
        input: sqs::CreateQueueInput,
    ) -> Result<sqs::CreateQueueOutput> {
        let service = &self.service;
        let attributes = input.attributes.unwrap_or_default();
        let name: QueueName = input.queue_name.parse().map_err(bad_name)?;
        let says_fifo = attributes.get("FifoQueue").is_some_and(|value| value == "true");
        if name.is_fifo() && !says_fifo {
            return Err(bad_name(crate::queue::InvalidQueueName));
        }
        if !name.is_fifo() && says_fifo {
            return Err(fault::invalid_parameter_value(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
            ));
        }
        let tags = input.tags.unwrap_or_default();
        check_tags(&tags)?;
        let key = Key { account: cx.account.clone(), region: cx.region.clone(), name };
        let settings = Settings::default().with(&key.name, &attributes)?;
        let answer = sqs::CreateQueueOutput { queue_url: Some(key.url(cx)) };

        let _changing = service.changing().await;
        if let Some(queue) = service.engine.queues.get(&key) {
            check_same(&queue, &settings, &attributes)?;
            return Ok(answer);
        }
        service.check_redrive(cx, &key, &settings)?;
        let count = service.engine.queues.of_region(&key, None).len();
        if count >= service.options.queues_max {
            return Err(fault::over_limit(format!("There are {count} queues: as many as may be.")));
        }
        let now = service.engine.clock.now();
        let (id, _) = uuid::Uuid::new_v4().as_u64_pair();
        let record = Record { id, created_ms: now, modified_ms: now, settings, tags };
        service.keep(&key, &record).await?;
        service.engine.queues.insert(Arc::new(Queue::new(key, record)));
        Ok(answer)
    }

    async fn delete_queue(&self, cx: &Context, input: sqs::DeleteQueueInput) -> Result<()> {
        let service = &self.service;
        let queue = service.find(cx, &input.queue_url)?;
        let _changing = service.changing().await;
        service.forget(&queue.key).await?;
        service.engine.queues.remove(&queue.key);
        drop(queue.ledger().clear());
        queue.changed.notify_waiters();
        Ok(())
    }

    async fn get_queue_url(
        &self,
        cx: &Context,
        input: sqs::GetQueueUrlInput,
    ) -> Result<sqs::GetQueueUrlOutput> {
        let name: QueueName = input.queue_name.parse().map_err(|_| nonexistent())?;
        let owner = input.queue_owner_account.map(|owner| owner.parse());
        let account = owner.unwrap_or_else(|| Ok(cx.account.clone())).map_err(|_| nonexistent())?;
        let key = Key { account, region: cx.region.clone(), name };
        self.service.admitted(cx, &key)?;
        Ok(sqs::GetQueueUrlOutput { queue_url: Some(key.url(cx)) })
    }

    async fn get_queue_attributes(
        &self,
        cx: &Context,
        input: sqs::GetQueueAttributesInput,
    ) -> Result<sqs::GetQueueAttributesOutput> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        let names = input.attribute_names.unwrap_or_default();
        let is_known =
            |name: &str| name == "All" || FACTS.contains(&name) || SETTINGS.contains(&name);
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            return Err(fault::invalid_attribute_name(format!("Unknown Attribute {name}.")));
        }
        let wants = |name: &str| names.iter().any(|wanted| wanted == name || wanted == "All");
        let all = attributes_of(&queue);
        let attributes: BTreeMap<String, String> = all
            .into_iter()
            .filter(|(name, _)| wants(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Ok(sqs::GetQueueAttributesOutput {
            attributes: (!attributes.is_empty()).then_some(attributes),
        })
    }

    async fn set_queue_attributes(
        &self,
        cx: &Context,
        input: sqs::SetQueueAttributesInput,
    ) -> Result<()> {
        let service = &self.service;
        let queue = service.find(cx, &input.queue_url)?;
        let change = |record: &mut Record| {
            if input.attributes.contains_key("FifoQueue") {
                return Err(fault::invalid_attribute_name("Unknown Attribute FifoQueue."));
            }
            record.settings = record.settings.with(&queue.key.name, &input.attributes)?;
            service.check_redrive(cx, &queue.key, &record.settings)
        };
        service.change(&queue, change).await
    }

    async fn list_queues(
        &self,
        cx: &Context,
        input: sqs::ListQueuesInput,
    ) -> Result<sqs::ListQueuesOutput> {
        let prefix = input.queue_name_prefix.unwrap_or_default();
        let like = Key {
            account: cx.account.clone(),
            region: cx.region.clone(),
            name: "any".parse().map_err(|_| Fault::internal())?,
        };
        let mut queues = self.service.engine.queues.of_region(&like, None);
        queues.retain(|queue| queue.key.name.as_str().starts_with(&prefix));
        let page = Page::of(queues, input.next_token.as_deref(), input.max_results)?;
        let urls: Vec<String> = page.queues.iter().map(|queue| queue.key.url(cx)).collect();
        let queue_urls = (!urls.is_empty()).then_some(urls);
        Ok(sqs::ListQueuesOutput { queue_urls, next_token: page.next_token })
    }

    async fn list_dead_letter_source_queues(
        &self,
        cx: &Context,
        input: sqs::ListDeadLetterSourceQueuesInput,
    ) -> Result<sqs::ListDeadLetterSourceQueuesOutput> {
        let target = self.service.find_admitted(cx, &input.queue_url)?;
        let arn = target.key.arn();
        let mut queues = self.service.engine.queues.of_region(&target.key, None);
        queues.retain(|queue| {
            queue.record().settings.redrive.as_ref().is_some_and(|redrive| redrive.target == arn)
        });
        let page = Page::of(queues, input.next_token.as_deref(), input.max_results)?;
        let queue_urls = page.queues.iter().map(|queue| queue.key.url(cx)).collect();
        Ok(sqs::ListDeadLetterSourceQueuesOutput { queue_urls, next_token: page.next_token })
    }

    async fn purge_queue(&self, cx: &Context, input: sqs::PurgeQueueInput) -> Result<()> {
        let queue = self.service.find_admitted(cx, &input.queue_url)?;
        let now = self.service.engine.clock.now();
        {
            let mut purged = queue.purged.lock().unwrap_or_else(PoisonError::into_inner);
            if purged.is_some_and(|purged| purged + PURGE_EVERY_MS > now) {
                let name = &queue.key.name;
                return Err(fault::purge_queue_in_progress(format!(
                    "Only one PurgeQueue operation on {name} is allowed every 60 seconds."
                )));
            }
            *purged = Some(now);
        }
        self.service.engine.purge(&queue).await.map_err(|error| failed(&error))
    }

    async fn tag_queue(&self, cx: &Context, input: sqs::TagQueueInput) -> Result<()> {
        let queue = self.service.find(cx, &input.queue_url)?;
        let change = |record: &mut Record| {
            record.tags.extend(input.tags);
            check_tags(&record.tags)
        };
        self.service.change(&queue, change).await
    }

    async fn untag_queue(&self, cx: &Context, input: sqs::UntagQueueInput) -> Result<()> {
        let queue = self.service.find(cx, &input.queue_url)?;
        let change = |record: &mut Record| {
            record.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        };
        self.service.change(&queue, change).await
    }

    async fn list_queue_tags(
        &self,
        cx: &Context,
        input: sqs::ListQueueTagsInput,
    ) -> Result<sqs::ListQueueTagsOutput> {
        let queue = self.service.find(cx, &input.queue_url)?;
        let tags = Some(queue.record().tags.clone()).filter(|tags| !tags.is_empty());
        Ok(sqs::ListQueueTagsOutput { tags })
    }

    async fn add_permission(&self, cx: &Context, input: sqs::AddPermissionInput) -> Result<()> {
        let queue = self.service.find(cx, &input.queue_url)?;
        let arn = queue.key.arn();
        let change = |record: &mut Record| {
            let policy = record.settings.policy.as_deref();
            record.settings.policy = Some(permissions::with(policy, &arn, &input)?);
            Ok(())
        };
        self.service.change(&queue, change).await
    }

    async fn remove_permission(
        &self,
        cx: &Context,
        input: sqs::RemovePermissionInput,
    ) -> Result<()> {
        let queue = self.service.find(cx, &input.queue_url)?;
        let change = |record: &mut Record| {
            let policy = record.settings.policy.as_deref();
            record.settings.policy = permissions::without(policy, &input.label)?;
            Ok(())
        };
        self.service.change(&queue, change).await
    }
}

impl Service {
    /// A redrive policy leads to a queue that is there, of the same kind, and that takes it.
    fn check_redrive(&self, cx: &Context, source: &Key, settings: &Settings) -> Result<()> {
        let Some(redrive) = &settings.redrive else { return Ok(()) };
        let refused = |reason: &str| {
            Err(fault::invalid_parameter_value(format!(
                "Value {} for parameter RedrivePolicy is invalid. Reason: {reason}",
                redrive.text()
            )))
        };
        let Some(target) = Key::of_arn(&redrive.target) else {
            return refused("Invalid value for deadLetterTargetArn.");
        };
        if target.account != source.account || target.region != source.region {
            return refused("Dead-letter target owner should be same as the source.");
        }
        let Some(target) = self.find_arn(cx, &redrive.target) else {
            return refused("Dead letter target does not exist.");
        };
        if target.is_fifo() != source.name.is_fifo() {
            return refused("Dead-letter queue must be same type of queue as the source.");
        }
        match &target.record().settings.redrive_allow {
            Some(allow) if !allow.allows(source) => refused(
                "Source queue is not allowed by the RedriveAllowPolicy of the dead-letter queue.",
            ),
            _ => Ok(()),
        }
    }
}

/// All attributes of a queue.
fn attributes_of(queue: &Queue) -> BTreeMap<&'static str, String> {
    let record = queue.record();
    let counts = queue.ledger().counts();
    let mut attributes = record.settings.attributes(&queue.key.name);
    attributes.extend([
        ("QueueArn", queue.key.arn()),
        ("CreatedTimestamp", (record.created_ms / 1_000).to_string()),
        ("LastModifiedTimestamp", (record.modified_ms / 1_000).to_string()),
        ("ApproximateNumberOfMessages", counts.ready.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
    ]);
    attributes
}

/// The queue that is there is what the request asks for.
fn check_same(queue: &Queue, wanted: &Settings, given: &BTreeMap<String, String>) -> Result<()> {
    let name = &queue.key.name;
    let (there, wanted) = (queue.record().settings.attributes(name), wanted.attributes(name));
    let differing = given
        .keys()
        .find(|attribute| there.get(attribute.as_str()) != wanted.get(attribute.as_str()));
    match differing {
        Some(attribute) => Err(fault::queue_name_exists(format!(
            "A queue already exists with the same name and a different value for attribute {attribute}"
        ))),
        None => Ok(()),
    }
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    let fits = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    if tags.len() > TAGS_MAX {
        return Err(fault::invalid_parameter_value(format!(
            "Too many tags added for queue: at most {TAGS_MAX} are allowed."
        )));
    }
    if !tags.iter().all(fits) {
        return Err(fault::invalid_parameter_value(
            "Tag keys must have 1 to 128 characters, and tag values at most 256.",
        ));
    }
    Ok(())
}

fn bad_name(error: crate::queue::InvalidQueueName) -> Fault {
    fault::invalid_parameter_value(error.to_string())
}

/// One page of a list.
struct Page {
    queues: Vec<Arc<Queue>>,
    next_token: Option<String>,
}

impl Page {
    /// Without a limit there is one page of at most a thousand. A token is the last name of the page before.
    fn of(mut queues: Vec<Arc<Queue>>, token: Option<&str>, max: Option<i32>) -> Result<Self> {
        let has_pages = max.is_some();
        let max =
            within("MaxResults", max, 1..=PAGE_MAX)?.and_then(|max| usize::try_from(max).ok());
        if let Some(token) = token {
            let bad = || fault::invalid_parameter_value("Invalid or expired next token.");
            let after = STANDARD.decode(token).map_err(|_| bad())?;
            let after = String::from_utf8(after).map_err(|_| bad())?;
            queues.retain(|queue| queue.key.name.as_str() > after.as_str());
        }
        let max = max.unwrap_or(1_000);
        let is_cut = queues.len() > max;
        queues.truncate(max);
        let last = queues.last().filter(|_| is_cut && has_pages);
        let next_token = last.map(|queue| STANDARD.encode(queue.key.name.as_str()));
        Ok(Self { queues, next_token })
    }
}
