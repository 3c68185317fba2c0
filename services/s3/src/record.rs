// SPDX-License-Identifier: Apache-2.0
//! What the store keeps of buckets and objects.

use crate::body::Body;
use crate::checksum::Checksum;
use crate::ownership::Ownership;
use names::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    /// Another bucket of the same name, later, has another.
    pub(crate) id: String,
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) versioning: Versioning,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    /// Nothing of it is public unless its owner changes this.
    #[serde(default)]
    pub(crate) public_access: Option<PublicAccess>,
    #[serde(default)]
    pub(crate) ownership: Ownership,
    /// What was put as a document and is given back as one: by the word in the query.
    #[serde(default)]
    pub(crate) documents: BTreeMap<String, String>,
}

/// What of public access is kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAccess {
    pub(crate) blocks_acls: bool,
    pub(crate) ignores_acls: bool,
    pub(crate) blocks_policy: bool,
    pub(crate) restricts_buckets: bool,
}

impl PublicAccess {
    /// Of a new bucket.
    pub(crate) const NONE: Self = Self {
        blocks_acls: true,
        ignores_acls: true,
        blocks_policy: true,
        restricts_buckets: true,
    };
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    /// It never was on.
    #[default]
    Off,
    Enabled,
    Suspended,
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// `None`: the null version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Greater than that of every version of the key before it.
    pub(crate) order: u64,
    pub(crate) modified_ms: i64,
    /// `None`: a delete marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Content>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) body: Body,
    /// `content-type` and the like, as they are answered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// Without `x-amz-meta-`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Object {
    pub(crate) fn version_text(&self) -> &str {
        self.version.as_deref().unwrap_or("null")
    }
}

impl Content {
    pub(crate) fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}
