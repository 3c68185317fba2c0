// SPDX-License-Identifier: Apache-2.0
//! Which bus, and which rule: by name, by ARN, and in the store.

use api::eventbridge::fault;
use names::{AccountId, Region};
use wire::{Context, Fault, Result};

pub(crate) const DEFAULT_BUS: &str = "default";

/// Which bus. Invariant: its name has no `/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BusKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// Which rule. Invariant: its name has no `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleKey {
    pub(crate) bus: BusKey,
    pub(crate) name: String,
}

impl BusKey {
    pub(crate) fn new(cx: &Context, name: &str) -> Self {
        let (account, region) = (cx.account.clone(), cx.region.clone());
        Self { account, region, name: name.to_owned() }
    }

    /// The bus that a member names, by its name or its ARN: the default one if it names none.
    pub(crate) fn named(cx: &Context, text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or(DEFAULT_BUS);
        match text.starts_with("arn:") {
            true => Self::of_arn(text).ok_or_else(|| no_bus(text)),
            false if text.contains('/') => Err(no_bus(text)),
            false => Ok(Self::new(cx, text)),
        }
    }

    /// `arn:aws:events:us-east-1:000000000000:event-bus/name`
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let (account, region, rest) = split(arn)?;
        let name = rest.strip_prefix("event-bus/")?;
        let is_name = !name.is_empty() && !name.contains('/');
        is_name.then(|| Self { account, region, name: name.to_owned() })
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:events:{}:{}:event-bus/{}", self.region, self.account, self.name)
    }

    pub(crate) fn is_default(&self) -> bool {
        self.name == DEFAULT_BUS
    }

    /// The name of its record.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let account = parts.next()?.parse().ok()?;
        let region = parts.next()?.parse().ok()?;
        let name = parts.next().filter(|name| !name.contains('/'))?;
        Some(Self { account, region, name: name.to_owned() })
    }
}

/// Which archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArchiveKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// Which replay.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReplayKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl ArchiveKey {
    pub(crate) fn new(cx: &Context, name: &str) -> Self {
        let (account, region) = (cx.account.clone(), cx.region.clone());
        Self { account, region, name: name.to_owned() }
    }

    /// `arn:aws:events:us-east-1:000000000000:archive/name`
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let (account, region, rest) = split(arn)?;
        let name = rest.strip_prefix("archive/")?;
        let is_name = !name.is_empty() && !name.contains('/');
        is_name.then(|| Self { account, region, name: name.to_owned() })
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:events:{}:{}:archive/{}", self.region, self.account, self.name)
    }

    /// The name of its record.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        // As buses are called in the store.
        let BusKey { account, region, name } = BusKey::of_text(text)?;
        Some(Self { account, region, name })
    }
}

impl ReplayKey {
    pub(crate) fn new(cx: &Context, name: &str) -> Self {
        let (account, region) = (cx.account.clone(), cx.region.clone());
        Self { account, region, name: name.to_owned() }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:events:{}:{}:replay/{}", self.region, self.account, self.name)
    }

    /// The archive of this name, of the same account and region.
    pub(crate) fn archive(&self, name: &str) -> ArchiveKey {
        let (account, region) = (self.account.clone(), self.region.clone());
        ArchiveKey { account, region, name: name.to_owned() }
    }

    /// The name of its record.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let BusKey { account, region, name } = BusKey::of_text(text)?;
        Some(Self { account, region, name })
    }
}

impl RuleKey {
    /// `arn:aws:events:us-east-1:000000000000:rule/bus/name`: those of the default bus are called without it.
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let (account, region, rest) = split(arn)?;
        let rest = rest.strip_prefix("rule/")?;
        let (bus, name) = rest.split_once('/').unwrap_or((DEFAULT_BUS, rest));
        let is_name = !bus.is_empty() && !name.is_empty() && !name.contains('/');
        is_name.then(|| Self {
            bus: BusKey { account, region, name: bus.to_owned() },
            name: name.to_owned(),
        })
    }

    pub(crate) fn arn(&self) -> String {
        let BusKey { account, region, name } = &self.bus;
        match self.bus.is_default() {
            true => format!("arn:aws:events:{region}:{account}:rule/{}", self.name),
            false => format!("arn:aws:events:{region}:{account}:rule/{name}/{}", self.name),
        }
    }

    /// The name of its record.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}", self.bus.text(), self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (bus, name) = text.rsplit_once('/')?;
        Some(Self { bus: BusKey::of_text(bus)?, name: name.to_owned() })
    }
}

fn split(arn: &str) -> Option<(AccountId, Region, &str)> {
    let mut parts = arn.strip_prefix("arn:aws:events:")?.splitn(3, ':');
    let region = parts.next()?.parse().ok()?;
    let account = parts.next()?.parse().ok()?;
    Some((account, region, parts.next()?))
}

pub(crate) fn no_bus(name: &str) -> Fault {
    fault::resource_not_found(format!("Event bus {name} does not exist."))
}

pub(crate) fn no_archive(name: &str) -> Fault {
    fault::resource_not_found(format!("Archive {name} does not exist."))
}

pub(crate) fn no_rule(key: &RuleKey) -> Fault {
    fault::resource_not_found(format!(
        "Rule {} does not exist on EventBus {}.",
        key.name, key.bus.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_prints_as_it_parses() {
        for arn in [
            "arn:aws:events:us-east-1:000000000000:rule/r",
            "arn:aws:events:eu-west-1:000000000000:rule/orders/r.1",
        ] {
            let key = RuleKey::of_arn(arn).unwrap();
            assert_eq!(key.arn(), arn);
            assert_eq!(RuleKey::of_text(&key.text()), Some(key));
        }
        let arn = "arn:aws:events:us-east-1:000000000000:event-bus/orders";
        assert_eq!(BusKey::of_arn(arn).unwrap().arn(), arn);
        for bad in [
            "arn:aws:events:us-east-1:000000000000:rule/a/b/c",
            "arn:aws:events:us-east-1:000000000000:rule/",
            "arn:aws:events:us-east-1:000000000000:rule//a",
            "arn:aws:events:us-east-1:000:rule/a",
            "rule",
        ] {
            assert_eq!(RuleKey::of_arn(bad), None, "{bad}");
        }
        assert_eq!(BusKey::of_arn("arn:aws:events:us-east-1:000000000000:event-bus/a/b"), None);
    }
}
