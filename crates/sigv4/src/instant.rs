// SPDX-License-Identifier: Apache-2.0
//! Time as signatures write it: `20261123T035400Z`.

use std::fmt;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// A second. Invariant: its year has four digits, so that it can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(OffsetDateTime);

impl Instant {
    /// `None` outside of the years 0 to 9999.
    pub fn from_unix_s(seconds: i64) -> Option<Self> {
        let instant = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        (0..=9999).contains(&instant.year()).then_some(Self(instant))
    }

    pub const fn unix_s(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// `20261123T035400Z`
    pub fn parse(text: &str) -> Option<Self> {
        let &[y1, y2, y3, y4, mo1, mo2, d1, d2, b'T', h1, h2, mi1, mi2, s1, s2, b'Z'] =
            text.as_bytes()
        else {
            return None;
        };
        let two = |tens: u8, ones: u8| -> Option<u8> {
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| (tens - b'0') * 10 + (ones - b'0'))
        };
        let year = i32::from(two(y1, y2)?) * 100 + i32::from(two(y3, y4)?);
        let date =
            Date::from_calendar_date(year, Month::try_from(two(mo1, mo2)?).ok()?, two(d1, d2)?)
                .ok()?;
        let time = Time::from_hms(two(h1, h2)?, two(mi1, mi2)?, two(s1, s2)?).ok()?;
        Some(Self(PrimitiveDateTime::new(date, time).assume_utc()))
    }

    pub(crate) fn plus_s(self, seconds: i64) -> Self {
        Self::from_unix_s(self.unix_s().saturating_add(seconds)).unwrap_or(self)
    }

    /// `20261123`
    pub(crate) fn date_text(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        write!(f, "{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())?;
        write!(f, "T{:02}{:02}{:02}Z", time.hour(), time.minute(), time.second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_basic_form_is_read() {
        let instant = Instant::parse("20261123T035400Z").unwrap();
        assert_eq!(
            (instant.unix_s(), instant.to_string()),
            (1_795_406_040, "20261123T035400Z".to_owned())
        );
        for text in [
            "",
            "20261123",
            "20261123T035400",
            "20261323T035400Z",
            "20260230T035400Z",
            "2026112３T35400Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
        assert_eq!(Instant::from_unix_s(i64::MAX), None);
        assert_eq!(instant.plus_s(i64::MAX), instant);
    }
}
