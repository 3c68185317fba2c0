// SPDX-License-Identifier: Apache-2.0
//! Amazon SNS, API version 2010-03-31. Mobile pushes, text messages and data protection are declared only.

mod access;
pub mod constraints;
pub mod fault;
mod other;
pub mod publish;
pub mod subscription;
pub mod topic;

pub use self::{other::*, publish::*, subscription::*, topic::*};

use wire::service;

/// Amazon SNS.
#[service(
    query,
    signing = "sns",
    version = "2010-03-31",
    namespace = "http://sns.amazonaws.com/doc/2010-03-31/",
    faults = fault::MODELLED
)]
pub trait Sns:
    TopicOperations + SubscriptionOperations + PublishOperations + OtherOperations
{
}
