// SPDX-License-Identifier: Apache-2.0
//! Which operation is which of what the service can do.

mod access_key;
mod account;
mod group;
mod policy;
mod role;
mod simulation;
mod user;

use crate::Iam;
use api::iam::{
    CredentialOperations, IdentityProviderOperations, InstanceProfileOperations,
    ListOpenIDConnectProvidersInput, ListOpenIDConnectProvidersOutput, OrganizationOperations,
};
use wire::{Context, Result};

/// None can be made, so there are none.
impl IdentityProviderOperations for Iam {
    async fn list_open_id_connect_providers(
        &self,
        _: &Context,
        ListOpenIDConnectProvidersInput {}: ListOpenIDConnectProvidersInput,
    ) -> Result<ListOpenIDConnectProvidersOutput> {
        Ok(ListOpenIDConnectProvidersOutput { open_id_connect_provider_list: Vec::new() })
    }
}

impl InstanceProfileOperations for Iam {}

impl CredentialOperations for Iam {}

impl OrganizationOperations for Iam {}
