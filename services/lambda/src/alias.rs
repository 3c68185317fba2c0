// SPDX-License-Identifier: Apache-2.0
//! An alias: a name that leads to a version, or to two by weight.
//!
//! Invariant: both versions exist as long as the alias does. Whoever deletes a version looks here first.

use crate::resource_policy::Policy;
use crate::version::Number;
use serde::{Deserialize, Serialize};

/// An alias, in the store as in memory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub(crate) version: Number,
    pub(crate) additional: Option<Additional>,
    pub(crate) description: String,
    pub(crate) revision_id: String,
    pub(crate) policy: Option<Policy>,
}

/// The second version of an alias, and the share of invocations that it gets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Additional {
    pub(crate) version: u64,
    /// From 0 to 1.
    pub(crate) weight: f64,
}

impl Alias {
    /// The version for an invocation that drew `draw`, evenly from 0 up to but not including 1.
    pub(crate) fn route(&self, draw: f64) -> Number {
        match self.additional {
            Some(additional) if draw < additional.weight => Number::Published(additional.version),
            _ => self.version,
        }
    }

    pub(crate) fn leads_to(&self, number: Number) -> bool {
        let is_additional =
            |additional: Additional| Number::Published(additional.version) == number;
        self.version == number || self.additional.is_some_and(is_additional)
    }
}

/// Evenly from 0 up to but not including 1.
pub(crate) fn draw() -> f64 {
    const BITS: u32 = 53;
    let random = uuid::Uuid::new_v4().as_u128();
    // Of a random identifier the last 62 bits are random; a double holds 53.
    let bits = u64::try_from(random & ((1 << BITS) - 1)).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "both are below 2 to the power of 53")]
    let (part, whole) = (bits as f64, (1_u64 << BITS) as f64);
    part / whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alias(weight: f64) -> Alias {
        Alias {
            version: Number::Published(1),
            additional: Some(Additional { version: 2, weight }),
            description: String::new(),
            revision_id: String::new(),
            policy: None,
        }
    }

    proptest! {
        #[test]
        fn a_share_is_what_the_weight_says(weight in 0.0..=1.0) {
            let parts = 1_000;
            let additional = (0..parts)
                .filter(|part| {
                    alias(weight).route(f64::from(*part) / f64::from(parts)) == Number::Published(2)
                })
                .count();
            prop_assert!((additional as f64 / f64::from(parts) - weight).abs() <= 0.001);
        }
    }

    #[test]
    fn no_draw_reaches_past_the_ends() {
        for _ in 0..1_000 {
            let draw = draw();
            assert!((0.0..1.0).contains(&draw), "{draw}");
            assert_eq!(alias(0.0).route(draw), Number::Published(1));
            assert_eq!(alias(1.0).route(draw), Number::Published(2));
        }
    }
}
