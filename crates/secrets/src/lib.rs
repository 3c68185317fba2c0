// SPDX-License-Identifier: Apache-2.0
//! Random ids and keys, and what of them is encrypted at rest.
//!
//! One key file encrypts everything that is secret on the disk: start at `key_file.rs`. Each purpose has a key of its own,
//! derived from it, so that what was sealed for one is nothing to another.
//!
//! Invariants:
//! - a file with a secret is for its owner alone, or it is refused;
//! - no type here shows a secret in `Debug`.
//!
//! Not here: what the secrets are for.

mod key_file;
mod private_file;
mod random;
mod token;

pub use key_file::{KeyFile, KeyFileError, Sealer};
pub use private_file::{PrivateFileError, read_private, write_private};
pub use random::{access_key_id, secret_access_key, text, unique_id, unique_id_of};
pub use token::Token;
