// SPDX-License-Identifier: Apache-2.0
//! Every error the model of Amazon SNS declares.

wire::faults! {
    authorization_error: "AuthorizationError", 403, Lower;
    batch_entry_ids_not_distinct: "BatchEntryIdsNotDistinct", 400, Lower;
    batch_request_too_long: "BatchRequestTooLong", 400, Lower;
    concurrent_access: "ConcurrentAccess", 400, Lower;
    empty_batch_request: "EmptyBatchRequest", 400, Lower;
    endpoint_disabled: "EndpointDisabled", 400, Lower;
    filter_policy_limit_exceeded: "FilterPolicyLimitExceeded", 403, Lower;
    internal_error: "InternalError", 500, Lower;
    invalid_batch_entry_id: "InvalidBatchEntryId", 400, Lower;
    invalid_parameter: "InvalidParameter", 400, Lower;
    invalid_parameter_value: "ParameterValueInvalid", 400, Lower;
    invalid_security: "InvalidSecurity", 403, Lower;
    invalid_state: "InvalidState", 400, Lower;
    kms_access_denied: "KMSAccessDenied", 400, Lower;
    kms_disabled: "KMSDisabled", 400, Lower;
    kms_invalid_state: "KMSInvalidState", 400, Lower;
    kms_not_found: "KMSNotFound", 400, Lower;
    kms_opt_in_required: "KMSOptInRequired", 403, Lower;
    kms_throttling: "KMSThrottling", 400, Lower;
    not_found: "NotFound", 404, Lower;
    opted_out: "OptedOut", 400, Lower;
    platform_application_disabled: "PlatformApplicationDisabled", 400, Lower;
    replay_limit_exceeded: "ReplayLimitExceeded", 403, Lower;
    resource_not_found: "ResourceNotFound", 404, Lower;
    stale_tag: "StaleTag", 400, Lower;
    subscription_limit_exceeded: "SubscriptionLimitExceeded", 403, Lower;
    tag_limit_exceeded: "TagLimitExceeded", 400, Lower;
    tag_policy: "TagPolicy", 400, Lower;
    throttled: "Throttled", 429, Lower;
    too_many_entries_in_batch_request: "TooManyEntriesInBatchRequest", 400, Lower;
    topic_limit_exceeded: "TopicLimitExceeded", 403, Lower;
    user_error: "UserError", 400, Lower;
    validation: "ValidationException", 400, Upper;
    verification: "VerificationException", 400, Upper;
}
