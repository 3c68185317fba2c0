// SPDX-License-Identifier: Apache-2.0
//! Links in the Markdown pages: each must lead to a file of the tree, and to a heading that is there.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "links";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        for (line, target) in links(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if let Some(problem) = judge(tree, path, text, target) {
                findings.push(Finding::new(RULE, path, line, problem));
            }
        }
    }
    findings
}

fn judge(tree: &Tree, path: &str, text: &str, target: &str) -> Option<String> {
    let (file, anchor) =
        target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let page = if file.is_empty() {
        text
    } else {
        let Some(resolved) = resolve(path, file).filter(|resolved| tree.has(resolved)) else {
            return Some(format!("`{target}` leads nowhere"));
        };
        tree.get(&resolved).unwrap_or_default()
    };
    let anchor = anchor?;
    let has_heading = headings(page).any(|heading| heading == anchor);
    (!has_heading).then(|| format!("`{target}` leads to no heading"))
}

/// `target`, as written in the file `from`, relative to the root. `None` when it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// Lines that are not inside a code fence, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            return None;
        }
        (!is_fenced).then_some((index + 1, line))
    })
}

/// The target of each `[text](target)`.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            found.push((number, target.trim()));
            rest = after;
        }
    }
    found
}

/// Headings, spelt as the anchors that they make.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter_map(|(_, line)| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
        let letters = heading.trim().chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            other => other.is_alphanumeric().then(|| other.to_ascii_lowercase()),
        });
        Some(letters.collect())
    })
}

#[cfg(test)]
mod tests {
    use crate::tree::tests::tree;
    use expect_test::{Expect, expect};

    fn check(page: &str, expected: Expect) {
        let files =
            [("docs/page.md", page), ("docs/other.md", "# One: two `three`\n"), ("README.md", "")];
        let findings = super::check(&tree(&files));
        let texts: Vec<String> = findings
            .into_iter()
            .map(|finding| format!("{} {}", finding.line, finding.text))
            .collect();
        expected.assert_eq(&texts.join("\n"));
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        check(
            "# Top\n[a](other.md) [b](../README.md) [c](#top) [d](other.md#one-two-three) [e](https://x.test/y) [f](..)",
            expect![[""]],
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        check(
            "[a](gone.md)\n[b](#gone) [c](other.md#two) [d](../../README.md)",
            expect![[r#"
                1 `gone.md` leads nowhere
                2 `#gone` leads to no heading
                2 `other.md#two` leads to no heading
                2 `../../README.md` leads nowhere"#]],
        );
    }

    #[test]
    fn code_is_not_prose() {
        check("```text\n[a](gone.md)\n```\n", expect![[""]]);
    }
}
