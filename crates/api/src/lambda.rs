// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda, API version 2015-03-31: all operations of the model.
//!
//! Each module has the operations of one kind of thing, and what they take and answer. An `async fn` is built. A `fn` is
//! declared only: its input is checked where it names one, then it is refused.

mod access;
pub mod account;
pub mod alias;
pub mod capacity_provider;
pub mod code_signing;
pub mod concurrency;
pub mod configuration;
pub mod constraints;
pub mod durable_execution;
pub mod event_invoke_config;
pub mod event_source_mapping;
pub mod fault;
pub mod function;
pub mod function_url;
pub mod invoke;
pub mod layer;
pub mod policy;
pub mod recursion;
pub mod runtime_management;
pub mod settings;
pub mod state;
pub mod tag;
pub mod version;

pub use self::{
    account::*, alias::*, capacity_provider::*, code_signing::*, concurrency::*, configuration::*,
    durable_execution::*, event_invoke_config::*, event_source_mapping::*, function::*,
    function_url::*, invoke::*, layer::*, policy::*, recursion::*, runtime_management::*,
    settings::*, state::*, tag::*, version::*,
};

use wire::service;

/// AWS Lambda.
#[service(rest_json, signing = "lambda", version = "2015-03-31", faults = fault::MODELLED)]
pub trait Lambda:
    FunctionOperations
    + InvokeOperations
    + VersionOperations
    + AliasOperations
    + ConcurrencyOperations
    + EventInvokeConfigOperations
    + EventSourceMappingOperations
    + FunctionUrlOperations
    + PolicyOperations
    + LayerOperations
    + TagOperations
    + RuntimeManagementOperations
    + RecursionOperations
    + CodeSigningOperations
    + CapacityProviderOperations
    + DurableExecutionOperations
{
}
