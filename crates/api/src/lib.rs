// SPDX-License-Identifier: Apache-2.0
//! Every operation we speak, declared once: a module per AWS service.
//!
//! A service implements the module's trait; its endpoint serves it on the wire. Other services call the
//! same trait in process. Names, bindings and constraints are AWS's: see [`model`].
//!
//! No behaviour is here: not a default, not a rule that spans two members.

pub mod cloudwatch;
pub mod eventbridge;
pub mod iam;
pub mod lambda;
pub mod lambda_core;
pub mod lambda_microvms;
pub mod lambda_web;
pub mod logs;
pub mod model;
pub mod s3;
pub mod scheduler;
pub mod sns;
pub mod sqs;
pub mod sts;
pub mod xray;

#[cfg(test)]
mod tests;

use wire::ServiceSpec;

/// Every service we speak. Of those on one endpoint the first is asked first.
pub static SERVICES: [&ServiceSpec; 14] = [
    &lambda::SPEC,
    &lambda_core::SPEC,
    &lambda_microvms::SPEC,
    &lambda_web::SPEC,
    &iam::SPEC,
    &logs::SPEC,
    &s3::SPEC,
    &scheduler::SPEC,
    &sns::SPEC,
    &sqs::SPEC,
    &sts::SPEC,
    &cloudwatch::SPEC,
    &xray::SPEC,
    &eventbridge::SPEC,
];
