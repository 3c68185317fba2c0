// SPDX-License-Identifier: Apache-2.0
//! What happens to a function that calls itself through other services.

use super::access::function;
use super::constraints::*;
use wire::{Context, Input, Output, Result, enumeration, operations};

/// Functions that lead to themselves.
#[operations("lambda")]
pub trait RecursionOperations: Send + Sync + 'static {
    /// Answers whether a function may call itself through other services.
    #[operation(http = "GET /2024-08-31/functions/{FunctionName}/recursion-config", on = function(function_name))]
    async fn get_function_recursion_config(
        &self,
        cx: &Context,
        input: GetFunctionRecursionConfigInput,
    ) -> Result<GetFunctionRecursionConfigOutput>;

    /// Sets whether a function may call itself through other services.
    #[operation(http = "PUT /2024-08-31/functions/{FunctionName}/recursion-config", on = function(function_name))]
    async fn put_function_recursion_config(
        &self,
        cx: &Context,
        input: PutFunctionRecursionConfigInput,
    ) -> Result<PutFunctionRecursionConfigOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionRecursionConfigInput {
    #[wire(label, like = UNQUALIFIED_FUNCTION_NAME)]
    pub function_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionRecursionConfigOutput {
    pub recursive_loop: Option<RecursiveLoop>,
}

#[derive(Debug, Clone, PartialEq, Input)]
pub struct PutFunctionRecursionConfigInput {
    #[wire(label, like = UNQUALIFIED_FUNCTION_NAME)]
    pub function_name: String,
    pub recursive_loop: RecursiveLoop,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutFunctionRecursionConfigOutput {
    pub recursive_loop: Option<RecursiveLoop>,
}

enumeration! {
    pub enum RecursiveLoop {
        Allow = "Allow",
        Terminate = "Terminate",
    }
}
