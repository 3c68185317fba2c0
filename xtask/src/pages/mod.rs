// SPDX-License-Identifier: Apache-2.0
//! Pages of `docs/` that are written from the sources: `cargo xtask docs` writes them, tidy says when they are stale.
//!
//! A page is hand-written text with one generated part, between two marks.

mod coverage;
mod metrics;
mod options;

use crate::tree::Tree;
use anyhow::Context as _;

const BEGIN: &str = "<!-- begin: written by `cargo xtask docs` -->";
const END: &str = "<!-- end -->";

/// A page and what its generated part must be.
struct Page {
    path: &'static str,
    part: String,
}

fn pages(tree: &Tree) -> [Page; 4] {
    let of_lambda = coverage::write_one(&api::lambda::SPEC, &api::model::MEANT);
    [
        Page { path: "docs/coverage.md", part: coverage::write(&api::model::MODELS) },
        Page { path: "docs/coverage/lambda.md", part: of_lambda },
        Page { path: "docs/configuration.md", part: options::write(tree) },
        Page { path: "docs/metrics.md", part: metrics::write(::metrics::CATALOGUE) },
    ]
}

/// The pages that are not as the sources say: path, and what they must be.
pub(crate) fn stale(tree: &Tree) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut stale = Vec::new();
    for page in pages(tree) {
        let text = tree.get(page.path).with_context(|| format!("there is no {}", page.path))?;
        let wanted = replace(text, &page.part)
            .with_context(|| format!("{} lacks the marks `{BEGIN}` and `{END}`", page.path))?;
        if wanted != text {
            stale.push((page.path, wanted));
        }
    }
    Ok(stale)
}

fn replace(text: &str, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", part.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_written() {
        let text = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");

        let written = replace(&text, "new\n").expect("the marks are there");

        assert_eq!(written, format!("above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"));
        assert_eq!(replace(&written, "new"), Some(written.clone()));
        assert_eq!(replace("no marks", "new"), None);
    }
}
