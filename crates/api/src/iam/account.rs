// SPDX-License-Identifier: Apache-2.0
//! The account as a whole.

use super::access::anything;
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, operations};

/// The account as a whole.
#[operations("iam")]
pub trait AccountOperations: Send + Sync + 'static {
    /// Gives the account an alias.
    #[operation(on = anything())]
    async fn create_account_alias(
        &self,
        cx: &Context,
        input: CreateAccountAliasInput,
    ) -> Result<()>;

    /// Removes the alias of the account.
    #[operation(on = anything())]
    async fn delete_account_alias(
        &self,
        cx: &Context,
        input: DeleteAccountAliasInput,
    ) -> Result<()>;

    /// Counts what the account has, and names its quotas.
    #[operation(on = anything())]
    async fn get_account_summary(
        &self,
        cx: &Context,
        input: GetAccountSummaryInput,
    ) -> Result<GetAccountSummaryOutput>;

    /// Lists the alias of the account.
    #[operation(on = anything())]
    async fn list_account_aliases(
        &self,
        cx: &Context,
        input: ListAccountAliasesInput,
    ) -> Result<ListAccountAliasesOutput>;

    fn delete_account_password_policy();

    fn generate_credential_report();

    fn generate_service_last_accessed_details();

    fn get_account_authorization_details();

    fn get_account_password_policy();

    fn get_account_properties();

    fn get_credential_report();

    fn get_service_last_accessed_details();

    fn get_service_last_accessed_details_with_entities();

    fn list_policies_granting_service_access();

    fn put_account_properties();

    fn set_security_token_service_preferences();

    fn update_account_password_policy();
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateAccountAliasInput {
    #[wire(like = ACCOUNT_ALIAS)]
    pub account_alias: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteAccountAliasInput {
    #[wire(like = ACCOUNT_ALIAS)]
    pub account_alias: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetAccountSummaryInput {}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetAccountSummaryOutput {
    pub summary_map: Option<BTreeMap<String, i32>>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListAccountAliasesInput {
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListAccountAliasesOutput {
    pub account_aliases: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}
