// SPDX-License-Identifier: Apache-2.0
//! AWS Identity and Access Management, API version 2010-05-08: all operations of the model.
//!
//! Each module has the operations of one kind of thing, and what they take and answer. A `fn` is declared only.

mod access;
pub mod access_key;
pub mod account;
pub mod constraints;
pub mod credential;
pub mod fault;
pub mod group;
pub mod identity_provider;
pub mod instance_profile;
pub mod organization;
pub mod policy;
pub mod role;
pub mod service_linked_role;
pub mod simulation;
pub mod user;

pub use self::{
    access_key::*, account::*, credential::*, group::*, identity_provider::*, instance_profile::*,
    organization::*, policy::*, role::*, service_linked_role::*, simulation::*, user::*,
};

use wire::service;

/// AWS Identity and Access Management.
#[service(
    query,
    signing = "iam",
    version = "2010-05-08",
    namespace = "https://iam.amazonaws.com/doc/2010-05-08/",
    faults = fault::MODELLED
)]
pub trait Iam:
    RoleOperations
    + ServiceLinkedRoleOperations
    + PolicyOperations
    + UserOperations
    + AccessKeyOperations
    + GroupOperations
    + AccountOperations
    + SimulationOperations
    + InstanceProfileOperations
    + IdentityProviderOperations
    + CredentialOperations
    + OrganizationOperations
{
}
