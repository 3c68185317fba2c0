// SPDX-License-Identifier: Apache-2.0
//! Automation of this repository: `cargo xtask tidy` checks the rules that the compiler and clippy can not.

mod lex;
mod pages;
mod shapes;
mod tidy;
mod tree;

use anyhow::{Context as _, bail};
use std::io::Write as _;
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  docs    write the generated parts of docs/ from the sources
  shapes  compare the declared operations with AWS's models, which the tests' Python has
  tidy    check layers, names, licences, links and the other rules of the tree
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    if let Some(extra) = arguments.next() {
        bail!("unexpected argument `{extra}`\n\n{HELP}");
    }
    match command.as_deref() {
        Some("tidy") => run_tidy(),
        Some("docs") => run_docs(),
        Some("shapes") => run_shapes(),
        Some("help" | "--help" | "-h") => {
            say(HELP);
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("unknown command `{other}`\n\n{HELP}"),
        None => bail!("no command given\n\n{HELP}"),
    }
}

fn run_tidy() -> anyhow::Result<ExitCode> {
    let tree = tree::Tree::read().context("failed to read the tree")?;
    let problems = tidy::check(&tree)?;
    if problems.is_empty() {
        say(&format!("tidy: {} files, no findings", tree.files.len()));
        return Ok(ExitCode::SUCCESS);
    }
    for problem in &problems {
        say(problem);
    }
    say(&format!("\ntidy: {} findings", problems.len()));
    Ok(ExitCode::FAILURE)
}

fn run_docs() -> anyhow::Result<ExitCode> {
    let tree = tree::Tree::read().context("failed to read the tree")?;
    for (path, text) in pages::stale(&tree)? {
        std::fs::write(tree.root.join(path), text)
            .with_context(|| format!("failed to write {path}"))?;
        say(&format!("docs: wrote {path}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn run_shapes() -> anyhow::Result<ExitCode> {
    let tree = tree::Tree::read().context("failed to read the tree")?;
    let (differences, operations) = shapes::check(&tree.root)?;
    for difference in &differences {
        say(difference);
    }
    say(&format!("shapes: {operations} operations, {} differences", differences.len()));
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The one place that prints. A closed terminal is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}
