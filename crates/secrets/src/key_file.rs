// SPDX-License-Identifier: Apache-2.0
//! The key file, and sealing with keys that are derived from it.
//!
//! What is sealed is bound to what it belongs to (the id of an access key): put elsewhere it does not open.

use crate::private_file::{PrivateFileError, read_private, write_private};
use crate::random;
use ring::aead::{self, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use std::fmt;
use std::path::{Path, PathBuf};

const KEY_BYTES: usize = 32;
const SALT: &[u8] = b"tinderbox key file 1";

/// The secret that all keys of a data directory derive from.
#[derive(Clone)]
pub struct KeyFile {
    key: Prk,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("failed to open the key file")]
    File(#[from] PrivateFileError),
    #[error("`{}` is not a key file: it has not 64 hexadecimal digits", path.display())]
    Invalid { path: PathBuf },
}

impl KeyFile {
    /// Reads the key file at `path`, or makes one.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        if let Some(text) = read_private(path)? {
            let key = parse(text.trim()).ok_or(KeyFileError::Invalid { path: path.into() })?;
            return Ok(Self::new(&key));
        }
        let key = random::bytes();
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(path, &format!("{digits}\n"))?;
        Ok(Self::new(&key))
    }

    /// A key that is on no disk, and ends with the process.
    pub fn ephemeral() -> Self {
        Self::new(&random::bytes())
    }

    fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self { key: Salt::new(HKDF_SHA256, SALT).extract(key) }
    }

    /// Seals for one purpose.
    pub fn sealer(&self, purpose: &'static str) -> Sealer {
        let info = [purpose.as_bytes()];
        let okm = self.key.expand(&info, &CHACHA20_POLY1305).expect("a key is short enough");
        Sealer { key: LessSafeKey::new(UnboundKey::from(okm)) }
    }
}

fn parse(digits: &str) -> Option<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(key)
}

/// Encrypts and authenticates with `ChaCha20-Poly1305`, under a random nonce each time.
pub struct Sealer {
    key: LessSafeKey,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Sealer {
    /// `plain`, sealed: it opens for `owner` only.
    pub fn seal(&self, owner: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random::bytes::<{ aead::NONCE_LEN }>();
        let mut sealed = Vec::with_capacity(nonce.len() + plain.len() + 16);
        sealed.extend_from_slice(plain);
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut sealed,
            )
            .expect("nothing that is sealed here is 256 GiB long");
        sealed.splice(..0, nonce);
        sealed
    }

    /// What was sealed for `owner`. `None` if this is not it, or was changed.
    pub fn open(&self, owner: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(aead::NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = rest.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut buffer).ok()?;
        let length = plain.len();
        buffer.truncate(length);
        Some(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_sealed_opens_for_its_owner_and_purpose_only() {
        let keys = KeyFile::ephemeral();
        let sealer = keys.sealer("access keys");
        let sealed = sealer.seal("AKIA1", b"secret");
        assert_eq!(sealer.open("AKIA1", &sealed).as_deref(), Some(&b"secret"[..]));
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, sealer.seal("AKIA1", b"secret"));

        assert!(sealer.open("AKIA2", &sealed).is_none());
        assert!(keys.sealer("session tokens").open("AKIA1", &sealed).is_none());
        assert!(KeyFile::ephemeral().sealer("access keys").open("AKIA1", &sealed).is_none());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(sealer.open("AKIA1", &changed).is_none());
            assert!(sealer.open("AKIA1", &sealed[..index]).is_none());
        }
    }

    #[test]
    fn the_key_file_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let sealed = KeyFile::open(&path).unwrap().sealer("p").seal("a", b"x");
        let again = KeyFile::open(&path).unwrap().sealer("p");
        assert_eq!(again.open("a", &sealed).as_deref(), Some(&b"x"[..]));

        fs::write(&path, "short\n").unwrap();
        assert!(matches!(KeyFile::open(&path), Err(KeyFileError::Invalid { .. })));
    }
}
