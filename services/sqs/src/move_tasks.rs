// SPDX-License-Identifier: Apache-2.0
//! Tasks that move dead letters back to where they came from, or to another queue.
//!
//! Invariant: a task that was begun is in the store until it ended, and goes on after a restart. Its counts begin anew then.

use crate::engine::{Ending, Moving, spawn};
use crate::queue::{Key, Queue};
use crate::receive::within;
use crate::service::{Service, failed};
use crate::{OpenError, Sqs};
use api::sqs::{self, ListMessageMoveTasksResultEntry, MoveTaskOperations, fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Batch, Expectation, Keyspace};
use wire::{Context, Fault, Result};

const PER_SECOND_MAX: i32 = 500;
/// Tasks that are told of a queue.
const TOLD_MAX: i32 = 10;
/// Messages that are moved at once where no rate was asked for.
const AT_ONCE: usize = 100;

/// In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Task {
    source: String,
    destination: Option<String>,
    per_second: Option<u32>,
    status: Status,
    started_ms: u64,
    moved: u64,
    to_move: u64,
    failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Running,
    Cancelling,
    Cancelled,
    Completed,
    Failed,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Cancelled => "CANCELLED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }
}

/// All tasks, by their ids, which are in the order of their beginnings.
#[derive(Debug)]
pub(crate) struct Tasks {
    records: Keyspace,
    tasks: Mutex<BTreeMap<String, Task>>,
}

/// What a handle says, as AWS's.
#[derive(Debug, Serialize, Deserialize)]
struct Handle {
    #[serde(rename = "taskId")]
    id: String,
    #[serde(rename = "sourceArn")]
    source: String,
}

impl Tasks {
    pub(crate) async fn load(records: Keyspace) -> std::result::Result<Self, OpenError> {
        let mut loaded = Vec::new();
        records.load(|entry| loaded.push(entry)).await?;
        let mut tasks = BTreeMap::new();
        for entry in loaded {
            tasks.insert(entry.key, entry.record.decode()?);
        }
        Ok(Self { records, tasks: Mutex::new(tasks) })
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a task as it is now, and forgets the oldest of its queue when there are more than are told.
    async fn keep(&self, id: &str) -> Result<()> {
        let mut batch = Batch::new();
        {
            let mut tasks = self.all();
            let Some(task) = tasks.get(id).cloned() else { return Ok(()) };
            batch = batch
                .put_json(&self.records, id, &task, Expectation::Any)
                .map_err(|error| failed(&error))?;
            let is_old = |found: &Task| found.source == task.source && !found.status.is_open();
            let mut old: Vec<String> =
                tasks.iter().filter(|(_, found)| is_old(found)).map(|(id, _)| id.clone()).collect();
            let told = usize::try_from(TOLD_MAX).unwrap_or_default();
            old.truncate(old.len().saturating_sub(told));
            for id in old {
                tasks.remove(&id);
                batch = batch.delete(&self.records, id, Expectation::Any);
            }
        }
        self.records.store().commit(batch).await.map(drop).map_err(|error| failed(&error))
    }

    fn status(&self, id: &str) -> Option<Status> {
        self.all().get(id).map(|task| task.status)
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Task)) {
        if let Some(task) = self.all().get_mut(id) {
            change(task);
        }
    }
}

