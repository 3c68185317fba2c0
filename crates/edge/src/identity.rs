// SPDX-License-Identifier: Apache-2.0
//! Who may sign: the account's root, and sessions of roles.
//!
//! Invariants:
//! - the well-known pair `test`/`test` exists only where every listener is on loopback;
//! - the key that signs links to code opens those links and nothing else.

use crate::access_key::{AccessKey, SessionCredentials};
use crate::clock;
use crate::directory::{Directory, Powers, Signer};
use crate::guard::Mode;
use crate::session::SessionTokens;
use names::{AccountId, Region};
use secrets::{PrivateFileError, read_private, write_private};
use sha2::{Digest, Sha256};
use sigv4::Presign;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Section `[identity]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityOptions {
    /// What happens to a call that no policy allows: `enforce` refuses it, `warn` logs it and lets it through, `off` does not
    /// look at policies and is refused unless the server listens on loopback only. In its own account root is bound by
    /// what policies of resources deny alone, and no mode lets anybody into another one. Default: enforce.
    pub mode: Mode,
}

const WELL_KNOWN: &str = "test";
const LINK_SERVICE: &str = "lambda";

pub struct Identity {
    account: AccountId,
    keys: RwLock<HashMap<Box<str>, Arc<AccessKey>>>,
    /// Signs links. Lives as long as the process, so links end with it.
    links: AccessKey,
    /// All other keys.
    directory: OnceLock<Arc<dyn Directory>>,
    /// Of sessions that STS made.
    tokens: OnceLock<Arc<SessionTokens>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Which key is root, for whoever tells the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// `test`/`test`
    WellKnown,
    /// A random key, in a file that `AWS_SHARED_CREDENTIALS_FILE` may point to.
    File { path: PathBuf, access_key_id: String, is_new: bool },
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("failed to keep the root key")]
    File(#[from] PrivateFileError),
    #[error("`{}` does not hold an access key", path.display())]
    Invalid { path: PathBuf },
}

impl Identity {
    /// The identity of a server that listens on `listeners` and keeps its files in `dir`.
    ///
    /// On loopback alone, `test`/`test` is root. Anywhere else the root key is random, made once, and kept in
    /// `dir/credentials`.
    pub fn open(
        account: AccountId,
        dir: &Path,
        listeners: &[SocketAddr],
    ) -> Result<(Self, Root), IdentityError> {
        if listeners.iter().all(|address| address.ip().is_loopback()) {
            return Ok((Self::well_known(account), Root::WellKnown));
        }
        let path = dir.join("credentials");
        let (access_key_id, secret, is_new) = match read_key(&path)? {
            Some((id, secret)) => (id, secret, false),
            None => {
                let (id, secret) = create_key(&path)?;
                (id, secret, true)
            }
        };
        let root = AccessKey::root(&account, &access_key_id, &secret);
        Ok((Self::with_root(account, root), Root::File { path, access_key_id, is_new }))
    }

    /// `test`/`test` is root: for loopback only.
    pub fn well_known(account: AccountId) -> Self {
        let root = AccessKey::root(&account, WELL_KNOWN, WELL_KNOWN);
        Self::with_root(account, root)
    }

    fn with_root(account: AccountId, root: AccessKey) -> Self {
        let (id, secret) = (secrets::access_key_id("AKIA"), secrets::secret_access_key());
        let links = AccessKey::root(&account, &id, &secret);
        let keys = HashMap::from([(root.caller.access_key_id.as_str().into(), Arc::new(root))]);
        Self {
            account,
            keys: RwLock::new(keys),
            links,
            directory: OnceLock::new(),
            tokens: OnceLock::new(),
        }
    }

    /// Where keys are that are neither root's nor a function's. A second directory would be ignored; there is one.
    pub fn set_directory(&self, directory: Arc<dyn Directory>) {
        drop(self.directory.set(directory));
    }

    /// How the tokens of sessions are read that STS makes.
    pub fn set_tokens(&self, tokens: Arc<SessionTokens>) {
        drop(self.tokens.set(tokens));
    }

    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Makes a key for a session of a role of `account`. It is good until it is revoked or the process ends, and at most until so many
    /// seconds after 1970.
    pub fn issue_session(
        &self,
        account: &AccountId,
        role_arn: &str,
        session_name: &str,
        expires_at_s: i64,
    ) -> SessionCredentials {
        let session = SessionCredentials::random();
        let role_id = self.role_id(role_arn);
        let key = AccessKey::session(account, role_arn, &role_id, session_name, &session)
            .expiring(expires_at_s);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(session.access_key_id.as_str().into(), Arc::new(key));
        session
    }

    /// Ends a session. The root key stays, whatever is asked.
    pub fn revoke(&self, access_key_id: &str) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.get(access_key_id).is_some_and(|key| key.credentials.session_token().is_some()) {
            keys.remove(access_key_id);
        }
    }

    /// Whose key it is. `token` came with it.
    pub(crate) fn find(&self, access_key_id: &str, token: Option<&str>) -> Option<Signer> {
        let key =
            self.keys.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned();
        if let Some(key) = key {
            return Some(Signer { powers: self.powers(&key), key });
        }
        let directory = self.directory.get()?;
        let Some(token) = token else { return directory.key(access_key_id) };
        let (session, key) = self.tokens.get()?.open(access_key_id, token)?;
        let powers = directory.session_powers(&session)?;
        Some(Signer { key: Arc::new(key), powers })
    }

    /// The id of a role, or one that stands in for it.
    pub(crate) fn role_id(&self, role_arn: &str) -> String {
        let found = self.directory.get().and_then(|directory| directory.role_id(role_arn));
        found.unwrap_or_else(|| stand_in_id(role_arn))
    }

    pub(crate) fn has_several_accounts(&self) -> bool {
        self.directory.get().is_some_and(|directory| directory.has_several_accounts())
    }

    /// What the principal with this ARN may do now.
    pub(crate) fn powers_of(&self, arn: &str) -> Option<Powers> {
        self.directory.get()?.powers(arn)
    }

    /// Root may do everything; a function what its role may, and nothing once that is gone.
    fn powers(&self, key: &AccessKey) -> Powers {
        match key.credentials.session_token() {
            Some(_) => self.session_powers(&key.caller.arn),
            None => Powers::Root,
        }
    }

    /// What a session of a role may do, which has this ARN.
    pub(crate) fn session_powers(&self, arn: &str) -> Powers {
        match self.directory.get() {
            Some(directory) => directory.powers(arn).unwrap_or_else(|| Powers::nothing(arn)),
            // Without a directory there are no roles.
            None => Powers::Root,
        }
    }

    /// A link that opens `path`, a page with [`Access::Link`](crate::Access::Link), for `expires_s` seconds.
    ///
    /// `endpoint` is [`wire::Context::endpoint`]. `None` when the two do not make a URL.
    pub fn link(
        &self,
        endpoint: &str,
        path: &str,
        region: &Region,
        expires_s: u32,
    ) -> Option<String> {
        let link = Presign {
            endpoint,
            path,
            region: region.as_str(),
            service: LINK_SERVICE,
            now: clock::now(),
            expires_s: i64::from(expires_s),
        };
        sigv4::presign(&link, &self.links.caller.access_key_id, &self.links.credentials)
    }

    pub(crate) fn find_link_key(&self, access_key_id: &str) -> Option<&AccessKey> {
        (self.links.caller.access_key_id == access_key_id).then_some(&self.links)
    }
}

/// The id of a role that is not there, which functions may have where policies are not enforced: the same for the same role.
fn stand_in_id(role_arn: &str) -> String {
    let hash = Sha256::digest(role_arn.as_bytes());
    let bytes = hash.first_chunk().expect("a digest of 32 bytes has 17");
    secrets::unique_id_of("AROA", bytes)
}

fn read_key(path: &Path) -> Result<Option<(String, String)>, IdentityError> {
    let Some(text) = read_private(path)? else { return Ok(None) };
    let value_of = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.find(|(key, _)| key.trim() == name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    match (value_of("aws_access_key_id"), value_of("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some((id, secret))),
        _ => Err(IdentityError::Invalid { path: path.into() }),
    }
}

fn create_key(path: &Path) -> Result<(String, String), IdentityError> {
    let (id, secret) = (secrets::access_key_id("AKIA"), secrets::secret_access_key());
    let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    write_private(path, &text)?;
    Ok((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    fn account() -> AccountId {
        "000000000000".parse().unwrap()
    }

    fn public() -> [SocketAddr; 2] {
        ["127.0.0.1:4566".parse().unwrap(), "0.0.0.0:4566".parse().unwrap()]
    }

    #[test]
    fn the_well_known_pair_is_for_loopback_only() {
        let dir = tempfile::tempdir().unwrap();
        let loopback = ["127.0.0.1:4566".parse().unwrap(), "[::1]:4566".parse().unwrap()];
        let (identity, root) = Identity::open(account(), dir.path(), &loopback).unwrap();
        assert_eq!(root, Root::WellKnown);
        assert!(identity.find("test", None).is_some());

        let (identity, root) = Identity::open(account(), dir.path(), &public()).unwrap();
        assert!(identity.find("test", None).is_none());
        let Root::File { path, access_key_id, is_new: true } = root else { panic!("{root:?}") };
        assert_eq!(
            identity.find(&access_key_id, None).unwrap().key.caller.arn,
            "arn:aws:iam::000000000000:root"
        );
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        let (_, again) = Identity::open(account(), dir.path(), &public()).unwrap();
        assert_eq!(again, Root::File { path, access_key_id, is_new: false });
    }

    #[test]
    fn a_root_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Identity::open(account(), dir.path(), &public()).unwrap();
        let path = dir.path().join("credentials");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = Identity::open(account(), dir.path(), &public()).unwrap_err();
        let exposed = PrivateFileError::Exposed { path: path.clone(), mode: 0o644 };
        assert_eq!(error.source().unwrap().to_string(), exposed.to_string());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "aws_access_key_id = AKIA\n").unwrap();
        let error = Identity::open(account(), dir.path(), &public()).unwrap_err();
        assert!(matches!(error, IdentityError::Invalid { .. }), "{error}");
    }

    #[test]
    fn a_session_is_known_until_it_is_revoked_and_root_can_not_be() {
        let identity = Identity::well_known(account());
        let role = "arn:aws:iam::000000000000:role/service-role/r";
        let session = identity.issue_session(&account(), role, "f", i64::MAX);
        let caller = identity.find(&session.access_key_id, None).unwrap().key.caller.clone();
        assert_eq!(caller.arn, "arn:aws:sts::000000000000:assumed-role/r/f");
        assert!(
            caller.user_id.starts_with("AROA")
                && caller.user_id.ends_with(":f")
                && caller.user_id.len() == 23
        );
        assert!(session.access_key_id.starts_with("ASIA") && session.access_key_id.len() == 20);
        let other = identity.issue_session(&account(), role, "f", i64::MAX);
        assert_ne!(
            (other.access_key_id, other.secret_access_key),
            (session.access_key_id.clone(), session.secret_access_key.clone())
        );
        assert!(!format!("{session:?} {identity:?}").contains(&session.secret_access_key));

        identity.revoke(&session.access_key_id);
        identity.revoke("test");
        assert!(identity.find(&session.access_key_id, None).is_none());
        assert!(identity.find("test", None).is_some());
    }
}
