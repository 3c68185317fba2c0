// SPDX-License-Identifier: Apache-2.0
//! Days of a month as one number: bit 1 is the first, bit 31 the last that there can be. Pure.

use jiff::civil::{Date, Weekday};

/// Which days of each month. One of AWS's two fields says it, the other has `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Days {
    OfMonth(OfMonth),
    OfWeek(OfWeek),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OfMonth {
    /// By number.
    pub(crate) days: u32,
    /// The weekday next to these, in the same month.
    pub(crate) weekday_next_to: u32,
    /// So many days before the last: `L` is 0.
    pub(crate) before_last: u32,
    /// The last that is a weekday.
    pub(crate) is_last_weekday: bool,
}

/// Bit 1 is Sunday, bit 7 Saturday.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OfWeek {
    pub(crate) days: u8,
    /// The last ones of the month.
    pub(crate) last: u8,
    /// The `n`th of the month.
    pub(crate) nth: Option<(u8, u8)>,
}

impl Days {
    /// Those of the month that begins on `first`.
    pub(crate) fn in_month(&self, first: Date) -> u32 {
        let length = u32::from(first.days_in_month().unsigned_abs());
        let begins_on = u32::from(sunday_is_1(first.weekday()));
        match self {
            Self::OfMonth(of_month) => of_month.in_month(length, begins_on),
            Self::OfWeek(of_week) => of_week.in_month(length, begins_on),
        }
    }
}

impl OfMonth {
    fn in_month(&self, length: u32, begins_on: u32) -> u32 {
        let all = all_days(length);
        let mut found = self.days & all;
        for day in 1..=length {
            if self.weekday_next_to & (1 << day) != 0 {
                found |= 1 << weekday_next_to(day, length, begins_on);
            }
            if self.before_last & (1 << (length - day)) != 0 {
                found |= 1 << day;
            }
        }
        if self.is_last_weekday {
            found |= 1 << weekday_next_to(length, length, begins_on);
        }
        found
    }
}

impl OfWeek {
    fn in_month(&self, length: u32, begins_on: u32) -> u32 {
        let is_wanted = |day: &u32| {
            let bit = 1_u8 << weekday(*day, begins_on);
            let is_nth = self.nth.is_some_and(|(wanted, n)| {
                1_u8 << wanted == bit && u32::from(n) == (*day - 1) / 7 + 1
            });
            self.days & bit != 0 || (self.last & bit != 0 && *day + 7 > length) || is_nth
        };
        (1..=length).filter(is_wanted).fold(0, |found, day| found | 1 << day)
    }
}

fn all_days(length: u32) -> u32 {
    (1..=length).fold(0, |all, day| all | 1 << day)
}

/// Sunday is 1.
fn weekday(day: u32, begins_on: u32) -> u32 {
    (begins_on + day - 2) % 7 + 1
}

/// A Saturday's is the day before, a Sunday's the day after, but never in another month.
fn weekday_next_to(day: u32, length: u32, begins_on: u32) -> u32 {
    match weekday(day, begins_on) {
        7 if day == 1 => 3,
        7 => day - 1,
        1 if day == length => day - 2,
        1 => day + 1,
        _ => day,
    }
}

pub(crate) fn sunday_is_1(weekday: Weekday) -> u8 {
    weekday.to_sunday_one_offset().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(days: Days, year: i16, month: i8) -> Vec<u32> {
        let found = days.in_month(date(year, month, 1));
        (0..32).filter(|day| found & (1 << day) != 0).collect()
    }

    #[test]
    fn weekdays_next_to_a_day_stay_in_its_month() {
        let next_to =
            |day: u32| Days::OfMonth(OfMonth { weekday_next_to: 1 << day, ..OfMonth::default() });
        // August 2026 begins on a Saturday, and November on a Sunday; both the 31st of January and of May 2026 end a weekend.
        assert_eq!(days(next_to(1), 2026, 8), [3]);
        assert_eq!(days(next_to(1), 2026, 11), [2]);
        assert_eq!(days(next_to(15), 2026, 8), [14]);
        assert_eq!(days(next_to(16), 2026, 8), [17]);
        assert_eq!(days(next_to(31), 2026, 1), [30]);
        assert_eq!(days(next_to(31), 2026, 5), [29]);
        assert_eq!(days(next_to(31), 2026, 6), [0; 0]);
    }

    #[test]
    fn the_last_days_follow_the_length_of_the_month() {
        let last =
            |before: u32| Days::OfMonth(OfMonth { before_last: 1 << before, ..OfMonth::default() });
        assert_eq!(days(last(0), 2028, 2), [29]);
        assert_eq!(days(last(0), 2026, 2), [28]);
        assert_eq!(days(last(3), 2026, 12), [28]);
        assert_eq!(days(last(30), 2026, 2), [0; 0]);
        let weekday = Days::OfMonth(OfMonth { is_last_weekday: true, ..OfMonth::default() });
        assert_eq!(days(weekday, 2026, 5), [29]);
    }

    #[test]
    fn days_of_the_week_are_all_the_last_or_one_of_them() {
        let week = |of_week| Days::OfWeek(of_week);
        assert_eq!(
            days(week(OfWeek { days: 1 << 2, ..OfWeek::default() }), 2026, 11),
            [2, 9, 16, 23, 30]
        );
        assert_eq!(days(week(OfWeek { last: 1 << 6, ..OfWeek::default() }), 2026, 11), [27]);
        assert_eq!(days(week(OfWeek { nth: Some((3, 2)), ..OfWeek::default() }), 2026, 11), [10]);
        assert_eq!(days(week(OfWeek { nth: Some((3, 5)), ..OfWeek::default() }), 2026, 11), [0; 0]);
    }
}
