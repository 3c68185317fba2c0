// SPDX-License-Identifier: Apache-2.0
//! The rest of the model, declared only: destinations behind HTTP, connections, global endpoints, and event sources of partners.

use wire::operations;

/// What is not built.
#[operations("events")]
pub trait DeclaredOperations: Send + Sync + 'static {
    fn activate_event_source();
    fn create_api_destination();
    fn create_connection();
    fn create_endpoint();
    fn create_partner_event_source();
    fn deactivate_event_source();
    fn deauthorize_connection();
    fn delete_api_destination();
    fn delete_connection();
    fn delete_endpoint();
    fn delete_partner_event_source();
    fn describe_api_destination();
    fn describe_connection();
    fn describe_endpoint();
    fn describe_event_source();
    fn describe_partner_event_source();
    fn list_api_destinations();
    fn list_connections();
    fn list_endpoints();
    fn list_event_sources();
    fn list_partner_event_source_accounts();
    fn list_partner_event_sources();
    fn put_partner_events();
    fn update_api_destination();
    fn update_connection();
    fn update_endpoint();
}
