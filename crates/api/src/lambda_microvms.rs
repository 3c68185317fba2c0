// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda MicroVMs. Declared only.
//!
//! Shares its endpoint and signing name with AWS Lambda; the date in the path tells them apart.

use wire::service;

/// AWS Lambda MicroVMs.
#[service(rest_json, signing = "lambda", version = "2025-09-09", faults = MODELLED)]
pub trait LambdaMicrovms: Send + Sync + 'static {
    #[operation(http = "POST /2025-09-09/microvms/{microvmIdentifier}/auth-token")]
    fn create_microvm_auth_token();

    #[operation(http = "POST /2025-09-09/microvm-images", status = 201)]
    fn create_microvm_image();

    #[operation(http = "POST /2025-09-09/microvms/{microvmIdentifier}/shell-auth-token")]
    fn create_microvm_shell_auth_token();

    #[operation(http = "DELETE /2025-09-09/microvm-images/{imageIdentifier}")]
    fn delete_microvm_image();

    #[operation(
        http = "DELETE /2025-09-09/microvm-images/{imageIdentifier}/versions/{imageVersion}"
    )]
    fn delete_microvm_image_version();

    #[operation(http = "GET /2025-09-09/microvms/{microvmIdentifier}")]
    fn get_microvm();

    #[operation(http = "GET /2025-09-09/microvm-images/{imageIdentifier}")]
    fn get_microvm_image();

    #[operation(
        http = "GET /2025-09-09/microvm-images/{imageIdentifier}/versions/{imageVersion}/builds/{buildId}"
    )]
    fn get_microvm_image_build();

    #[operation(http = "GET /2025-09-09/microvm-images/{imageIdentifier}/versions/{imageVersion}")]
    fn get_microvm_image_version();

    #[operation(http = "GET /2025-09-09/managed-microvm-images/{imageIdentifier}/versions")]
    fn list_managed_microvm_image_versions();

    #[operation(http = "GET /2025-09-09/managed-microvm-images")]
    fn list_managed_microvm_images();

    #[operation(
        http = "GET /2025-09-09/microvm-images/{imageIdentifier}/versions/{imageVersion}/builds"
    )]
    fn list_microvm_image_builds();

    #[operation(http = "GET /2025-09-09/microvm-images/{imageIdentifier}/versions")]
    fn list_microvm_image_versions();

    #[operation(http = "GET /2025-09-09/microvm-images")]
    fn list_microvm_images();

    #[operation(http = "GET /2025-09-09/microvms")]
    fn list_microvms();

    #[operation(http = "GET /2017-03-31/tags/{Resource}")]
    fn list_tags();

    #[operation(http = "POST /2025-09-09/microvms/{microvmIdentifier}/resume")]
    fn resume_microvm();

    #[operation(http = "POST /2025-09-09/microvms")]
    fn run_microvm();

    #[operation(http = "POST /2025-09-09/microvms/{microvmIdentifier}/suspend")]
    fn suspend_microvm();

    #[operation(http = "POST /2017-03-31/tags/{Resource}", status = 204)]
    fn tag_resource();

    #[operation(http = "DELETE /2025-09-09/microvms/{microvmIdentifier}")]
    fn terminate_microvm();

    #[operation(http = "DELETE /2017-03-31/tags/{Resource}", status = 204)]
    fn untag_resource();

    #[operation(http = "PUT /2025-09-09/microvm-images/{imageIdentifier}")]
    fn update_microvm_image();

    #[operation(
        http = "PATCH /2025-09-09/microvm-images/{imageIdentifier}/versions/{imageVersion}"
    )]
    fn update_microvm_image_version();
}

impl LambdaMicrovms for () {}

wire::faults! {
    access_denied: "AccessDeniedException", 403, Lower;
    conflict: "ConflictException", 409, Lower;
    insufficient_capacity: "InsufficientCapacityException", 500, Lower;
    internal_server: "InternalServerException", 500, Lower;
    invalid_parameter_value: "InvalidParameterValueException", 400, Lower;
    resource_conflict: "ResourceConflictException", 409, Lower;
    resource_not_found: "ResourceNotFoundException", 404, Lower;
    service: "ServiceException", 500, Lower;
    service_quota_exceeded: "ServiceQuotaExceededException", 402, Lower;
    throttling: "ThrottlingException", 429, Lower;
    too_many_requests: "TooManyRequestsException", 429, Lower;
    validation: "ValidationException", 400, Lower;
}
