// SPDX-License-Identifier: Apache-2.0
//! Which operations are built, read from the traits of `crates/api`: an `async fn` is built, a `fn` is declared only.

use crate::lex::{Kind, Token, tokens};
use crate::tree::Tree;
use std::fmt::Write as _;

const HOME: &str = "crates/api/src/";

struct Service {
    name: String,
    operations: Vec<Operation>,
}

struct Operation {
    name: String,
    is_built: bool,
}

pub(super) fn write(tree: &Tree) -> String {
    let sources = tree.texts().filter(|(path, _)| path.starts_with(HOME) && path.ends_with(".rs"));
    let mut page = String::new();
    for service in sources.filter_map(|(_, text)| read(&tokens(text))) {
        let (built, declared): (Vec<_>, Vec<_>) =
            service.operations.into_iter().partition(|operation| operation.is_built);
        let total = built.len() + declared.len();
        let list = |operations: Vec<Operation>| {
            let mut names: Vec<String> =
                operations.into_iter().map(|operation| operation.name).collect();
            names.sort();
            format!("`{}`", names.join("`, `"))
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "## {}\n\n**Built, {} of {total}:** {}.\n",
            service.name,
            built.len(),
            list(built)
        );
        if !declared.is_empty() {
            let _ = writeln!(page, "**Declared only:** {}.\n", list(declared));
        }
    }
    page
}

/// The trait below `#[service(...)]`.
fn read(tokens: &[Token<'_>]) -> Option<Service> {
    let code: Vec<&Token<'_>> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let attribute = code.windows(3).position(|window| {
        matches!(window, [hash, open, word] if hash.is_mark("#") && open.is_mark("[") && word.is_word("service"))
    })?;
    let code = code.get(attribute..)?;
    let name_at = code.iter().position(|token| token.is_word("trait"))? + 1;
    let name = code.get(name_at)?.text.to_owned();

    let mut operations = Vec::new();
    let mut renamed = None;
    for window in code.get(name_at..)?.windows(3) {
        let [first, second, third] = window else { continue };
        if first.is_word("name") && second.is_mark("=") && third.kind == Kind::Text {
            renamed = Some(third.text.to_owned());
        }
        if second.is_word("fn") {
            let name = renamed.take().unwrap_or_else(|| camel_case(third.text));
            operations.push(Operation { name, is_built: first.is_word("async") });
        }
        // The trait ends where its next neighbour begins.
        if first.is_mark("}") && second.is_mark("#") {
            break;
        }
    }
    Some(Service { name, operations })
}

fn camel_case(snake: &str) -> String {
    let mut camel = String::new();
    for word in snake.split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use crate::tree::tests::tree;
    use expect_test::expect;

    #[test]
    fn async_is_built_and_the_rest_is_declared() {
        let source = r#"
            use wire::service;
            #[service(query, signing = "sts")]
            pub trait Sts: Send {
                /// Who.
                async fn get_caller_identity(&self, cx: &Context) -> Result<()>;
                #[operation(declared_only, name = "AssumeRoleWithSAML")]
                fn assume_role_with_saml();
                fn assume_role();
            }
            #[derive(Debug)]
            pub struct Out {}
            fn other() {}
        "#;
        let page = super::write(&tree(&[
            ("crates/api/src/sts.rs", source),
            ("crates/api/src/lib.rs", "mod sts;"),
        ]));
        expect![[r#"
            ## Sts

            **Built, 1 of 3:** `GetCallerIdentity`.

            **Declared only:** `AssumeRole`, `AssumeRoleWithSAML`.

        "#]]
        .assert_eq(&page);
    }
}
