// SPDX-License-Identifier: Apache-2.0
//! AWS Security Token Service, API version 2011-06-15.

pub mod fault;

use wire::{Context, Input, Output, Result, service};

/// AWS Security Token Service.
#[service(
    query,
    signing = "sts",
    version = "2011-06-15",
    namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
    faults = fault::MODELLED
)]
pub trait Sts: Send + Sync + 'static {
    /// Answers who signed the request.
    #[operation(on = open)]
    async fn get_caller_identity(
        &self,
        cx: &Context,
        input: GetCallerIdentityInput,
    ) -> Result<GetCallerIdentityOutput>;

    fn assume_role();
    #[operation(name = "AssumeRoleWithSAML")]
    fn assume_role_with_saml();
    fn assume_role_with_web_identity();
    fn assume_root();
    fn decode_authorization_message();
    fn get_access_key_info();
    fn get_delegated_access_token();
    fn get_federation_token();
    fn get_session_token();
    fn get_web_identity_token();
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Input)]
pub struct GetCallerIdentityInput {}

/// The principal behind the request's signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Output)]
pub struct GetCallerIdentityOutput {
    pub user_id: String,
    pub account: String,
    pub arn: String,
}
