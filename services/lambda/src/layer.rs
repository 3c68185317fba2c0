// SPDX-License-Identifier: Apache-2.0
//! A layer: numbered versions under one name, each a package.

use crate::code::Code;
use crate::error::Error;
use crate::resource_policy::Policy;
use api::lambda;
use names::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use store::BlobId;
use wire::{Authority, Context};

/// Which layer: account, region and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LayerKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// 1 to 140 of `[a-zA-Z0-9-_]`: the front layer compared it with AWS's pattern.
    pub(crate) name: String,
}

/// What a request named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerReference {
    pub(crate) key: LayerKey,
    pub(crate) number: Option<u64>,
}

impl LayerReference {
    /// Reads a name, the ARN of a layer or the ARN of one of its versions. `None` for what is none of them.
    pub(crate) fn parse(cx: &Context, text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        if !text.starts_with("arn:") {
            let key = LayerKey {
                account: cx.account.clone(),
                region: cx.region.clone(),
                name: text.to_owned(),
            };
            return Some(Self { key, number: None });
        }
        let (_, _, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (kind, name) = (parts.next()?, parts.next()?.to_owned());
        let number = match parts.next() {
            Some(number) => Some(number.parse().ok()?),
            None => None,
        };
        let is_layer = service == "lambda" && kind == "layer" && parts.next().is_none();
        is_layer.then_some(Self { key: LayerKey { account, region, name }, number })
    }

    /// The layer, when it is one of this account and region.
    pub(crate) fn here(self, cx: &Context, operation: &'static str) -> Result<LayerKey, Error> {
        if self.key.account != cx.account {
            let resource = match self.number {
                Some(number) => self.key.version_arn(number),
                None => self.key.arn(),
            };
            let caller = cx.caller.arn.clone();
            return Err(Error::OtherAccount { caller, operation, resource });
        }
        if self.key.region != cx.region {
            return Err(Error::nothing_there());
        }
        Ok(self.key)
    }
}

impl LayerReference {
    /// The same for operations whose dispatch asked about this very version: it may be another account's, when its policy has let
    /// the caller in.
    pub(crate) fn admitted(self, cx: &Context, operation: &'static str) -> Result<LayerKey, Error> {
        let is_admitted = matches!(cx.authority, Authority::Limited(_));
        if is_admitted && self.key.region == cx.region {
            Ok(self.key)
        } else {
            self.here(cx, operation)
        }
    }
}

impl LayerKey {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:layer:{}", self.region, self.account, self.name)
    }

    pub(crate) fn version_arn(&self, number: impl fmt::Display) -> String {
        format!("{}:{number}", self.arn())
    }
}

/// A layer in memory. Immutable: a change makes another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    /// The highest number ever published. Numbers are not reused, so a layer outlives its versions.
    pub(crate) last_number: u64,
    pub(crate) versions: BTreeMap<u64, Arc<LayerVersion>>,
}

#[derive(Debug)]
pub(crate) struct LayerVersion {
    pub(crate) number: u64,
    pub(crate) record: LayerVersionRecord,
    pub(crate) code: Code,
}

/// A version as the store keeps it: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerVersionRecord {
    pub(crate) code: BlobId,
    /// Of the zip.
    pub(crate) code_bytes: u64,
    pub(crate) unzipped_bytes: u64,
    pub(crate) description: String,
    pub(crate) created_ms: i64,
    /// `None` when the customer never spoke of them.
    pub(crate) architectures: Option<Vec<lambda::Architecture>>,
    pub(crate) runtimes: Option<Vec<String>>,
    pub(crate) license: Option<String>,
    pub(crate) policy: Option<Policy>,
    /// Of the policy.
    pub(crate) revision_id: String,
}

impl LayerVersionRecord {
    /// Whether the version says of itself that it goes with these.
    pub(crate) fn matches(
        &self,
        runtime: Option<&str>,
        architecture: Option<lambda::Architecture>,
    ) -> bool {
        let has_runtime = |asked: &str| self.runtimes.iter().flatten().any(|own| own == asked);
        let has_architecture = |asked: lambda::Architecture| {
            self.architectures.iter().flatten().any(|own| *own == asked)
        };
        runtime.is_none_or(has_runtime) && architecture.is_none_or(has_architecture)
    }
}

impl Layer {
    pub(crate) fn code_bytes(&self) -> u64 {
        self.versions.values().map(|version| version.record.code_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns() {
        let cx = crate::tests::context();
        let arn = "arn:aws:lambda:us-east-1:000000000000:layer:libs";
        for (text, number) in [("libs", None), (arn, None), (&format!("{arn}:7"), Some(7))] {
            let reference = LayerReference::parse(&cx, text).unwrap();
            assert_eq!((reference.key.arn().as_str(), reference.number), (arn, number));
        }
        for text in [
            "arn:aws:lambda:::awslayer:libs",
            "arn:aws:lambda:us-east-1:000000000000:function:libs",
            "arn:aws:lambda:us-east-1:000000000000:layer:libs:7:8",
            "arn:aws:lambda:us-east-1:000000000000:layer:libs:99999999999999999999",
            "arn:",
        ] {
            assert_eq!(LayerReference::parse(&cx, text), None, "{text}");
        }
    }
}
