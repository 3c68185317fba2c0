// SPDX-License-Identifier: Apache-2.0
//! The layers of a function version, in order, in use: one directory for each list of layers, whoever has it.
//!
//! A single layer is its own directory. Of several, one is made that holds all of them, named by the hash of the list.

use crate::code::{Code, CodeError, CodeStore};
use std::path::PathBuf;
use std::sync::Arc;
use store::BlobId;

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// Never empty.
    parts: Vec<Code>,
    /// Where there are several.
    merged: Option<Code>,
}

/// The name of the directory that these layers make together, if they are several.
pub(crate) fn merged_id(layers: &[BlobId]) -> Option<BlobId> {
    let is_several = layers.len() > 1;
    let names = || layers.iter().map(BlobId::to_string).collect::<Vec<_>>().join(",");
    is_several.then(|| BlobId::of(format!("layers:{}", names()).as_bytes()))
}

impl Stack {
    /// `None` without layers.
    pub(crate) fn hold(codes: &CodeStore, layers: &[BlobId]) -> Option<Self> {
        let parts = layers.iter().map(|id| codes.hold(*id)).collect();
        let merged = merged_id(layers).map(|id| codes.hold_merged(id));
        (!layers.is_empty()).then_some(Self { parts, merged })
    }

    fn directory(&self) -> Option<&Code> {
        self.merged.as_ref().or(self.parts.first())
    }

    pub(crate) fn dir(&self) -> Option<PathBuf> {
        self.directory().map(Code::dir)
    }

    pub(crate) fn is_unpacked(&self) -> bool {
        self.directory().is_none_or(Code::is_unpacked)
    }

    pub(crate) fn note_runnable(&self, runnable: &Arc<worker::Function>) {
        if let Some(directory) = self.directory() {
            directory.note_runnable(runnable);
        }
    }

    pub(crate) async fn unpack(&self) -> Result<(), CodeError> {
        if self.is_unpacked() {
            return Ok(());
        }
        for part in &self.parts {
            part.unpack(None).await?;
        }
        match &self.merged {
            Some(merged) => merged.merge(&self.parts).await,
            None => Ok(()),
        }
    }
}
