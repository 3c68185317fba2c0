// SPDX-License-Identifier: Apache-2.0
//! One version of a function: `$LATEST`, which changes, a published number, which does not, or `$LATEST.PUBLISHED`, which is
//! published again and again.
//!
//! ```text
//! create, publish    Pending ──unpacked──> Active         Pending ──not valid──> Failed
//! update             InProgress ──unpacked──> Successful  InProgress ──not valid──> Failed
//! ```
//!
//! Invariant: a version's `runnable` changes with its code or settings and with nothing else, so that what runs keeps
//! running when only the state moves on.

use crate::code::{CodeError, Uploaded};
use crate::content::Content;
use crate::image::ImageUse;
use crate::resource_policy::Policy;
use crate::settings::Settings;
use crate::stack::Stack;
use segments::Sampler;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use store::BlobId;
use wire::Timestamp;
use worker::Deployment;

/// `$LATEST` and `$LATEST.PUBLISHED` come before every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Number {
    Latest,
    LatestPublished,
    Published(u64),
}

impl FromStr for Number {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "$LATEST" => Ok(Self::Latest),
            "$LATEST.PUBLISHED" => Ok(Self::LatestPublished),
            number => number.parse().map(Self::Published),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("$LATEST"),
            Self::LatestPublished => f.write_str("$LATEST.PUBLISHED"),
            Self::Published(number) => number.fmt(f),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Pending,
    Active,
    Failed(Failure),
    /// On a capacity provider, and to have no environments there.
    Deactivated,
}

/// What AWS calls `UpdateRuntimeOn`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RuntimeUpdate {
    #[default]
    Auto,
    FunctionUpdate,
    Manual,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Update {
    InProgress,
    Successful,
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: FailureCode,
    pub(crate) reason: String,
}

/// Those of AWS's reason codes that happen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FailureCode {
    InvalidZipFile,
    ImageDeleted,
    ImageAccessDenied,
    InvalidImage,
    InternalError,
    FunctionInit,
    InvalidRuntime,
    CapacityLimit,
    InsufficientCapacity,
    FunctionError,
    InitTimeout,
    RuntimeInitError,
    InitResourceExhausted,
    InvalidEntryPoint,
    InvalidWorkingDirectory,
    ExtensionInitError,
}

/// A version as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) settings: Settings,
    /// What `PublishVersion` said instead of the description of `$LATEST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// The hash of the package, or the digest of the image.
    pub(crate) code: BlobId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<ImageUse>,
    /// Of the zip.
    pub(crate) code_bytes: u64,
    /// 0 in records from before it was kept.
    #[serde(default)]
    pub(crate) unzipped_bytes: u64,
    pub(crate) revision_id: String,
    pub(crate) last_modified_ms: i64,
    pub(crate) state: State,
    /// `None` until the first activation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) update: Option<Update>,
    /// Of the version; that of `$LATEST` is the function's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<Policy>,
    /// The name of its snapshot: of a published version that has SnapStart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
    /// When it moves to a newer version of its runtime.
    #[serde(default)]
    pub(crate) runtime_update: RuntimeUpdate,
    /// The id of the version of its runtime: the one it is bound to, or the newest there was at its last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_version: Option<String>,
}

impl VersionRecord {
    /// Whether an activation is still due.
    pub(crate) fn is_settling(&self) -> bool {
        self.state == State::Pending || self.update == Some(Update::InProgress)
    }

    /// Whether its package was found good.
    pub(crate) fn is_runnable(&self) -> bool {
        self.state == State::Active && self.update == Some(Update::Successful)
    }

    /// The record after its package was unpacked, or was not.
    pub(crate) fn settle(&mut self, outcome: Result<(), Failure>) {
        if self.update == Some(Update::InProgress) {
            self.update = Some(outcome.map_or_else(Update::Failed, |()| Update::Successful));
            return;
        }
        match outcome {
            Ok(()) => {
                self.state = State::Active;
                self.update = Some(Update::Successful);
            }
            Err(failure) => self.state = State::Failed(failure),
        }
    }

    /// All packages that it runs on. An image is none: it is pulled from where it came from.
    pub(crate) fn packages(&self) -> Vec<BlobId> {
        let mut packages = self.settings.layer_packages();
        packages.extend(Some(self.code).filter(|_| !self.is_image()));
        packages
    }

