// SPDX-License-Identifier: Apache-2.0
//! Function URLs.

use super::access::{changed_url, function, qualified, url};
use super::constraints::*;
use super::policy::FunctionUrlAuthType;
use wire::{Context, Input, Output, Result, Structure, enumeration, operations};

/// URLs of functions.
#[operations("lambda")]
pub trait FunctionUrlOperations: Send + Sync + 'static {
    /// Gives a function or an alias a URL.
    #[operation(http = "POST /2021-10-31/functions/{FunctionName}/url", status = 201, on = url(function_name, qualifier, auth_type))]
    async fn create_function_url_config(
        &self,
        cx: &Context,
        input: CreateFunctionUrlConfigInput,
    ) -> Result<CreateFunctionUrlConfigOutput>;

    /// Answers a function URL.
    #[operation(http = "GET /2021-10-31/functions/{FunctionName}/url", on = qualified(function_name, qualifier))]
    async fn get_function_url_config(
        &self,
        cx: &Context,
        input: GetFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig>;

    /// Lists the URLs of a function, page by page.
    #[operation(http = "GET /2021-10-31/functions/{FunctionName}/urls", on = function(function_name))]
    async fn list_function_url_configs(
        &self,
        cx: &Context,
        input: ListFunctionUrlConfigsInput,
    ) -> Result<ListFunctionUrlConfigsOutput>;

    /// Changes a function URL.
    #[operation(http = "PUT /2021-10-31/functions/{FunctionName}/url", on = changed_url(function_name, qualifier, auth_type))]
    async fn update_function_url_config(
        &self,
        cx: &Context,
        input: UpdateFunctionUrlConfigInput,
    ) -> Result<FunctionUrlConfig>;

    /// Deletes a function URL.
    #[operation(http = "DELETE /2021-10-31/functions/{FunctionName}/url", status = 204, on = qualified(function_name, qualifier))]
    async fn delete_function_url_config(
        &self,
        cx: &Context,
        input: DeleteFunctionUrlConfigInput,
    ) -> Result<()>;
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct CreateFunctionUrlConfigInput {
    #[wire(label, like = FUNCTION_URL_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = FUNCTION_URL_QUALIFIER)]
    pub qualifier: Option<String>,
    pub auth_type: FunctionUrlAuthType,
    pub cors: Option<Cors>,
    pub invoke_mode: Option<InvokeMode>,
}

#[derive(Debug, Clone, PartialEq, Output)]
pub struct CreateFunctionUrlConfigOutput {
    pub function_url: String,
    pub function_arn: String,
    pub auth_type: FunctionUrlAuthType,
    pub cors: Option<Cors>,
    pub creation_time: String,
    pub invoke_mode: Option<InvokeMode>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionUrlConfigInput {
    #[wire(label, like = FUNCTION_URL_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = FUNCTION_URL_QUALIFIER)]
    pub qualifier: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListFunctionUrlConfigsInput {
    #[wire(label, like = FUNCTION_URL_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListFunctionUrlConfigsOutput {
    pub function_url_configs: Vec<FunctionUrlConfig>,
    pub next_marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateFunctionUrlConfigInput {
    #[wire(label, like = FUNCTION_URL_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = FUNCTION_URL_QUALIFIER)]
    pub qualifier: Option<String>,
    pub auth_type: Option<FunctionUrlAuthType>,
    pub cors: Option<Cors>,
    pub invoke_mode: Option<InvokeMode>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionUrlConfigInput {
    #[wire(label, like = FUNCTION_URL_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Qualifier", like = FUNCTION_URL_QUALIFIER)]
    pub qualifier: Option<String>,
}

/// What browsers are told about other origins.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct Cors {
    pub allow_credentials: Option<bool>,
    #[wire(like = HEADERS_LIST)]
    pub allow_headers: Option<Vec<String>>,
    #[wire(like = ALLOW_METHODS_LIST)]
    pub allow_methods: Option<Vec<String>>,
    #[wire(like = ALLOW_ORIGINS_LIST)]
    pub allow_origins: Option<Vec<String>>,
    #[wire(like = HEADERS_LIST)]
    pub expose_headers: Option<Vec<String>>,
    #[wire(like = MAX_AGE)]
    pub max_age: Option<i32>,
}

/// A function URL, as get, update and list answer it.
#[derive(Debug, Clone, PartialEq, Output)]
pub struct FunctionUrlConfig {
    pub function_url: String,
    pub function_arn: String,
    pub creation_time: String,
    pub last_modified_time: String,
    pub cors: Option<Cors>,
    pub auth_type: FunctionUrlAuthType,
    pub invoke_mode: Option<InvokeMode>,
}

enumeration! {
    pub enum InvokeMode {
        Buffered = "BUFFERED",
        ResponseStream = "RESPONSE_STREAM",
    }
}
