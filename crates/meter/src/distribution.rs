// SPDX-License-Identifier: Apache-2.0
//! Many values as few numbers: how many, their sum, the least, the greatest, and about how they are distributed.
//!
//! Values fall into classes whose bounds are those of floating point numbers with five bits after the first: 32 classes
//! for each doubling. A percentile is the middle of its class, which is at most 1.6 % off; all else is exact.

use serde::{Deserialize, Serialize};

/// Bits of a double that do not distinguish classes.
const SHIFT: u32 = 52 - 5;

/// Classes of one distribution. Values beyond that go to the nearest class there is.
const CLASSES_MAX: usize = 512;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    #[serde(rename = "n")]
    count: f64,
    #[serde(rename = "s")]
    sum: f64,
    #[serde(rename = "l")]
    min: f64,
    #[serde(rename = "h")]
    max: f64,
    /// How many values are in each class, by class. Empty where only the sums are known.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    classes: Vec<(i32, f64)>,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            classes: Vec::new(),
        }
    }
}

impl Distribution {
    /// One value.
    pub fn of(value: f64) -> Self {
        let mut one = Self::default();
        one.add(value, 1.0);
        one
    }

    /// Values of which only this is known. They have no percentiles unless they are all the same.
    pub fn of_sums(count: f64, sum: f64, min: f64, max: f64) -> Self {
        let mut known = Self { count, sum, min, max, classes: Vec::new() };
        if min.to_bits() == max.to_bits() {
            known.classes.push((class(min), count));
        }
        known
    }

    /// `value`, which is finite, `count` times.
    pub fn add(&mut self, value: f64, count: f64) {
        self.count += count;
        self.sum += value * count;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.add_class(class(value), count);
    }

    pub fn merge(&mut self, other: &Self) {
        // Where not every value has a class, no percentile is true.
        let is_classed = self.is_classed() && other.is_classed();
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if !is_classed {
            self.classes.clear();
            return;
        }
        for (class, count) in &other.classes {
            self.add_class(*class, *count);
        }
    }

    pub fn count(&self) -> f64 {
        self.count
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    pub fn average(&self) -> f64 {
        self.sum / self.count
    }

    pub fn min(&self) -> f64 {
        self.min
    }

    pub fn max(&self) -> f64 {
        self.max
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    /// The value that `percent` of all are not above. `None` where only sums are known.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.is_empty() || self.classes.is_empty() {
            return None;
        }
        if percent <= 0.0 {
            return Some(self.min);
        }
        let wanted = self.count * percent / 100.0;
        let mut seen = 0.0;
        for (class, count) in &self.classes {
            seen += count;
            // What is lost in adding fractions decides nothing.
            if seen >= wanted - 1e-9 {
                return Some(middle(*class).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// How many values are below a power of two, as far as they have classes.
    pub fn below(&self, power: f64) -> f64 {
        let bound = class(power);
        let below = self.classes.iter().take_while(|(class, _)| *class < bound);
        below.map(|(_, count)| count).sum()
    }

    fn is_classed(&self) -> bool {
        self.is_empty() || !self.classes.is_empty()
    }

    fn add_class(&mut self, class: i32, count: f64) {
        let found = self.classes.binary_search_by_key(&class, |(class, _)| *class);
        let place = match found {
            Ok(place) => place,
            Err(place) if self.classes.len() < CLASSES_MAX => {
                self.classes.insert(place, (class, count));
                return;
            }
            Err(place) => place.min(CLASSES_MAX - 1),
        };
        if let Some((_, before)) = self.classes.get_mut(place) {
            *before += count;
        }
    }
}

/// Classes are ordered as their values are.
fn class(value: f64) -> i32 {
    let above = i32::try_from(value.abs().to_bits() >> SHIFT).unwrap_or(i32::MAX);
    if value < 0.0 { -above } else { above }
}

fn middle(class: i32) -> f64 {
    let bound = |class: u32| f64::from_bits(u64::from(class) << SHIFT);
    let above = class.unsigned_abs();
    if above == 0 {
        return 0.0;
    }
    let middle = f64::midpoint(bound(above), bound(above + 1));
    if class < 0 { -middle } else { middle }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_are_exact_and_one_value_is_itself() {
        let one = Distribution::of(12.345);
        for percent in [0.0, 50.0, 99.9, 100.0] {
            assert_eq!(one.percentile(percent), Some(12.345));
        }
        let mut all = Distribution::default();
        (1..=100).for_each(|value| all.add(f64::from(value), 1.0));
        assert_eq!((all.count(), all.sum(), all.average()), (100.0, 5050.0, 50.5));
        assert_eq!((all.min(), all.max()), (1.0, 100.0));
        assert!((all.percentile(90.0).unwrap() - 90.0).abs() <= 90.0 * 0.016);
        assert_eq!(all.percentile(100.0), Some(100.0));
    }

    #[test]
    fn values_below_a_power_of_two_are_exactly_those() {
        let mut all = Distribution::default();
        for value in [0.2, 0.999, 1.0, 3.999, 4.0] {
            all.add(value, 1.0);
        }
        let below = [0.25, 1.0, 2.0, 4.0, 8.0].map(|power| all.below(power));
        assert_eq!(below, [1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn sums_alone_have_no_percentiles() {
        let mut sums = Distribution::of_sums(3.0, 6.0, 1.0, 3.0);
        assert_eq!(sums.percentile(50.0), None);
        sums.merge(&Distribution::of(2.0));
        assert_eq!((sums.percentile(50.0), sums.count(), sums.sum()), (None, 4.0, 8.0));
        assert_eq!(Distribution::of_sums(3.0, 6.0, 2.0, 2.0).percentile(50.0), Some(2.0));
    }

    #[test]
    fn classes_have_a_limit() {
        let mut wide = Distribution::default();
        for exponent in 0..1_000 {
            wide.add(1.1_f64.powi(exponent), 1.0);
        }
        assert!(wide.classes.len() <= CLASSES_MAX);
        assert_eq!(wide.count(), 1000.0);
    }

    proptest! {
        /// A percentile is off by no more than a class is wide, whatever was merged with what.
        #[test]
        fn percentiles_are_close(mut values in prop::collection::vec(-1e6_f64..1e6, 1..200), split in 0_usize..200, percent in 1_u32..=100) {
            let split = split.min(values.len());
            let (mut one, mut other) = (Distribution::default(), Distribution::default());
            values[..split].iter().for_each(|value| one.add(*value, 1.0));
            values[split..].iter().for_each(|value| other.add(*value, 1.0));
            one.merge(&other);
            values.sort_by(f64::total_cmp);
            let rank = (values.len() * percent as usize).div_ceil(100);
            let (found, exact) = (one.percentile(percent.into()).unwrap(), values[rank - 1]);
            prop_assert!((found - exact).abs() <= exact.abs() * 0.032 + 1e-9, "{found} for {exact}");
        }
    }
}
