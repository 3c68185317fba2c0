// SPDX-License-Identifier: Apache-2.0
//! What may stand as a schedule expression. Pure.

use crate::cron::{self, Cron};
use jiff::civil::{Date, DateTime, Time};

/// A text that is no schedule expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a schedule expression")]
pub struct InvalidExpression;

/// Whose language it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Of EventBridge: nothing happens once, and a unit agrees with its number.
    Rule,
    /// Of EventBridge Scheduler.
    Schedule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    Rate(Rate),
    Cron(Box<Cron>),
    /// What a clock shows.
    At(DateTime),
}

/// Again after so long, whatever clocks show. A day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    seconds: i64,
}

impl Expression {
    /// # Errors
    ///
    /// When the text is no expression.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, InvalidExpression> {
        let inner = |kind: &str| text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(text) = inner("rate") {
            return Rate::parse(text, dialect).map(Self::Rate);
        }
        if let Some(text) = inner("cron") {
            return Cron::parse(text).map(|cron| Self::Cron(Box::new(cron)));
        }
        match inner("at") {
            Some(text) if dialect == Dialect::Schedule => clock(text).map(Self::At),
            Some(_) | None => Err(InvalidExpression),
        }
    }

    /// Whether it is due once and never again.
    pub const fn is_once(&self) -> bool {
        matches!(self, Self::At(_))
    }
}

impl Rate {
    fn parse(text: &str, dialect: Dialect) -> Result<Self, InvalidExpression> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [value, unit] = *words.as_slice() else { return Err(InvalidExpression) };
        let value = cron::number(value)?;
        let (unit, is_plural) = match unit.strip_suffix('s') {
            Some(unit) => (unit, true),
            None => (unit, false),
        };
        let seconds = match unit {
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => return Err(InvalidExpression),
        };
        if value == 0 || (dialect == Dialect::Rule && is_plural != (value > 1)) {
            return Err(InvalidExpression);
        }
        Ok(Self { seconds: i64::from(value) * seconds })
    }

    pub const fn seconds(self) -> i64 {
        self.seconds
    }
}

/// `yyyy-mm-ddThh:mm:ss`
fn clock(text: &str) -> Result<DateTime, InvalidExpression> {
    let parts = |text: &str, separator, lengths: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        let [first, second, third] = *parts.as_slice() else { return Err(InvalidExpression) };
        let part = |text: &str, length| match text.len() == length {
            true => cron::number(text),
            false => Err(InvalidExpression),
        };
        let [of_first, of_second, of_third] = lengths;
        Ok((part(first, of_first)?, part(second, of_second)?, part(third, of_third)?))
    };
    let (date, time) = text.split_once('T').ok_or(InvalidExpression)?;
    let (year, month, day) = parts(date, '-', [4, 2, 2])?;
    let (hour, minute, second) = parts(time, ':', [2, 2, 2])?;
    let year = i16::try_from(year).map_err(|_| InvalidExpression)?;
    let small = |value: u32| i8::try_from(value).map_err(|_| InvalidExpression);
    let date = Date::new(year, small(month)?, small(day)?);
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0);
    match (date, time) {
        (Ok(date), Ok(time)) => Ok(date.to_datetime(time)),
        _ => Err(InvalidExpression),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str, dialect: Dialect) -> Option<i64> {
        match Expression::parse(text, dialect) {
            Ok(Expression::Rate(rate)) => Some(rate.seconds()),
            _ => None,
        }
    }

    #[test]
    fn rates_of_rules_agree_in_number_and_those_of_schedules_need_not() {
        for (text, of_rule, of_schedule) in [
            ("rate(1 minute)", Some(60), Some(60)),
            ("rate(5 minutes)", Some(300), Some(300)),
            ("rate(1 hour)", Some(3_600), Some(3_600)),
            ("rate(7 days)", Some(604_800), Some(604_800)),
            ("rate(1 days)", None, Some(86_400)),
            ("rate(2 hour)", None, Some(7_200)),
            ("rate(0 minutes)", None, None),
            ("rate(-5 minutes)", None, None),
            ("rate(1.5 hours)", None, None),
            ("rate(5 seconds)", None, None),
            ("rate(5minutes)", None, None),
            ("rate(5 minutess)", None, None),
            ("rate(99999999999 days)", None, None),
            ("Rate(5 minutes)", None, None),
            ("rate 5 minutes", None, None),
        ] {
            assert_eq!(seconds(text, Dialect::Rule), of_rule, "{text}");
            assert_eq!(seconds(text, Dialect::Schedule), of_schedule, "{text}");
        }
    }

    #[test]
    fn once_is_for_schedules_and_has_one_form() {
        let at = "at(2022-11-20T13:00:00)";
        assert!(Expression::parse(at, Dialect::Schedule).unwrap().is_once());
        assert!(Expression::parse(at, Dialect::Rule).is_err());
        for text in [
            "at(2022-11-20)",
            "at(2022-11-20 13:00:00)",
            "at(2022-11-20T13:00)",
            "at(2022-11-20T13:00:00Z)",
            "at(2022-02-30T13:00:00)",
            "at(2022-11-20T24:00:00)",
            "at(22-11-20T13:00:00)",
            "at(2022-1-20T13:00:00)",
            "at()",
            "at(2022-11-20T13:00:00",
            " at(2022-11-20T13:00:00)",
        ] {
            assert!(Expression::parse(text, Dialect::Schedule).is_err(), "{text}");
        }
    }
}
