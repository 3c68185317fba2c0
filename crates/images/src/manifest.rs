// SPDX-License-Identifier: Apache-2.0
//! What registries say of an image: its manifest, an index of several, its configuration. Pure.

use crate::digest::Digest;
use crate::error::ImageError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest manifest, index or configuration. Registries allow no more.
pub(crate) const BYTES_MAX: u64 = 4 << 20;
/// The most layers, as of Docker.
const LAYERS_MAX: usize = 127;
/// The most bytes of an image's own variables and arguments: what a function says itself comes on top, and all of it is told to its
/// first process at once.
const RUN_BYTES_MAX: usize = 32 << 10;

pub(crate) const MANIFESTS: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
pub(crate) const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const LAYERS: [&str; 5] = [
    LAYER_PLAIN,
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
];
/// A layer that is not compressed.
pub(crate) const LAYER_PLAIN: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const CONFIGS: [&str; 2] = [CONFIG, "application/vnd.docker.container.image.v1+json"];

/// The processor that an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    X8664,
    Arm64,
}

impl Architecture {
    /// Of the machine that this runs on.
    pub const fn of_this_machine() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X8664 }
    }

    /// As images name it.
    const fn name(self) -> &'static str {
        match self {
            Self::X8664 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linux/{}", self.name())
    }
}

/// A blob as others name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    #[serde(default)]
    media_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    manifests: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(flatten)]
    descriptor: Descriptor,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

/// What either may be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

/// A document of a registry.
#[derive(Debug)]
pub(crate) enum Document {
    Manifest(Manifest),
    /// The manifest of the platform that was asked for.
    Index(Descriptor),
}

/// The configuration of an image, as far as it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    pub entry_point: Vec<String>,
    pub command: Vec<String>,
    /// `NAME=value`
    pub env: Vec<String>,
    pub working_directory: String,
}

#[derive(Debug, Deserialize)]
struct ConfigDocument {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    config: Option<Run>,
    rootfs: Rootfs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rootfs {
    diff_ids: Vec<Digest>,
}

const WHAT: &str = "the configuration of the image";

fn malformed(what: &'static str) -> impl FnOnce(serde_json::Error) -> ImageError {
    move |error| ImageError::Malformed { what, reason: error.to_string() }
}

impl Document {
    /// Reads a manifest or an index. `media_type` is what the registry called it, if it did.
    pub(crate) fn read(
        bytes: &[u8],
        media_type: Option<&str>,
        wanted: Architecture,
    ) -> Result<Self, ImageError> {
        let what = "the manifest";
        let kind: Kind = serde_json::from_slice(bytes).map_err(malformed(what))?;
        let media_type = kind.media_type.as_deref().or(media_type).unwrap_or_default();
        if INDEXES.contains(&media_type) || (kind.manifests.is_some() && kind.layers.is_none()) {
            let index: Index = serde_json::from_slice(bytes).map_err(malformed("the index"))?;
            return index.choose(wanted).map(Self::Index);
        }
        if kind.layers.is_none() || !(MANIFESTS.contains(&media_type) || media_type.is_empty()) {
            return Err(ImageError::MediaType { media_type: shown(media_type) });
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(malformed(what))?;
        manifest.check()?;
        Ok(Self::Manifest(manifest))
    }
}

impl Index {
    fn choose(self, wanted: Architecture) -> Result<Descriptor, ImageError> {
        let platforms: Vec<_> =
            self.manifests.iter().filter_map(|listed| listed.platform.as_ref()).collect();
        let found = platforms
            .iter()
            .map(|platform| format!("{}/{}", shown(&platform.os), shown(&platform.architecture)))
            .filter(|platform| platform != "unknown/unknown")
            .collect::<Vec<_>>()
            .join(", ");
        let is_wanted = |listed: &Listed| {
            listed.platform.as_ref().is_some_and(|platform| {
                platform.os == "linux" && platform.architecture == wanted.name()
            })
        };
        match self.manifests.into_iter().find(is_wanted) {
            Some(listed) => Ok(listed.descriptor),
            None => Err(ImageError::Platform { found, wanted: wanted.to_string() }),
        }
    }
}

/// The images that a layout names: each descriptor with its tag.
pub(crate) fn names_of_layout(
    bytes: &[u8],
) -> Result<Vec<(Descriptor, Option<String>)>, ImageError> {
    const TAG: &str = "org.opencontainers.image.ref.name";
    let index: Index = serde_json::from_slice(bytes).map_err(malformed("the index"))?;
    let named = index.manifests.into_iter();
    Ok(named.map(|mut listed| (listed.descriptor, listed.annotations.remove(TAG))).collect())
}

impl Manifest {
    /// A manifest for what came without one.
    pub(crate) fn make(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        let [media_type, _] = MANIFESTS;
        Self { media_type: Some(media_type.to_owned()), config, layers }
    }

    fn check(&self) -> Result<(), ImageError> {
        if self.layers.len() > LAYERS_MAX {
            return Err(ImageError::TooLarge { what: "layers", max: LAYERS_MAX as u64 });
        }
        let is_known = |layer: &&Descriptor| !LAYERS.contains(&layer.media_type.as_str());
        if let Some(layer) = self.layers.iter().find(is_known) {
            return Err(ImageError::MediaType { media_type: shown(&layer.media_type) });
        }
        if !CONFIGS.contains(&self.config.media_type.as_str()) {
            return Err(ImageError::MediaType { media_type: shown(&self.config.media_type) });
        }
        Ok(())
    }
}

impl Config {
    /// The digests that the layers have unpacked, of a configuration that is read for nothing else.
    pub(crate) fn layers(bytes: &[u8]) -> Result<Vec<Digest>, ImageError> {
        let document: ConfigDocument = serde_json::from_slice(bytes).map_err(malformed(WHAT))?;
        Ok(document.rootfs.diff_ids)
    }

