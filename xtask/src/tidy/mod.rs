// SPDX-License-Identifier: Apache-2.0
//! The rules of the tree. Each rule is a pure function from the tree to findings.
//!
//! Exceptions stand in `tidy.allow`, with a reason, and may only shrink: an entry that allows more than is found fails.

mod allow;
mod layers;
mod links;
mod logs;
mod names;
mod promises;
mod source;

use crate::pages;
use crate::tree::Tree;

/// One break of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    path: String,
    /// Counted from 1; 0 when the finding is about the whole file.
    line: usize,
    /// What an exception is measured in: lines for `length`, one for everything else.
    weight: usize,
    text: String,
}

impl Finding {
    fn new(rule: &'static str, path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { rule, path: path.to_owned(), line, weight: 1, text: text.into() }
    }
}

/// Every problem of `tree`, one line each.
pub(crate) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    findings.extend(layers::check(tree)?);
    findings.extend(names::check(tree));
    findings.extend(source::check(tree));
    findings.extend(logs::check(tree));
    findings.extend(links::check(tree));
    findings.extend(promises::check(tree));
    let stale = pages::stale(tree)?.into_iter();
    findings.extend(stale.map(|(path, _)| {
        Finding::new("stale", path, 0, "not as the sources say: cargo xtask docs")
    }));
    let entries = allow::parse(tree.get(allow::PATH).unwrap_or_default())?;
    Ok(allow::judge(&findings, &entries))
}

/// The crates' own sources, as path and text.
fn rust(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.texts().filter(|(path, _)| path.ends_with(".rs"))
}
