// SPDX-License-Identifier: Apache-2.0
//! When an expression is due. Pure.

use crate::cron::Cron;
use crate::expression::Expression;
use crate::zone::Zone;
use jiff::civil::{Date, DateTime};

/// An expression in its time zone, within its limits. Instants are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    pub expression: Expression,
    pub zone: Zone,
    /// A rate is first due then, and nothing is before. What is due once has no limits.
    pub start: i64,
    /// Nothing is due after this.
    pub end: Option<i64>,
}

impl Timetable {
    /// When it is due next after `instant`, never if it is not due again.
    pub fn after(&self, instant: i64) -> Option<i64> {
        let next = match &self.expression {
            Expression::At(clock) => {
                return self.zone.instant_or_later(*clock).filter(|due| *due > instant);
            }
            Expression::Rate(rate) if instant >= self.start => {
                let periods = instant.saturating_sub(self.start) / rate.seconds() + 1;
                self.start.checked_add(periods.checked_mul(rate.seconds())?)?
            }
            Expression::Rate(_) => self.start,
            Expression::Cron(cron) => {
                cron.after(instant.max(self.start.saturating_sub(1)), &self.zone)?
            }
        };
        self.end.is_none_or(|end| next <= end).then_some(next)
    }
}

impl Cron {
    fn after(&self, instant: i64, zone: &Zone) -> Option<i64> {
        let from = zone.clock(instant)?;
        self.days_from(from.date()).find_map(|day| {
            let minutes =
                bits(self.hours).flat_map(|hour| bits(self.minutes).map(move |m| (hour, m)));
            let minutes = minutes.map(|(hour, minute)| day.at(hour, minute, 0, 0));
            // Of those that a clock shows twice the first may be past while the second is to come.
            minutes
                .filter(|clock| *clock >= floor(from))
                .filter_map(|clock| zone.instant(clock))
                .find(|due| *due > instant)
        })
    }

    /// The days that it is due on, from one on.
    fn days_from(&self, from: Date) -> impl Iterator<Item = Date> {
        let year = u32::from(from.year().max(0).unsigned_abs());
        let years = std::iter::successors(self.years.from(year), |year| self.years.from(year + 1));
        let months = years.flat_map(|year| {
            let year = i16::try_from(year).unwrap_or(i16::MAX);
            bits(self.months).filter_map(move |month| Date::new(year, month, 1).ok())
        });
        let days = months.filter(move |first| *first >= from.first_of_month()).flat_map(|first| {
            let days = bits(u64::from(self.days.in_month(first)));
            days.filter_map(move |day| Date::new(first.year(), first.month(), day).ok())
        });
        days.filter(move |day| *day >= from)
    }
}

fn floor(clock: DateTime) -> DateTime {
    clock.date().at(clock.hour(), clock.minute(), 0, 0)
}

/// Which bits are set, from the lowest on.
fn bits(bits: u64) -> impl Iterator<Item = i8> {
    (0..63_i8).filter(move |bit| bits & (1 << bit) != 0)
}
