// SPDX-License-Identifier: Apache-2.0
//! Amazon S3: its operations, and what a caller must be allowed.
//!
//! Its messages are declared nowhere: nearly all that an operation takes and answers stands in the head of a request or of its
//! answer, and the rest is bytes of any length. The service reads and writes them itself.

use wire::{OperationSpec, Protocol, ServiceSpec};

pub static SPEC: ServiceSpec = ServiceSpec {
    signing_name: "s3",
    protocols: &[Protocol::RestXml],
    api_version: "2006-03-01",
    xml_namespace: "http://s3.amazonaws.com/doc/2006-03-01/",
    operations: &OPERATIONS,
    faults: fault::MODELLED,
    ..ServiceSpec::EMPTY
};

/// The errors of the model. S3 has many more, which its service knows.
pub mod fault {
    wire::faults! {
        access_denied: "AccessDenied", 403, Lower;
        annotation_limit_exceeded: "AnnotationLimitExceeded", 400, Lower;
        annotation_name_too_long: "AnnotationNameTooLong", 400, Lower;
        bucket_already_exists: "BucketAlreadyExists", 409, Lower;
        bucket_already_owned_by_you: "BucketAlreadyOwnedByYou", 409, Lower;
        encryption_type_mismatch: "EncryptionTypeMismatch", 400, Lower;
        idempotency_parameter_mismatch: "IdempotencyParameterMismatch", 400, Lower;
        invalid_annotation_name: "InvalidAnnotationName", 400, Lower;
        invalid_object_state: "InvalidObjectState", 403, Lower;
        invalid_prefix: "InvalidPrefix", 400, Lower;
        invalid_request: "InvalidRequest", 400, Lower;
        invalid_write_offset: "InvalidWriteOffset", 400, Lower;
        no_such_annotation: "NoSuchAnnotation", 404, Lower;
        no_such_bucket: "NoSuchBucket", 404, Lower;
        no_such_key: "NoSuchKey", 404, Lower;
        no_such_upload: "NoSuchUpload", 404, Lower;
        object_already_in_active_tier_error: "ObjectAlreadyInActiveTierError", 403, Lower;
        object_not_in_active_tier_error: "ObjectNotInActiveTierError", 403, Lower;
        too_many_parts: "TooManyParts", 400, Lower;
        unsupported_media_type: "UnsupportedMediaType", 415, Lower;
    }
}

/// An operation without an action is not built.
const fn operation(
    name: &'static str,
    http: &'static str,
    status: u16,
    action: &'static str,
) -> OperationSpec {
    let (http, is_built) = (Some(http), !action.is_empty());
    OperationSpec { name, http, status, is_built, action, ..OperationSpec::EMPTY }
}

