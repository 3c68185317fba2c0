// SPDX-License-Identifier: Apache-2.0
//! What is neither topic nor subscription: mobile pushes, text messages, data protection.

use wire::operations;

/// Declared only.
#[operations("sns")]
pub trait OtherOperations: Send + Sync + 'static {
    fn check_if_phone_number_is_opted_out();
    fn create_platform_application();
    fn create_platform_endpoint();
    #[operation(name = "CreateSMSSandboxPhoneNumber")]
    fn create_sms_sandbox_phone_number();
    fn delete_endpoint();
    fn delete_platform_application();
    #[operation(name = "DeleteSMSSandboxPhoneNumber")]
    fn delete_sms_sandbox_phone_number();
    fn get_data_protection_policy();
    fn get_endpoint_attributes();
    fn get_platform_application_attributes();
    #[operation(name = "GetSMSAttributes")]
    fn get_sms_attributes();
    #[operation(name = "GetSMSSandboxAccountStatus")]
    fn get_sms_sandbox_account_status();
    fn list_endpoints_by_platform_application();
    fn list_origination_numbers();
    fn list_phone_numbers_opted_out();
    fn list_platform_applications();
    #[operation(name = "ListSMSSandboxPhoneNumbers")]
    fn list_sms_sandbox_phone_numbers();
    fn opt_in_phone_number();
    fn put_data_protection_policy();
    fn set_endpoint_attributes();
    fn set_platform_application_attributes();
    #[operation(name = "SetSMSAttributes")]
    fn set_sms_attributes();
    #[operation(name = "VerifySMSSandboxPhoneNumber")]
    fn verify_sms_sandbox_phone_number();
}
