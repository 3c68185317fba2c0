// SPDX-License-Identifier: Apache-2.0
//! The checksum of an object from those of its parts.
//!
//! A cyclic checksum is a remainder: that of two texts, one after the other, is the first's, moved by the length of the second,
//! and the second's. What it begins and ends with cancels out.

use crate::checksum::{Algorithm, Checksum, Kind, Summing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A part's checksum, and how long the part is.
pub(crate) type Part<'a> = (&'a Checksum, u64);

/// `None`: the parts' are not what they should be, or the algorithm knows no such checksum.
pub(crate) fn combine(algorithm: Algorithm, kind: Kind, parts: &[Part<'_>]) -> Option<Checksum> {
    match kind {
        Kind::Composite => {
            let mut summing = Summing::new(algorithm);
            for (checksum, _) in parts {
                summing.update(&STANDARD.decode(&checksum.value).ok()?);
            }
            let value = format!("{}-{}", summing.finish().value, parts.len());
            Some(Checksum { algorithm, value, kind })
        }
        Kind::Full => {
            let (polynomial, bytes) = field(algorithm)?;
            let mut sum = 0;
            for (checksum, length) in parts {
                let decoded = STANDARD.decode(&checksum.value).ok()?;
                let second = decoded.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
                sum = moved(polynomial, bytes * 8, sum, *length) ^ second;
            }
            let all = sum.to_be_bytes();
            let value = STANDARD.encode(all.get(all.len() - bytes..)?);
            Some(Checksum { algorithm, value, kind })
        }
    }
}

const fn field(algorithm: Algorithm) -> Option<(u64, usize)> {
    match algorithm {
        Algorithm::Crc32 => Some((0xEDB8_8320, 4)),
        Algorithm::Crc32c => Some((0x82F6_3B78, 4)),
        Algorithm::Crc64Nvme => Some((0x9A6C_9329_AC4B_C9B5, 8)),
        Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sha512 | Algorithm::Md5 => None,
    }
}

/// A sum, moved by so many bytes: multiplied by x as often as they have bits.
fn moved(polynomial: u64, bits: usize, sum: u64, mut bytes: u64) -> u64 {
    // The highest bit is x^0, the next x^1; eight squarings further stands x^(8·1).
    let mut power = 1 << (bits - 2);
    for _ in 0..3 {
        power = product(polynomial, bits, power, power);
    }
    let mut moved = sum;
    while bytes > 0 {
        if bytes & 1 == 1 {
            moved = product(polynomial, bits, power, moved);
        }
        power = product(polynomial, bits, power, power);
        bytes >>= 1;
    }
    moved
}

fn product(polynomial: u64, bits: usize, left: u64, mut right: u64) -> u64 {
    let mut product = 0;
    for place in (0..bits).rev() {
        if left & (1 << place) != 0 {
            product ^= right;
        }
        right = if right & 1 == 1 { (right >> 1) ^ polynomial } else { right >> 1 };
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut summing = Summing::new(algorithm);
        summing.update(bytes);
        summing.finish()
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let whole: Vec<u8> =
            (0..100_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts: Vec<_> = [&whole[..1], &whole[1..70_001], &[], &whole[70_001..]]
                .map(|part| (of(algorithm, part), part.len() as u64))
                .into();
            let parts: Vec<_> =
                parts.iter().map(|(checksum, length)| (checksum, *length)).collect();
            assert_eq!(combine(algorithm, Kind::Full, &parts), Some(of(algorithm, &whole)));
        }
        assert_eq!(combine(Algorithm::Sha1, Kind::Full, &[]), None);
    }
}
