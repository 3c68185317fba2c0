// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda Web Functions. Declared only.
//!
//! Shares its endpoint and signing name with AWS Lambda; the date in the path tells them apart.

use wire::service;

/// AWS Lambda Web Functions.
#[service(rest_json, signing = "lambda", version = "2025-03-07", faults = MODELLED)]
pub trait LambdaWeb: Send + Sync + 'static {
    #[operation(http = "PUT /2025-03-07/web-functions", status = 202)]
    fn create_web_function();

    #[operation(http = "PUT /2025-03-07/web-functions/{functionName}/endpoints", status = 202)]
    fn create_web_function_endpoint();

    #[operation(http = "POST /2025-03-07/web-functions/{functionName}/revisions", status = 202)]
    fn create_web_function_revision();

    #[operation(http = "DELETE /2025-03-07/resource-policy/{resourceArn}", status = 204)]
    fn delete_resource_policy();

    #[operation(http = "DELETE /2025-03-07/web-functions/{functionName}", status = 204)]
    fn delete_web_function();

    #[operation(
        http = "DELETE /2025-03-07/web-functions/{functionName}/endpoints/{endpointName}",
        status = 204
    )]
    fn delete_web_function_endpoint();

    #[operation(
        http = "DELETE /2025-03-07/web-functions/{functionName}/revisions/{revisionId}",
        status = 204
    )]
    fn delete_web_function_revision();

    #[operation(http = "GET /2025-03-07/resource-policy/{resourceArn}")]
    fn get_resource_policy();

    #[operation(http = "GET /2025-03-07/web-account-settings")]
    fn get_web_account_settings();

    #[operation(http = "GET /2025-03-07/web-functions/{functionName}")]
    fn get_web_function();

    #[operation(http = "GET /2025-03-07/web-functions/{functionName}/endpoints/{endpointName}")]
    fn get_web_function_endpoint();

    #[operation(http = "GET /2025-03-07/web-functions/{functionName}/revisions/{revisionId}")]
    fn get_web_function_revision();

    #[operation(http = "GET /2025-03-07/tags/{resource}")]
    fn list_tags();

    #[operation(http = "POST /2025-03-07/web-functions/{functionName}/list-endpoints")]
    fn list_web_function_endpoints();

    #[operation(http = "POST /2025-03-07/web-functions/{functionName}/list-revisions")]
    fn list_web_function_revisions();

    #[operation(http = "POST /2025-03-07/web-functions")]
    fn list_web_functions();

    #[operation(http = "PUT /2025-03-07/resource-policy/{resourceArn}")]
    fn put_resource_policy();

    #[operation(http = "POST /2025-03-07/tags/{resource}", status = 204)]
    fn tag_resource();

    #[operation(http = "DELETE /2025-03-07/tags/{resource}", status = 204)]
    fn untag_resource();

    #[operation(
        http = "PATCH /2025-03-07/web-functions/{functionName}/endpoints/{endpointName}",
        status = 202
    )]
    fn update_web_function_endpoint();
}

impl LambdaWeb for () {}

wire::faults! {
    access_denied: "AccessDeniedException", 403, Lower;
    conflict: "ConflictException", 409, Lower;
    internal_server: "InternalServerException", 500, Lower;
    resource_not_found: "ResourceNotFoundException", 404, Lower;
    service_quota_exceeded: "ServiceQuotaExceededException", 402, Lower;
    throttling: "ThrottlingException", 429, Lower;
    validation: "ValidationException", 400, Lower;
}