impl MoveTaskOperations for Sqs {
    async fn start_message_move_task(
        &self,
        cx: &Context,
        input: sqs::StartMessageMoveTaskInput,
    ) -> Result<sqs::StartMessageMoveTaskOutput> {
        let service = &self.service;
        let source = service.source(cx, &input.source_arn)?;
        let arn = source.key.arn();
        let rate = input.max_number_of_messages_per_second;
        let per_second = within("MaxNumberOfMessagesPerSecond", rate, 1..=PER_SECOND_MAX)?;
        let is_dead_letters = |queue: &Arc<Queue>| {
            queue.record().settings.redrive.as_ref().is_some_and(|redrive| redrive.target == arn)
        };
        if !service.engine.queues.of_region(&source.key, None).iter().any(is_dead_letters) {
            return Err(fault::invalid_parameter_value(
                "Source queue must be configured as a Dead Letter Queue.",
            ));
        }
        if let Some(destination) = &input.destination_arn {
            let target =
                service.find_arn(cx, destination).ok_or_else(|| no_resource("DestinationArn"))?;
            if target.is_fifo() != source.is_fifo() || target.key == source.key {
                return Err(fault::invalid_parameter_value(
                    "The destination must be another queue, of the same type as the source.",
                ));
            }
        }
        let now = service.engine.clock.now();
        let id = format!("{now:013}-{}", uuid::Uuid::new_v4());
        {
            let mut tasks = service.tasks.all();
            if tasks.values().any(|task| task.source == arn && task.status.is_open()) {
                return Err(fault::unsupported_operation(
                    "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
                ));
            }
            let task = Task {
                source: arn,
                destination: input.destination_arn,
                per_second,
                status: Status::Running,
                started_ms: now,
                moved: 0,
                to_move: source.ledger().counts().ready as u64,
                failure: None,
            };
            tasks.insert(id.clone(), task);
        }
        if let Err(fault) = service.tasks.keep(&id).await {
            service.tasks.all().remove(&id);
            return Err(fault);
        }
        let handle = handle(&id, &input.source_arn);
        service.begin_task(id);
        Ok(sqs::StartMessageMoveTaskOutput { task_handle: Some(handle) })
    }

    async fn cancel_message_move_task(
        &self,
        cx: &Context,
        input: sqs::CancelMessageMoveTaskInput,
    ) -> Result<sqs::CancelMessageMoveTaskOutput> {
        let invalid = || {
            fault::invalid_parameter_value(
                "Value for parameter TaskHandle is invalid. Reason: it is not the handle of a task.",
            )
        };
        let bytes = STANDARD.decode(&input.task_handle).map_err(|_| invalid())?;
        let Handle { id, source } = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        self.service.source(cx, &source)?;
        let mut tasks = self.service.tasks.all();
        let task = tasks
            .get_mut(&id)
            .filter(|task| task.source == source)
            .ok_or_else(|| fault::resource_not_found("Task does not exist."))?;
        if task.status != Status::Running {
            return Err(fault::unsupported_operation("Only active tasks can be cancelled."));
        }
        task.status = Status::Cancelling;
        let moved = i64::try_from(task.moved).unwrap_or(i64::MAX);
        Ok(sqs::CancelMessageMoveTaskOutput { approximate_number_of_messages_moved: Some(moved) })
    }

    async fn list_message_move_tasks(
        &self,
        cx: &Context,
        input: sqs::ListMessageMoveTasksInput,
    ) -> Result<sqs::ListMessageMoveTasksOutput> {
        let source = self.service.source(cx, &input.source_arn)?.key.arn();
        let count = within("MaxResults", input.max_results, 1..=TOLD_MAX)?.unwrap_or(1);
        let tasks = self.service.tasks.all();
        let of_source = tasks.iter().rev().filter(|(_, task)| task.source == source);
        let count = usize::try_from(count).unwrap_or(1);
        let results = of_source.take(count).map(|(id, task)| task.told(id)).collect();
        Ok(sqs::ListMessageMoveTasksOutput { results: Some(results) })
    }
}

impl Task {
    fn told(&self, id: &str) -> ListMessageMoveTasksResultEntry {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let is_running = self.status == Status::Running;
        ListMessageMoveTasksResultEntry {
            task_handle: is_running.then(|| handle(id, &self.source)),
            status: Some(self.status.name().to_owned()),
            source_arn: Some(self.source.clone()),
            destination_arn: self.destination.clone(),
            max_number_of_messages_per_second: self
                .per_second
                .and_then(|rate| i32::try_from(rate).ok()),
            approximate_number_of_messages_moved: Some(number(self.moved)),
            approximate_number_of_messages_to_move: Some(number(self.to_move)),
            failure_reason: self.failure.clone(),
            started_timestamp: Some(number(self.started_ms)),
        }
    }
}

