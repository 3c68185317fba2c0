// SPDX-License-Identifier: Apache-2.0
//! Aliases: names that lead to a version, or to two by weight.

use super::access::function;
use super::constraints::*;
use std::collections::BTreeMap;
use wire::{Context, Input, Output, Result, Structure, operations};

/// Names that lead to versions.
#[operations("lambda")]
pub trait AliasOperations: Send + Sync + 'static {
    /// Creates an alias: a name that leads to a version.
    #[operation(http = "POST /2015-03-31/functions/{FunctionName}/aliases", status = 201, on = function(function_name))]
    async fn create_alias(
        &self,
        cx: &Context,
        input: CreateAliasInput,
    ) -> Result<AliasConfiguration>;

    /// Answers an alias.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/aliases/{Name}", on = function(function_name))]
    async fn get_alias(&self, cx: &Context, input: GetAliasInput) -> Result<AliasConfiguration>;

    /// Leads an alias elsewhere.
    #[operation(http = "PUT /2015-03-31/functions/{FunctionName}/aliases/{Name}", on = function(function_name))]
    async fn update_alias(
        &self,
        cx: &Context,
        input: UpdateAliasInput,
    ) -> Result<AliasConfiguration>;

    /// Deletes an alias.
    #[operation(http = "DELETE /2015-03-31/functions/{FunctionName}/aliases/{Name}", status = 204, on = function(function_name))]
    async fn delete_alias(&self, cx: &Context, input: DeleteAliasInput) -> Result<()>;

    /// Lists the aliases of a function, page by page.
    #[operation(http = "GET /2015-03-31/functions/{FunctionName}/aliases", on = function(function_name))]
    async fn list_aliases(
        &self,
        cx: &Context,
        input: ListAliasesInput,
    ) -> Result<ListAliasesOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct CreateAliasInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = ALIAS)]
    pub name: String,
    #[wire(like = VERSION_WITH_LATEST_PUBLISHED)]
    pub function_version: String,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    pub routing_config: Option<AliasRoutingConfiguration>,
}

/// The version besides the alias's own, and the share of invocations that it gets.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AliasRoutingConfiguration {
    #[wire(like = ADDITIONAL_VERSION_WEIGHTS)]
    pub additional_version_weights: Option<BTreeMap<String, f64>>,
}

/// An alias as every operation on it answers it.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct AliasConfiguration {
    pub alias_arn: String,
    pub name: String,
    pub function_version: String,
    pub description: String,
    pub routing_config: Option<AliasRoutingConfiguration>,
    pub revision_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetAliasInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(label, like = ALIAS)]
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct UpdateAliasInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(label, like = ALIAS)]
    pub name: String,
    #[wire(like = VERSION_WITH_LATEST_PUBLISHED)]
    pub function_version: Option<String>,
    #[wire(like = DESCRIPTION)]
    pub description: Option<String>,
    pub routing_config: Option<AliasRoutingConfiguration>,
    pub revision_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteAliasInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(label, like = ALIAS)]
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct ListAliasesInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(query = "FunctionVersion", like = VERSION_WITH_LATEST_PUBLISHED)]
    pub function_version: Option<String>,
    #[wire(query = "Marker")]
    pub marker: Option<String>,
    #[wire(query = "MaxItems", like = MAX_LIST_ITEMS)]
    pub max_items: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct ListAliasesOutput {
    pub next_marker: Option<String>,
    pub aliases: Vec<AliasConfiguration>,
}
