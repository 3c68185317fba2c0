// SPDX-License-Identifier: Apache-2.0
//! Every error the model of Amazon CloudWatch declares.

wire::faults! {
    concurrent_modification: "ConcurrentModificationException", 429, Lower;
    conflict: "ConflictException", 409, Upper;
    invalid_parameter_input: "DashboardInvalidInputError" = "InvalidParameterInput", 400, Lower;
    internal_service_error: "InternalServiceFault" = "InternalServiceError", 500, Upper;
    invalid_format: "InvalidFormatFault" = "InvalidFormat", 400, Lower;
    invalid_next_token: "InvalidNextToken", 400, Lower;
    invalid_parameter_combination: "InvalidParameterCombinationException" = "InvalidParameterCombination", 400, Lower;
    invalid_parameter_value: "InvalidParameterValueException" = "InvalidParameterValue", 400, Lower;
    kms_access_denied: "KmsAccessDeniedException", 400, Upper;
    kms_key_disabled: "KmsKeyDisabledException", 400, Upper;
    kms_key_not_found: "KmsKeyNotFoundException", 400, Upper;
    limit_exceeded: "LimitExceededException", 400, Lower;
    limit_exceeded_fault: "LimitExceededFault" = "LimitExceeded", 400, Lower;
    missing_parameter: "MissingRequiredParameterException" = "MissingParameter", 400, Lower;
    resource_conflict: "ResourceConflict", 409, Lower;
    dashboard_not_found: "DashboardNotFoundError" = "ResourceNotFound", 404, Lower;
    alarm_not_found: "ResourceNotFound", 404, Lower;
    resource_not_found: "ResourceNotFoundException", 404, Lower;
    validation_error: "ValidationException" = "ValidationError", 400, Lower;
}
