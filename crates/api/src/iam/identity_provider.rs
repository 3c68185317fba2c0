// SPDX-License-Identifier: Apache-2.0
//! Identity providers. There are none.

use super::access::anything;
use wire::{Context, Input, Output, Result, Structure, operations};

/// Identity providers. There are none.
#[operations("iam")]
pub trait IdentityProviderOperations: Send + Sync + 'static {
    /// Lists the OpenID Connect providers.
    #[operation(name = "ListOpenIDConnectProviders", on = anything())]
    async fn list_open_id_connect_providers(
        &self,
        cx: &Context,
        input: ListOpenIDConnectProvidersInput,
    ) -> Result<ListOpenIDConnectProvidersOutput>;

    #[operation(name = "AddClientIDToOpenIDConnectProvider")]
    fn add_client_id_to_open_id_connect_provider();

    #[operation(name = "CreateOpenIDConnectProvider")]
    fn create_open_id_connect_provider();

    #[operation(name = "CreateSAMLProvider")]
    fn create_saml_provider();

    #[operation(name = "DeleteOpenIDConnectProvider")]
    fn delete_open_id_connect_provider();

    #[operation(name = "DeleteSAMLProvider")]
    fn delete_saml_provider();

    fn disable_outbound_web_identity_federation();

    fn enable_outbound_web_identity_federation();

    #[operation(name = "GetOpenIDConnectProvider")]
    fn get_open_id_connect_provider();

    fn get_outbound_web_identity_federation_info();

    #[operation(name = "GetSAMLProvider")]
    fn get_saml_provider();

    #[operation(name = "ListOpenIDConnectProviderTags")]
    fn list_open_id_connect_provider_tags();

    #[operation(name = "ListSAMLProviderTags")]
    fn list_saml_provider_tags();

    #[operation(name = "ListSAMLProviders")]
    fn list_saml_providers();

    #[operation(name = "RemoveClientIDFromOpenIDConnectProvider")]
    fn remove_client_id_from_open_id_connect_provider();

    #[operation(name = "TagOpenIDConnectProvider")]
    fn tag_open_id_connect_provider();

    #[operation(name = "TagSAMLProvider")]
    fn tag_saml_provider();

    #[operation(name = "UntagOpenIDConnectProvider")]
    fn untag_open_id_connect_provider();

    #[operation(name = "UntagSAMLProvider")]
    fn untag_saml_provider();

    #[operation(name = "UpdateOpenIDConnectProviderThumbprint")]
    fn update_open_id_connect_provider_thumbprint();

    #[operation(name = "UpdateSAMLProvider")]
    fn update_saml_provider();
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListOpenIDConnectProvidersInput {}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListOpenIDConnectProvidersOutput {
    #[wire(name = "OpenIDConnectProviderList")]
    pub open_id_connect_provider_list: Vec<OpenIDConnectProviderListEntry>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct OpenIDConnectProviderListEntry {
    pub arn: Option<String>,
}
