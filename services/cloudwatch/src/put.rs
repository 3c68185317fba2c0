// SPDX-License-Identifier: Apache-2.0
//! PutMetricData: what a value may be. Pure.

use crate::series::{DAY_S, MetricKey, Place, SeriesKey};
use api::cloudwatch::{MetricDatum, StandardUnit, StatisticSet, fault};
use meter::Distribution;
use wire::{Fault, Result, Timestamp};

/// Values in one request.
pub(crate) const DATA_MAX: usize = 1_000;
/// Different values of one metric in one request.
const VALUES_MAX: usize = 150;
const PAST_MAX_S: u64 = 14 * DAY_S;
const FUTURE_MAX_S: u64 = 2 * 3_600;

/// A value that can be kept: of what, when, and whether by the second.
pub(crate) type Kept = (SeriesKey, u64, Distribution, bool);

/// A namespace that customers may put metrics into.
pub(crate) fn check_namespace(namespace: &str) -> Result<()> {
    if namespace.starts_with("AWS/") {
        return Err(fault::invalid_parameter_value(format!(
            "The value {namespace} for parameter Namespace is invalid."
        )));
    }
    Ok(())
}

/// Everything that a request puts, or what is wrong with the first that is wrong. `data` come with the name of their list.
pub(crate) fn kept<'a>(
    place: &Place,
    namespace: &str,
    data: impl IntoIterator<Item = (String, &'a MetricDatum)>,
    now: Timestamp,
) -> Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for (parameter, datum) in data {
        if kept.len() == DATA_MAX {
            return Err(fault::invalid_parameter_value(format!(
                "The collection MetricData must not have a size greater than {DATA_MAX}."
            )));
        }
        let dimensions = datum.dimensions.as_deref().unwrap_or_default();
        check_dimensions(&parameter, dimensions)?;
        let metric = MetricKey::new(place.clone(), namespace, &datum.metric_name, dimensions);
        let key = SeriesKey { metric, unit: datum.unit.unwrap_or(StandardUnit::None) };
        let second = second(&parameter, datum.timestamp, now)?;
        let is_fine = match datum.storage_resolution {
            None | Some(60) => false,
            Some(1) => true,
            Some(other) => return Err(invalid(&parameter, "StorageResolution", &other)),
        };
        let values = values(&parameter, datum)?;
        kept.push((key, second, values, is_fine));
    }
    Ok(kept)
}

fn invalid(parameter: &str, member: &str, value: &dyn std::fmt::Display) -> Fault {
    fault::invalid_parameter_value(format!(
        "The value {value} for parameter {parameter}.{member} is invalid."
    ))
}

fn check_dimensions(parameter: &str, dimensions: &[api::cloudwatch::Dimension]) -> Result<()> {
    for (index, dimension) in dimensions.iter().enumerate() {
        let member = |name: &str| format!("Dimensions.member.{}.{name}", index + 1);
        let before = dimensions.get(..index).unwrap_or_default();
        let is_twice = before.iter().any(|other| other.name == dimension.name);
        if is_twice || dimension.name.starts_with(':') {
            return Err(invalid(parameter, &member("Name"), &dimension.name));
        }
        let is_text = |text: &str| text.is_ascii() && !text.trim().is_empty();
        for (name, text) in [("Name", &dimension.name), ("Value", &dimension.value)] {
            if !is_text(text) {
                return Err(invalid(parameter, &member(name), text));
            }
        }
    }
    Ok(())
}

fn second(parameter: &str, timestamp: Option<Timestamp>, now: Timestamp) -> Result<u64> {
    let seconds = |time: Timestamp| u64::try_from(time.epoch_ms()).unwrap_or_default() / 1_000;
    let (second, now) = (seconds(timestamp.unwrap_or(now)), seconds(now));
    let wrong = |when| {
        let text = format!("The parameter {parameter}.Timestamp must specify a time {when}.");
        Err(fault::invalid_parameter_value(text))
    };
    match second {
        second if second + PAST_MAX_S < now => wrong("no more than two weeks in the past"),
        second if second > now + FUTURE_MAX_S => wrong("no more than two hours in the future"),
        second => Ok(second),
    }
}

fn values(parameter: &str, datum: &MetricDatum) -> Result<Distribution> {
    let ways = [
        ("Value", datum.value.is_some()),
        ("StatisticValues", datum.statistic_values.is_some()),
        ("Values", datum.values.is_some()),
    ];
    let mut given = ways.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name);
    if let (Some(one), Some(other)) = (given.next(), given.next()) {
        return Err(fault::invalid_parameter_combination(format!(
            "The parameters {parameter}.{one} and {parameter}.{other} are mutually exclusive and you have specified both."
        )));
    }
    match (datum.value, &datum.statistic_values, &datum.values) {
        (Some(value), _, _) => Ok(Distribution::of(number(parameter, "Value", value)?)),
        (_, Some(set), _) => statistic_values(parameter, set),
        (_, _, Some(values)) => many(parameter, values, datum.counts.as_deref()),
        (None, None, None) => Err(fault::missing_parameter(format!(
            "At least one of the parameters {parameter}.Value, {parameter}.StatisticValues and {parameter}.Values must be specified."
        ))),
    }
}

/// From -2^360 to 2^360.
fn number(parameter: &str, member: &str, value: f64) -> Result<f64> {
    match value.abs() <= 2_f64.powi(360) {
        true => Ok(value),
        false => Err(invalid(parameter, member, &value)),
    }
}

