// SPDX-License-Identifier: Apache-2.0
//! Every error the model of AWS STS declares.

wire::faults! {
    expired_token: "ExpiredTokenException", 400, Lower;
    expired_trade_in_token: "ExpiredTradeInTokenException", 400, Lower;
    idp_communication_error: "IDPCommunicationError", 400, Lower;
    idp_rejected_claim: "IDPRejectedClaim", 403, Lower;
    invalid_authorization_message: "InvalidAuthorizationMessageException", 400, Lower;
    invalid_identity_token: "InvalidIdentityToken", 400, Lower;
    jwt_payload_size_exceeded: "JWTPayloadSizeExceededException", 400, Lower;
    malformed_policy_document: "MalformedPolicyDocument", 400, Lower;
    outbound_web_identity_federation_disabled: "OutboundWebIdentityFederationDisabledException", 403, Lower;
    packed_policy_too_large: "PackedPolicyTooLarge", 400, Lower;
    region_disabled: "RegionDisabledException", 403, Lower;
    session_duration_escalation: "SessionDurationEscalationException", 403, Lower;
}
