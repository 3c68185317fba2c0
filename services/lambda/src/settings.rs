// SPDX-License-Identifier: Apache-2.0
//! What a customer sets on a function, after validation.
//!
//! These are records: they are kept in the store as they are here, so a new member needs `#[serde(default)]`.

use crate::image::ImageOverrides;
use crate::instances::CapacityUse;
use crate::logging::LogFormat;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use store::BlobId;

pub(crate) const TIMEOUT_S_DEFAULT: u32 = 3;
pub(crate) const MEMORY_MB_DEFAULT: u32 = 128;
pub(crate) const TMP_MB_DEFAULT: u32 = 512;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) role: String,
    pub(crate) description: String,
    pub(crate) timeout_s: u32,
    pub(crate) memory_mb: u32,
    pub(crate) tmp_mb: u32,
    /// `None` when the customer never spoke of them: the answer then has no `Environment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) env_vars: Option<EnvVars>,
    pub(crate) log_group: String,
    #[serde(default)]
    pub(crate) log_format: LogFormat,
    /// `x86_64` or `arm64`
    pub(crate) architecture: String,
    /// Active tracing: without anybody upstream who decides, some of its invocations are sampled; and it has segments.
    pub(crate) is_traced: bool,
    /// Stored only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vpc: Option<Vpc>,
    /// Of a function that is an image, which has neither runtime nor handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image_overrides: Option<ImageOverrides>,
    /// The later over the earlier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) layers: Vec<LayerUse>,
    /// Where events go that failed: the ARN of a queue or a topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dead_letters: Option<String>,
    /// Each tenant has environments of its own. For the function's whole life.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_tenant_isolated: bool,
    /// Its environments run several invocations at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) capacity: Option<CapacityUse>,
    /// Published versions initialise once, and their environments go on from there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_snap_start: bool,
}

/// A version of a layer, as a function was given it: it may be deleted since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerUse {
    pub(crate) arn: String,
    pub(crate) code: BlobId,
    /// Of the zip.
    pub(crate) code_bytes: u64,
    pub(crate) unzipped_bytes: u64,
}

impl Settings {
    pub(crate) fn layer_packages(&self) -> Vec<BlobId> {
        self.layers.iter().map(|layer| layer.code).collect()
    }
}

/// Environment variables. `Debug` tells their number and nothing else.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct EnvVars(pub(crate) BTreeMap<String, String>);

impl fmt::Debug for EnvVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnvVars({})", self.0.len())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) subnet_ids: Vec<String>,
    pub(crate) security_group_ids: Vec<String>,
    pub(crate) is_ipv6_allowed: bool,
}
