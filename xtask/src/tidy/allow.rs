// SPDX-License-Identifier: Apache-2.0
//! The exceptions: `tidy.allow`.
//!
//! One entry a line: `RULE PATH COUNT REASON`. An entry allows findings of RULE in PATH up to a weight of COUNT.
//!
//! Invariant: an entry that allows more than is there is itself a problem, so the file can only shrink.

use super::Finding;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;

pub(super) const PATH: &str = "tidy.allow";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    rule: String,
    path: String,
    count: usize,
}

pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.splitn(4, ' ');
        let (Some(rule), Some(path), Some(count), Some(reason)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            bail!("{PATH}:{number}: an entry is `RULE PATH COUNT REASON`");
        };
        let count =
            count.parse().with_context(|| format!("{PATH}:{number}: `{count}` is not a count"))?;
        if reason.trim().is_empty() {
            bail!("{PATH}:{number}: an entry needs a reason");
        }
        if entries.iter().any(|entry| entry.rule == rule && entry.path == path) {
            bail!("{PATH}:{number}: `{rule} {path}` stands there twice");
        }
        entries.push(Entry { rule: rule.to_owned(), path: path.to_owned(), count });
    }
    Ok(entries)
}

/// The problems left when the exceptions are taken off, and the exceptions that are stale.
pub(super) fn judge(findings: &[Finding], entries: &[Entry]) -> Vec<String> {
    let mut weights: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for finding in findings {
        *weights.entry((finding.rule, &finding.path)).or_default() += finding.weight;
    }

    let allowed = |finding: &Finding| {
        let found = weights.get(&(finding.rule, finding.path.as_str()));
        let entry =
            entries.iter().find(|entry| entry.rule == finding.rule && entry.path == finding.path);
        matches!((found, entry), (Some(found), Some(entry)) if *found <= entry.count)
    };
    let mut problems: Vec<String> = findings
        .iter()
        .filter(|finding| !allowed(finding))
        .map(|finding| match finding.line {
            0 => format!("{}: {} [{}]", finding.path, finding.text, finding.rule),
            line => format!("{}:{line}: {} [{}]", finding.path, finding.text, finding.rule),
        })
        .collect();

    for entry in entries {
        let found = weights.get(&(entry.rule.as_str(), entry.path.as_str())).copied().unwrap_or(0);
        if found == 0 {
            problems.push(format!("{PATH}: `{} {}` is stale: remove it", entry.rule, entry.path));
        } else if found < entry.count {
            problems.push(format!(
                "{PATH}: `{} {}` allows {}, but {found} are left: lower it",
                entry.rule, entry.path, entry.count
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(allow: &str, expected: Expect) {
        let findings = [
            Finding { weight: 812, ..Finding::new("length", "a.rs", 0, "812 lines") },
            Finding::new("issue", "b.rs", 7, "a note without an issue"),
            Finding::new("issue", "b.rs", 9, "a note without an issue"),
        ];
        let problems = match parse(allow) {
            Ok(entries) => judge(&findings, &entries).join("\n"),
            Err(error) => format!("{error:#}"),
        };
        expected.assert_eq(&problems);
    }

    #[test]
    fn without_an_entry_everything_is_a_problem() {
        check(
            "# nothing\n",
            expect![[r#"
                a.rs: 812 lines [length]
                b.rs:7: a note without an issue [issue]
                b.rs:9: a note without an issue [issue]"#]],
        );
    }

    #[test]
    fn an_exact_entry_allows() {
        check("length a.rs 812 a table\nissue b.rs 2 old notes", expect![[""]]);
    }

    #[test]
    fn an_entry_does_not_cover_growth() {
        check(
            "length a.rs 800 a table\nissue b.rs 2 old notes",
            expect!["a.rs: 812 lines [length]"],
        );
    }

    #[test]
    fn an_entry_can_only_shrink() {
        check(
            "length a.rs 900 a table\nissue b.rs 2 old notes\nissue c.rs 1 gone",
            expect![[r#"
                tidy.allow: `length a.rs` allows 900, but 812 are left: lower it
                tidy.allow: `issue c.rs` is stale: remove it"#]],
        );
    }

    #[test]
    fn an_entry_needs_a_reason() {
        check("length a.rs 812", expect!["tidy.allow:1: an entry is `RULE PATH COUNT REASON`"]);
    }
}
