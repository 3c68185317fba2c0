// SPDX-License-Identifier: Apache-2.0
//! SPECIFICATION.md: each test and each file that it names is there.

use super::Finding;
use crate::tree::Tree;

const RULE: &str = "promises";
const PAGE: &str = "SPECIFICATION.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let page = tree.get(PAGE).unwrap_or_default();
    let mut findings = Vec::new();
    for (index, line) in page.lines().enumerate() {
        // Every second piece stands between two backticks.
        for name in line.split('`').skip(1).step_by(2) {
            let is_there = if name.starts_with("test_") {
                is_defined(tree, name)
            } else if name.contains('/') && !name.starts_with('/') {
                tree.has(name)
            } else {
                continue;
            };
            if !is_there {
                findings.push(Finding::new(RULE, PAGE, index + 1, format!("there is no `{name}`")));
            }
        }
    }
    findings
}

fn is_defined(tree: &Tree, test: &str) -> bool {
    let definition = format!("def {test}(");
    tree.texts().any(|(path, text)| path.ends_with(".py") && text.contains(&definition))
}

#[cfg(test)]
mod tests {
    use crate::tree::tests::tree;

    #[test]
    fn what_is_named_must_be_there() {
        let page = "| `kill -9` | `tests/e2e/test_a.py`, `test_one` |\n| `/tmp` | `test_two`, `tests/gone` |\n";
        let files =
            [("SPECIFICATION.md", page), ("tests/e2e/test_a.py", "def test_one(platform):\n")];

        let findings = super::check(&tree(&files));

        let found: Vec<_> =
            findings.iter().map(|finding| (finding.line, finding.text.as_str())).collect();
        assert_eq!(found, [(2, "there is no `test_two`"), (2, "there is no `tests/gone`")]);
    }
}