    /// Reads a configuration, and the digests that the image's layers have unpacked.
    pub(crate) fn read(
        bytes: &[u8],
        layer_count: usize,
        wanted: Architecture,
    ) -> Result<(Self, Vec<Digest>), ImageError> {
        let document: ConfigDocument = serde_json::from_slice(bytes).map_err(malformed(WHAT))?;
        if document.os != "linux" || document.architecture != wanted.name() {
            let found = format!("{}/{}", shown(&document.os), shown(&document.architecture));
            return Err(ImageError::Platform { found, wanted: wanted.to_string() });
        }
        let layers = document.rootfs.diff_ids;
        if layers.len() != layer_count {
            let reason = format!("{} layers, and {layer_count} in the manifest", layers.len());
            return Err(ImageError::Malformed { what: WHAT, reason });
        }
        let run = document.config.unwrap_or_default();
        let config = Self {
            entry_point: run.entrypoint.unwrap_or_default(),
            command: run.cmd.unwrap_or_default(),
            env: run.env.unwrap_or_default(),
            working_directory: run.working_dir.unwrap_or_default(),
        };
        let mut texts = config.entry_point.iter().chain(&config.command).chain(&config.env);
        if texts.any(|text| text.contains('\0')) || config.working_directory.contains('\0') {
            return Err(ImageError::Malformed { what: WHAT, reason: "a zero byte".to_owned() });
        }
        let texts = config.entry_point.iter().chain(&config.command).chain(&config.env);
        let length: usize = texts.map(|text| text.len() + 1).sum();
        if length + config.working_directory.len() > RUN_BYTES_MAX {
            let what = "bytes of variables and arguments";
            return Err(ImageError::TooLarge { what, max: RUN_BYTES_MAX as u64 });
        }
        Ok((config, layers))
    }
}

/// Text of others, short enough to be shown.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(document: &serde_json::Value) -> Result<Document, ImageError> {
        Document::read(document.to_string().as_bytes(), None, Architecture::X8664)
    }

    fn descriptor(media_type: &str) -> serde_json::Value {
        serde_json::json!({"mediaType": media_type, "digest": EMPTY, "size": 2})
    }

    #[test]
    fn an_index_is_read_for_its_platform() {
        let listed = |os: &str, architecture: &str, size: u64| {
            serde_json::json!({"mediaType": MANIFESTS[0], "digest": EMPTY, "size": size,
                "platform": {"os": os, "architecture": architecture}})
        };
        let both = [
            listed("unknown", "unknown", 1),
            listed("linux", "arm64", 2),
            listed("linux", "amd64", 3),
        ];
        let index =
            serde_json::json!({"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": both});
        let Ok(Document::Index(chosen)) = read(&index) else { panic!("not an index") };
        assert_eq!(chosen.size, 3);

        let index = serde_json::json!({"manifests": [listed("linux", "s390x", 1)]});
        let error = read(&index).unwrap_err().to_string();
        assert_eq!(error, "the image is for linux/s390x, not for linux/amd64");
    }

    #[test]
    fn media_types_that_are_not_known_are_refused() {
        let manifest = |config: &str, layer: &str| {
            read(&serde_json::json!({"schemaVersion": 2, "config": descriptor(config),
                "layers": [descriptor(layer)]}))
        };
        assert!(manifest(CONFIGS[0], LAYERS[1]).is_ok());
        let helm = manifest("application/vnd.cncf.helm.config.v1+json", LAYERS[1]);
        assert!(matches!(helm, Err(ImageError::MediaType { .. })));
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        assert!(matches!(manifest(CONFIGS[0], foreign), Err(ImageError::MediaType { .. })));
        let old = read(&serde_json::json!({"schemaVersion": 1, "fsLayers": []}));
        assert!(matches!(old, Err(ImageError::MediaType { .. })));
    }

    #[test]
    fn a_configuration_says_how_the_image_runs() {
        let document = serde_json::json!({
            "architecture": "amd64", "os": "linux",
            "config": {"Entrypoint": ["/app"], "Cmd": ["h"], "Env": ["A=b"], "WorkingDir": "/w", "User": "x"},
            "rootfs": {"type": "layers", "diff_ids": [EMPTY]},
        });
        let bytes = document.to_string().into_bytes();
        let (config, layers) = Config::read(&bytes, 1, Architecture::X8664).unwrap();
        assert_eq!(
            (config.entry_point, config.working_directory),
            (vec!["/app".into()], "/w".into())
        );
        assert_eq!(layers.len(), 1);
        assert!(matches!(
            Config::read(&bytes, 2, Architecture::X8664),
            Err(ImageError::Malformed { .. })
        ));
        assert!(matches!(
            Config::read(&bytes, 1, Architecture::Arm64),
            Err(ImageError::Platform { .. })
        ));
    }

    #[test]
    fn what_no_program_could_be_started_with_is_refused() {
        let with = |run: serde_json::Value| {
            let document = serde_json::json!({"architecture": "amd64", "os": "linux", "config": run,
                "rootfs": {"type": "layers", "diff_ids": []}});
            Config::read(document.to_string().as_bytes(), 0, Architecture::X8664)
        };
        let variables: Vec<_> =
            (0..32).map(|number| format!("N{number:02}={:01$}", 0, 1019)).collect();
        assert!(with(serde_json::json!({"Env": variables})).is_ok());
        let more = with(serde_json::json!({"Env": variables, "Cmd": ["h"]})).unwrap_err();
        assert_eq!(
            more.to_string(),
            "the image has more than 32768 bytes of variables and arguments"
        );
    }
}
