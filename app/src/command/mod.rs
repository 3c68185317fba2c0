// SPDX-License-Identifier: Apache-2.0
//! The commands, one file each.

pub(crate) mod account;
pub(crate) mod archive;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod iam;
pub(crate) mod logs;
pub(crate) mod queue;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod runtimes;
pub(crate) mod serve;
pub(crate) mod usage;
