// SPDX-License-Identifier: Apache-2.0
//! What other services counted, as metrics of their namespaces. Pure.

use crate::put::Kept;
use crate::series::{MetricKey, Place, SeriesKey};
use api::cloudwatch::{Dimension, StandardUnit};
use meter::{Resource, Tallied};

/// All that was drained at `now_s`, as values of metrics.
pub(crate) fn values(tallied: &[Tallied], now_s: u64) -> Vec<Kept> {
    let mut values = Vec::new();
    for one in tallied {
        let Resource { account, region, namespace, dimensions } = one.resource();
        let place = Place { account: account.clone(), region: region.clone() };
        for set in dimensions {
            let set: Vec<_> = set.iter().map(dimension).collect();
            values.extend(one.values.iter().map(|(measure, counted)| {
                let metric = MetricKey::new(place.clone(), namespace, measure.name, &set);
                let unit = StandardUnit::parse(measure.unit).unwrap_or(StandardUnit::None);
                (SeriesKey { metric, unit }, now_s, counted.clone(), false)
            }));
        }
    }
    values
}

fn dimension((name, value): &(&'static str, String)) -> Dimension {
    Dimension { name: (*name).to_owned(), value: value.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meter::{Measure, Tally, drain_tallies};

    #[test]
    fn a_value_counts_for_each_set_of_dimensions() {
        let name = |name, value: &str| (name, value.to_owned());
        Tally::default().add(
            || Resource {
                account: "000000000000".parse().unwrap(),
                region: "us-east-1".parse().unwrap(),
                namespace: "AWS/Test",
                dimensions: vec![vec![], vec![name("B", "x"), name("A", "y")]],
            },
            &[(Measure::count("Happened"), 2.0), (Measure::milliseconds("Took"), 5.0)],
        );
        let values = values(&drain_tallies(), 60);
        let told: Vec<_> = values
            .iter()
            .map(|(SeriesKey { metric, unit }, second, counted, _)| {
                let pairs = metric.dimensions.iter().map(|(name, value)| format!("{name}={value}"));
                let pairs: Vec<_> = pairs.collect();
                let sum = counted.sum();
                format!(
                    "{} {} {} {second} {sum} {}",
                    metric.namespace,
                    metric.name,
                    unit.as_str(),
                    pairs.join(" ")
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "AWS/Test Happened Count 60 2 ",
                "AWS/Test Took Milliseconds 60 5 ",
                "AWS/Test Happened Count 60 2 A=y B=x",
                "AWS/Test Took Milliseconds 60 5 A=y B=x",
            ]
        );
    }
}
