// SPDX-License-Identifier: Apache-2.0
//! Rows of the ledger, and their sums by what they have in common. Pure.

use crate::Totals;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What tells rows apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Column {
    Day,
    Account,
    Region,
    Function,
    Version,
}

/// Columns that were summed over are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// `2026-11-23`
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub day: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub account: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub region: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub function: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub totals: Totals,
}

impl Place {
    /// The key of its record: ordered by day.
    pub(crate) fn key(&self) -> String {
        let Self { day, account, region, function, version } = self;
        format!("{day}/{account}/{region}/{function}/{version}")
    }

    pub(crate) fn parse(key: &str) -> Option<Self> {
        let mut parts = key.splitn(5, '/').map(str::to_owned);
        Some(Self {
            day: parts.next()?,
            account: parts.next()?,
            region: parts.next()?,
            function: parts.next()?,
            version: parts.next()?,
        })
    }

    pub fn get(&self, column: Column) -> &str {
        match column {
            Column::Day => &self.day,
            Column::Account => &self.account,
            Column::Region => &self.region,
            Column::Function => &self.function,
            Column::Version => &self.version,
        }
    }

    fn only(&self, columns: &[Column]) -> Self {
        let keep = |column| match columns.contains(&column) {
            true => self.get(column).to_owned(),
            false => String::new(),
        };
        Self {
            day: keep(Column::Day),
            account: keep(Column::Account),
            region: keep(Column::Region),
            function: keep(Column::Function),
            version: keep(Column::Version),
        }
    }
}

/// The sums of rows that are alike in `columns`, in their order.
pub fn group(rows: impl IntoIterator<Item = Row>, columns: &[Column]) -> Vec<Row> {
    let mut sums = BTreeMap::<Place, Totals>::new();
    for Row { place, totals } in rows {
        sums.entry(place.only(columns)).or_default().add(&totals);
    }
    sums.into_iter().map(|(place, totals)| Row { place, totals }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, billed_ms: u64) -> Row {
        let place = Place::parse(key).unwrap();
        assert_eq!(place.key(), key);
        Row { place, totals: Totals { requests: 1, billed_ms, ..Totals::default() } }
    }

    fn summed(columns: &[Column]) -> Vec<(String, u64)> {
        let rows = [
            row("2026-11-22/1/r/f/1", 1),
            row("2026-11-22/1/r/f/$LATEST", 2),
            row("2026-11-23/1/r/f/1", 4),
            row("2026-11-23/1/r/g/1", 8),
        ];
        let rows = group(rows, columns);
        rows.iter().map(|row| (row.place.key(), row.totals.billed_ms)).collect()
    }

    #[test]
    fn rows_are_summed_over_the_columns_that_are_left_out() {
        assert_eq!(summed(&[]), [("////".to_owned(), 15)]);
        let by_function = summed(&[Column::Account, Column::Region, Column::Function]);
        assert_eq!(by_function, [("/1/r/f/".to_owned(), 7), ("/1/r/g/".to_owned(), 8)]);
        let by_day = summed(&[Column::Day]);
        assert_eq!(by_day, [("2026-11-22////".to_owned(), 3), ("2026-11-23////".to_owned(), 12)]);
    }
}
