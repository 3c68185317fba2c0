// SPDX-License-Identifier: Apache-2.0
//! Access keys of users.

use super::access::user_or_caller;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// Access keys of users.
#[operations("iam")]
pub trait AccessKeyOperations: Send + Sync + 'static {
    /// Creates an access key: the only answer that has its secret.
    #[operation(on = user_or_caller(user_name))]
    async fn create_access_key(
        &self,
        cx: &Context,
        input: CreateAccessKeyInput,
    ) -> Result<CreateAccessKeyOutput>;

    /// Deletes an access key.
    #[operation(on = user_or_caller(user_name))]
    async fn delete_access_key(&self, cx: &Context, input: DeleteAccessKeyInput) -> Result<()>;

    /// Lists the access keys of a user.
    #[operation(on = user_or_caller(user_name))]
    async fn list_access_keys(
        &self,
        cx: &Context,
        input: ListAccessKeysInput,
    ) -> Result<ListAccessKeysOutput>;

    /// Switches an access key on or off.
    #[operation(on = user_or_caller(user_name))]
    async fn update_access_key(&self, cx: &Context, input: UpdateAccessKeyInput) -> Result<()>;

    fn get_access_key_last_used();
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateAccessKeyInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct CreateAccessKeyOutput {
    pub access_key: AccessKey,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteAccessKeyInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: Option<String>,
    #[wire(like = ACCESS_KEY_ID)]
    pub access_key_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListAccessKeysInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: Option<String>,
    #[wire(like = MARKER)]
    pub marker: Option<String>,
    #[wire(like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListAccessKeysOutput {
    pub access_key_metadata: Vec<AccessKeyMetadata>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct UpdateAccessKeyInput {
    #[wire(like = EXISTING_USER_NAME)]
    pub user_name: Option<String>,
    #[wire(like = ACCESS_KEY_ID)]
    pub access_key_id: String,
    pub status: StatusType,
}

#[derive(Debug, Clone, PartialEq, Structure)]
pub struct AccessKey {
    pub user_name: Option<String>,
    pub access_key_id: String,
    pub status: StatusType,
    pub secret_access_key: String,
    pub create_date: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AccessKeyMetadata {
    pub user_name: Option<String>,
    pub access_key_id: Option<String>,
    pub status: Option<StatusType>,
    pub create_date: Option<Timestamp>,
}

wire::enumeration! {
    pub enum StatusType {
        Active = "Active",
        Inactive = "Inactive",
        Expired = "Expired",
    }
}
