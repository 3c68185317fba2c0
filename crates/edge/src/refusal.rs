// SPDX-License-Identifier: Apache-2.0
//! How the edge says no, in AWS's words.

use sigv4::SignatureError;
use wire::{Fault, OperationSpec, Protocol, ServiceSpec};

/// Query services have older names for the same errors.
pub(crate) fn unsigned(error: &SignatureError, protocol: Protocol) -> Fault {
    let code = error.code();
    let code = match (protocol, error) {
        (Protocol::Query, SignatureError::Missing) => "MissingAuthenticationToken",
        (Protocol::Query, SignatureError::Incomplete(_)) => "IncompleteSignature",
        (Protocol::Query, SignatureError::UnknownKey) => "InvalidClientTokenId",
        (Protocol::Query, SignatureError::ExpiredToken) => "ExpiredToken",
        (
            Protocol::Query,
            SignatureError::Mismatch
            | SignatureError::Expired { .. }
            | SignatureError::NotYetCurrent { .. }
            | SignatureError::Scope(_),
        ) => "SignatureDoesNotMatch",
        (Protocol::RestJson | Protocol::Json10 | Protocol::Json11 | Protocol::RpcCbor, _) => code,
    };
    Fault::new(code, error.status(), error.to_string())
}

pub(crate) fn invalid_region() -> Fault {
    Fault::new("InvalidSignatureException", 403, "Credential should be scoped to a valid region.")
}

pub(crate) fn unknown_service(name: Option<&str>) -> Fault {
    let mut fault = Fault::unknown_operation();
    if let Some(name) = name {
        let name: String = name.chars().take(64).collect();
        fault.message = format!("The service {name} is not available in this build of Tinderbox");
    }
    fault
}

pub(crate) fn too_large(
    spec: &ServiceSpec,
    operation: Option<&OperationSpec>,
    bytes_max: usize,
) -> Fault {
    let (code, name) = match operation.map(|operation| operation.name) {
        // Lambda's data plane has an error of its own for this, and an older name for itself.
        Some("Invoke" | "InvokeWithResponseStream") => {
            ("RequestTooLargeException", "InvokeFunction")
        }
        Some(name) => ("RequestEntityTooLargeException", name),
        None => ("RequestEntityTooLargeException", "requested"),
    };
    let message =
        format!("Request must be smaller than {bytes_max} bytes for the {name} operation");
    match spec.faults.iter().find(|fault| fault.code == code) {
        Some(modelled) => modelled.fault(message),
        None => Fault::new(code, 413, message),
    }
}

/// The same of a front, whose clients know no operation.
pub(crate) fn too_large_for(front: &str, bytes_max: usize) -> Fault {
    let message = format!("Request must be smaller than {bytes_max} bytes for the {front}");
    Fault::new("RequestEntityTooLargeException", 413, message)
}

pub(crate) fn idle() -> Fault {
    Fault::new("RequestTimeoutException", 408, "The request was not received in time.")
}
