// SPDX-License-Identifier: Apache-2.0
//! How messages are signed: RSA with SHA-1 or SHA-256, under a certificate that this server serves.
//!
//! The key is made when the first message is signed, and lies sealed in the store. Its certificate follows from it. A text is signed
//! once however many subscriptions get it: the last signatures are kept in memory.
//!
//! RSA is the `rsa` crate's, because AWS's first version needs SHA-1: ring signs by SHA-256 alone and makes no keys. From 0.10 on
//! that crate computes in constant time what depends on the key.

use crate::certificate;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};
use rsa::{Pkcs1v15Sign, PrivateKey};
use secrets::Sealer;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use store::{
    Batch, CommitError, DecodeError, EncodeError, Expectation, Keyspace, ReadError, Store,
};
use tokio::sync::OnceCell;

/// As AWS's own.
const KEY_BITS: usize = 2_048;
/// The name of its record, and what it is sealed for.
const RECORD: &str = "signing key";
/// Texts whose signatures are kept.
const SIGNED_MAX: usize = 256;

/// What a hash is called in a signature: the beginning of a `DigestInfo`.
const SHA1_PREFIX: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// `SignatureVersion`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Version {
    #[default]
    #[serde(rename = "1")]
    One,
    #[serde(rename = "2")]
    Two,
}

