// SPDX-License-Identifier: Apache-2.0
//! Names that say nothing: of crates, modules and types.

use super::Finding;
use crate::lex::{Kind, tokens};
use crate::tree::Tree;

const RULE: &str = "names";
const MODULES: [&str; 9] =
    ["common", "util", "utils", "core", "helper", "helpers", "misc", "shared", "types"];
const ENDINGS: [&str; 9] =
    ["Manager", "Helper", "Util", "Data", "Info", "Impl", "Base", "Common", "Wrapper"];
/// Words that introduce a name of ours.
const INTRODUCTIONS: [&str; 5] = ["struct", "enum", "trait", "type", "union"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in super::rust(tree) {
        let parts = path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
        for part in parts {
            if MODULES.contains(&part) {
                findings.push(Finding::new(
                    RULE,
                    path,
                    0,
                    format!("`{part}` says nothing: name what it is for"),
                ));
            }
        }
        findings.extend(inline_modules(path, text));
        findings.extend(endings(path, text));
    }
    findings
}

fn inline_modules(path: &str, text: &str) -> Vec<Finding> {
    let tokens = tokens(text);
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs
        .filter(|(word, name)| word.is_word("mod") && MODULES.contains(&name.text))
        .map(|(_, name)| {
            Finding::new(
                RULE,
                path,
                name.line,
                format!("module `{}` says nothing: name what it is for", name.text),
            )
        })
        .collect()
}

fn endings(path: &str, text: &str) -> Vec<Finding> {
    let tokens = tokens(text);
    let mut findings = Vec::new();
    for (word, name) in tokens.iter().zip(tokens.iter().skip(1)) {
        let is_definition = word.kind == Kind::Word
            && INTRODUCTIONS.contains(&word.text)
            && name.kind == Kind::Word;
        if !is_definition {
            continue;
        }
        // An associated type of a foreign trait, such as `http_body::Body::Data`, is not ours to name.
        let is_associated = |ending: &str| word.is_word("type") && name.text == ending;
        let ending = ENDINGS.iter().find(|ending| name.text.ends_with(*ending));
        if let Some(ending) = ending.filter(|ending| !is_associated(ending)) {
            let text = format!("`{}` ends in {ending}, which names no job", name.text);
            findings.push(Finding::new(RULE, path, name.line, text));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::tree::tests::tree;
    use expect_test::{Expect, expect};

    fn check(path: &str, source: &str, expected: Expect) {
        let findings = super::check(&tree(&[(path, source)]));
        let texts: Vec<String> = findings.into_iter().map(|finding| finding.text).collect();
        expected.assert_eq(&texts.join("\n"));
    }

    #[test]
    fn names_with_a_job_pass() {
        check("crates/wire/src/query.rs", "mod codec; struct Pool; enum Phase {}", expect![[""]]);
    }

    #[test]
    fn a_file_or_folder_is_named_for_its_job() {
        check(
            "crates/common/src/lib.rs",
            "",
            expect!["`common` says nothing: name what it is for"],
        );
        check("crates/wire/src/utils.rs", "", expect!["`utils` says nothing: name what it is for"]);
    }

    #[test]
    fn an_inline_module_is_named_for_its_job() {
        check(
            "crates/wire/src/lib.rs",
            "mod helpers { } // mod util",
            expect!["module `helpers` says nothing: name what it is for"],
        );
    }

    #[test]
    fn a_type_is_named_for_its_job() {
        check(
            "crates/wire/src/lib.rs",
            "struct PoolManager; enum A { UserData } impl Body for B { type Data = Bytes; }",
            expect!["`PoolManager` ends in Manager, which names no job"],
        );
    }
}
