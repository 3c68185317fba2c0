// SPDX-License-Identifier: Apache-2.0
//! Decisions, as IAM's user guide describes them. Each module names the page that its rows are from.

#![expect(clippy::tests_outside_test_module, reason = "the whole crate is tests")]

mod combine;
mod conditions;
mod desk;
mod elements;
mod properties;
