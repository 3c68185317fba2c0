// SPDX-License-Identifier: Apache-2.0
//! The six fields of a cron expression. Pure.
//!
//! | field | values | beside `,` `-` `/` |
//! |---|---|---|
//! | minutes | 0-59 | `*` |
//! | hours | 0-23 | `*` |
//! | day of the month | 1-31 | `*` `?` `L` `L-3` `LW` `15W` |
//! | month | 1-12, JAN-DEC | `*` |
//! | day of the week | 1-7, SUN-SAT | `*` `?` `L` `6L` `3#2` |
//! | year | 1970-2199 | `*` |
//!
//! Ranges wrap around, as in AWS's example `0/30 20-2 ? * MON-FRI *`; years do not. AWS documents all but `L-3` and `LW`, which the
//! language has where AWS took it from; there they mean this.

use crate::calendar::{Days, OfMonth, OfWeek};
use crate::expression::InvalidExpression;
use std::ops::RangeInclusive;

const YEARS: RangeInclusive<u32> = 1970..=2199;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Times on a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    pub(crate) minutes: u64,
    pub(crate) hours: u64,
    pub(crate) months: u64,
    pub(crate) days: Days,
    pub(crate) years: Years,
}

/// A bit for each, from 1970 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Years([u64; 4]);

/// What a field may have.
struct Field {
    values: RangeInclusive<u32>,
    /// From the first value on.
    names: &'static [&'static str],
    wraps: bool,
}

impl Cron {
    /// Reads what stands between the parentheses.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidExpression> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, of_month, month, of_week, year] = *fields.as_slice() else {
            return Err(InvalidExpression);
        };
        let days = match (of_month, of_week) {
            ("?", "?") => return Err(InvalidExpression),
            ("?", of_week) => Days::OfWeek(days_of_week(of_week)?),
            (of_month, "?") => Days::OfMonth(days_of_month(of_month)?),
            _ => return Err(InvalidExpression),
        };
        Ok(Self {
            minutes: Field::numbers(0..=59).bits(minutes)?,
            hours: Field::numbers(0..=23).bits(hours)?,
            months: Field { names: &MONTHS, ..Field::numbers(1..=12) }.bits(month)?,
            days,
            years: Years::parse(year)?,
        })
    }
}

impl Years {
    fn parse(text: &str) -> Result<Self, InvalidExpression> {
        let mut years = Self([0; 4]);
        let field = Field { wraps: false, ..Field::numbers(YEARS) };
        field.each(text, |year| {
            let (word, bit) = Self::place(year);
            if let Some(word) = years.0.get_mut(word) {
                *word |= bit;
            }
        })?;
        Ok(years)
    }

    /// The first of them from `year` on.
    pub(crate) fn from(&self, year: u32) -> Option<u32> {
        (year.max(*YEARS.start())..=*YEARS.end()).find(|year| {
            let (word, bit) = Self::place(*year);
            self.0.get(word).is_some_and(|word| word & bit != 0)
        })
    }

    fn place(year: u32) -> (usize, u64) {
        let index = year.saturating_sub(*YEARS.start());
        (usize::try_from(index / 64).unwrap_or(usize::MAX), 1 << (index % 64))
    }
}

fn days_of_month(text: &str) -> Result<OfMonth, InvalidExpression> {
    let field = Field::numbers(1..=31);
    let mut days = OfMonth::default();
    for part in text.split(',') {
        if part == "LW" {
            days.is_last_weekday = true;
        } else if part == "L" {
            days.before_last |= 1;
        } else if let Some(before) = part.strip_prefix("L-") {
            days.before_last |= 1 << Field::numbers(0..=30).value(before)?;
        } else if let Some(day) = part.strip_suffix('W') {
            days.weekday_next_to |= 1 << field.value(day)?;
        } else {
            field.each(part, |day| days.days |= 1 << day)?;
        }
    }
    Ok(days)
}

fn days_of_week(text: &str) -> Result<OfWeek, InvalidExpression> {
    let field = Field { names: &WEEKDAYS, ..Field::numbers(1..=7) };
    if let Some((day, n)) = text.split_once('#') {
        // AWS allows no other in the same field.
        let day = small(field.value(day)?);
        let n = small(Field::numbers(1..=5).value(n)?);
        return Ok(OfWeek { nth: Some((day, n)), ..OfWeek::default() });
    }
    let mut days = OfWeek::default();
    for part in text.split(',') {
        if part == "L" {
            days.days |= 1 << 7;
        } else if let Some(day) = part.strip_suffix('L') {
            days.last |= 1 << field.value(day)?;
        } else {
            field.each(part, |day| days.days |= 1 << day)?;
        }
    }
    Ok(days)
}

