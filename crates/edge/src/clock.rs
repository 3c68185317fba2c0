// SPDX-License-Identifier: Apache-2.0
//! The one place where the edge asks for the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, to compare with the time in a signature.
pub(crate) fn now() -> sigv4::Instant {
    i64::try_from(epoch_seconds())
        .ok()
        .and_then(sigv4::Instant::from_unix_s)
        .expect("the clock of this machine is between 1970 and 9999")
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "signatures are compared with the time of day; tests move the signer's"
)]
pub(crate) fn epoch_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
