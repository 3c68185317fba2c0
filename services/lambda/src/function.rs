// SPDX-License-Identifier: Apache-2.0
//! A function: its versions, its tags, and what all of them share.

use crate::version::{Number, Version};
use names::{AccountId, FunctionName, Region};
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
}

impl Function {
    pub(crate) fn version(&self, number: Number) -> Option<&Arc<Version>> {
        match number {
            Number::Latest => Some(&self.latest),
            Number::Published(number) => self.published.get(&number),
        }
    }

    /// `$LATEST` first, then from the oldest to the newest.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        std::iter::once(&self.latest).chain(self.published.values())
    }

    /// The same function with `version` in place of the one of its number.
    #[must_use]
    pub(crate) fn with_version(&self, version: Arc<Version>) -> Self {
        let mut changed = self.clone();
        match version.number {
            Number::Latest => changed.latest = version,
            Number::Published(number) => {
                changed.last_number = changed.last_number.max(number);
                changed.published.insert(number, version);
            }
        }
        changed
    }

    /// Bytes of the zips of all versions, each counted as AWS counts them.
    pub(crate) fn code_bytes(&self) -> u64 {
        self.versions().map(|version| version.record.code_bytes).sum()
    }
}
