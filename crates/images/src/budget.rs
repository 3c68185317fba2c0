// SPDX-License-Identifier: Apache-2.0
//! What one image may cost, counted down by all threads that unpack it.

use crate::error::ImageError;
use crate::options::Options;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes of all names in one image. A name costs next to nothing in a layer and a lot of memory here.
const NAME_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug)]
pub(crate) struct Budget {
    bytes: Purse,
    entries: Purse,
    names: Purse,
}

#[derive(Debug)]
struct Purse {
    what: &'static str,
    max: u64,
    spent: AtomicU64,
}

impl Purse {
    const fn new(what: &'static str, max: u64) -> Self {
        Self { what, max, spent: AtomicU64::new(0) }
    }

    fn spend(&self, amount: u64) -> Result<(), ImageError> {
        let spent = self.spent.fetch_add(amount, Ordering::Relaxed).saturating_add(amount);
        if spent > self.max {
            return Err(ImageError::TooLarge { what: self.what, max: self.max });
        }
        Ok(())
    }
}

impl Budget {
    pub(crate) const fn new(options: &Options) -> Self {
        Self {
            bytes: Purse::new("bytes unpacked", options.image_bytes_max),
            entries: Purse::new("files", options.image_entries_max),
            names: Purse::new("bytes of file names", NAME_BYTES_MAX),
        }
    }

    pub(crate) fn bytes(&self, amount: u64) -> Result<(), ImageError> {
        self.bytes.spend(amount)
    }

    pub(crate) fn entry(&self, name_bytes: usize) -> Result<(), ImageError> {
        self.entries.spend(1)?;
        self.names.spend(name_bytes as u64)
    }

    pub(crate) fn entries(&self, amount: u64) -> Result<(), ImageError> {
        self.entries.spend(amount)
    }
}
