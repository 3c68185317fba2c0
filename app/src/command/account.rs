// SPDX-License-Identifier: Apache-2.0
//! `tinderbox account`: further accounts beside the server's own. Asks the server that runs.

use crate::arguments::AccountCommand;
use crate::config::Config;
use crate::control::{self, Answer, Request};
use crate::tenants::{RootKey, Tenant};
use crate::terminal;
use anyhow::bail;
use std::path::PathBuf;

pub(crate) fn run(config: &Config, command: &AccountCommand) -> anyhow::Result<()> {
    let request = match command {
        AccountCommand::Create { id, .. } => Request::CreateAccount(id.clone()),
        AccountCommand::List { .. } => Request::Accounts,
        AccountCommand::Remove { id, .. } => Request::RemoveAccount(id.clone()),
    };
    match control::ask(&config.server.data_dir, &request)? {
        Answer::RootKey(key) => keep(config, &key),
        Answer::Accounts(accounts) => show(&accounts),
        Answer::Count(_) => Ok(()),
        _ => bail!("the server answered something else"),
    }
}

/// Writes the key where AWS_SHARED_CREDENTIALS_FILE may point to, for this user alone.
fn keep(config: &Config, key: &RootKey) -> anyhow::Result<()> {
    let RootKey { account, access_key_id, secret_access_key } = key;
    let path: PathBuf = config.server.data_dir.join(format!("credentials-{account}"));
    let text = format!(
        "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"
    );
    secrets::write_private(&path, &text)?;
    terminal::note(format!("the key of its root is in {}", path.display()));
    Ok(terminal::line(account)?)
}

fn show(accounts: &[Tenant]) -> anyhow::Result<()> {
    let row = |tenant: &Tenant| {
        vec![
            tenant.account.clone(),
            tenant.alias.clone().unwrap_or_default(),
            tenant.users.to_string(),
            tenant.roles.to_string(),
            tenant.created.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
    Ok(terminal::table(&["ACCOUNT", "ALIAS", "USERS", "ROLES", "CREATED"], &rows)?)
}
