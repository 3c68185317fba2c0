// SPDX-License-Identifier: Apache-2.0
//! Every error the model of Amazon EventBridge declares.

wire::faults! {
    access_denied: "AccessDeniedException", 400, Lower;
    concurrent_modification: "ConcurrentModificationException", 400, Lower;
    illegal_status: "IllegalStatusException", 400, Lower;
    internal: "InternalException", 500, Lower;
    invalid_event_pattern: "InvalidEventPatternException", 400, Lower;
    invalid_state: "InvalidStateException", 400, Lower;
    limit_exceeded: "LimitExceededException", 400, Lower;
    managed_rule: "ManagedRuleException", 400, Lower;
    operation_disabled: "OperationDisabledException", 400, Lower;
    policy_length_exceeded: "PolicyLengthExceededException", 400, Lower;
    resource_already_exists: "ResourceAlreadyExistsException", 400, Lower;
    resource_not_found: "ResourceNotFoundException", 400, Lower;
    throttling: "ThrottlingException", 400, Lower;
}
