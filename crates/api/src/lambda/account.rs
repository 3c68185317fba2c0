// SPDX-License-Identifier: Apache-2.0
//! What an account may use, and uses.

use wire::{Input, Output, Structure};

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct GetAccountSettingsInput {}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct GetAccountSettingsOutput {
    pub account_limit: Option<AccountLimit>,
    pub account_usage: Option<AccountUsage>,
}

/// What an account may use.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AccountLimit {
    pub total_code_size: Option<i64>,
    pub code_size_unzipped: Option<i64>,
    pub code_size_zipped: Option<i64>,
    pub concurrent_executions: Option<i32>,
    pub unreserved_concurrent_executions: Option<i32>,
}

/// What an account uses.
#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct AccountUsage {
    pub total_code_size: Option<i64>,
    pub function_count: Option<i64>,
}
