// SPDX-License-Identifier: Apache-2.0
//! Amazon EventBridge Scheduler, API version 2021-06-30.

mod access;
pub mod constraints;
pub mod fault;
pub mod group;
pub mod schedule;
pub mod tag;
pub mod target;

pub use self::{group::*, schedule::*, tag::*, target::*};

use wire::service;

/// Amazon EventBridge Scheduler.
#[service(rest_json, signing = "scheduler", version = "2021-06-30", faults = fault::MODELLED)]
pub trait Scheduler: ScheduleOperations + GroupOperations + TagOperations {}
