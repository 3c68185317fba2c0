// SPDX-License-Identifier: Apache-2.0
//! The declarations of `crates/api` held against AWS's published models, which come with the `botocore` package.
//!
//! The Python of the tests has the package; `tests/prepare.sh` installs it.

use anyhow::{Context as _, bail};
use std::path::Path;
use std::process::Command;

const PYTHON: &str = ".venv/bin/python";
/// Prints the model of the service that the argument names.
const SCRIPT: &str = "import json, sys; from botocore.loaders import Loader; \
                      json.dump(Loader().load_service_model(sys.argv[1], 'service-2'), sys.stdout)";

/// What differs, as `service: operation.member: what`, and how many operations were compared.
pub(crate) fn check(root: &Path) -> anyhow::Result<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut count = 0;
    for (name, spec) in api::model::MODELS {
        let model = model(root, name)?;
        count += spec.operations.len();
        let differences = api::model::differences(spec, &model);
        found.extend(differences.into_iter().map(|difference| format!("{name}: {difference}")));
    }
    Ok((found, count))
}

fn model(root: &Path, service: &str) -> anyhow::Result<serde_json::Value> {
    let python = root.join(PYTHON);
    let output = Command::new(&python)
        .args(["-c", SCRIPT, service])
        .output()
        .with_context(|| format!("failed to run {} (hint: make prepare)", python.display()))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("no model of {service}: {}", reason.lines().last().unwrap_or_default());
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("the model of {service}"))
}
