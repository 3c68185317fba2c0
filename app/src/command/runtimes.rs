// SPDX-License-Identifier: Apache-2.0
//! `tinderbox runtimes`: which managed runtimes this machine has, and the SDKs inside them.

use crate::arguments::SdkKind;
use crate::config::Config;
use crate::terminal;
use anyhow::Context;
use worker::runtimes::Runtimes;
use worker::runtimes::sdk::{self, Outcome, Sdk};

pub(crate) fn list(config: &Config) -> anyhow::Result<()> {
    let runtimes = open(config)?;
    let rows: Vec<Vec<String>> = runtimes
        .list()
        .into_iter()
        .map(|listing| vec![listing.identifier.to_string(), listing.state, listing.place])
        .collect();
    terminal::table(&["RUNTIME", "STATE", "WHERE OR HOW"], &rows)?;
    Ok(())
}

pub(crate) fn install_sdk(config: &Config, kinds: &[SdkKind]) -> anyhow::Result<()> {
    let runtimes = open(config)?;
    for kind in kinds {
        let sdk = match kind {
            SdkKind::Python => Sdk::Python,
            SdkKind::Nodejs => Sdk::Nodejs,
        };
        let outcome = sdk::install(&runtimes, sdk, &mut |step| terminal::note(step))?;
        terminal::line(match outcome {
            Outcome::Installed => format!("{kind:?}: installed"),
            Outcome::WasInstalled => format!("{kind:?}: was installed already"),
        })?;
    }
    Ok(())
}

fn open(config: &Config) -> anyhow::Result<Runtimes> {
    Runtimes::prepare(&config.runtimes, &config.server.data_dir)
        .context("cannot prepare the runtimes")
}
