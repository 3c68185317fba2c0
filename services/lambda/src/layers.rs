// SPDX-License-Identifier: Apache-2.0
//! Publishing, reading and deleting layers, and which layers a function may have.
//!
//! A function keeps what it was given: deleting a version of a layer takes nothing from the functions that have it.

use crate::Invoke;
use crate::code::{Code, CodeError};
use crate::error::Error;
use crate::layer::{Layer, LayerKey, LayerReference, LayerVersion, LayerVersionRecord};
use crate::page::{Marker, Page};
use crate::service::Service;
use crate::settings::LayerUse;
use crate::stored_code::incomplete;
use crate::version::Number;
use crate::view;
use api::lambda;
use std::collections::HashMap;
use std::sync::Arc;
use wire::{Context, Timestamp};

/// Of one function.
const LAYERS_MAX: usize = 5;

impl<I: Invoke> Service<I> {
    pub(crate) async fn publish_layer(
        &self,
        cx: &Context,
        mut input: lambda::PublishLayerVersionInput,
    ) -> Result<lambda::LayerVersion, Error> {
        let key = self.layer_key(cx, "PublishLayerVersion", &input.layer_name)?;
        let zip = zip_of(&mut input.content)?;
        self.check_storage(&cx.account, &cx.region, zip.len() as u64)?;
        let package = self.checked(zip).await?;
        let (code_bytes, unzipped_bytes) = (package.zip.len() as u64, package.unzipped_bytes);
        let (code, uploaded) = self.codes.put(package).await?;
        // Before the answer: whoever publishes a damaged layer should be the one to hear of it.
        code.unpack(Some(uploaded)).await.map_err(|error| match error {
            CodeError::Invalid { reason, .. } => Error::LayerNotReadable { reason },
            error => Error::Code(error),
        })?;

        let lock = self.layers.lock().await;
        let current = self.layers.get(&key);
        self.check_layer_room(&key, current.as_deref(), code_bytes)?;
        let mut layer = current.map_or_else(Layer::default, |current| Layer::clone(&current));
        let number = layer.last_number + 1;
        let record = LayerVersionRecord {
            code: code.id(),
            code_bytes,
            unzipped_bytes,
            description: input.description.unwrap_or_default(),
            created_ms: (self.options.clock)().epoch_ms(),
            architectures: input.compatible_architectures,
            runtimes: input.compatible_runtimes,
            license: input.license_info,
            policy: None,
            revision_id: uuid::Uuid::new_v4().to_string(),
        };
        let version = Arc::new(LayerVersion { number, record, code });
        layer.last_number = number;
        layer.versions.insert(number, Arc::clone(&version));
        self.layers.put(&lock, &key, layer, number).await?;
        Ok(self.layer_version(cx, &key, &version))
    }

    pub(crate) fn get_layer(
        &self,
        cx: &Context,
        input: &lambda::GetLayerVersionInput,
    ) -> Result<lambda::LayerVersion, Error> {
        let number = number_of(input.version_number)?;
        let reference = LayerReference::parse(cx, &input.layer_name);
        let key = reference.ok_or_else(Error::nothing_there)?.admitted(cx, "GetLayerVersion")?;
        let version = self.layers.version(&key, number).ok_or_else(Error::nothing_there)?;
        Ok(self.layer_version(cx, &key, &version))
    }

    pub(crate) fn get_layer_by_arn(
        &self,
        cx: &Context,
        input: &lambda::GetLayerVersionByArnInput,
    ) -> Result<lambda::LayerVersion, Error> {
        let reference = LayerReference::parse(cx, &input.arn).ok_or_else(Error::nothing_there)?;
        let number = reference.number.ok_or_else(Error::nothing_there)?;
        let key = reference.admitted(cx, "GetLayerVersion")?;
        let version = self.layers.version(&key, number).ok_or_else(Error::nothing_there)?;
        Ok(self.layer_version(cx, &key, &version))
    }

