// SPDX-License-Identifier: Apache-2.0
//! Amazon CloudWatch Logs, API version 2014-03-28: all operations of the model.
//!
//! Each module has the operations of one kind of thing, and what they take and answer. An `async fn` is built. A `fn` is
//! declared only.

mod access;
pub mod constraints;
pub mod declared;
pub mod event;
pub mod fault;
pub mod filter;
pub mod group;
pub mod policy;
pub mod stream;
pub mod tag;
pub mod tail;

pub use self::{declared::*, event::*, filter::*, group::*, policy::*, stream::*, tag::*, tail::*};

use wire::service;

/// Amazon CloudWatch Logs.
#[service(
    json11,
    signing = "logs",
    version = "2014-03-28",
    target = "Logs_20140328",
    validation = "InvalidParameterException",
    faults = fault::MODELLED
)]
pub trait CloudWatchLogs:
    GroupOperations
    + StreamOperations
    + EventOperations
    + TagOperations
    + FilterOperations
    + TailOperations
    + PolicyOperations
    + DeclaredOperations
{
}
