// SPDX-License-Identifier: Apache-2.0
//! What a source file must have and may not have.

use super::Finding;
use crate::lex::{Kind, Token, tokens};
use crate::tree::Tree;

const LENGTH_MAX: usize = 700;
const LICENCE: &str = "SPDX-License-Identifier: Apache-2.0";
/// Endings of files that carry the licence on their first line, or on the second after `#!`.
const LICENSED: [&str; 5] = [".rs", ".py", ".js", ".mjs", ".sh"];
/// Only this crate may contain `unsafe`.
const UNSAFE_HOME: &str = "crates/sys/";
/// Only this crate may name a storage back end.
const BACK_END_HOME: &str = "crates/store/";
const BACK_ENDS: [&str; 2] = ["rusqlite", "async_nats"];
// Spelt in two pieces, so that this file has no such note itself.
const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        if LICENSED.iter().any(|ending| path.ends_with(ending)) {
            findings.extend(licence(path, text));
            findings.extend(notes(path, text));
        }
    }
    for (path, text) in super::rust(tree) {
        let tokens = tokens(text);
        findings.extend(length(path, &tokens, text.lines().count()));
        findings.extend(opening(path, &tokens));
        findings.extend(places(path, &tokens));
    }
    findings
}

fn licence(path: &str, text: &str) -> Option<Finding> {
    let mut lines = text.lines().skip_while(|line| line.starts_with("#!"));
    let is_licensed = lines.next().is_some_and(|line| line.contains(LICENCE));
    (!is_licensed)
        .then(|| Finding::new("licence", path, 1, format!("the first line is not `{LICENCE}`")))
}

/// A note for later needs an issue, `(#12)`, or it is forgotten.
fn notes(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for note in NOTES {
            let Some((before, after)) = line.split_once(note) else { continue };
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let is_part_of_a_word = before.ends_with(is_word) || after.starts_with(is_word);
            let has_issue = after
                .strip_prefix("(#")
                .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
            if !is_part_of_a_word && !has_issue {
                findings.push(Finding::new(
                    "issue",
                    path,
                    index + 1,
                    format!("{note} without an issue: write {note}(#12)"),
                ));
            }
        }
    }
    findings
}

/// Inline tests do not count: they stand at the foot of the file.
fn length(path: &str, tokens: &[Token<'_>], lines: usize) -> Option<Finding> {
    let lines = inline_tests_line(tokens).map_or(lines, |line| line - 1);
    (lines > LENGTH_MAX).then(|| Finding {
        weight: lines,
        ..Finding::new(
            "length",
            path,
            0,
            format!("{lines} lines without tests, more than {LENGTH_MAX}"),
        )
    })
}

/// The line of the first `#[cfg(test)] mod`.
fn inline_tests_line(tokens: &[Token<'_>]) -> Option<usize> {
    let code: Vec<&Token<'_>> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let opening = ["#", "[", "cfg", "(", "test", ")", "]"];
    code.windows(opening.len() + 3).find_map(|window| {
        let (attribute, item) = window.split_at_checked(opening.len())?;
        let is_attribute = attribute.iter().zip(opening).all(|(token, text)| token.text == text);
        let is_module = item.iter().any(|token| token.is_word("mod"));
        let first = attribute.first()?;
        (is_attribute && is_module).then_some(first.line)
    })
}

fn opening(path: &str, tokens: &[Token<'_>]) -> Option<Finding> {
    let first =
        tokens.iter().find(|token| token.kind != Kind::Comment || token.text.starts_with("//!"));
    let is_described = first.is_some_and(|token| token.kind == Kind::Comment);
    (!is_described).then(|| {
        Finding::new("opening", path, 1, "the file does not open with `//!`: say what it is")
    })
}

fn places(path: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for token in tokens.iter().filter(|token| token.kind == Kind::Word) {
        if token.text == "unsafe" && !path.starts_with(UNSAFE_HOME) {
            findings.push(Finding::new(
                "unsafe",
                path,
                token.line,
                format!("unsafe code outside {UNSAFE_HOME}"),
            ));
        }
        if BACK_ENDS.contains(&token.text) && !path.starts_with(BACK_END_HOME) {
            let text =
                format!("`{}` outside {BACK_END_HOME}: use its keyspaces and blobs", token.text);
            findings.push(Finding::new("back-end", path, token.line, text));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;
    use expect_test::{Expect, expect};

    const HEAD: &str = "// SPDX-License-Identifier: Apache-2.0\n//! A module.\n";

    fn check(path: &str, source: &str, expected: Expect) {
        let findings = super::check(&tree(&[(path, source)]));
        let texts: Vec<String> = findings
            .into_iter()
            .map(|finding| format!("{} {}", finding.line, finding.text))
            .collect();
        expected.assert_eq(&texts.join("\n"));
    }

    #[test]
    fn a_good_file_passes() {
        check(
            "crates/a/src/lib.rs",
            &format!("{HEAD}fn a() {{ \"unsafe rusqlite\"; }} // unsafe"),
            expect![[""]],
        );
    }

    #[test]
    fn the_licence_comes_first() {
        check(
            "a.py",
            "import os\n",
            expect!["1 the first line is not `SPDX-License-Identifier: Apache-2.0`"],
        );
        check("a.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", expect![[""]]);
    }

    #[test]
    fn a_file_says_what_it_is() {
        check(
            "crates/a/src/lib.rs",
            "// SPDX-License-Identifier: Apache-2.0\nfn a() {}\n//! late",
            expect!["1 the file does not open with `//!`: say what it is"],
        );
    }

    #[test]
    fn notes_need_an_issue() {
        let [note, other] = NOTES;
        let notes = format!(
            "// {note}: later\n// {note}(#12): later\n// {note}NE {other}S\n// {other}(me)\n"
        );

        let findings = super::notes("a.rs", &notes);

        let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [1, 4]);
    }

    #[test]
    fn some_words_have_one_home() {
        check(
            "crates/a/src/lib.rs",
            &format!("{HEAD}unsafe {{}}\nuse rusqlite::Connection;"),
            expect![[r#"
                3 unsafe code outside crates/sys/
                4 `rusqlite` outside crates/store/: use its keyspaces and blobs"#]],
        );
        check("crates/sys/src/lib.rs", &format!("{HEAD}unsafe {{}}"), expect![[""]]);
        check(
            "crates/store/src/lib.rs",
            &format!("{HEAD}use rusqlite::Connection;"),
            expect![[""]],
        );
    }

    #[test]
    fn a_file_is_at_most_700_lines_without_its_tests() {
        let code = "fn a() {}\n".repeat(698);
        let tests = "#[cfg(test)]\nmod tests {}\n";
        check("crates/a/src/lib.rs", &format!("{HEAD}{code}{tests}"), expect![[""]]);
        check(
            "crates/a/src/lib.rs",
            &format!("{HEAD}{code}fn b() {{}}\n{tests}"),
            expect!["0 701 lines without tests, more than 700"],
        );
    }
}
