// SPDX-License-Identifier: Apache-2.0
//! How groups and streams are named: by name, by ARN, and by the ARN that ends with `:*`.

use crate::error;
use api::logs::fault;
use log_store::GroupKey;
use names::{AccountId, Region};
use wire::{Context, Result};

/// `arn:aws:logs:us-east-1:000000000000:log-group:NAME`
pub(crate) fn group_arn(key: &GroupKey) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{}", key.region.as_str(), key.account, key.name)
}

pub(crate) fn stream_arn(key: &GroupKey, stream: &str) -> String {
    format!("{}:log-stream:{stream}", group_arn(key))
}

pub(crate) fn key(cx: &Context, name: impl Into<String>) -> GroupKey {
    GroupKey { account: cx.account.clone(), region: cx.region.clone(), name: name.into() }
}

/// The group of a request that may say it in two ways.
pub(crate) fn of_request(
    cx: &Context,
    name: Option<&str>,
    identifier: Option<&str>,
) -> Result<GroupKey> {
    match (name, identifier) {
        (Some(name), None) => Ok(key(cx, name)),
        (None, Some(identifier)) => of_identifier(cx, identifier),
        // AWS's words were not checked.
        (Some(_), Some(_)) => Err(fault::invalid_parameter(
            "Only one of logGroupName and logGroupIdentifier can be given.",
        )),
        (None, None) => Err(fault::invalid_parameter(
            "One of logGroupName and logGroupIdentifier must be given.",
        )),
    }
}

/// A name or an ARN.
pub(crate) fn of_identifier(cx: &Context, identifier: &str) -> Result<GroupKey> {
    if identifier.starts_with("arn:") { of_arn(cx, identifier) } else { Ok(key(cx, identifier)) }
}

/// Groups of other accounts are not seen.
pub(crate) fn of_arn(cx: &Context, arn: &str) -> Result<GroupKey> {
    let invalid = || fault::invalid_parameter(format!("The specified ARN is invalid: {arn}"));
    let mut parts = arn.splitn(7, ':');
    let [
        Some("arn"),
        Some(_),
        Some("logs"),
        Some(region),
        Some(account),
        Some("log-group"),
        Some(name),
    ] = std::array::from_fn(|_| parts.next())
    else {
        return Err(invalid());
    };
    let name = name.strip_suffix(":*").unwrap_or(name);
    let region: Region = region.parse().map_err(|_| invalid())?;
    let account: AccountId = account.parse().map_err(|_| invalid())?;
    if region != cx.region || account != cx.account {
        return Err(error::no_group());
    }
    Ok(key(cx, name))
}
