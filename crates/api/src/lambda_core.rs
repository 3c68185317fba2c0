// SPDX-License-Identifier: Apache-2.0
//! AWS Lambda Core: network connectors and customer-managed runtimes. Declared only.
//!
//! Shares its endpoint and signing name with AWS Lambda; the date in the path tells them apart.

use wire::service;

/// AWS Lambda Core: network connectors and customer-managed runtimes.
#[service(rest_json, signing = "lambda", version = "2026-04-30", faults = MODELLED)]
pub trait LambdaCore: Send + Sync + 'static {
    #[operation(http = "POST /2026-04-04/network-connectors", status = 202)]
    fn create_network_connector();

    #[operation(http = "POST /2026-10-01/runtimes", status = 202)]
    fn create_runtime();

    #[operation(http = "POST /2026-10-01/runtimes/{RuntimeName}/aliases", status = 201)]
    fn create_runtime_alias();

    #[operation(http = "POST /2026-10-01/runtimes/{RuntimeName}/versions", status = 201)]
    fn create_runtime_version();

    #[operation(http = "DELETE /2026-04-04/network-connectors/{Identifier}", status = 202)]
    fn delete_network_connector();

    #[operation(http = "DELETE /2026-10-01/runtimes/{RuntimeName}", status = 202)]
    fn delete_runtime();

    #[operation(http = "DELETE /2026-10-01/runtimes/{RuntimeName}/aliases/{Name}", status = 202)]
    fn delete_runtime_alias();

    #[operation(http = "DELETE /2026-10-01/runtimes/{RuntimeName}/versions/{Name}", status = 202)]
    fn delete_runtime_version();

    #[operation(http = "GET /2026-04-04/network-connectors/{Identifier}")]
    fn get_network_connector();

    #[operation(http = "GET /2026-10-01/runtimes/{RuntimeName}")]
    fn get_runtime();

    #[operation(http = "GET /2026-10-01/runtimes/{RuntimeName}/aliases/{Name}")]
    fn get_runtime_alias();

    #[operation(http = "GET /2026-10-01/runtimes/{RuntimeName}/versions/{Name}")]
    fn get_runtime_version();

    #[operation(http = "GET /2026-04-04/network-connectors/{Identifier}/versions")]
    fn list_network_connector_versions();

    #[operation(http = "GET /2026-04-04/network-connectors")]
    fn list_network_connectors();

    #[operation(http = "GET /2026-10-01/runtimes/{RuntimeName}/aliases")]
    fn list_runtime_aliases();

    #[operation(http = "GET /2026-10-01/runtimes/{RuntimeName}/versions")]
    fn list_runtime_versions();

    #[operation(http = "GET /2026-10-01/runtimes")]
    fn list_runtimes();

    #[operation(http = "POST /2026-10-01/runtimes/{RuntimeName}/restore")]
    fn restore_runtime();

    #[operation(http = "PUT /2026-04-04/network-connectors/{Identifier}", status = 202)]
    fn update_network_connector();

    #[operation(http = "PUT /2026-10-01/runtimes/{RuntimeName}")]
    fn update_runtime();

    #[operation(http = "PUT /2026-10-01/runtimes/{RuntimeName}/aliases/{Name}")]
    fn update_runtime_alias();

    #[operation(http = "PATCH /2026-10-01/runtimes/{RuntimeName}/versions/{Name}")]
    fn update_runtime_version();
}

impl LambdaCore for () {}

wire::faults! {
    invalid_parameter_value: "InvalidParameterValueException", 400, Lower;
    network_connector_limit_exceeded: "NetworkConnectorLimitExceededException", 400, Lower;
    resource_conflict: "ResourceConflictException", 409, Lower;
    resource_not_found: "ResourceNotFoundException", 404, Upper;
    service: "ServiceException", 500, Upper;
    service_quota_exceeded: "ServiceQuotaExceededException", 402, Upper;
    too_many_requests: "TooManyRequestsException", 429, Lower;
}
