// SPDX-License-Identifier: Apache-2.0
//! Points in time, in the forms AWS writes them.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A point in time to the millisecond: a number of seconds in JSON, ISO 8601 in XML and forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    epoch_ms: i64,
}

/// Serializers that write ISO 8601 know a timestamp by this name.
pub(crate) const TIMESTAMP: &str = "$wire::Timestamp";

/// `2026-11-23T04:00:00.000+0000`
const LAMBDA: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000");
/// `2026-11-23T04:00:00.000000Z`
const ISO_MICRO: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
/// `2026-11-23T04:00:00.000Z`
const ISO_MILLI: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// `2026-11-23T04:00:00Z`
const ISO: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

impl Timestamp {
    pub const fn from_epoch_ms(epoch_ms: i64) -> Self {
        Self { epoch_ms }
    }

    pub const fn epoch_ms(self) -> i64 {
        self.epoch_ms
    }

    /// As Lambda writes `LastModified`: `2026-11-23T04:00:00.000+0000`.
    pub fn lambda_text(self) -> String {
        self.text(LAMBDA)
    }

    /// `2026-11-23T04:00:00Z`, without the fraction.
    pub fn iso_text(self) -> String {
        self.text(ISO)
    }

    /// `2026-11-23T04:00:00.000Z`, as records of asynchronous invocations have it.
    pub fn iso_milli_text(self) -> String {
        self.text(ISO_MILLI)
    }

    /// `2026-11-23T04:00:00.000000Z`, as Lambda writes the times of function URLs.
    pub fn iso_micro_text(self) -> String {
        self.text(ISO_MICRO)
    }

    /// RFC 3339, or the form of [`Self::lambda_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let instant = match text.strip_suffix("+0000") {
            Some(rest) => OffsetDateTime::parse(&format!("{rest}Z"), &Rfc3339),
            None => OffsetDateTime::parse(text, &Rfc3339),
        };
        let epoch_ms = i64::try_from(instant.ok()?.unix_timestamp_nanos() / 1_000_000).ok()?;
        Some(Self { epoch_ms })
    }

    fn text(self, format: &[BorrowedFormatItem<'static>]) -> String {
        let nanoseconds = i128::from(self.epoch_ms) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
            .ok()
            .and_then(|instant| instant.format(format).ok())
            .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TIMESTAMP, &Seconds(self.epoch_ms))
    }
}

/// Milliseconds, written as the number of seconds they are.
struct Seconds(i64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1000 == 0 {
            return serializer.serialize_i64(self.0 / 1000);
        }
        #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyForm;

        impl Visitor<'_> for AnyForm {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp")
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
                seconds
                    .checked_mul(1000)
                    .map(Timestamp::from_epoch_ms)
                    .ok_or_else(|| E::custom(OUT_OF_RANGE))
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
                self.visit_i64(i64::try_from(seconds).map_err(|_| E::custom(OUT_OF_RANGE))?)
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
                let epoch_ms = (seconds * 1000.0).round();
                if !(-1e15..=1e15).contains(&epoch_ms) {
                    return Err(E::custom(OUT_OF_RANGE));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "whole and far inside the range of i64"
                )]
                Ok(Timestamp::from_epoch_ms(epoch_ms as i64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text).ok_or_else(|| E::custom(OUT_OF_RANGE))
            }
        }

        deserializer.deserialize_any(AnyForm)
    }
}

const OUT_OF_RANGE: &str = "Unable to parse date as ISO 8601 or epoch seconds";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_and_iso_texts() {
        let instant = Timestamp::from_epoch_ms(1_795_406_400_000);
        assert_eq!(instant.lambda_text(), "2026-11-23T04:00:00.000+0000");
        assert_eq!(instant.iso_text(), "2026-11-23T04:00:00Z");
        assert_eq!(instant.iso_micro_text(), "2026-11-23T04:00:00.000000Z");
        assert_eq!(Timestamp::parse("2026-11-23T04:00:00.000+0000"), Some(instant));
        assert_eq!(Timestamp::parse("2026-11-23T05:00:00+01:00"), Some(instant));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }

    #[test]
    fn json_is_epoch_seconds() {
        let half = Timestamp::from_epoch_ms(1_500);
        assert_eq!(serde_json::to_string(&half).unwrap(), "1.5");
        assert_eq!(serde_json::to_string(&Timestamp::from_epoch_ms(2_000)).unwrap(), "2");
        for json in ["1.5", "1.5E0", "\"1970-01-01T00:00:01.500Z\""] {
            assert_eq!(serde_json::from_str::<Timestamp>(json).unwrap(), half, "{json}");
        }
        for json in ["1e300", "true", "\"soon\"", "99999999999999999999"] {
            assert!(serde_json::from_str::<Timestamp>(json).is_err(), "{json}");
        }
    }
}
