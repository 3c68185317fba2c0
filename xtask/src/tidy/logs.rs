// SPDX-License-Identifier: Apache-2.0
//! Log messages: a constant lower-case phrase without a full stop; whatever varies is a field.

use super::Finding;
use crate::lex::{Kind, Token, tokens};
use crate::tree::Tree;

const RULE: &str = "logs";
const MACROS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in super::rust(tree) {
        let code: Vec<Token<'_>> =
            tokens(text).into_iter().filter(|token| token.kind != Kind::Comment).collect();
        for (index, window) in code.windows(3).enumerate() {
            let [name, bang, open] = window else { continue };
            let is_call = name.kind == Kind::Word
                && MACROS.contains(&name.text)
                && bang.is_mark("!")
                && open.is_mark("(");
            if !is_call {
                continue;
            }
            let arguments = code.get(index + 3..).unwrap_or_default();
            if let Err(problem) = judge(message(arguments)) {
                findings.push(Finding::new(RULE, path, name.line, problem));
            }
        }
    }
    findings
}

/// The text among the macro's arguments that is not the value of a field.
fn message<'a>(arguments: &[Token<'a>]) -> Option<&'a str> {
    let mut depth = 0_usize;
    let mut is_value = false;
    for token in arguments {
        match token.kind {
            Kind::Mark if matches!(token.text, "(" | "[" | "{") => depth += 1,
            Kind::Mark if matches!(token.text, ")" | "]" | "}") => depth = depth.checked_sub(1)?,
            Kind::Mark if depth == 0 && matches!(token.text, "=" | ":") => is_value = true,
            Kind::Mark if depth == 0 && token.text == "," => is_value = false,
            Kind::Text if depth == 0 && !is_value => return Some(token.text),
            Kind::Mark | Kind::Text | Kind::Word | Kind::Comment => {}
        }
    }
    None
}

fn judge(message: Option<&str>) -> Result<(), String> {
    let Some(message) = message else {
        return Err("a log line without a message: add a constant phrase".to_owned());
    };
    let first_word = message.split(' ').next().unwrap_or_default();
    // Names such as `HTTP` or `SigV4` keep their capitals.
    let is_capitalised = first_word.starts_with(|letter: char| letter.is_uppercase())
        && !first_word.chars().skip(1).any(|letter| letter.is_uppercase());
    if message.contains(['{', '}']) {
        return Err(format!("the message \"{message}\" varies: make what varies a field"));
    }
    if is_capitalised {
        return Err(format!("the message \"{message}\" starts with a capital"));
    }
    if message.is_empty() || message.ends_with(['.', '!', ':']) {
        return Err(format!("the message \"{message}\" is not a bare phrase"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::tree::tests::tree;
    use expect_test::{Expect, expect};

    fn check(source: &str, expected: Expect) {
        let findings = super::check(&tree(&[("crates/a/src/lib.rs", source)]));
        let texts: Vec<String> = findings
            .into_iter()
            .map(|finding| format!("{} {}", finding.line, finding.text))
            .collect();
        expected.assert_eq(&texts.join("\n"));
    }

    #[test]
    fn constant_phrases_pass() {
        check(
            "tracing::info!(request_id, name = \"Not This.\", n = f(\"X.\"), \"invocation ended\");",
            expect![[""]],
        );
        check("warn!(error = %chain(&error), \"SQLite is slow\")", expect![[""]]);
        check("// info!(\"Bad.\")", expect![[""]]);
    }

    #[test]
    fn what_varies_is_a_field() {
        check(
            "\ninfo!(\"started {name}\");",
            expect![[r#"2 the message "started {name}" varies: make what varies a field"#]],
        );
    }

    #[test]
    fn a_phrase_is_bare() {
        check(
            "info!(\"Started\"); info!(\"started.\");",
            expect![[r#"
                1 the message "Started" starts with a capital
                1 the message "started." is not a bare phrase"#]],
        );
    }

    #[test]
    fn a_line_has_a_message() {
        check(
            "debug!(request_id);",
            expect!["1 a log line without a message: add a constant phrase"],
        );
    }
}
