// SPDX-License-Identifier: Apache-2.0
//! What can be asked of the values of a period.

use crate::table::Points;
use api::cloudwatch::Statistic;
use meter::Distribution;
use std::collections::BTreeMap;

/// A statistic, as it is named in requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Stat {
    Plain(Statistic),
    /// `p99.9`
    Percentile(f64),
}

/// Values by when their period begins.
pub(crate) type Series = BTreeMap<u64, f64>;

impl Stat {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(plain) = Statistic::parse(text) {
            return Some(Self::Plain(plain));
        }
        let digits = text.strip_prefix('p')?;
        let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        let percent: f64 = digits.bytes().all(is_number).then(|| digits.parse().ok())??;
        (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent))
    }

    /// `None` where it is not known: a percentile of values of which only the sums were put.
    pub(crate) fn of(self, values: &Distribution) -> Option<f64> {
        match self {
            Self::Plain(Statistic::SampleCount) => Some(values.count()),
            Self::Plain(Statistic::Average) => Some(values.average()),
            Self::Plain(Statistic::Sum) => Some(values.sum()),
            Self::Plain(Statistic::Minimum) => Some(values.min()),
            Self::Plain(Statistic::Maximum) => Some(values.max()),
            Self::Percentile(percent) => values.percentile(percent),
        }
    }
}

/// What points come to in periods that begin at `start_s`.
pub(crate) fn in_periods(points: &Points, start_s: u64, period_s: u64) -> Points {
    let mut periods = Points::new();
    for (point, values) in points.range(start_s..) {
        let period = point - (point - start_s) % period_s;
        periods.entry(period).or_default().merge(values);
    }
    periods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_have_names() {
        assert_eq!(Stat::parse("Sum"), Some(Stat::Plain(Statistic::Sum)));
        assert_eq!(Stat::parse("p99.9"), Some(Stat::Percentile(99.9)));
        for text in ["", "p", "p101", "p-1", "pNaN", "tm90", "sum", "P99"] {
            assert_eq!(Stat::parse(text), None, "{text}");
        }
    }

    #[test]
    fn periods_begin_at_the_start() {
        let points: Points =
            [60, 120, 180, 240].map(|second| (second, Distribution::of(1.0))).into();
        let periods = in_periods(&points, 120, 120);
        let counts: Vec<_> = periods.iter().map(|(start, values)| (*start, values.sum())).collect();
        assert_eq!(counts, [(120, 2.0), (240, 1.0)]);
    }
}
