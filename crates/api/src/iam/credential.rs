// SPDX-License-Identifier: Apache-2.0
//! Passwords, certificates, keys and devices of users. Declared only.

use wire::operations;

/// Passwords, certificates, keys and devices of users. Declared only.
#[operations("iam")]
pub trait CredentialOperations: Send + Sync + 'static {
    fn change_password();

    fn create_login_profile();

    fn create_service_specific_credential();

    #[operation(name = "CreateVirtualMFADevice")]
    fn create_virtual_mfa_device();

    #[operation(name = "DeactivateMFADevice")]
    fn deactivate_mfa_device();

    fn delete_login_profile();

    #[operation(name = "DeleteSSHPublicKey")]
    fn delete_ssh_public_key();

    fn delete_server_certificate();

    fn delete_service_specific_credential();

    fn delete_signing_certificate();

    #[operation(name = "DeleteVirtualMFADevice")]
    fn delete_virtual_mfa_device();

    #[operation(name = "EnableMFADevice")]
    fn enable_mfa_device();

    fn get_login_profile();

    #[operation(name = "GetMFADevice")]
    fn get_mfa_device();

    #[operation(name = "GetSSHPublicKey")]
    fn get_ssh_public_key();

    fn get_server_certificate();

    #[operation(name = "ListMFADeviceTags")]
    fn list_mfa_device_tags();

    #[operation(name = "ListMFADevices")]
    fn list_mfa_devices();

    #[operation(name = "ListSSHPublicKeys")]
    fn list_ssh_public_keys();

    fn list_server_certificate_tags();

    fn list_server_certificates();

    fn list_service_specific_credentials();

    fn list_signing_certificates();

    #[operation(name = "ListVirtualMFADevices")]
    fn list_virtual_mfa_devices();

    fn reset_service_specific_credential();

    #[operation(name = "ResyncMFADevice")]
    fn resync_mfa_device();

    #[operation(name = "TagMFADevice")]
    fn tag_mfa_device();

    fn tag_server_certificate();

    #[operation(name = "UntagMFADevice")]
    fn untag_mfa_device();

    fn untag_server_certificate();

    fn update_login_profile();

    #[operation(name = "UpdateSSHPublicKey")]
    fn update_ssh_public_key();

    fn update_server_certificate();

    fn update_service_specific_credential();

    fn update_signing_certificate();

    #[operation(name = "UploadSSHPublicKey")]
    fn upload_ssh_public_key();

    fn upload_server_certificate();

    fn upload_signing_certificate();
}
