// SPDX-License-Identifier: Apache-2.0
//! Who may call: root's key, and IAM, which knows all others.

use edge::{Identity, Root, SessionTokens};
use iam::Iam;
use names::AccountId;
use secrets::KeyFile;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use store::Store;

#[derive(Debug)]
pub(crate) struct Principals {
    pub(crate) identity: Arc<Identity>,
    pub(crate) root: Root,
    pub(crate) iam: Iam,
    pub(crate) tokens: Arc<SessionTokens>,
    pub(crate) key_file: KeyFile,
}

impl Principals {
    /// Those of a server that listens on `address` and keeps its files in `data_dir`.
    ///
    /// Where only this machine can call, the first account has a role for functions from the first start on: there the path
    /// to a first function is meant to be short.
    pub(crate) async fn open(
        store: Store,
        data_dir: PathBuf,
        account: AccountId,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let opened = account.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let key_file = KeyFile::open(&data_dir.join("key"))?;
            let (identity, root) = Identity::open(opened, &data_dir, &[address])?;
            Ok::<_, anyhow::Error>((key_file, identity, root))
        });
        let (key_file, identity, root) = opening.await??;
        let iam = Iam::open(&store, &key_file, &account, address.ip().is_loopback()).await?;
        identity.set_directory(Arc::new(iam.clone()));
        let tokens = Arc::new(SessionTokens::new(key_file.sealer("session tokens")));
        identity.set_tokens(Arc::clone(&tokens));
        Ok(Self { identity: Arc::new(identity), root, iam, tokens, key_file })
    }
}
