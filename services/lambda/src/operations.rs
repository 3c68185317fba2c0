// SPDX-License-Identifier: Apache-2.0
//! Every operation, and which part of the service does it: a read at once, a change to its end.

mod access;
mod functions;
mod invocation;
mod layers;
mod sources;

use crate::{Invoke, Lambda};
use api::lambda::{CapacityProviderOperations, DurableExecutionOperations};

// Declared only.
impl<I: Invoke> CapacityProviderOperations for Lambda<I> {}
impl<I: Invoke> DurableExecutionOperations for Lambda<I> {}
