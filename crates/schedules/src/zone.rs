// SPDX-License-Identifier: Apache-2.0
//! Time zones, by their names in the tz database.
//!
//! The machine's database is asked first, because its owner keeps it up to date; the one in this binary knows what that lacks.
//!
//! Of clocks that are changed AWS says: what falls on a time that does not exist is skipped, and what falls on one that exists
//! twice happens once. That this is the first of the two, it does not say.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

/// The rules of a time zone. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone")]
pub struct UnknownZone;

impl Zone {
    pub const UTC: Self = Self(TimeZone::UTC);

    /// # Errors
    ///
    /// When no database has a zone of this name. Case counts.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        if name == "UTC" {
            return Ok(Self::UTC);
        }
        let zone = TimeZone::get(name).or_else(|_| TimeZoneDatabase::bundled().get(name));
        let zone = zone.map_err(|_| UnknownZone)?;
        if zone.iana_name() == Some(name) && !zone.is_unknown() {
            Ok(Self(zone))
        } else {
            Err(UnknownZone)
        }
    }

    /// What a clock shows there at `instant`, or nothing where years have no more four digits.
    pub(crate) fn clock(&self, instant: i64) -> Option<DateTime> {
        Some(self.0.to_datetime(Timestamp::from_second(instant).ok()?))
    }

    /// When a clock there shows this for the first time. Nothing if it never does.
    pub(crate) fn instant(&self, clock: DateTime) -> Option<i64> {
        let offset = match self.0.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { .. } => return None,
        };
        Some(offset.to_timestamp(clock).ok()?.as_second())
    }

    /// The same, and where the clock is put forward over it, as much later as that is.
    pub(crate) fn instant_or_later(&self, clock: DateTime) -> Option<i64> {
        Some(self.0.to_timestamp(clock).ok()?.as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn zones_have_exactly_the_names_of_the_database() {
        for name in
            ["UTC", "Etc/UTC", "Europe/Berlin", "America/New_York", "US/Pacific", "Asia/Kolkata"]
        {
            assert!(Zone::named(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "europe/berlin",
            "Europe/Atlantis",
            "../etc/passwd",
            "/etc/localtime",
            "Etc/Unknown",
            "+02:00",
        ] {
            assert_eq!(Zone::named(name), Err(UnknownZone), "{name}");
        }
    }

    #[test]
    fn a_clock_that_is_put_forward_skips_and_one_put_back_shows_it_first_once() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let at = |month, day, hour| berlin.instant(date(2026, month, day).at(hour, 30, 0, 0));
        assert_eq!(at(3, 29, 1), Some(1_774_744_200));
        assert_eq!(at(3, 29, 2), None);
        assert_eq!(at(3, 29, 3), Some(1_774_744_200 + 3_600));
        assert_eq!(at(10, 25, 1), Some(1_792_884_600));
        assert_eq!(at(10, 25, 2), Some(1_792_884_600 + 3_600));
        assert_eq!(at(10, 25, 3), Some(1_792_884_600 + 3 * 3_600));
        let skipped = date(2026, 3, 29).at(2, 30, 0, 0);
        assert_eq!(berlin.instant_or_later(skipped), Some(1_774_744_200 + 3_600));
    }
}
