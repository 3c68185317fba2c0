// SPDX-License-Identifier: Apache-2.0
//! The two cyclic checksums that no crate of ours has, eight bytes at a time.

/// `TABLES[n][b]`: what the byte `b` does to the sum when `n` more bytes follow.
struct Tables([[u64; 256]; 8]);

/// A checksum whose bits come lowest first.
pub(crate) struct Crc {
    tables: &'static Tables,
    mask: u64,
    sum: u64,
}

static CRC32C: Tables = Tables::of(0x82F6_3B78);
static CRC64_NVME: Tables = Tables::of(0x9A6C_9329_AC4B_C9B5);

impl Tables {
    #[expect(
        clippy::indexing_slicing,
        reason = "runs while it is compiled: a wrong index stops the build"
    )]
    const fn of(polynomial: u64) -> Self {
        let mut tables = [[0; 256]; 8];
        let mut byte = 0;
        while byte < 256 {
            let mut sum = byte as u64;
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ polynomial } else { sum >> 1 };
                bit += 1;
            }
            tables[0][byte] = sum;
            byte += 1;
        }
        let mut table = 1;
        while table < 8 {
            let mut byte = 0;
            while byte < 256 {
                let before = tables[table - 1][byte];
                tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
                byte += 1;
            }
            table += 1;
        }
        Self(tables)
    }

    #[expect(clippy::indexing_slicing, reason = "a byte is below 256, and there are eight tables")]
    const fn at(&self, table: usize, byte: u64) -> u64 {
        self.0[table][(byte & 0xFF) as usize]
    }
}

impl Crc {
    pub(crate) const fn of_32c() -> Self {
        Self { tables: &CRC32C, mask: 0xFFFF_FFFF, sum: 0xFFFF_FFFF }
    }

    pub(crate) const fn of_64_nvme() -> Self {
        Self { tables: &CRC64_NVME, mask: u64::MAX, sum: u64::MAX }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        let tables = self.tables;
        let mut sum = self.sum;
        for eight in eights {
            let word = u64::from_le_bytes(*eight) ^ sum;
            sum = tables.at(7, word)
                ^ tables.at(6, word >> 8)
                ^ tables.at(5, word >> 16)
                ^ tables.at(4, word >> 24)
                ^ tables.at(3, word >> 32)
                ^ tables.at(2, word >> 40)
                ^ tables.at(1, word >> 48)
                ^ tables.at(0, word >> 56);
        }
        for byte in rest {
            sum = (sum >> 8) ^ tables.at(0, sum ^ u64::from(*byte));
        }
        self.sum = sum;
    }

    pub(crate) const fn value(&self) -> u64 {
        self.sum ^ self.mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_the_digits_are_those_of_the_catalogue() {
        for step in [1, 3, 8, 9] {
            let (mut short, mut long) = (Crc::of_32c(), Crc::of_64_nvme());
            for piece in b"123456789".chunks(step) {
                short.update(piece);
                long.update(piece);
            }
            assert_eq!(short.value(), 0xE306_9283);
            assert_eq!(long.value(), 0xAE8B_1486_0A79_9888);
        }
    }
}
