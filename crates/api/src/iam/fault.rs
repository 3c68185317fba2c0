// SPDX-License-Identifier: Apache-2.0
//! Every error the model of AWS IAM declares.

wire::faults! {
    account_not_management_or_delegated_administrator: "AccountNotManagementOrDelegatedAdministratorException", 400, Lower;
    caller_is_not_management_account: "CallerIsNotManagementAccountException", 400, Lower;
    concurrent_modification: "ConcurrentModification", 409, Lower;
    credential_report_expired: "ReportExpired", 410, Lower;
    credential_report_not_present: "ReportNotPresent", 410, Lower;
    credential_report_not_ready: "ReportInProgress", 404, Lower;
    delete_conflict: "DeleteConflict", 409, Lower;
    duplicate_certificate: "DuplicateCertificate", 409, Lower;
    duplicate_ssh_public_key: "DuplicateSSHPublicKey", 400, Lower;
    entity_already_exists: "EntityAlreadyExists", 409, Lower;
    entity_temporarily_unmodifiable: "EntityTemporarilyUnmodifiable", 409, Lower;
    feature_disabled: "FeatureDisabled", 404, Lower;
    feature_enabled: "FeatureEnabled", 409, Lower;
    invalid_authentication_code: "InvalidAuthenticationCode", 403, Lower;
    invalid_certificate: "InvalidCertificate", 400, Lower;
    invalid_input: "InvalidInput", 400, Lower;
    invalid_public_key: "InvalidPublicKey", 400, Lower;
    invalid_user_type: "InvalidUserType", 400, Lower;
    key_pair_mismatch: "KeyPairMismatch", 400, Lower;
    limit_exceeded: "LimitExceeded", 409, Lower;
    malformed_certificate: "MalformedCertificate", 400, Lower;
    malformed_policy_document: "MalformedPolicyDocument", 400, Lower;
    name_conflict: "NameConflict", 409, Lower;
    no_such_entity: "NoSuchEntity", 404, Lower;
    open_id_idp_communication_error: "OpenIdIdpCommunicationError", 400, Lower;
    organization_not_found: "OrganizationNotFoundException", 400, Lower;
    organization_not_in_all_features_mode: "OrganizationNotInAllFeaturesModeException", 400, Lower;
    password_policy_violation: "PasswordPolicyViolation", 400, Lower;
    policy_evaluation: "PolicyEvaluation", 500, Lower;
    policy_not_attachable: "PolicyNotAttachable", 400, Lower;
    report_generation_limit_exceeded: "ReportGenerationLimitExceeded", 409, Lower;
    role_modified: "RoleModified", 409, Lower;
    role_template_disabled: "RoleTemplateDisabled", 400, Lower;
    service_access_not_enabled: "ServiceAccessNotEnabledException", 400, Lower;
    service_failure: "ServiceFailure", 500, Lower;
    service_not_supported: "NotSupportedService", 404, Lower;
    unmodifiable_entity: "UnmodifiableEntity", 400, Lower;
    unrecognized_public_key_encoding: "UnrecognizedPublicKeyEncoding", 400, Lower;
}