fn small(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

impl Field {
    const fn numbers(values: RangeInclusive<u32>) -> Self {
        Self { values, names: &[], wraps: true }
    }

    fn bits(&self, text: &str) -> Result<u64, InvalidExpression> {
        let mut bits = 0;
        self.each(text, |value| bits |= 1 << value)?;
        Ok(bits)
    }

    /// A list of values, ranges and steps.
    fn each(&self, text: &str, mut take: impl FnMut(u32)) -> Result<(), InvalidExpression> {
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (*self.values.start(), *self.values.end()),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                None if step.is_some() => (self.value(range)?, *self.values.end()),
                None => (self.value(range)?, self.value(range)?),
            };
            let width = self.values.end() - self.values.start() + 1;
            let count = match last.checked_sub(first) {
                Some(count) => count,
                None if self.wraps => last + width - first,
                None => return Err(InvalidExpression),
            };
            let start = *self.values.start();
            let steps = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
            (0..=count).step_by(steps).for_each(|n| take((first - start + n) % width + start));
        }
        Ok(())
    }

    /// No longer than the field has values.
    fn step(&self, text: &str) -> Result<u32, InvalidExpression> {
        let step = number(text)?;
        let is_step = (1..=self.values.end() - self.values.start() + 1).contains(&step)
            && step <= *self.values.end();
        if is_step { Ok(step) } else { Err(InvalidExpression) }
    }

    fn value(&self, text: &str) -> Result<u32, InvalidExpression> {
        let named = (self.values.start().to_owned()..).zip(self.names);
        let named = named.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some((value, _)) => value,
            None => number(text)?,
        };
        if self.values.contains(&value) { Ok(value) } else { Err(InvalidExpression) }
    }
}

/// Digits and nothing else.
pub(crate) fn number(text: &str) -> Result<u32, InvalidExpression> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| InvalidExpression)
    } else {
        Err(InvalidExpression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(bits: u64) -> Vec<u32> {
        (0..64).filter(|value| bits & (1 << value) != 0).collect()
    }

    fn minutes(text: &str) -> Vec<u32> {
        values(Cron::parse(&format!("{text} 0 ? * * *")).unwrap().minutes)
    }

    #[test]
    fn lists_ranges_and_steps_are_the_values_that_they_mean() {
        assert_eq!(minutes("7"), [7]);
        assert_eq!(minutes("*").len(), 60);
        assert_eq!(minutes("0/15"), [0, 15, 30, 45]);
        assert_eq!(minutes("*/20"), [0, 20, 40]);
        assert_eq!(minutes("5-15/5"), [5, 10, 15]);
        assert_eq!(minutes("1,3,58-1"), [0, 1, 3, 58, 59]);
        let cron = Cron::parse("0 0 ? jan,3-5 FRI-MON 2030-2032").unwrap();
        assert_eq!(values(cron.months), [1, 3, 4, 5]);
        assert_eq!(cron.days, Days::OfWeek(OfWeek { days: 0b1100_0110, ..OfWeek::default() }));
        assert_eq!(cron.years.from(2026), Some(2030));
        assert_eq!(cron.years.from(2033), None);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "",
            "* * * * *",
            "* * * * ? * *",
            "0 18 * * * *",
            "0 18 ? * ? *",
            "0 18 1 * 2 *",
            "? 18 * * ? *",
            "60 * * * ? *",
            "-1 * * * ? *",
            "+1 * * * ? *",
            "*/60 * * * ? *",
            "*/0 * * * ? *",
            "5/ * * * ? *",
            "1,,2 * * * ? *",
            "1- * * * ? *",
            "*-5 * * * ? *",
            "* 24 * * ? *",
            "* * 0 * ? *",
            "* * 32 * ? *",
            "* * W * ? *",
            "* * 32W * ? *",
            "* * L-31 * ? *",
            "* * * 13 ? *",
            "* * * JANUARY ? *",
            "* * ? * 0 *",
            "* * ? * 8 *",
            "* * ? * 3#6 *",
            "* * ? * 3#0 *",
            "* * ? * 3#1,6#3 *",
            "* * ? * 6L,3#1 *",
            "* * * * ? 1969",
            "* * * * ? 2200",
            "* * * * ? 2030-2029",
            "0/5, 9-18, ?, *, MON-FRI, *",
        ] {
            assert_eq!(Cron::parse(text), Err(InvalidExpression), "{text}");
        }
    }
}
