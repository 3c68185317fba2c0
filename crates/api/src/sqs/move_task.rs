// SPDX-License-Identifier: Apache-2.0
//! Tasks that move dead letters back, or to another queue.

use super::access;
use wire::{Context, Input, Output, Result, Structure, operations};

/// What is done with the messages of a dead-letter queue, all together.
#[operations("sqs")]
pub trait MoveTaskOperations: Send + Sync + 'static {
    /// Begins to move messages.
    #[operation(on = access::arn(source_arn))]
    async fn start_message_move_task(
        &self,
        cx: &Context,
        input: StartMessageMoveTaskInput,
    ) -> Result<StartMessageMoveTaskOutput>;

    /// Stops moving messages.
    #[operation(on = access::task(task_handle))]
    async fn cancel_message_move_task(
        &self,
        cx: &Context,
        input: CancelMessageMoveTaskInput,
    ) -> Result<CancelMessageMoveTaskOutput>;

    /// Lists the latest tasks of a queue.
    #[operation(on = access::arn(source_arn))]
    async fn list_message_move_tasks(
        &self,
        cx: &Context,
        input: ListMessageMoveTasksInput,
    ) -> Result<ListMessageMoveTasksOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct StartMessageMoveTaskInput {
    pub source_arn: String,
    pub destination_arn: Option<String>,
    pub max_number_of_messages_per_second: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct StartMessageMoveTaskOutput {
    pub task_handle: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct CancelMessageMoveTaskInput {
    pub task_handle: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct CancelMessageMoveTaskOutput {
    pub approximate_number_of_messages_moved: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct ListMessageMoveTasksInput {
    pub source_arn: String,
    pub max_results: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct ListMessageMoveTasksOutput {
    #[wire(flat = "ListMessageMoveTasksResultEntry")]
    pub results: Option<Vec<ListMessageMoveTasksResultEntry>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Structure)]
pub struct ListMessageMoveTasksResultEntry {
    pub task_handle: Option<String>,
    pub status: Option<String>,
    pub source_arn: Option<String>,
    pub destination_arn: Option<String>,
    pub max_number_of_messages_per_second: Option<i32>,
    pub approximate_number_of_messages_moved: Option<i64>,
    pub approximate_number_of_messages_to_move: Option<i64>,
    pub failure_reason: Option<String>,
    pub started_timestamp: Option<i64>,
}
