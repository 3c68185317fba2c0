// SPDX-License-Identifier: Apache-2.0
//! The edge at the height of the wire: bytes in, bytes out, over real connections.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the whole crate is tests"
)]

mod authorization;
mod bodies;
mod connections;
mod fixture;
mod fronts;
mod pages;
mod services;
mod signatures;
