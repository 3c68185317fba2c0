// SPDX-License-Identifier: Apache-2.0
//! What a command prints: data on standard output, everything else on standard error.

use std::io::{self, Write};

/// Data. A reader that went away (`| head`) ends the program without a word.
pub(crate) fn line(text: impl AsRef<str>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    out.flush()
}

/// Anything else.
pub(crate) fn note(text: impl AsRef<str>) {
    // There is nobody left to tell if standard error is gone.
    drop(writeln!(io::stderr().lock(), "{}", text.as_ref()));
}

/// Rows under a head, in columns as wide as they must be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.len())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let write = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}", width = *width))
            .collect();
        line(padded.join("  ").trim_end())
    };
    write(head.to_vec())?;
    rows.iter().try_for_each(|row| write(row.iter().map(String::as_str).collect()))
}