fn handle(id: &str, source: &str) -> String {
    let handle = Handle { id: id.to_owned(), source: source.to_owned() };
    STANDARD.encode(serde_json::to_vec(&handle).unwrap_or_default())
}

fn no_resource(parameter: &str) -> Fault {
    fault::resource_not_found(format!(
        "The resource that you specified for the {parameter} parameter doesn't exist."
    ))
}

impl Service {
    /// The queue whose messages a task moves.
    fn source(&self, cx: &Context, arn: &str) -> Result<Arc<Queue>> {
        self.find_arn(cx, arn).ok_or_else(|| no_resource("SourceArn"))
    }

    /// Goes on with the tasks that a restart interrupted.
    pub(crate) fn resume_tasks(self: &Arc<Self>) {
        let open: Vec<String> = self
            .tasks
            .all()
            .iter()
            .filter(|(_, task)| task.status.is_open())
            .map(|(id, _)| id.clone())
            .collect();
        for id in open {
            self.begin_task(id);
        }
    }

    fn begin_task(self: &Arc<Self>, id: String) {
        let service = Arc::downgrade(self);
        spawn(async move {
            // The service is held for a step at a time, so that it can go.
            while let Some(service) =
                service.upgrade().filter(|service| !service.engine.is_stopping())
            {
                match service.move_some(&id).await {
                    Ok(pause) => {
                        drop(service);
                        tokio::time::sleep(pause).await;
                    }
                    Err((status, failure)) => {
                        service.tasks.change(&id, |task| {
                            (task.status, task.failure) = (status, failure);
                        });
                        // The log has said so. After a restart it goes on, and ends at once.
                        drop(service.tasks.keep(&id).await);
                        return;
                    }
                }
            }
        });
    }

    /// One step of a task: how long to wait before the next, or how it ended.
    async fn move_some(
        self: &Arc<Self>,
        id: &str,
    ) -> std::result::Result<Duration, (Status, Option<String>)> {
        let failed = |reason: &str| (Status::Failed, Some(reason.to_owned()));
        if self.tasks.status(id) != Some(Status::Running) {
            return Err((Status::Cancelled, None));
        }
        let task = self.tasks.all().get(id).cloned();
        let task = task.ok_or((Status::Cancelled, None))?;
        let source = Key::of_arn(&task.source).and_then(|key| self.engine.queues.get(&key));
        let source = source.ok_or_else(|| failed("AWS.SimpleQueueService.NonExistentQueue"))?;
        let at_once = if task.per_second.is_some() { 1 } else { AT_ONCE };
        let ids = source.ledger().begin_moves(self.engine.clock.now(), at_once);
        if ids.is_empty() {
            return Err((Status::Completed, None));
        }
        let endings: Vec<Ending> =
            ids.into_iter().map(|message| self.engine.ending(&source, message)).collect();
        for ending in endings {
            let origin = source.ledger().get(ending.id).and_then(|found| found.source.clone());
            let target = task.destination.as_deref().or(origin.as_deref());
            let target = target.and_then(Key::of_arn);
            let target = target.and_then(|key| self.engine.queues.get(&key));
            let target = target.ok_or_else(|| failed("CouldNotDetermineMessageSource"))?;
            let moving = Moving { is_new: true, ..Moving::default() };
            let moved = self.engine.relocate(ending, &target, &moving).await;
            moved.map_err(|_| failed("InternalError"))?;
            self.tasks.change(id, |task| task.moved += 1);
        }
        let pause =
            task.per_second.map(|rate| Duration::from_millis(1_000 / u64::from(rate.max(1))));
        Ok(pause.unwrap_or_default())
    }
}
