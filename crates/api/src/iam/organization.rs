// SPDX-License-Identifier: Apache-2.0
//! Organizations and delegation. Declared only.

use wire::operations;

/// Organizations and delegation. Declared only.
#[operations("iam")]
pub trait OrganizationOperations: Send + Sync + 'static {
    fn accept_delegation_request();

    fn acquire_role();

    fn associate_delegation_request();

    fn create_delegation_request();

    fn disable_organizations_root_credentials_management();

    fn disable_organizations_root_sessions();

    fn enable_organizations_root_credentials_management();

    fn enable_organizations_root_sessions();

    fn generate_organizations_access_report();

    fn get_delegation_request();

    fn get_human_readable_summary();

    fn get_organizations_access_report();

    fn get_role_template_version();

    fn list_delegation_requests();

    fn list_organizations_features();

    fn reject_delegation_request();

    fn send_delegation_token();

    fn update_delegation_request();
}
