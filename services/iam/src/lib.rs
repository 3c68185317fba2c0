// SPDX-License-Identifier: Apache-2.0
//! AWS Identity and Access Management: users, groups, roles and their policies.
//!
//! Start at `entity.rs` for what users, groups and roles have in common, at `accounts.rs` for where all of it is. Which
//! operation is which of these, `operations` knows.
//!
//! Invariants:
//! - a change is written to the store first, to memory second, and acknowledged after both; reads look at memory only;
//! - what belongs to one account is found by that account alone;
//! - a secret of an access key is on the disk sealed only, and told once: in the answer that made it;
//! - a document that is kept was read by `policy` and fits its quota.
//!
//! Not here: what policies decide, and who is asked. IAM is one for all regions.

mod access_key;
mod accounts;
mod aws_managed;
mod directory;
mod document;
mod entity;
mod error;
mod held;
mod managed;
mod operations;
mod page;
mod quota;
mod record;
mod service_linked;
mod simulation;
mod tag;
mod tenancy;
mod view;

pub use accounts::OpenError;
pub use tenancy::{AccountError, ListedAccount, NewAccount};

use accounts::Accounts;
use api::iam::IamEndpoint;
use names::AccountId;
use secrets::KeyFile;
use std::sync::Arc;
use store::Store;
use wire::Endpoint;

/// The service. Clones share it.
#[derive(Debug, Clone)]
pub struct Iam {
    accounts: Arc<Accounts>,
    /// The account that is there from the first start on.
    first: AccountId,
}

impl Iam {
    /// Reads what `store` has. `first` is the account that is there from the first start on; `with_role` says whether it
    /// then gets a role that functions can be created with.
    pub async fn open(
        store: &Store,
        key_file: &KeyFile,
        first: &AccountId,
        with_role: bool,
    ) -> Result<Self, OpenError> {
        let accounts = Accounts::open(store, key_file, first, with_role).await?;
        Ok(Self { accounts: Arc::new(accounts), first: first.clone() })
    }

    /// The service, as it is called over the wire.
    pub fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::new(IamEndpoint(self.clone()))
    }
}