    /// Whether a version published from `latest` would be this one again.
    pub(crate) fn is_same_content(&self, latest: &Self) -> bool {
        self.code == latest.code && self.settings == latest.settings
    }

    /// The id of the version of its runtime that it stays on.
    pub(crate) fn bound_to(&self) -> Option<&str> {
        match self.runtime_update {
            RuntimeUpdate::Auto => None,
            RuntimeUpdate::FunctionUpdate | RuntimeUpdate::Manual => {
                self.runtime_version.as_deref()
            }
        }
    }

    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.last_modified_ms = now.epoch_ms();
        self.revise();
    }

    pub(crate) fn revise(&mut self) {
        self.revision_id = uuid::Uuid::new_v4().to_string();
    }
}

/// A version in memory. Immutable: a change makes another.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) number: Number,
    pub(crate) record: VersionRecord,
    pub(crate) content: Content,
    pub(crate) layers: Option<Stack>,
    /// What the worker runs.
    pub(crate) runnable: Arc<worker::Function>,
    /// If it has active tracing.
    pub(crate) sampler: Sampler,
}

impl Version {
    pub(crate) fn new(
        key: &crate::function::Key,
        number: Number,
        record: VersionRecord,
        content: Content,
        layers: Option<Stack>,
        deployment: Deployment,
    ) -> Arc<Self> {
        let settings = &record.settings;
        let image = match (&content, &record.image) {
            (Content::Image(image), Some(image_use)) => Some(image_use.runnable(image, settings)),
            _ => None,
        };
        let handler = match &image {
            Some(image) => image.command.first().cloned().unwrap_or_default(),
            None => settings.handler.clone(),
        };
        let capacity = settings.capacity.as_ref().filter(|_| number != Number::Latest);
        let runnable = worker::Function {
            deployment,
            account: key.account.clone(),
            region: key.region.clone(),
            name: key.name.to_string(),
            version: number.to_string(),
            runtime: settings.runtime.clone(),
            runtime_version: record.bound_to().map(str::to_owned),
            handler,
            role: settings.role.clone(),
            code_dir: content.dir(),
            layers_dir: layers.as_ref().and_then(Stack::dir),
            image,
            bytecode: worker::Bytecode::default(),
            env_vars: settings.env_vars.iter().flat_map(|env_vars| env_vars.0.clone()).collect(),
            memory_mb: settings.memory_mb,
            tmp_mb: settings.tmp_mb,
            timeout: Duration::from_secs(settings.timeout_s.into()),
            log_group: settings.log_group.clone(),
            log_format: settings.log_format.runnable(),
            max_concurrency: capacity.map(|capacity| capacity.slots(settings)),
            snapshot: record.snapshot.clone(),
            meter: std::sync::OnceLock::new(),
        };
        let runnable = Arc::new(runnable);
        content.note_runnable(&runnable);
        if let Some(layers) = &layers {
            layers.note_runnable(&runnable);
        }
        Arc::new(Self { number, record, content, layers, runnable, sampler: Sampler::default() })
    }

    /// The same content in another state.
    pub(crate) fn with_record(&self, record: VersionRecord) -> Arc<Self> {
        Arc::new(Self {
            number: self.number,
            record,
            content: self.content.clone(),
            layers: self.layers.clone(),
            runnable: Arc::clone(&self.runnable),
            sampler: Sampler::default(),
        })
    }

    /// Whether all that it runs on is there.
    pub(crate) fn is_unpacked(&self) -> bool {
        self.content.is_ready() && self.layers.as_ref().is_none_or(Stack::is_unpacked)
    }

    /// Unpacks or pulls what it runs on. `uploaded` is its package, if it is still at hand.
    pub(crate) async fn unpack(&self, uploaded: Option<Uploaded>) -> Result<(), CodeError> {
        self.content.make_ready(&self.record, uploaded).await?;
        match &self.layers {
            Some(layers) => layers.unpack().await,
            None => Ok(()),
        }
    }

    pub(crate) fn deployment(&self) -> Deployment {
        self.runnable.deployment
    }
}