impl Version {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// A signature, and the name of the certificate that it is to be checked with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signature {
    pub(crate) version: Version,
    pub(crate) text: String,
    pub(crate) certificate: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    #[error("failed to read the signing key")]
    Read(#[from] ReadError),
    #[error("failed to read the signing key")]
    Decode(#[from] DecodeError),
    #[error("the signing key was sealed with another key file, or is no key")]
    Sealed,
    #[error("failed to keep the signing key")]
    Encode(#[from] EncodeError),
    #[error("failed to keep the signing key")]
    Keep(#[from] CommitError),
    #[error("failed to make a signing key, or to sign with it")]
    Rsa(#[from] rsa::Error),
    #[error("the server stops")]
    Stopped,
}

/// The signer of a server. Who signs nothing pays nothing.
#[derive(Debug)]
pub(crate) struct Signer {
    store: Store,
    records: Keyspace,
    sealer: Sealer,
    key: OnceCell<Arc<Key>>,
    signed: Mutex<VecDeque<(Digest, Arc<OnceCell<String>>)>>,
}

/// Of a version and a text.
type Digest = Vec<u8>;

/// The key and its certificate: `SimpleNotificationService-....pem`.
struct Key {
    key: PrivateKey,
    name: String,
    pem: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// In the data directory.
#[derive(Serialize, Deserialize)]
struct Record {
    /// PKCS #8, sealed, in Base64.
    sealed: String,
}

impl Signer {
    pub(crate) fn new(store: &Store, sealer: Sealer) -> Self {
        let records = store.keyspace("sns-keys");
        let signed = Mutex::default();
        Self { store: store.clone(), records, sealer, key: OnceCell::new(), signed }
    }

    /// Signs a text. It takes milliseconds, on a thread that may.
    pub(crate) async fn sign(
        &self,
        version: Version,
        text: String,
    ) -> Result<Signature, SigningError> {
        let key = self.key.get_or_try_init(|| self.open()).await?;
        let place = self.place(digest_of(version, &text));
        let sign = || async {
            let key = Arc::clone(key);
            let sign = move || Ok(STANDARD.encode(key.sign(version, text.as_bytes())?));
            tokio::task::spawn_blocking(sign).await.unwrap_or(Err(SigningError::Stopped))
        };
        let text = place.get_or_try_init(sign).await?.clone();
        Ok(Signature { version, text, certificate: key.name.clone() })
    }

    /// The certificate of this name, if anything was ever signed with it.
    pub(crate) async fn certificate(&self, name: &str) -> Result<Option<String>, SigningError> {
        if self.key.get().is_none() && self.records.get(RECORD).await?.is_none() {
            return Ok(None);
        }
        let key = self.key.get_or_try_init(|| self.open()).await?;
        Ok((key.name == name).then(|| key.pem.clone()))
    }

    /// Where the signature of a text is, or comes.
    fn place(&self, digest: Digest) -> Arc<OnceCell<String>> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, place)) = signed.iter().rev().find(|(known, _)| *known == digest) {
            return Arc::clone(place);
        }
        if signed.len() >= SIGNED_MAX {
            signed.pop_front();
        }
        let place = Arc::new(OnceCell::new());
        signed.push_back((digest, Arc::clone(&place)));
        place
    }

    /// The key, which is made if there is none.
    async fn open(&self) -> Result<Arc<Key>, SigningError> {
        let kept = self.records.get(RECORD).await?;
        let kept = kept.map(|record| record.decode::<Record>()).transpose()?;
        let opened = kept.as_ref().map(|Record { sealed }| {
            let sealed = STANDARD.decode(sealed).ok()?;
            self.sealer.open(RECORD, &sealed)
        });
        let is_new = opened.is_none();
        let der = opened.map(|der| der.ok_or(SigningError::Sealed)).transpose()?;
        let ready = move || match der {
            Some(der) => {
                Key::new(PrivateKey::from_pkcs8_der(&der).map_err(|_| SigningError::Sealed)?)
            }
            None => Key::new(PrivateKey::new(&mut SysRng, KEY_BITS)?),
        };
        let key = tokio::task::spawn_blocking(ready).await.unwrap_or(Err(SigningError::Stopped))?;
        if is_new {
            let der = key.key.to_pkcs8_der().map_err(|_| rsa::Error::Internal)?;
            let sealed = STANDARD.encode(self.sealer.seal(RECORD, der.as_bytes()));
            let record = Record { sealed };
            let batch = Batch::new().put_json(&self.records, RECORD, &record, Expectation::Absent);
            self.store.commit(batch?).await?;
        }
        Ok(Arc::new(key))
    }
}

impl Key {
    fn new(key: PrivateKey) -> Result<Self, SigningError> {
        let public = key.to_public_key().to_public_key_der().map_err(|_| rsa::Error::Internal)?;
        let made = Self { key, name: String::new(), pem: String::new() };
        let der = certificate::of(public.as_bytes(), |text| made.sign(Version::Two, text))?;
        let hash = digest(&SHA256, &der);
        let hash = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}"));
        let name = format!("SimpleNotificationService-{}.pem", hash.collect::<String>());
        Ok(Self { name, pem: certificate::pem(&der), ..made })
    }

    fn sign(&self, version: Version, text: &[u8]) -> Result<Vec<u8>, rsa::Error> {
        let (algorithm, prefix): (&'static Algorithm, &[u8]) = match version {
            Version::One => (&SHA1_FOR_LEGACY_USE_ONLY, &SHA1_PREFIX),
            Version::Two => (&SHA256, &SHA256_PREFIX),
        };
        let info = [prefix, digest(algorithm, text).as_ref()].concat();
        self.key.sign(Pkcs1v15Sign::new_unprefixed(), &info)
    }
}

fn digest_of(version: Version, text: &str) -> Digest {
    let text = [version.as_str().as_bytes(), text.as_bytes()].concat();
    digest(&SHA256, &text).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::KeyFile;
    use tempfile::TempDir;

    fn signer(dir: &TempDir, keys: &KeyFile) -> Signer {
        let store = Store::open(dir.path(), store::Options::default()).unwrap();
        Signer::new(&store, keys.sealer("notifications"))
    }

    #[tokio::test]
    async fn one_key_signs_for_good_and_opens_with_its_key_file_only() {
        let (dir, keys) = (tempfile::tempdir().unwrap(), KeyFile::ephemeral());
        let first = signer(&dir, &keys);
        assert!(first.certificate("a.pem").await.unwrap().is_none());
        let one = first.sign(Version::One, "text".to_owned()).await.unwrap();
        let two = first.sign(Version::Two, "text".to_owned()).await.unwrap();
        assert_ne!(one.text, two.text);
        assert_eq!(first.sign(Version::One, "text".to_owned()).await.unwrap().text, one.text);
        assert_eq!(first.signed.lock().unwrap().len(), 2);
        drop(first);

        let again = signer(&dir, &keys);
        let certificate = again.certificate(&one.certificate).await.unwrap().unwrap();
        assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----\n"));
        assert!(again.certificate("a.pem").await.unwrap().is_none());
        assert_eq!(again.sign(Version::One, "text".to_owned()).await.unwrap().text, one.text);
        drop(again);

        let other = signer(&dir, &KeyFile::ephemeral());
        let refused = other.sign(Version::One, "text".to_owned()).await.unwrap_err();
        assert!(matches!(refused, SigningError::Sealed), "{refused}");
    }
}
