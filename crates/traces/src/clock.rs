// SPDX-License-Identifier: Apache-2.0
//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn epoch_ms() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate reads the wall clock"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