static OPERATIONS: [OperationSpec; 116] = [
    operation("AbortMultipartUpload", "DELETE /{Bucket}/{Key+}", 204, "s3:AbortMultipartUpload"),
    operation("CompleteMultipartUpload", "POST /{Bucket}/{Key+}", 200, "s3:PutObject"),
    operation("CopyObject", "PUT /{Bucket}/{Key+}", 200, "s3:PutObject"),
    operation("CreateBucket", "PUT /{Bucket}", 200, "s3:CreateBucket"),
    operation("CreateBucketMetadataConfiguration", "POST /{Bucket}?metadataConfiguration", 200, ""),
    operation("CreateBucketMetadataTableConfiguration", "POST /{Bucket}?metadataTable", 200, ""),
    operation("CreateMultipartUpload", "POST /{Bucket}/{Key+}?uploads", 200, "s3:PutObject"),
    operation("CreateSession", "GET /{Bucket}?session", 200, ""),
    operation("DeleteBucket", "DELETE /{Bucket}", 204, "s3:DeleteBucket"),
    operation(
        "DeleteBucketAnalyticsConfiguration",
        "DELETE /{Bucket}?analytics",
        204,
        "s3:PutAnalyticsConfiguration",
    ),
    operation("DeleteBucketCors", "DELETE /{Bucket}?cors", 204, "s3:PutBucketCORS"),
    operation(
        "DeleteBucketEncryption",
        "DELETE /{Bucket}?encryption",
        204,
        "s3:PutEncryptionConfiguration",
    ),
    operation(
        "DeleteBucketIntelligentTieringConfiguration",
        "DELETE /{Bucket}?intelligent-tiering",
        204,
        "s3:PutIntelligentTieringConfiguration",
    ),
    operation(
        "DeleteBucketInventoryConfiguration",
        "DELETE /{Bucket}?inventory",
        204,
        "s3:PutInventoryConfiguration",
    ),
    operation(
        "DeleteBucketLifecycle",
        "DELETE /{Bucket}?lifecycle",
        204,
        "s3:PutLifecycleConfiguration",
    ),
    operation(
        "DeleteBucketMetadataConfiguration",
        "DELETE /{Bucket}?metadataConfiguration",
        204,
        "",
    ),
    operation("DeleteBucketMetadataTableConfiguration", "DELETE /{Bucket}?metadataTable", 204, ""),
    operation(
        "DeleteBucketMetricsConfiguration",
        "DELETE /{Bucket}?metrics",
        204,
        "s3:PutMetricsConfiguration",
    ),
    operation(
        "DeleteBucketOwnershipControls",
        "DELETE /{Bucket}?ownershipControls",
        204,
        "s3:PutBucketOwnershipControls",
    ),
    operation("DeleteBucketPolicy", "DELETE /{Bucket}?policy", 204, "s3:DeleteBucketPolicy"),
    operation(
        "DeleteBucketReplication",
        "DELETE /{Bucket}?replication",
        204,
        "s3:PutReplicationConfiguration",
    ),
    operation("DeleteBucketTagging", "DELETE /{Bucket}?tagging", 204, "s3:PutBucketTagging"),
    operation("DeleteBucketWebsite", "DELETE /{Bucket}?website", 204, "s3:DeleteBucketWebsite"),
    operation("DeleteObject", "DELETE /{Bucket}/{Key+}", 204, "s3:DeleteObject"),
    operation("DeleteObjectAnnotation", "DELETE /{Bucket}/{Key+}?annotation", 204, ""),
    operation(
        "DeleteObjectTagging",
        "DELETE /{Bucket}/{Key+}?tagging",
        204,
        "s3:DeleteObjectTagging",
    ),
    operation("DeleteObjects", "POST /{Bucket}?delete", 200, "s3:DeleteObject"),
    operation(
        "DeletePublicAccessBlock",
        "DELETE /{Bucket}?publicAccessBlock",
        204,
        "s3:PutBucketPublicAccessBlock",
    ),
    operation("GetBucketAbac", "GET /{Bucket}?abac", 200, ""),
    operation(
        "GetBucketAccelerateConfiguration",
        "GET /{Bucket}?accelerate",
        200,
        "s3:GetAccelerateConfiguration",
    ),
    operation("GetBucketAcl", "GET /{Bucket}?acl", 200, "s3:GetBucketAcl"),
    operation(
        "GetBucketAnalyticsConfiguration",
        "GET /{Bucket}?analytics",
        200,
        "s3:GetAnalyticsConfiguration",
    ),
    operation("GetBucketCors", "GET /{Bucket}?cors", 200, "s3:GetBucketCORS"),
    operation(
        "GetBucketEncryption",
        "GET /{Bucket}?encryption",
        200,
        "s3:GetEncryptionConfiguration",
    ),
    operation(
        "GetBucketIntelligentTieringConfiguration",
        "GET /{Bucket}?intelligent-tiering",
        200,
        "s3:GetIntelligentTieringConfiguration",
    ),
    operation(
        "GetBucketInventoryConfiguration",
        "GET /{Bucket}?inventory",
        200,
        "s3:GetInventoryConfiguration",
    ),
    operation("GetBucketLifecycle", "GET /{Bucket}?lifecycle", 200, ""),
    operation(
        "GetBucketLifecycleConfiguration",
        "GET /{Bucket}?lifecycle",
        200,
        "s3:GetLifecycleConfiguration",
    ),
    operation("GetBucketLocation", "GET /{Bucket}?location", 200, "s3:GetBucketLocation"),
    operation("GetBucketLogging", "GET /{Bucket}?logging", 200, "s3:GetBucketLogging"),
    operation("GetBucketMetadataConfiguration", "GET /{Bucket}?metadataConfiguration", 200, ""),
    operation("GetBucketMetadataTableConfiguration", "GET /{Bucket}?metadataTable", 200, ""),
    operation(
        "GetBucketMetricsConfiguration",
        "GET /{Bucket}?metrics",
        200,
        "s3:GetMetricsConfiguration",
    ),
    operation("GetBucketNotification", "GET /{Bucket}?notification", 200, ""),
    operation(
        "GetBucketNotificationConfiguration",
        "GET /{Bucket}?notification",
        200,
        "s3:GetBucketNotification",
    ),
    operation(
        "GetBucketOwnershipControls",
        "GET /{Bucket}?ownershipControls",
        200,
        "s3:GetBucketOwnershipControls",
    ),
    operation("GetBucketPolicy", "GET /{Bucket}?policy", 200, "s3:GetBucketPolicy"),
    operation(
        "GetBucketPolicyStatus",
        "GET /{Bucket}?policyStatus",
        200,
        "s3:GetBucketPolicyStatus",
    ),
    operation(
        "GetBucketReplication",
        "GET /{Bucket}?replication",
        200,
        "s3:GetReplicationConfiguration",
    ),
    operation(
        "GetBucketRequestPayment",
        "GET /{Bucket}?requestPayment",
        200,
        "s3:GetBucketRequestPayment",
    ),
    operation("GetBucketTagging", "GET /{Bucket}?tagging", 200, "s3:GetBucketTagging"),
    operation("GetBucketVersioning", "GET /{Bucket}?versioning", 200, "s3:GetBucketVersioning"),
    operation("GetBucketWebsite", "GET /{Bucket}?website", 200, "s3:GetBucketWebsite"),
    operation("GetObject", "GET /{Bucket}/{Key+}", 200, "s3:GetObject"),
    operation("GetObjectAcl", "GET /{Bucket}/{Key+}?acl", 200, "s3:GetObjectAcl"),
    operation("GetObjectAnnotation", "GET /{Bucket}/{Key+}?annotation", 200, ""),
    operation(
        "GetObjectAttributes",
        "GET /{Bucket}/{Key+}?attributes",
        200,
        "s3:GetObjectAttributes",
    ),
    operation("GetObjectLegalHold", "GET /{Bucket}/{Key+}?legal-hold", 200, ""),
    operation(
        "GetObjectLockConfiguration",
        "GET /{Bucket}?object-lock",
        200,
        "s3:GetBucketObjectLockConfiguration",
    ),
    operation("GetObjectRetention", "GET /{Bucket}/{Key+}?retention", 200, ""),
    operation("GetObjectTagging", "GET /{Bucket}/{Key+}?tagging", 200, "s3:GetObjectTagging"),
    operation("GetObjectTorrent", "GET /{Bucket}/{Key+}?torrent", 200, ""),
    operation(
        "GetPublicAccessBlock",
        "GET /{Bucket}?publicAccessBlock",
        200,
        "s3:GetBucketPublicAccessBlock",
    ),
    operation("HeadBucket", "HEAD /{Bucket}", 200, "s3:ListBucket"),
    operation("HeadObject", "HEAD /{Bucket}/{Key+}", 200, "s3:GetObject"),
    operation(
        "ListBucketAnalyticsConfigurations",
        "GET /{Bucket}?analytics",
        200,
        "s3:GetAnalyticsConfiguration",
    ),
    operation(
        "ListBucketIntelligentTieringConfigurations",
        "GET /{Bucket}?intelligent-tiering",
        200,
        "s3:GetIntelligentTieringConfiguration",
    ),
    operation(
        "ListBucketInventoryConfigurations",
        "GET /{Bucket}?inventory",
        200,
        "s3:GetInventoryConfiguration",
    ),
    operation(
        "ListBucketMetricsConfigurations",
        "GET /{Bucket}?metrics",
        200,
        "s3:GetMetricsConfiguration",
    ),
    operation("ListBuckets", "GET /", 200, "s3:ListAllMyBuckets"),
    operation("ListDirectoryBuckets", "GET /", 200, ""),
    operation(
        "ListMultipartUploads",
        "GET /{Bucket}?uploads",
        200,
        "s3:ListBucketMultipartUploads",
    ),
    operation("ListObjectAnnotations", "GET /{Bucket}/{Key+}?annotation", 200, ""),
    operation("ListObjectVersions", "GET /{Bucket}?versions", 200, "s3:ListBucketVersions"),
    operation("ListObjects", "GET /{Bucket}", 200, "s3:ListBucket"),
    operation("ListObjectsV2", "GET /{Bucket}?list-type=2", 200, "s3:ListBucket"),
    operation("ListParts", "GET /{Bucket}/{Key+}", 200, "s3:ListMultipartUploadParts"),
    operation("PutBucketAbac", "PUT /{Bucket}?abac", 200, ""),
    operation("PutBucketAccelerateConfiguration", "PUT /{Bucket}?accelerate", 200, ""),
    operation("PutBucketAcl", "PUT /{Bucket}?acl", 200, "s3:PutBucketAcl"),
    operation("PutBucketAnalyticsConfiguration", "PUT /{Bucket}?analytics", 200, ""),
    operation("PutBucketCors", "PUT /{Bucket}?cors", 200, "s3:PutBucketCORS"),
    operation("PutBucketEncryption", "PUT /{Bucket}?encryption", 200, ""),
    operation(
        "PutBucketIntelligentTieringConfiguration",
        "PUT /{Bucket}?intelligent-tiering",
        200,
        "",
    ),
    operation("PutBucketInventoryConfiguration", "PUT /{Bucket}?inventory", 200, ""),
    operation("PutBucketLifecycle", "PUT /{Bucket}?lifecycle", 200, ""),
    operation(
        "PutBucketLifecycleConfiguration",
        "PUT /{Bucket}?lifecycle",
        200,
        "s3:PutLifecycleConfiguration",
    ),
    operation("PutBucketLogging", "PUT /{Bucket}?logging", 200, "s3:PutBucketLogging"),
    operation("PutBucketMetricsConfiguration", "PUT /{Bucket}?metrics", 200, ""),
    operation("PutBucketNotification", "PUT /{Bucket}?notification", 200, ""),
    operation(
        "PutBucketNotificationConfiguration",
        "PUT /{Bucket}?notification",
        200,
        "s3:PutBucketNotification",
    ),
    operation(
        "PutBucketOwnershipControls",
        "PUT /{Bucket}?ownershipControls",
        200,
        "s3:PutBucketOwnershipControls",
    ),
    operation("PutBucketPolicy", "PUT /{Bucket}?policy", 200, "s3:PutBucketPolicy"),
    operation("PutBucketReplication", "PUT /{Bucket}?replication", 200, ""),
    operation(
        "PutBucketRequestPayment",
        "PUT /{Bucket}?requestPayment",
        200,
        "s3:PutBucketRequestPayment",
    ),
    operation("PutBucketTagging", "PUT /{Bucket}?tagging", 200, "s3:PutBucketTagging"),
    operation("PutBucketVersioning", "PUT /{Bucket}?versioning", 200, "s3:PutBucketVersioning"),
    operation("PutBucketWebsite", "PUT /{Bucket}?website", 200, ""),
    operation("PutObject", "PUT /{Bucket}/{Key+}", 200, "s3:PutObject"),
    operation("PutObjectAcl", "PUT /{Bucket}/{Key+}?acl", 200, "s3:PutObjectAcl"),
    operation("PutObjectAnnotation", "PUT /{Bucket}/{Key+}?annotation", 200, ""),
    operation("PutObjectLegalHold", "PUT /{Bucket}/{Key+}?legal-hold", 200, ""),
    operation("PutObjectLockConfiguration", "PUT /{Bucket}?object-lock", 200, ""),
    operation("PutObjectRetention", "PUT /{Bucket}/{Key+}?retention", 200, ""),
    operation("PutObjectTagging", "PUT /{Bucket}/{Key+}?tagging", 200, "s3:PutObjectTagging"),
    operation(
        "PutPublicAccessBlock",
        "PUT /{Bucket}?publicAccessBlock",
        200,
        "s3:PutBucketPublicAccessBlock",
    ),
    operation("RenameObject", "PUT /{Bucket}/{Key+}?renameObject", 200, ""),
    operation("RestoreObject", "POST /{Bucket}/{Key+}?restore", 200, ""),
    operation("SelectObjectContent", "POST /{Bucket}/{Key+}?select&select-type=2", 200, ""),
    operation(
        "UpdateBucketMetadataAnnotationTableConfiguration",
        "PUT /{Bucket}?metadataAnnotationTable",
        200,
        "",
    ),
    operation(
        "UpdateBucketMetadataInventoryTableConfiguration",
        "PUT /{Bucket}?metadataInventoryTable",
        200,
        "",
    ),
    operation(
        "UpdateBucketMetadataJournalTableConfiguration",
        "PUT /{Bucket}?metadataJournalTable",
        200,
        "",
    ),
    operation("UpdateObjectEncryption", "PUT /{Bucket}/{Key+}?encryption", 200, ""),
    operation("UploadPart", "PUT /{Bucket}/{Key+}", 200, "s3:PutObject"),
    operation("UploadPartCopy", "PUT /{Bucket}/{Key+}", 200, "s3:PutObject"),
    operation("WriteGetObjectResponse", "POST /WriteGetObjectResponse", 200, ""),
];
