// SPDX-License-Identifier: Apache-2.0
//! Every error the model of Amazon EventBridge Scheduler declares.

wire::faults! {
    conflict: "ConflictException", 409, Upper;
    internal_server: "InternalServerException", 500, Upper;
    resource_not_found: "ResourceNotFoundException", 404, Upper;
    service_quota_exceeded: "ServiceQuotaExceededException", 402, Upper;
    throttling: "ThrottlingException", 429, Upper;
    validation: "ValidationException", 400, Upper;
}
