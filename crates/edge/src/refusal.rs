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
            | SignatureError::HeadersNotSigned
            | SignatureError::LinkExpired
            | SignatureError::Scope(_),
        ) => "SignatureDoesNotMatch",
        (Protocol::RestXml, _) => return unsigned_object(error, false),
        (Protocol::RestJson | Protocol::Json10 | Protocol::Json11 | Protocol::RpcCbor, _) => code,
    };
    Fault::new(code, error.status(), error.to_string())
}

/// Amazon S3 has words of its own for all of them.
pub(crate) fn unsigned_object(error: &SignatureError, is_presigned: bool) -> Fault {
    let skewed = "The difference between the request time and the current time is too large.";
    let malformed = match is_presigned {
        true => "AuthorizationQueryParametersError",
        false => "AuthorizationHeaderMalformed",
    };
    match error {
        SignatureError::Missing => Fault::new("AccessDenied", 403, "Access Denied"),
        SignatureError::Incomplete(text) if text.starts_with("Missing required header") => {
            Fault::new("InvalidRequest", 400, text.as_str())
        }
        SignatureError::Incomplete(text) | SignatureError::Scope(text) => {
            Fault::new(malformed, 400, text.as_str())
        }
        SignatureError::UnknownKey => Fault::new(
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        SignatureError::ExpiredToken => {
            Fault::new("ExpiredToken", 400, "The provided token has expired.")
        }
        SignatureError::Mismatch => Fault::new(
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        ),
        SignatureError::LinkExpired => Fault::new("AccessDenied", 403, "Request has expired"),
        SignatureError::Expired { .. } if is_presigned => {
            Fault::new("AccessDenied", 403, "Request has expired")
        }
        SignatureError::Expired { .. } | SignatureError::NotYetCurrent { .. } => {
            Fault::new("RequestTimeTooSkewed", 403, skewed)
        }
        SignatureError::HeadersNotSigned => Fault::new("AccessDenied", 403, error.to_string()),
    }
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
