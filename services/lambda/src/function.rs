// SPDX-License-Identifier: Apache-2.0
//! A function: its versions, its tags, and what all of them share.

use crate::alias::Alias;
use crate::concurrency::{Gate, Holding, to_usize};
use crate::error::Error;
use crate::function_scaling::Scaling;
use crate::function_urls::FunctionUrl;
use crate::provisioned::Provisioned;
use crate::recording::Wish;
use crate::registry::Place;
use crate::version::{Number, Version};
use api::lambda::{FunctionEventInvokeConfig, RecursiveLoop};
use names::{AccountId, FunctionName, Qualifier, Region};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which function: account, region and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: FunctionName,
}

impl Key {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    pub(crate) fn place(&self) -> Place {
        Place { account: self.account.clone(), region: self.region.clone() }
    }

    /// What the function is called in the lineage of a trace: eight digits that tell nothing of it.
    pub(crate) fn lineage(&self) -> Arc<str> {
        let digest = Sha256::digest(self.arn().as_bytes());
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    pub(crate) fn qualified_arn(&self, qualifier: impl std::fmt::Display) -> String {
        format!("{}:{qualifier}", self.arn())
    }
}

/// A function in memory. Immutable: a change makes another, which takes its place in the table.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) key: Key,
    pub(crate) tags: BTreeMap<String, String>,
    /// The highest number ever published. Numbers are not reused.
    pub(crate) last_number: u64,
    pub(crate) latest: Arc<Version>,
    pub(crate) published: BTreeMap<u64, Arc<Version>>,
    /// `$LATEST.PUBLISHED`, of functions on capacity providers.
    pub(crate) latest_published: Option<Arc<Version>>,
    pub(crate) aliases: BTreeMap<String, Arc<Alias>>,
    pub(crate) reserved_concurrency: Option<u32>,
    /// By qualifier: `$LATEST`, a version or an alias.
    pub(crate) event_invoke: BTreeMap<String, Arc<FunctionEventInvokeConfig>>,
    /// By qualifier: `$LATEST` or an alias.
    pub(crate) urls: BTreeMap<String, Arc<FunctionUrl>>,
    /// What it is called in the lineage of a trace.
    pub(crate) lineage: Arc<str>,
    /// `None` when the customer never spoke of it.
    pub(crate) recursive_loop: Option<RecursiveLoop>,
    /// The id of its code signing configuration.
    pub(crate) code_signing: Option<String>,
    /// By the version or the alias that it was asked for.
    pub(crate) provisioned: BTreeMap<String, Provisioned>,
    /// By version, of those on a capacity provider.
    pub(crate) scaling: BTreeMap<String, Scaling>,
    /// What its tag says, as the table reads it.
    pub(crate) recorded: Wish,
    /// Shared with the function it was made from.
    pub(crate) gate: Arc<Gate>,
}

impl Function {
    /// The version that a qualifier means; of an alias, the one it is said to lead to.
    pub(crate) fn find(&self, qualifier: Option<&Qualifier>) -> Option<&Arc<Version>> {
        match qualifier {
            None | Some(Qualifier::Latest) => Some(&self.latest),
            Some(Qualifier::LatestPublished) => self.latest_published.as_ref(),
            Some(Qualifier::Version(number)) => self.published.get(number),
            Some(Qualifier::Alias(name)) => self.version(self.aliases.get(name)?.version),
        }
    }

    pub(crate) fn version(&self, number: Number) -> Option<&Arc<Version>> {
        match number {
            Number::Latest => Some(&self.latest),
            Number::LatestPublished => self.latest_published.as_ref(),
            Number::Published(number) => self.published.get(&number),
        }
    }

    /// `$LATEST` and `$LATEST.PUBLISHED` first, then from the oldest to the newest.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        std::iter::once(&self.latest).chain(&self.latest_published).chain(self.published.values())
    }

    /// The same function with `version` in place of the one of its number.
    #[must_use]
    pub(crate) fn with_version(&self, version: Arc<Version>) -> Self {
        let mut changed = self.clone();
        match version.number {
            Number::Latest => changed.latest = version,
            Number::LatestPublished => changed.latest_published = Some(version),
            Number::Published(number) => {
                changed.last_number = changed.last_number.max(number);
                changed.published.insert(number, version);
            }
        }
        changed
    }

    /// The same function without a version that was published.
    #[must_use]
    pub(crate) fn without_version(&self, number: Number) -> Self {
        let mut changed = self.clone();
        match number {
            Number::Latest => {}
            Number::LatestPublished => changed.latest_published = None,
            Number::Published(number) => drop(changed.published.remove(&number)),
        }
        changed
    }

    /// The same function with `alias` under `name`, or with none.
    #[must_use]
    pub(crate) fn with_alias(&self, name: &str, alias: Option<Alias>) -> Self {
        let mut changed = self.clone();
        match alias {
            Some(alias) => changed.aliases.insert(name.to_owned(), Arc::new(alias)),
            None => {
                changed.provisioned.remove(name);
                changed.aliases.remove(name)
            }
        };
        changed
    }

    /// What it has of its account's concurrency.
    pub(crate) fn holding(&self) -> Holding {
        let counts = self.provisioned.values().map(|provisioned| to_usize(provisioned.requested));
        Holding { reserved: self.reserved_concurrency, provisioned: counts.sum() }
    }

    /// Refuses `what` to a function whose every invocation must name a tenant. The words are ours.
    pub(crate) fn check_without_tenants(&self, what: &str) -> Result<(), Error> {
        if self.latest.record.settings.is_tenant_isolated {
            let text = format!("{what} not supported for functions with tenant isolation.");
            return Err(Error::InvalidParameter(text));
        }
        Ok(())
    }

    /// Bytes of the zips of all versions, each counted as AWS counts them.
    pub(crate) fn code_bytes(&self) -> u64 {
        self.versions().map(|version| version.record.code_bytes).sum()
    }
}
