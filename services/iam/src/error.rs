// SPDX-License-Identifier: Apache-2.0
//! Errors in AWS's words.

use crate::record::Kind;
use api::iam::fault;
use store::{CommitError, EncodeError};
use wire::Fault;

/// What went wrong on our side while a change was kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("failed to encode a record")]
    Encode(#[from] EncodeError),
    #[error("failed to save a record")]
    Commit(#[from] CommitError),
}

impl From<KeepError> for Fault {
    fn from(error: KeepError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "change not kept");
        Self::internal()
    }
}

pub(crate) fn no_such(kind: Kind, name: &str) -> Fault {
    fault::no_such_entity(format!("The {kind} with name {name} cannot be found."))
}

pub(crate) fn no_such_inline_policy(kind: Kind, name: &str) -> Fault {
    fault::no_such_entity(format!("The {kind} policy with name {name} cannot be found."))
}

pub(crate) fn no_such_policy(arn: &str) -> Fault {
    fault::no_such_entity(format!("Policy {arn} was not found."))
}

pub(crate) fn not_attachable(arn: &str) -> Fault {
    fault::no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

pub(crate) fn no_such_version(arn: &str, version: &str) -> Fault {
    fault::no_such_entity(format!(
        "Policy {arn} version {version} does not exist or is not attachable."
    ))
}

pub(crate) fn no_such_access_key(id: &str) -> Fault {
    fault::no_such_entity(format!("The Access Key with id {id} cannot be found."))
}

pub(crate) fn exists(kind: Kind, name: &str) -> Fault {
    fault::entity_already_exists(format!("{} with name {name} already exists.", kind.title()))
}

/// `Cannot exceed quota for PoliciesPerRole: 10`
pub(crate) fn exceeded(quota: &str, limit: usize) -> Fault {
    fault::limit_exceeded(format!("Cannot exceed quota for {quota}: {limit}"))
}

pub(crate) fn protected(name: &str) -> Fault {
    fault::unmodifiable_entity(format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    ))
}

/// AWS's own policies belong to another account.
pub(crate) fn awss_own(arn: &str) -> Fault {
    Fault::new("AccessDenied", 403, format!("Policy {arn} is AWS's own: it cannot be changed."))
}

pub(crate) fn invalid_arn(arn: &str) -> Fault {
    fault::invalid_input(format!("ARN {arn} is not valid."))
}
