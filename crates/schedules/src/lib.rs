// SPDX-License-Identifier: Apache-2.0
//! Schedule expressions: when rules of EventBridge and schedules of EventBridge Scheduler are due.
//!
//! ```text
//! rate(5 minutes)                every five minutes, from an instant on
//! cron(0 18 ? * MON-FRI *)       minutes, hours, day of the month, month, day of the week, year: on the clock of a time zone
//! at(2026-11-24T13:00:00)        once, on that clock
//! ```
//!
//! A [`Timetable`] is an expression with its zone and its limits, and answers what comes after an instant. Instants are seconds
//! since 1970. Start at `timetable.rs`; `cron.rs` is what the six fields may be, `calendar.rs` which days of a month they mean.
//!
//! Pure: no clock. The one thing read from the machine are the rules of a time zone (`zone.rs`), when it is named.
//!
//! Invariants:
//! - a text is an expression wholly or not at all: no part of it is ignored;
//! - what comes next is later than what it comes after;
//! - to find it looks at each month once and at each minute of one day: no expression takes longer, not even one that is never due.
//!
//! Not here: who has schedules, flexible time windows, and what happens when one is due.

mod calendar;
mod cron;
mod expression;
mod timetable;
mod zone;

pub use cron::Cron;
pub use expression::{Dialect, Expression, InvalidExpression, Rate};
pub use timetable::Timetable;
pub use zone::{UnknownZone, Zone};

#[cfg(test)]
mod tests;
