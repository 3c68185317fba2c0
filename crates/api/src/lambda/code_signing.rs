// SPDX-License-Identifier: Apache-2.0
//! Which code signing configuration a function has.

use super::constraints::*;
use wire::{Input, Output};

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetFunctionCodeSigningConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
}

/// Empty for a function that has none: so AWS answers, against its own model.
#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetFunctionCodeSigningConfigOutput {
    #[wire(like = CODE_SIGNING_CONFIG_ARN)]
    pub code_signing_config_arn: Option<String>,
    pub function_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct DeleteFunctionCodeSigningConfigInput {
    #[wire(label, like = NAMESPACED_FUNCTION_NAME)]
    pub function_name: String,
}
