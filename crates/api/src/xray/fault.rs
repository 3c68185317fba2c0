// SPDX-License-Identifier: Apache-2.0
//! Every error the model of AWS X-Ray declares.

wire::faults! {
    invalid_policy_revision_id: "InvalidPolicyRevisionIdException", 400, Upper;
    invalid_request: "InvalidRequestException", 400, Upper;
    lockout_prevention: "LockoutPreventionException", 400, Upper;
    malformed_policy_document: "MalformedPolicyDocumentException", 400, Upper;
    policy_count_limit_exceeded: "PolicyCountLimitExceededException", 400, Upper;
    policy_size_limit_exceeded: "PolicySizeLimitExceededException", 400, Upper;
    resource_not_found: "ResourceNotFoundException", 404, Upper;
    rule_limit_exceeded: "RuleLimitExceededException", 400, Upper;
    throttled: "ThrottledException", 429, Upper;
    too_many_tags: "TooManyTagsException", 400, Upper;
}