    /// Each layer that has a version like that, with the newest such.
    pub(crate) fn list_layers(
        &self,
        cx: &Context,
        input: &lambda::ListLayersInput,
    ) -> Result<lambda::ListLayersOutput, Error> {
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let from = page.from();
        self.layers.visit(&cx.account, &cx.region, &from, |name, layer| {
            let key = LayerKey {
                account: cx.account.clone(),
                region: cx.region.clone(),
                name: name.to_owned(),
            };
            let matches = |version: &&Arc<LayerVersion>| {
                let runtime = input.compatible_runtime.as_deref();
                version.record.matches(runtime, input.compatible_architecture)
            };
            let Some(newest) = layer.versions.values().rev().find(matches) else {
                return std::ops::ControlFlow::Continue(());
            };
            let marker = Marker { name: name.to_owned(), number: Number::Latest };
            page.add(marker, || lambda::LayersListItem {
                layer_name: Some(name.to_owned()),
                layer_arn: Some(key.arn()),
                latest_matching_version: Some(item(&key, newest)),
            })
        });
        let (next_marker, layers) = page.finish();
        Ok(lambda::ListLayersOutput { next_marker, layers })
    }

    /// Newest first. A layer that is not there has none.
    pub(crate) fn list_layer_versions(
        &self,
        cx: &Context,
        input: &lambda::ListLayerVersionsInput,
    ) -> Result<lambda::ListLayerVersionsOutput, Error> {
        let key = self.layer_key(cx, "ListLayerVersions", &input.layer_name)?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        if let Some(layer) = self.layers.get(&key) {
            let runtime = input.compatible_runtime.as_deref();
            let matching =
                layer.versions.values().rev().filter(|version| {
                    version.record.matches(runtime, input.compatible_architecture)
                });
            // The break is the page being full, which the page itself remembers.
            let _ = matching.into_iter().try_for_each(|version| {
                // Markers ascend, so numbers count down from the top.
                let number = Number::Published(u64::MAX - version.number);
                page.add(Marker { name: key.name.clone(), number }, || item(&key, version))
            });
        }
        let (next_marker, layer_versions) = page.finish();
        Ok(lambda::ListLayerVersionsOutput { next_marker, layer_versions })
    }

    /// A version that is not there is deleted already.
    pub(crate) async fn delete_layer(
        &self,
        cx: &Context,
        input: lambda::DeleteLayerVersionInput,
    ) -> Result<(), Error> {
        let number = number_of(input.version_number)?;
        let key = self.layer_key(cx, "DeleteLayerVersion", &input.layer_name)?;
        let lock = self.layers.lock().await;
        if let Some(current) = self.layers.get(&key)
            && current.versions.contains_key(&number)
        {
            let mut layer = Layer::clone(&current);
            layer.versions.remove(&number);
            self.layers.put(&lock, &key, layer, number).await?;
        }
        drop(lock);
        self.codes.sweep().await;
        Ok(())
    }

    /// The layers that a function asks for, in order. Their packages stay as long as the codes do.
    pub(crate) fn use_layers(
        &self,
        cx: &Context,
        arns: &[String],
    ) -> Result<(Vec<LayerUse>, Vec<Code>), Error> {
        if arns.len() > LAYERS_MAX {
            let text = format!("Cannot reference more than {LAYERS_MAX} layers.");
            return Err(Error::InvalidParameter(text));
        }
        let mut seen = HashMap::new();
        let (mut uses, mut codes) = (Vec::new(), Vec::new());
        for arn in arns {
            let missing =
                || Error::InvalidParameter(format!("Layer version {arn} does not exist."));
            let reference = LayerReference::parse(cx, arn).ok_or_else(missing)?;
            let number = reference.number.ok_or_else(missing)?;
            if reference.key.account == cx.account && reference.key.region != cx.region {
                return Err(Error::InvalidParameter(format!(
                    "Layers are not in the same region as the function. Layers are expected to be in region {}.",
                    cx.region
                )));
            }
            let key = reference.admitted(cx, "GetLayerVersion")?;
            let version = self.layers.version(&key, number).ok_or_else(missing)?;
            if let Some(other) = seen.insert(key, arn) {
                return Err(Error::InvalidParameter(format!(
                    "Two different versions of the same layer are not allowed to be referenced in the same function. {other} and {arn} are versions of the same layer."
                )));
            }
            uses.push(LayerUse {
                arn: arn.clone(),
                code: version.record.code,
                code_bytes: version.record.code_bytes,
                unzipped_bytes: version.record.unzipped_bytes,
            });
            codes.push(version.code.clone());
        }
        Ok((uses, codes))
    }

