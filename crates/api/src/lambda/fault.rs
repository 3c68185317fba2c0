// SPDX-License-Identifier: Apache-2.0
//! Every error the model of AWS Lambda declares: its code, its status, and how its message is spelt.
//!
//! One function per error makes it. Texts are the services' own.

wire::faults! {
    alias_limit_exceeded: "AliasLimitExceededException", 400, Lower;
    callback_timeout: "CallbackTimeoutException", 400, Upper;
    capacity_provider_limit_exceeded: "CapacityProviderLimitExceededException", 400, Lower;
    code_artifact_user_deleted: "CodeArtifactUserDeletedException", 409, Lower;
    code_artifact_user_failed: "CodeArtifactUserFailedException", 409, Lower;
    code_artifact_user_pending: "CodeArtifactUserPendingException", 409, Lower;
    code_signing_config_not_found: "CodeSigningConfigNotFoundException", 404, Upper;
    code_storage_exceeded: "CodeStorageExceededException", 400, Lower;
    code_verification_failed: "CodeVerificationFailedException", 400, Upper;
    durable_execution_already_started: "DurableExecutionAlreadyStartedException", 409, Upper;
    ec2_access_denied: "EC2AccessDeniedException", 502, Upper;
    ec2_throttled: "EC2ThrottledException", 502, Upper;
    ec2_unexpected: "EC2UnexpectedException", 502, Upper;
    efs_io: "EFSIOException", 410, Upper;
    efs_mount_connectivity: "EFSMountConnectivityException", 408, Upper;
    efs_mount_failure: "EFSMountFailureException", 403, Upper;
    efs_mount_timeout: "EFSMountTimeoutException", 408, Upper;
    eni_limit_reached: "ENILimitReachedException", 502, Upper;
    eni_not_ready: "ENINotReadyException", 502, Upper;
    function_versions_per_capacity_provider_limit_exceeded: "FunctionVersionsPerCapacityProviderLimitExceededException", 400, Lower;
    invalid_code_signature: "InvalidCodeSignatureException", 400, Upper;
    invalid_parameter_value: "InvalidParameterValueException", 400, Lower;
    invalid_request_content: "InvalidRequestContentException", 400, Lower;
    invalid_runtime: "InvalidRuntimeException", 502, Upper;
    invalid_security_group_id: "InvalidSecurityGroupIDException", 502, Upper;
    invalid_subnet_id: "InvalidSubnetIDException", 502, Upper;
    invalid_zip_file: "InvalidZipFileException", 502, Upper;
    kms_access_denied: "KMSAccessDeniedException", 502, Upper;
    kms_disabled: "KMSDisabledException", 502, Upper;
    kms_invalid_state: "KMSInvalidStateException", 502, Upper;
    kms_not_found: "KMSNotFoundException", 502, Upper;
    mode_not_supported: "ModeNotSupportedException", 400, Lower;
    no_published_version: "NoPublishedVersionException", 400, Upper;
    policy_length_exceeded: "PolicyLengthExceededException", 400, Lower;
    precondition_failed: "PreconditionFailedException", 412, Lower;
    provisioned_concurrency_config_not_found: "ProvisionedConcurrencyConfigNotFoundException", 404, Lower;
    public_policy: "PublicPolicyException", 400, Upper;
    recursive_invocation: "RecursiveInvocationException", 400, Upper;
    request_too_large: "RequestTooLargeException", 413, Lower;
    resource_conflict: "ResourceConflictException", 409, Lower;
    resource_in_use: "ResourceInUseException", 400, Upper;
    resource_not_found: "ResourceNotFoundException", 404, Upper;
    resource_not_ready: "ResourceNotReadyException", 502, Lower;
    runtime_alias_deleted: "RuntimeAliasDeletedException", 409, Lower;
    runtime_version_deleted: "RuntimeVersionDeletedException", 409, Lower;
    s3_files_mount_connectivity: "S3FilesMountConnectivityException", 408, Upper;
    s3_files_mount_failure: "S3FilesMountFailureException", 403, Upper;
    s3_files_mount_timeout: "S3FilesMountTimeoutException", 408, Upper;
    serialized_request_entity_too_large: "SerializedRequestEntityTooLargeException", 413, Lower;
    service: "ServiceException", 500, Upper;
    service_quota_exceeded: "ServiceQuotaExceededException", 402, Upper;
    snap_start: "SnapStartException", 400, Upper;
    snap_start_not_ready: "SnapStartNotReadyException", 409, Upper;
    snap_start_regeneration_failure: "SnapStartRegenerationFailureException", 409, Upper;
    snap_start_timeout: "SnapStartTimeoutException", 408, Upper;
    subnet_ip_address_limit_reached: "SubnetIPAddressLimitReachedException", 502, Upper;
    too_many_requests: "TooManyRequestsException", 429, Lower;
    unsupported_media_type: "UnsupportedMediaTypeException", 415, Lower;
}
