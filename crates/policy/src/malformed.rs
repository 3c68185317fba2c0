// SPDX-License-Identifier: Apache-2.0
//! What is wrong with a document, in the words of IAM's `MalformedPolicyDocument` where they are known.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("Syntax errors in policy.")]
    Syntax,
    #[error("Policy document must be version 2012-10-17 or greater.")]
    Version,
    #[error("Syntax error: `{0}` is not an element of a policy")]
    UnknownElement(String),
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    SidTwice,
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    Sid,
    #[error("Policy statement must contain actions.")]
    NoAction,
    #[error("Policy statement must contain resources.")]
    NoResource,
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    NoVendor,
    #[error("Actions/Condition can contain only one colon.")]
    Colons,
    #[error("Vendor {0} is not valid")]
    Vendor(String),
    #[error("Resource {0} must be in ARN format or \"*\".")]
    Resource(String),
    #[error("Partition \"{partition}\" is not valid for resource \"{resource}\".")]
    Partition { partition: String, resource: String },
    #[error("Policy document should not specify a principal.")]
    PrincipalGiven,
    #[error("Has prohibited field Resource")]
    ResourceGiven,
    #[error("Missing required field Principal")]
    NoPrincipal,
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    TrustAction,
    #[error("Allow with NotPrincipal is not allowed.")]
    AllowNotPrincipal,
    #[error("Invalid principal in policy: {0}")]
    Principal(String),
    #[error("Invalid Condition type : {0}.")]
    ConditionType(String),
    #[error("The value `{value}` of the condition {operator} on {key} is not valid")]
    ConditionValue { operator: String, key: String, value: String },
    #[error("The variable in `{0}` is not closed, or has no name")]
    Variable(String),
}
