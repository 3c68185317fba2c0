// SPDX-License-Identifier: Apache-2.0
//! Reserved concurrency.

use super::constraints::*;
use wire::{Input, Output};

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutFunctionConcurrencyInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
    #[wire(like = RESERVED_CONCURRENT_EXECUTIONS)]
    pub reserved_concurrent_executions: i32,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionConcurrencyInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionConcurrencyOutput {
    #[wire(like = RESERVED_CONCURRENT_EXECUTIONS)]
    pub reserved_concurrent_executions: Option<i32>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionConcurrencyInput {
    #[wire(label, like = FUNCTION_NAME)]
    pub function_name: String,
}
