// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda on the wire: request bytes in, response bytes out, in process.
//!
//! Which members an answer has follows recordings of real AWS (2023-11 and 2024-03).

#[cfg(test)]
mod account;
#[cfg(test)]
mod aliases;
#[cfg(test)]
mod archive;
#[cfg(test)]
mod asynchronous;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod capacity_providers;
#[cfg(test)]
mod code_signing;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod constraints;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod event_invoke;
#[cfg(test)]
mod function_urls;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod invocation;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod mappings;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod provisioned;
#[cfg(test)]
mod races;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod runtime_management;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod versions;
