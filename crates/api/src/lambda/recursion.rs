// SPDX-License-Identifier: Apache-2.0
//! What happens to a function that calls itself through other services.

use super::constraints::*;
use wire::{Input, Output, enumeration};

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
