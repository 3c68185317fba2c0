// SPDX-License-Identifier: Apache-2.0
//! Amazon SQS, API version 2012-11-05: all operations of the model.
//!
//! The model has JSON alone. What requests and answers of the Query protocol look like, which SQS goes on to speak, is
//! written here as AWS's documentation of that time has it.

mod access;
pub mod fault;
pub mod message;
pub mod move_task;
pub mod queue;

pub use self::{message::*, move_task::*, queue::*};

use wire::service;

/// Amazon SQS.
#[service(
    json10,
    query,
    signing = "sqs",
    version = "2012-11-05",
    target = "AmazonSQS",
    namespace = "http://queue.amazonaws.com/doc/2012-11-05/",
    faults = fault::MODELLED
)]
pub trait Sqs: QueueOperations + MessageOperations + MoveTaskOperations {}
