// SPDX-License-Identifier: Apache-2.0
//! AWS Security Token Service, API version 2011-06-15.

mod access;
pub mod constraints;
pub mod fault;

use access::assumed_role;
use constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, service};

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

    /// Makes a session of a role that trusts the caller.
    #[operation(on = assumed_role(input))]
    async fn assume_role(&self, cx: &Context, input: AssumeRoleInput) -> Result<AssumeRoleOutput>;

    /// Makes a session of the user that calls. Nobody needs a permission for that.
    #[operation(on = open)]
    async fn get_session_token(
        &self,
        cx: &Context,
        input: GetSessionTokenInput,
    ) -> Result<GetSessionTokenOutput>;

    #[operation(name = "AssumeRoleWithSAML")]
    fn assume_role_with_saml();
    fn assume_role_with_web_identity();
    fn assume_root();
    fn decode_authorization_message();
    fn get_access_key_info();
    fn get_delegated_access_token();
    fn get_federation_token();
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

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct AssumeRoleInput {
    #[wire(like = ARN)]
    pub role_arn: String,
    #[wire(like = ROLE_SESSION_NAME)]
    pub role_session_name: String,
    pub policy_arns: Option<Vec<PolicyDescriptor>>,
    #[wire(like = SESSION_POLICY)]
    pub policy: Option<String>,
    #[wire(like = ROLE_DURATION_SECONDS)]
    pub duration_seconds: Option<i32>,
    #[wire(like = TAG_LIST)]
    pub tags: Option<Vec<Tag>>,
    #[wire(like = TAG_KEY_LIST)]
    pub transitive_tag_keys: Option<Vec<String>>,
    #[wire(like = EXTERNAL_ID)]
    pub external_id: Option<String>,
    #[wire(like = SERIAL_NUMBER)]
    pub serial_number: Option<String>,
    #[wire(like = TOKEN_CODE)]
    pub token_code: Option<String>,
    #[wire(like = SOURCE_IDENTITY)]
    pub source_identity: Option<String>,
    #[wire(like = PROVIDED_CONTEXTS_LIST)]
    pub provided_contexts: Option<Vec<ProvidedContext>>,
    #[wire(like = MINIMUM_SESSION_TOKEN_SIZE)]
    pub minimum_session_token_size: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct AssumeRoleOutput {
    pub credentials: Option<Credentials>,
    pub assumed_role_user: Option<AssumedRoleUser>,
    pub packed_policy_size: Option<i32>,
    pub source_identity: Option<String>,
    pub session_token_utilization: Option<i32>,
    pub session_token_size: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetSessionTokenInput {
    #[wire(like = DURATION_SECONDS)]
    pub duration_seconds: Option<i32>,
    #[wire(like = SERIAL_NUMBER)]
    pub serial_number: Option<String>,
    #[wire(like = TOKEN_CODE)]
    pub token_code: Option<String>,
    #[wire(like = MINIMUM_SESSION_TOKEN_SIZE)]
    pub minimum_session_token_size: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetSessionTokenOutput {
    pub credentials: Option<Credentials>,
    pub session_token_utilization: Option<i32>,
    pub session_token_size: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expiration: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AssumedRoleUser {
    pub assumed_role_id: String,
    pub arn: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PolicyDescriptor {
    #[wire(name = "arn", like = ARN)]
    pub arn: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Tag {
    #[wire(like = TAG_KEY)]
    pub key: String,
    #[wire(like = TAG_VALUE)]
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct ProvidedContext {
    #[wire(like = ARN)]
    pub provider_arn: Option<String>,
    #[wire(like = CONTEXT_ASSERTION)]
    pub context_assertion: Option<String>,
}
