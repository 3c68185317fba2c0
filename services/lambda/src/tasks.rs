// SPDX-License-Identifier: Apache-2.0
//! Work that must not stop half-way.

use std::future::Future;
use wire::{Fault, Result};

/// Runs `work` to its end even when the caller goes away: a change that is on disk must also reach memory.
pub(crate) async fn complete<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "awaited right here, and owned by the request that asked for it"
    )]
    let task = tokio::spawn(work);
    // A panic was reported by its hook; the caller learns as much as of any other failure of ours.
    task.await.unwrap_or_else(|_| Err(Fault::internal()))
}

/// Starts `work` that nobody waits for. It must be idempotent: a restart begins it again from what is on disk.
pub(crate) fn background(work: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "short work that a restart repeats, so it needs no owner to stop it"
    )]
    tokio::spawn(work);
}

/// Runs an invocation whose response is read while it is made: its timeout holds whether or not somebody reads.
pub(crate) fn invocation(work: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "ends within the function's timeout, and the invoker waits for it when the server stops"
    )]
    tokio::spawn(work);
}
