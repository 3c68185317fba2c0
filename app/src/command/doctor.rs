// SPDX-License-Identifier: Apache-2.0
//! `tinderbox doctor`: what this machine can do, and what would make it do more.

use crate::terminal;

pub(crate) fn run() -> anyhow::Result<()> {
    let capabilities = sandbox::probe()?;
    let rows: Vec<Vec<String>> = capabilities
        .iter()
        .map(|capability| {
            let state = if capability.is_found { "found" } else { "missing" };
            vec![state.to_owned(), capability.name.to_string(), capability.gives.to_string()]
        })
        .collect();
    terminal::table(&["STATE", "CAPABILITY", "GIVES"], &rows)?;
    let missing: Vec<_> = capabilities.iter().filter(|capability| !capability.is_found).collect();
    if !missing.is_empty() {
        terminal::line("\nTo get what is missing:")?;
    }
    for capability in missing {
        if let Some(remedy) = &capability.remedy {
            terminal::line(format!("  {}: {remedy}", capability.name))?;
        }
    }
    Ok(())
}
