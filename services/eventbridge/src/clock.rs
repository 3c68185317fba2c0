// SPDX-License-Identifier: Apache-2.0
//! The wall clock, for the times of events.

use std::time::{SystemTime, UNIX_EPOCH};
use wire::Timestamp;

pub(crate) fn now() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate reads the wall clock"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