fn count(parameter: &str, member: &str, value: f64) -> Result<f64> {
    match value > 0.0 {
        true => number(parameter, member, value),
        false => Err(invalid(parameter, member, &value)),
    }
}

fn statistic_values(parameter: &str, set: &StatisticSet) -> Result<Distribution> {
    let part = |name: &str, value| number(parameter, &format!("StatisticValues.{name}"), value);
    let samples = count(parameter, "StatisticValues.SampleCount", set.sample_count)?;
    let (sum, min, max) =
        (part("Sum", set.sum)?, part("Minimum", set.minimum)?, part("Maximum", set.maximum)?);
    if min > max {
        return Err(invalid(parameter, "StatisticValues.Minimum", &min));
    }
    Ok(Distribution::of_sums(samples, sum, min, max))
}

fn many(parameter: &str, values: &[f64], counts: Option<&[f64]>) -> Result<Distribution> {
    if values.is_empty() || values.len() > VALUES_MAX {
        return Err(fault::invalid_parameter_value(format!(
            "The collection {parameter}.Values must have a size of 1 to {VALUES_MAX}."
        )));
    }
    if counts.is_some_and(|counts| counts.len() != values.len()) {
        return Err(fault::invalid_parameter_value(format!(
            "The parameters {parameter}.Values and {parameter}.Counts must be of the same size."
        )));
    }
    let mut all = Distribution::default();
    for (index, value) in values.iter().enumerate() {
        let member = |name: &str| format!("{name}.member.{}", index + 1);
        let times = counts.and_then(|counts| counts.get(index)).copied().unwrap_or(1.0);
        let times = count(parameter, &member("Counts"), times)?;
        all.add(number(parameter, &member("Values"), *value)?, times);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::cloudwatch::Dimension;

    const NOW: Timestamp = Timestamp::from_epoch_ms(1_795_406_400_000);

    fn check(datum: MetricDatum) -> String {
        let place = Place {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        let datum = MetricDatum { metric_name: "m".into(), ..datum };
        match kept(&place, "n", [("MetricData.member.1".to_owned(), &datum)], NOW) {
            Ok(kept) => format!("{} {} {}", kept[0].2.count(), kept[0].2.sum(), kept[0].3),
            Err(fault) => format!("{}: {}", fault.code, fault.message),
        }
    }

    fn datum() -> MetricDatum {
        MetricDatum { value: Some(2.5), ..MetricDatum::default() }
    }

    #[test]
    fn values_come_in_three_ways() {
        assert_eq!(check(datum()), "1 2.5 false");
        assert_eq!(check(MetricDatum { storage_resolution: Some(1), ..datum() }), "1 2.5 true");
        let (values, counts) = (Some(vec![1.0, 2.0]), Some(vec![3.0, 0.5]));
        let many = MetricDatum { values, counts, ..MetricDatum::default() };
        assert_eq!(check(many), "3.5 4 false");
        let set = StatisticSet { sample_count: 2.0, sum: 5.0, minimum: 1.0, maximum: 4.0 };
        let set = MetricDatum { statistic_values: Some(set), ..MetricDatum::default() };
        assert_eq!(check(set), "2 5 false");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let dimension = |name: &str| Dimension { name: name.into(), value: "v".into() };
        for (datum, words) in [
            (
                MetricDatum { value: Some(f64::NAN), ..datum() },
                "InvalidParameterValueException: The value NaN for parameter MetricData.member.1.Value is invalid.",
            ),
            (
                MetricDatum { value: Some(1e300), ..datum() },
                "InvalidParameterValueException: The value 1000",
            ),
            (
                MetricDatum { values: Some(vec![1.0]), ..datum() },
                "InvalidParameterCombinationException: The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive",
            ),
            (MetricDatum::default(), "MissingRequiredParameterException: At least one"),
            (
                MetricDatum { storage_resolution: Some(5), ..datum() },
                "InvalidParameterValueException: The value 5 for parameter MetricData.member.1.StorageResolution",
            ),
            (
                MetricDatum { timestamp: Some(Timestamp::from_epoch_ms(0)), ..datum() },
                "InvalidParameterValueException: The parameter MetricData.member.1.Timestamp must specify a time no more than two weeks in the past.",
            ),
            (
                MetricDatum { timestamp: Some(Timestamp::from_epoch_ms(i64::MAX)), ..datum() },
                "InvalidParameterValueException: The parameter MetricData.member.1.Timestamp must specify a time no more than two hours",
            ),
            (
                MetricDatum { dimensions: Some(vec![dimension("a"), dimension("a")]), ..datum() },
                "InvalidParameterValueException: The value a for parameter MetricData.member.1.Dimensions.member.2.Name",
            ),
            (
                MetricDatum {
                    value: None,
                    values: Some(vec![1.0]),
                    counts: Some(vec![]),
                    ..datum()
                },
                "InvalidParameterValueException: The parameters MetricData.member.1.Values and",
            ),
            (
                MetricDatum {
                    value: None,
                    values: Some(vec![1.0]),
                    counts: Some(vec![-1.0]),
                    ..datum()
                },
                "InvalidParameterValueException: The value -1 for parameter MetricData.member.1.Counts.member.1",
            ),
        ] {
            let found = check(datum);
            assert!(found.starts_with(words), "{found}");
        }
    }
}
