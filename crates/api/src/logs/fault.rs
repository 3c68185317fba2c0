// SPDX-License-Identifier: Apache-2.0
//! Every error the model of CloudWatch Logs declares.

wire::faults! {
    access_denied: "AccessDeniedException", 400, Lower;
    conflict: "ConflictException", 400, Lower;
    data_already_accepted: "DataAlreadyAcceptedException", 400, Lower;
    internal_server: "InternalServerException", 500, Lower;
    internal_streaming: "InternalStreamingException", 400, Lower;
    invalid_operation: "InvalidOperationException", 400, Lower;
    invalid_parameter: "InvalidParameterException", 400, Lower;
    invalid_sequence_token: "InvalidSequenceTokenException", 400, Lower;
    limit_exceeded: "LimitExceededException", 400, Lower;
    malformed_query: "MalformedQueryException", 400, Lower;
    operation_aborted: "OperationAbortedException", 400, Lower;
    resource_already_exists: "ResourceAlreadyExistsException", 400, Lower;
    resource_not_found: "ResourceNotFoundException", 400, Lower;
    service_quota_exceeded: "ServiceQuotaExceededException", 400, Lower;
    service_unavailable: "ServiceUnavailableException", 500, Lower;
    session_streaming: "SessionStreamingException", 400, Lower;
    session_timeout: "SessionTimeoutException", 400, Lower;
    throttling: "ThrottlingException", 400, Lower;
    too_many_tags: "TooManyTagsException", 400, Lower;
    unrecognized_client: "UnrecognizedClientException", 400, Lower;
    validation: "ValidationException", 400, Lower;
}
