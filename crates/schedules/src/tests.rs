// SPDX-License-Identifier: Apache-2.0
//! When expressions are due: AWS's documented examples, clocks that are changed, and what must hold of all.

use crate::{Dialect, Expression, Timetable, Zone};
use proptest::prelude::*;

/// 2026-11-23T12:00:00Z, a Monday.
const NOON: i64 = 1_795_435_200;

fn timetable(expression: &str, zone: &str) -> Timetable {
    Timetable {
        expression: Expression::parse(expression, Dialect::Schedule).unwrap(),
        zone: Zone::named(zone).unwrap(),
        start: 0,
        end: None,
    }
}

fn text(instant: i64) -> String {
    jiff::Timestamp::from_second(instant).unwrap().to_string()
}

/// The next instants after one.
fn next(timetable: &Timetable, after: &str, count: usize) -> Vec<String> {
    let after = after.parse::<jiff::Timestamp>().unwrap().as_second();
    let next = std::iter::successors(timetable.after(after), |due| timetable.after(*due));
    next.take(count).map(text).collect()
}

#[test]
fn examples_of_the_documentation_are_due_as_it_says() {
    for (expression, due) in [
        ("cron(0 10 * * ? *)", ["2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"]),
        ("cron(15 12 * * ? *)", ["2026-11-23T12:15:00Z", "2026-11-24T12:15:00Z"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-23T18:00:00Z", "2026-11-24T18:00:00Z"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01T08:00:00Z", "2027-01-01T08:00:00Z"]),
        ("cron(0/15 * * * ? *)", ["2026-11-23T12:15:00Z", "2026-11-23T12:30:00Z"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-11-23T12:10:00Z", "2026-11-23T12:20:00Z"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-11-23T12:05:00Z", "2026-11-23T12:10:00Z"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-11-23T20:00:00Z", "2026-11-23T20:30:00Z"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-12-07T09:00:00Z", "2027-01-04T09:00:00Z"]),
        ("cron(15 10 ? * 6L 2022-2027)", ["2026-11-27T10:15:00Z", "2026-12-25T10:15:00Z"]),
        ("cron(0 0 L * ? *)", ["2026-11-30T00:00:00Z", "2026-12-31T00:00:00Z"]),
        ("cron(0 0 3W * ? *)", ["2026-12-03T00:00:00Z", "2027-01-04T00:00:00Z"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("cron(59 23 31 12 ? 2198-2199)", ["2198-12-31T23:59:00Z", "2199-12-31T23:59:00Z"]),
        ("rate(5 minutes)", ["2026-11-23T12:05:00Z", "2026-11-23T12:10:00Z"]),
        ("rate(1 day)", ["2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"]),
    ] {
        assert_eq!(next(&timetable(expression, "UTC"), &text(NOON), 2), due, "{expression}");
    }
}

#[test]
fn what_is_never_due_is_found_out() {
    for expression in ["cron(0 0 30 2 ? *)", "cron(* * * * ? 1970-2025)", "cron(0 0 ? 2 1#5 2027)"]
    {
        assert_eq!(timetable(expression, "America/New_York").after(NOON), None, "{expression}");
    }
}

#[test]
fn once_is_due_once_whatever_the_limits() {
    let mut once = timetable("at(2026-11-24T13:00:00)", "America/New_York");
    (once.start, once.end) = (NOON + 1_000_000, Some(NOON));
    assert_eq!(next(&once, &text(NOON), 2), ["2026-11-24T18:00:00Z"]);
    // Over this the clock is put forward by an hour.
    let once = timetable("at(2027-03-14T02:30:00)", "America/New_York");
    assert_eq!(next(&once, &text(NOON), 2), ["2027-03-14T07:30:00Z"]);
}

#[test]
fn limits_are_part_of_what_they_limit() {
    let mut hourly = timetable("cron(0 * * * ? *)", "UTC");
    (hourly.start, hourly.end) = (NOON + 3_600, Some(NOON + 7_200));
    assert_eq!(next(&hourly, &text(NOON), 9), ["2026-11-23T13:00:00Z", "2026-11-23T14:00:00Z"]);
    let mut rate = timetable("rate(10 minutes)", "UTC");
    (rate.start, rate.end) = (NOON + 17, Some(NOON + 617));
    assert_eq!(next(&rate, &text(NOON), 9), ["2026-11-23T12:00:17Z", "2026-11-23T12:10:17Z"]);
    assert_eq!(next(&rate, &text(NOON + 17), 9), ["2026-11-23T12:10:17Z"]);
}

#[test]
fn clocks_that_are_changed_skip_a_time_or_show_it_once() {
    let daily = timetable("cron(30 2 * * ? *)", "America/New_York");
    assert_eq!(
        next(&daily, "2027-03-12T12:00:00Z", 2),
        ["2027-03-13T07:30:00Z", "2027-03-15T06:30:00Z"]
    );
    let daily = timetable("cron(30 1 * * ? *)", "America/New_York");
    assert_eq!(
        next(&daily, "2026-10-31T12:00:00Z", 2),
        ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
    );
    // From within the hour that is shown again.
    assert_eq!(next(&daily, "2026-11-01T06:10:00Z", 1), ["2026-11-02T06:30:00Z"]);
    let hourly = timetable("cron(0 * * * ? *)", "Europe/Berlin");
    assert_eq!(
        next(&hourly, "2026-10-24T23:30:00Z", 3),
        ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"]
    );
    // A day has 24 hours for a rate.
    let mut rate = timetable("rate(1 days)", "America/New_York");
    rate.start = NOON;
    assert_eq!(
        next(&rate, "2027-03-13T12:00:00Z", 2),
        ["2027-03-14T12:00:00Z", "2027-03-15T12:00:00Z"]
    );
}

/// Fields whose values are known, to look at every minute without the parts that are tested.
fn fields() -> impl Strategy<Value = (Vec<u32>, Vec<u32>, Vec<u32>)> {
    let some = |values: std::ops::Range<u32>| prop::collection::vec(values, 1..4);
    (some(0..60), some(0..24), some(1..29))
}

proptest! {
    #[test]
    fn nothing_is_due_in_between((minutes, hours, days) in fields(), offset in 0_i64..31_536_000, zone in 0_usize..4) {
        let list = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let text = format!("cron({} {} {} * ? *)", list(&minutes), list(&hours), list(&days));
        let zone = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"][zone];
        let (timetable, after) = (timetable(&text, zone), NOON + offset);
        let due = timetable.after(after).unwrap();
        prop_assert!(due > after);
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let is_due = |instant: i64| {
            let clock = zone.to_datetime(jiff::Timestamp::from_second(instant).unwrap());
            let has = |values: &[u32], value: i8| values.contains(&u32::from(value.unsigned_abs()));
            let is_first = zone.to_timestamp(clock).unwrap().as_second() == instant;
            has(&minutes, clock.minute()) && has(&hours, clock.hour()) && has(&days, clock.day()) && is_first
        };
        let minute = |n: i64| (after / 60 + n) * 60;
        let first = (1..).map(minute).find(|instant| is_due(*instant));
        prop_assert_eq!(Some(due), first);
    }

    #[test]
    fn no_text_makes_it_fail(text in "(cron|rate|at)?\\(?[0-9A-Z*?,/#LW: T-]{0,30}\\)?", at in any::<i64>()) {
        for dialect in [Dialect::Rule, Dialect::Schedule] {
            if let Ok(expression) = Expression::parse(&text, dialect) {
                let timetable = Timetable { expression, zone: Zone::UTC, start: 0, end: None };
                let _ = timetable.after(at);
            }
        }
    }

    #[test]
    fn no_fields_make_it_fail(fields in prop::collection::vec("[0-9]{1,2}|[*?]|[0-9]{1,2}(-|/|#|,)[0-9]{1,2}|L|LW|[0-9]{1,2}[LW]|L-[0-9]{1,2}|(SUN|jan)(-SAT)?", 5), year in "\\*|20[0-9]{2}(-21[0-9]{2})?(/[0-9])?", at in 0_i64..8_000_000_000) {
        let text = format!("cron({} {year})", fields.join(" "));
        if let Ok(expression) = Expression::parse(&text, Dialect::Schedule) {
            let timetable = Timetable { expression, zone: Zone::UTC, start: 0, end: None };
            prop_assert!(timetable.after(at).is_none_or(|due| due > at));
        }
    }
}
