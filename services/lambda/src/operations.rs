// SPDX-License-Identifier: Apache-2.0
//! Every operation, and which part of the service does it: a read at once, a change to its end.

mod access;
mod capacity;
mod functions;
mod invocation;
mod layers;
mod sources;

use crate::{Invoke, Lambda};
use api::lambda::DurableExecutionOperations;

// Declared only.
impl<I: Invoke> DurableExecutionOperations for Lambda<I> {}
