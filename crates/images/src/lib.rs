// SPDX-License-Identifier: Apache-2.0
//! Container images: an address is resolved to a digest, its layers are fetched, checked and unpacked, and what comes of it is a
//! directory that a sandbox can have as its root.
//!
//! Start at `images.rs` for who uses an image, at `pull.rs` for how one is made, and at `layer.rs` for what a layer may do.
//!
//! Invariants:
//! - bytes are used under a digest only if they have it;
//! - no name and no link in an image leads to a file outside the image's own directory;
//! - a credential is in no error and in no log.
//!
//! Not here: running an image, and what a function makes of its configuration.

mod archive;
mod budget;
mod client;
mod digest;
mod directory;
mod entries;
mod error;
mod images;
mod layer;
mod layout;
mod manifest;
mod options;
mod origin;
mod pull;
mod reference;
mod registry;
mod root;
mod stream;
mod tree;

pub use digest::{Digest, InvalidDigest};
pub use error::{Blame, ImageError};
pub use images::{Image, Images, Resolved};
pub use manifest::{Architecture, Config};
pub use options::{Options, Registry, Secret};
pub use reference::{Address, InvalidAddress};
