// SPDX-License-Identifier: Apache-2.0
//! Which requests are traced where nobody upstream has decided.

use std::sync::atomic::{AtomicU32, Ordering};

/// Of those after the first in a second, one in so many: 5 %.
const ONE_IN: u32 = 20;

/// The first request of each second, and 5 % of the others: AWS's rate for Lambda, which can not be configured there either.
#[derive(Debug, Default)]
pub struct Sampler {
    /// In which a request was sampled last, as Unix time: its lower half tells seconds apart for long enough.
    second: AtomicU32,
}

impl Sampler {
    /// `draw` is any number, each as likely as another.
    pub fn is_sampled(&self, epoch_seconds: u64, draw: u32) -> bool {
        let [a, b, c, d, ..] = epoch_seconds.to_le_bytes();
        let second = u32::from_le_bytes([a, b, c, d]);
        self.second.swap(second, Ordering::Relaxed) != second || draw.is_multiple_of(ONE_IN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_second_and_one_in_twenty_of_the_rest() {
        let sampler = Sampler::default();
        let mut sampled = Vec::new();
        for second in 1_763_000_000..1_763_000_010 {
            let count = (1..=1_000).filter(|draw| sampler.is_sampled(second, *draw)).count();
            sampled.push(count);
        }
        assert_eq!(sampled, [51; 10], "the first, and fifty");
    }
}
