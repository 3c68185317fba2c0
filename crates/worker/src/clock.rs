// SPDX-License-Identifier: Apache-2.0
//! The wall clock, in the forms that functions and their logs see.

use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use time::macros::format_description;

/// Milliseconds since 1970.
pub(crate) fn epoch_ms() -> u64 {
    epoch_us() / 1_000
}

/// Microseconds since 1970.
pub(crate) fn epoch_us() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate reads the wall clock"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// `2026/11/23`, as log stream names begin.
pub(crate) fn date() -> String {
    moment(epoch_ms()).format(format_description!("[year]/[month]/[day]")).unwrap_or_default()
}

/// `2026-11-23T04:00:00.000Z`
pub(crate) fn timestamp() -> String {
    timestamp_of(epoch_ms())
}

pub(crate) fn timestamp_of(epoch_ms: u64) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    moment(epoch_ms).format(format).unwrap_or_default()
}

fn moment(epoch_ms: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(epoch_ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
