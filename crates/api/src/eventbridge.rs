// SPDX-License-Identifier: Apache-2.0
//! Amazon EventBridge, API version 2015-10-07: all operations of the model.
//!
//! Each module has the operations of one kind of thing, and what they take and answer. An `async fn` is built. A `fn` is
//! declared only.

mod access;
pub mod archive;
pub mod bus;
pub mod constraints;
pub mod declared;
pub mod event;
pub mod fault;
pub mod replay;
pub mod rule;
pub mod tag;
pub mod target;
pub mod target_parameters;

pub use self::{
    archive::*, bus::*, declared::*, event::*, replay::*, rule::*, tag::*, target::*,
    target_parameters::*,
};

use wire::service;

/// Amazon EventBridge.
#[service(
    json11,
    signing = "events",
    version = "2015-10-07",
    target = "AWSEvents",
    faults = fault::MODELLED
)]
pub trait EventBridge:
    BusOperations
    + RuleOperations
    + TargetOperations
    + EventOperations
    + ArchiveOperations
    + ReplayOperations
    + TagOperations
    + DeclaredOperations
{
}
