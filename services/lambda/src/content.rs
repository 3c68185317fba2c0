// SPDX-License-Identifier: Apache-2.0
//! What a version runs on, a package or an image, and how it comes in.

use crate::Invoke;
use crate::code::{Code, CodeError, Uploaded};
use crate::error::Error;
use crate::image::{self, ImageUse};
use crate::package::Package;
use crate::service::Service;
use crate::version::VersionRecord;
use bytes::Bytes;
use images::{Image, ImageError};
use std::path::PathBuf;
use std::sync::Arc;
use store::BlobId;

/// In use: it stays at least as long as this.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Package(Code),
    Image(Image),
}

impl Content {
    /// The unpacked package, once `make_ready` said so. Empty for an image.
    pub(crate) fn dir(&self) -> PathBuf {
        match self {
            Self::Package(code) => code.dir(),
            Self::Image(_) => PathBuf::new(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Package(code) => code.is_unpacked(),
            Self::Image(image) => image.is_ready(),
        }
    }

    /// Notes that `runnable` runs from here. One that has an image holds it itself.
    pub(crate) fn note_runnable(&self, runnable: &Arc<worker::Function>) {
        if let Self::Package(code) = self {
            code.note_runnable(runnable);
        }
    }

    /// Unpacks the package, or pulls the image that `record` names.
    pub(crate) async fn make_ready(
        &self,
        record: &VersionRecord,
        uploaded: Option<Uploaded>,
    ) -> Result<(), CodeError> {
        match (self, &record.image) {
            (Self::Package(code), _) => code.unpack(uploaded).await,
            (Self::Image(image), Some(image_use)) => {
                Ok(image.pull(&image_use.resolved_uri, image::architecture()).await?)
            }
            (Self::Image(_), None) => Err(CodeError::Image(ImageError::NotFound)),
        }
    }
}

/// Where new code is to come from.
#[derive(Debug)]
pub(crate) enum Source {
    Zip(Bytes),
    Image(String),
}

impl Source {
    pub(crate) fn take(zip: &mut Option<wire::Blob>, image_uri: &mut Option<String>) -> Self {
        match image_uri.take().filter(|uri| !uri.is_empty()) {
            Some(uri) => Self::Image(uri),
            None => Self::Zip(zip.take().unwrap_or_default().into_bytes()),
        }
    }

    /// What counts against the account's limit.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Zip(zip) => zip.len() as u64,
            Self::Image(_) => 0,
        }
    }
}

/// New code that is held, and what a record says of it.
#[derive(Debug)]
pub(crate) struct NewCode {
    pub(crate) content: Content,
    hash: BlobId,
    zip_bytes: u64,
    pub(crate) unzipped_bytes: u64,
    image: Option<ImageUse>,
    pub(crate) uploaded: Option<Uploaded>,
}

impl NewCode {
    pub(crate) fn write(&self, record: &mut VersionRecord) {
        record.code = self.hash;
        (record.code_bytes, record.unzipped_bytes) = (self.zip_bytes, self.unzipped_bytes);
        record.image.clone_from(&self.image);
    }

    pub(crate) const fn zip_bytes(&self) -> u64 {
        self.zip_bytes
    }

    pub(crate) const fn hash(&self) -> BlobId {
        self.hash
    }
}

impl<I: Invoke> Service<I> {
    /// Keeps a package, or looks up what an image's address leads to now.
    pub(crate) async fn take_in(&self, source: Source) -> Result<NewCode, Error> {
        match source {
            Source::Zip(zip) => {
                let package = self.checked(zip).await?;
                let (code, uploaded) = self.codes.put(package).await?;
                Ok(NewCode {
                    hash: code.id(),
                    content: Content::Package(code),
                    zip_bytes: uploaded.zip_bytes(),
                    unzipped_bytes: uploaded.unzipped_bytes(),
                    image: None,
                    uploaded: Some(uploaded),
                })
            }
            Source::Image(uri) => self.resolve(uri).await,
        }
    }

    async fn resolve(&self, uri: String) -> Result<NewCode, Error> {
        let resolved = self.images.resolve(&uri, image::architecture()).await;
        let (image_use, image) = match resolved {
            Ok(resolved) => ImageUse::new(uri, resolved),
            Err(error) => return Err(Error::Image { uri, error }),
        };
        let hash = image::hash(&image).ok_or(CodeError::Closed)?;
        Ok(NewCode {
            content: Content::Image(image),
            hash,
            zip_bytes: 0,
            unzipped_bytes: 0,
            image: Some(image_use),
            uploaded: None,
        })
    }

    pub(crate) async fn checked(&self, zip: Bytes) -> Result<Package, Error> {
        let limits = self.package_limits();
        let check = tokio::task::spawn_blocking(move || Package::check(zip, limits));
        Ok(check.await.map_err(|_| CodeError::Closed)??)
    }

    /// The same, with nothing kept.
    pub(crate) async fn try_in(
        &self,
        source: Source,
        record: &mut VersionRecord,
    ) -> Result<(), Error> {
        let zip = match source {
            Source::Zip(zip) => zip,
            Source::Image(uri) => {
                self.resolve(uri).await?.write(record);
                return Ok(());
            }
        };
        let Package { zip, unzipped_bytes, .. } = self.checked(zip).await?;
        let code_bytes = zip.len() as u64;
        let id = tokio::task::spawn_blocking(move || BlobId::of(&zip));
        record.code = id.await.map_err(|_| CodeError::Closed)?;
        (record.code_bytes, record.unzipped_bytes) = (code_bytes, unzipped_bytes);
        Ok(())
    }
}
