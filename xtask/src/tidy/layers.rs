// SPDX-License-Identifier: Apache-2.0
//! Layers: a crate depends only on crates of a lower layer, and a service never on a service.

use super::Finding;
use crate::tree::Tree;
use anyhow::Context as _;
use std::collections::BTreeMap;
use toml::Table;

const RULE: &str = "layers";
const ARCHITECTURE: &str = "ARCHITECTURE.md";

#[derive(Debug)]
struct Crate<'a> {
    /// `crates/wire`
    folder: &'a str,
    manifest: &'a str,
    layer: Option<i64>,
    /// Names in every dependency table, with whether each takes its version from the workspace.
    dependencies: Vec<(String, bool)>,
    has_lints: bool,
}

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<Finding>> {
    let mut crates = BTreeMap::new();
    for (path, text) in tree.texts() {
        let Some(folder) = path.strip_suffix("/Cargo.toml") else { continue };
        let table: Table =
            toml::from_str(text).with_context(|| format!("failed to parse {path}"))?;
        // A folder with a workspace of its own (an example, a bench) is not part of this one.
        if table.contains_key("workspace") {
            continue;
        }
        if let Some((name, found)) = read(folder, path, &table) {
            crates.insert(name, found);
        }
    }

    let mut findings = Vec::new();
    for (name, found) in &crates {
        findings.extend(judge(name, found, &crates));
    }
    findings.extend(unmentioned(tree, &crates));
    Ok(findings)
}

fn read<'a>(folder: &'a str, manifest: &'a str, table: &Table) -> Option<(String, Crate<'a>)> {
    let package = table.get("package")?.as_table()?;
    let name = package.get("name")?.as_str()?.to_owned();
    let layer = package
        .get("metadata")
        .and_then(|metadata| metadata.get("tinderbox")?.get("layer")?.as_integer());
    let mut dependencies = Vec::new();
    let targets = table.get("target").and_then(|targets| targets.as_table());
    let tables = std::iter::once(table).chain(
        targets
            .into_iter()
            .flat_map(|targets| targets.values().filter_map(|target| target.as_table())),
    );
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(listed) = table.get(kind).and_then(|listed| listed.as_table()) else {
                continue;
            };
            for (dependency, value) in listed {
                let is_from_workspace =
                    value.get("workspace").and_then(|value| value.as_bool()).unwrap_or(false);
                dependencies.push((dependency.clone(), is_from_workspace));
            }
        }
    }
    let found =
        Crate { folder, manifest, layer, dependencies, has_lints: table.contains_key("lints") };
    Some((name, found))
}

fn judge(name: &str, found: &Crate<'_>, crates: &BTreeMap<String, Crate<'_>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut push = |text: String| findings.push(Finding::new(RULE, found.manifest, 0, text));

    if !found.has_lints {
        push(format!("`{name}` takes no lints: add `[lints] workspace = true`"));
    }
    let Some(layer) = found.layer else {
        push(format!("`{name}` has no layer: add `[package.metadata.tinderbox] layer = N`"));
        return findings;
    };
    for (dependency, is_from_workspace) in &found.dependencies {
        if !is_from_workspace {
            push(format!(
                "`{dependency}` is not taken from the workspace: write `{dependency}.workspace = true`"
            ));
        }
        let Some(other) = crates.get(dependency) else { continue };
        if found.folder.starts_with("services/") && other.folder.starts_with("services/") {
            push(format!(
                "service `{name}` depends on service `{dependency}`: call its operations through `api`"
            ));
        }
        if let Some(lower) = other.layer
            && lower >= layer
        {
            push(format!("`{name}` (layer {layer}) depends on `{dependency}` (layer {lower})"));
        }
    }
    findings
}

fn unmentioned(tree: &Tree, crates: &BTreeMap<String, Crate<'_>>) -> Vec<Finding> {
    let page = tree.get(ARCHITECTURE).unwrap_or_default();
    crates
        .values()
        .filter(|found| !page.contains(&format!("`{}`", found.folder)))
        .map(|found| {
            Finding::new("map", ARCHITECTURE, 0, format!("the code map lacks `{}`", found.folder))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;
    use expect_test::{Expect, expect};

    fn manifest(name: &str, layer: u8, dependencies: &str) -> String {
        format!(
            "[package]\nname = \"{name}\"\n[package.metadata.tinderbox]\nlayer = {layer}\n\
             [lints]\nworkspace = true\n[dependencies]\n{dependencies}\n"
        )
    }

    fn check(lambda: &str, expected: Expect) {
        let files = [
            ("ARCHITECTURE.md", "`crates/wire` `services/lambda` `services/sts`".to_owned()),
            ("crates/wire/Cargo.toml", manifest("wire", 1, "serde.workspace = true")),
            ("services/lambda/Cargo.toml", lambda.to_owned()),
            ("services/sts/Cargo.toml", manifest("sts", 4, "wire.workspace = true")),
        ];
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let findings = super::check(&tree(&files)).expect("the manifests are well formed");
        let texts: Vec<String> = findings.into_iter().map(|finding| finding.text).collect();
        expected.assert_eq(&texts.join("\n"));
    }

    #[test]
    fn a_lower_layer_is_fine() {
        check(&manifest("lambda", 4, "wire.workspace = true"), expect![[""]]);
    }

    #[test]
    fn a_higher_or_equal_layer_is_not() {
        check(
            &manifest("lambda", 1, "wire.workspace = true"),
            expect!["`lambda` (layer 1) depends on `wire` (layer 1)"],
        );
    }

    #[test]
    fn services_do_not_know_each_other() {
        check(
            &manifest("lambda", 5, "[target.'cfg(unix)'.dependencies]\nsts.workspace = true"),
            expect!["service `lambda` depends on service `sts`: call its operations through `api`"],
        );
    }

    #[test]
    fn versions_stand_in_one_place() {
        check(
            &manifest("lambda", 4, "serde = \"1\""),
            expect!["`serde` is not taken from the workspace: write `serde.workspace = true`"],
        );
    }

    #[test]
    fn a_crate_is_complete() {
        check(
            "[package]\nname = \"other\"\n",
            expect![[r#"
                `other` takes no lints: add `[lints] workspace = true`
                `other` has no layer: add `[package.metadata.tinderbox] layer = N`"#]],
        );
    }

    #[test]
    fn the_map_names_every_crate() {
        let findings = super::check(&tree(&[("crates/wire/Cargo.toml", &manifest("wire", 1, ""))]));

        let findings = findings.expect("the manifest is well formed");
        assert_eq!(
            findings,
            [Finding::new("map", "ARCHITECTURE.md", 0, "the code map lacks `crates/wire`")]
        );
    }
}
