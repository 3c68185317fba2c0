// SPDX-License-Identifier: Apache-2.0
//! The ledger of what functions used: by day, account, function and version, on the disk.
//!
//! Start at `ledger.rs`. `totals.rs` is what is counted, `report.rs` puts rows together and is pure.
//!
//! Invariants:
//! - a row is the sum of what was recorded for it, each once, or less where the process was killed before it was written;
//! - a day is one of UTC.
//!
//! Not here: who counts (`meter`), what it costs.

mod ledger;
mod report;
mod totals;

pub use ledger::{Entry, Ledger, LedgerError, Options};
pub use report::{Column, Place, Row, group};
pub use totals::{Totals, gigabyte_seconds};
