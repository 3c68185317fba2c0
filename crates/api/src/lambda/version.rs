// SPDX-License-Identifier: Apache-2.0
//! Published versions.

use super::access::function;
use super::configuration::FunctionConfiguration;
use super::constraints::*;
use super::function::FunctionVersionLatestPublished;
use wire::{Context, Input, Output, Result, operations};

/// Numbered versions of functions.
#[operations("lambda")]
pub trait VersionOperations: Send + Sync + 'static {
    /// Freezes `$LATEST` as a numbered version.
    #[operation(http = "POST /2015-03-31/functions/{FunctionName}/versions", status = 201, on = function(function_name))]
    async fn publish_version(
        &self,
        cx: &Context,
        input: PublishVersionInput,
    ) -> Result<FunctionConfiguration>;

    /// Lists the versions of a function, page by page.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/versions", on = function(function_name))]
    async fn list_versions_by_function(
        &self,
        cx: &Context,
        input: ListVersionsByFunctionInput,
    ) -> Result<ListVersionsByFunctionOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PublishVersionInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    pub code_sha256: Option<String>,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    pub revision_id: Option<String>,
    pub publish_to: Option<FunctionVersionLatestPublished>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListVersionsByFunctionInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListVersionsByFunctionOutput {
    pub next_marker: Option<String>,
    pub versions: Vec<FunctionConfiguration>,
}
