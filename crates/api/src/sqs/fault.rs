// SPDX-License-Identifier: Apache-2.0
//! Every error the model of Amazon SQS declares, and what the Query protocol calls it.

use wire::Fault;

wire::faults! {
    batch_entry_ids_not_distinct: "BatchEntryIdsNotDistinct" = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, Lower;
    batch_request_too_long: "BatchRequestTooLong" = "AWS.SimpleQueueService.BatchRequestTooLong", 400, Lower;
    empty_batch_request: "EmptyBatchRequest" = "AWS.SimpleQueueService.EmptyBatchRequest", 400, Lower;
    invalid_address: "InvalidAddress", 400, Lower;
    invalid_attribute_name: "InvalidAttributeName", 400, Lower;
    invalid_attribute_value: "InvalidAttributeValue", 400, Lower;
    invalid_batch_entry_id: "InvalidBatchEntryId" = "AWS.SimpleQueueService.InvalidBatchEntryId", 400, Lower;
    invalid_id_format: "InvalidIdFormat", 400, Lower;
    invalid_message_contents: "InvalidMessageContents", 400, Lower;
    invalid_security: "InvalidSecurity", 400, Lower;
    kms_access_denied: "KmsAccessDenied" = "KMS.AccessDeniedException", 400, Lower;
    kms_disabled: "KmsDisabled" = "KMS.DisabledException", 400, Lower;
    kms_invalid_key_usage: "KmsInvalidKeyUsage" = "KMS.InvalidKeyUsageException", 400, Lower;
    kms_invalid_state: "KmsInvalidState" = "KMS.InvalidStateException", 400, Lower;
    kms_not_found: "KmsNotFound" = "KMS.NotFoundException", 400, Lower;
    kms_opt_in_required: "KmsOptInRequired" = "KMS.OptInRequired", 400, Lower;
    kms_throttled: "KmsThrottled" = "KMS.ThrottlingException", 400, Lower;
    message_not_inflight: "MessageNotInflight" = "AWS.SimpleQueueService.MessageNotInflight", 400, Lower;
    over_limit: "OverLimit", 400, Lower;
    purge_queue_in_progress: "PurgeQueueInProgress" = "AWS.SimpleQueueService.PurgeQueueInProgress", 400, Lower;
    queue_deleted_recently: "QueueDeletedRecently" = "AWS.SimpleQueueService.QueueDeletedRecently", 400, Lower;
    queue_does_not_exist: "QueueDoesNotExist" = "AWS.SimpleQueueService.NonExistentQueue", 400, Lower;
    queue_name_exists: "QueueNameExists" = "QueueAlreadyExists", 400, Lower;
    receipt_handle_is_invalid: "ReceiptHandleIsInvalid", 400, Lower;
    request_throttled: "RequestThrottled", 400, Lower;
    resource_not_found: "ResourceNotFoundException", 400, Lower;
    too_many_entries_in_batch_request: "TooManyEntriesInBatchRequest" = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400, Lower;
    unsupported_operation: "UnsupportedOperation" = "AWS.SimpleQueueService.UnsupportedOperation", 400, Lower;
}

/// Not in the model: what SQS says of most values that are wrong.
pub fn invalid_parameter_value(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValueException", 400, message)
        .with_query_code("InvalidParameterValue")
}

/// Not in the model: what SQS says of a value that is needed and not there.
pub fn missing_parameter(message: impl Into<String>) -> Fault {
    Fault::new("MissingRequiredParameterException", 400, message)
        .with_query_code("MissingParameter")
}

/// Not in the model: our own failure.
pub fn internal() -> Fault {
    Fault::new("InternalFailure", 500, "An internal error occurred. Try again.")
}
