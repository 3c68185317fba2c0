// SPDX-License-Identifier: Apache-2.0
//! Amazon S3's errors: each its code, its status and its sentence.

use std::error::Error;
use wire::Fault;

macro_rules! faults {
    ($($name:ident: $code:literal, $status:literal, $text:literal;)*) => {$(
        #[doc = concat!("`", $code, "`, ", stringify!($status), ".")]
        pub(crate) fn $name() -> Fault {
            Fault::new($code, $status, $text)
        }
    )*};
}

faults! {
    access_denied: "AccessDenied", 403, "Access Denied";
    bad_digest: "BadDigest", 400, "The Content-MD5 or checksum value that you specified did not match what the server received.";
    bucket_exists: "BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
    bucket_not_empty: "BucketNotEmpty", 409, "The bucket you tried to delete is not empty";
    bucket_owned: "BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.";
    entity_too_large: "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size";
    invalid_bucket_name: "InvalidBucketName", 400, "The specified bucket is not valid.";
    invalid_digest: "InvalidDigest", 400, "The Content-MD5 you specified was invalid.";
    invalid_location: "InvalidLocationConstraint", 400, "The specified location-constraint is not valid";
    invalid_part_number: "InvalidPartNumber", 416, "The requested partnumber is not satisfiable";
    invalid_range: "InvalidRange", 416, "The requested range is not satisfiable";
    invalid_storage_class: "InvalidStorageClass", 400, "The storage class you specified is not valid";
    key_too_long: "KeyTooLongError", 400, "Your key is too long";
    malformed_xml: "MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema";
    metadata_too_large: "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size";
    no_acls: "AccessControlListNotSupported", 400, "The bucket does not allow ACLs";
    no_such_bucket: "NoSuchBucket", 404, "The specified bucket does not exist";
    no_such_key: "NoSuchKey", 404, "The specified key does not exist.";
    not_implemented: "NotImplemented", 501, "A header you provided implies functionality that is not implemented";
    precondition_failed: "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold";
    slow_down: "SlowDown", 503, "Please reduce your request rate.";
    too_many_buckets: "TooManyBuckets", 400, "You have attempted to create more buckets than allowed";
}

pub(crate) fn invalid_argument(text: impl Into<String>, name: &str, value: &str) -> Fault {
    Fault::new("InvalidArgument", 400, text)
        .with_member("ArgumentName", name)
        .with_member("ArgumentValue", value)
}

pub(crate) fn invalid_request(text: impl Into<String>) -> Fault {
    Fault::new("InvalidRequest", 400, text)
}

/// The disk is full, or as full as it may get.
pub(crate) fn no_space() -> Fault {
    Fault::new("InsufficientStorage", 507, "There is no space left for the object.")
}

/// A failure of ours, which goes to the log and not to the client.
pub(crate) fn internal(error: &(dyn Error + 'static)) -> Fault {
    tracing::error!(error, "object storage failed");
    Fault::new("InternalError", 500, "We encountered an internal error. Please try again.")
}

/// The same of the store, which may be full.
pub(crate) fn uncommitted(error: &store::CommitError) -> Fault {
    match error {
        store::CommitError::Full { .. } => no_space(),
        error => internal(error),
    }
}

/// The same of a file.
pub(crate) fn unwritten(error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => no_space(),
        _ => internal(error),
    }
}