    /// Whether a package and these layers are small enough together, unpacked.
    pub(crate) fn check_unzipped(&self, code_bytes: u64, layers: &[LayerUse]) -> Result<(), Error> {
        let max = self.package_limits().unzipped_bytes_max;
        let layers_bytes: u64 = layers.iter().map(|layer| layer.unzipped_bytes).sum();
        if layers_bytes > max {
            return Err(Error::InvalidParameter(format!(
                "Layers consume more than the available size of {max} bytes"
            )));
        }
        let bytes = layers_bytes.saturating_add(code_bytes);
        if bytes > max {
            return Err(Error::InvalidParameter(format!(
                "Function code combined with layers exceeds the maximum allowed size of {max} bytes. The actual size is {bytes} bytes."
            )));
        }
        Ok(())
    }

    /// The layer that a request names by name or ARN.
    pub(crate) fn layer_key(
        &self,
        cx: &Context,
        operation: &'static str,
        text: &str,
    ) -> Result<LayerKey, Error> {
        LayerReference::parse(cx, text).ok_or_else(Error::nothing_there)?.here(cx, operation)
    }

    /// Whether the account may keep one more version of the layer.
    fn check_layer_room(
        &self,
        key: &LayerKey,
        current: Option<&Layer>,
        zip_bytes: u64,
    ) -> Result<(), Error> {
        let (layers_max, versions_max) = (self.options.layers_max, self.options.versions_max);
        if current.is_none() && self.layers.count(&key.account, &key.region) >= layers_max {
            return Err(Error::StorageExceeded {
                what: "The number of layers of this account and region",
                max: layers_max as u64,
            });
        }
        if current.is_some_and(|layer| layer.versions.len() >= versions_max) {
            return Err(Error::StorageExceeded {
                what: "The number of versions of this layer",
                max: versions_max as u64,
            });
        }
        self.check_storage(&key.account, &key.region, zip_bytes)
    }

    fn layer_version(
        &self,
        cx: &Context,
        key: &LayerKey,
        version: &LayerVersion,
    ) -> lambda::LayerVersion {
        let record = &version.record;
        let path = format!("/_tinderbox/code/{}", record.code);
        lambda::LayerVersion {
            content: Some(lambda::LayerVersionContentOutput {
                location: Some(self.presign.url(cx, &path)),
                code_sha256: Some(view::sha256(record.code)),
                code_size: Some(view::long(record.code_bytes)),
                ..lambda::LayerVersionContentOutput::default()
            }),
            layer_arn: key.arn(),
            layer_version_arn: key.version_arn(version.number),
            description: record.description.clone(),
            created_date: created(record),
            version: view::long(version.number),
            compatible_architectures: record.architectures.clone(),
            compatible_runtimes: record.runtimes.clone(),
            license_info: record.license.clone(),
        }
    }
}

fn item(key: &LayerKey, version: &LayerVersion) -> lambda::LayerVersionsListItem {
    let record = &version.record;
    lambda::LayerVersionsListItem {
        layer_version_arn: Some(key.version_arn(version.number)),
        version: Some(view::long(version.number)),
        description: Some(record.description.clone()),
        created_date: Some(created(record)),
        compatible_architectures: record.architectures.clone(),
        compatible_runtimes: record.runtimes.clone(),
        license_info: record.license.clone(),
    }
}

fn created(record: &LayerVersionRecord) -> String {
    Timestamp::from_epoch_ms(record.created_ms).lambda_text()
}

pub(crate) fn number_of(number: i64) -> Result<u64, Error> {
    u64::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| Error::InvalidParameter("Layer Version Cannot be less than 1".to_owned()))
}

fn zip_of(content: &mut lambda::LayerVersionContentInput) -> Result<bytes::Bytes, Error> {
    let has_s3 = content.s3_bucket.is_some() || content.s3_key.is_some();
    match content.zip_file.take() {
        Some(_) if has_s3 => Err(Error::InvalidParameter(
            "Please do not provide other FunctionCode parameters when providing a ZipFile."
                .to_owned(),
        )),
        Some(zip) => Ok(zip.into_bytes()),
        None if has_s3 => Err(incomplete()),
        None => Err(Error::InvalidParameter(
            "Please provide a source for the content of the layer.".to_owned(),
        )),
    }
}
