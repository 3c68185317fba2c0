// SPDX-License-Identifier: Apache-2.0
//! Our declarations held against AWS's published models.
//!
//! The models come with the `botocore` package. `cargo xtask shapes` has them at hand and calls [`differences`]; an
//! empty answer means that every declared operation, member, binding, constraint and error is AWS's.

use serde_json::Value;
use wire::ServiceSpec;

/// What `botocore` calls the model of each service.
pub static MODELS: [(&str, &ServiceSpec); 14] = [
    ("cloudwatch", &crate::cloudwatch::SPEC),
    ("events", &crate::eventbridge::SPEC),
    ("iam", &crate::iam::SPEC),
    ("lambda", &crate::lambda::SPEC),
    ("lambda-core", &crate::lambda_core::SPEC),
    ("lambda-microvms", &crate::lambda_microvms::SPEC),
    ("lambda-web", &crate::lambda_web::SPEC),
    ("logs", &crate::logs::SPEC),
    ("s3", &crate::s3::SPEC),
    ("scheduler", &crate::scheduler::SPEC),
    ("sns", &crate::sns::SPEC),
    ("sqs", &crate::sqs::SPEC),
    ("sts", &crate::sts::SPEC),
    ("xray", &crate::xray::SPEC),
];

/// Differences of AWS Lambda that are meant: how they end, and why.
pub const MEANT: [(&str, &str); 3] = [
    (
        ".Runtime: type is \"string\", in the model \"enumeration\"",
        "Lambda itself refuses an unknown runtime, with an error of its own; a stored function may have one",
    ),
    (".CompatibleRuntime: type is \"string\", in the model \"enumeration\"", ONE_OF),
    (".CompatibleRuntimes[]: type is \"string\", in the model \"enumeration\"", ONE_OF),
];

/// The same of Amazon SQS.
const MEANT_OF_SQS: [(&str, &str); 3] = [
    (".AttributeNames[]: type is \"string\", in the model \"enumeration\"", UNKNOWN_ATTRIBUTE),
    (
        ".MessageSystemAttributeNames[]: type is \"string\", in the model \"enumeration\"",
        UNKNOWN_ATTRIBUTE,
    ),
    (
        "service: namespace is \"http://queue.amazonaws.com/doc/2012-11-05/\", in the model \"\"",
        "the model has JSON alone; SQS goes on to speak Query",
    ),
];

/// The same of AWS Identity and Access Management.
const MEANT_OF_IAM: [(&str, &str); 1] = [(
    ".SourcePolicyType: type is \"string\", in the model \"enumeration\"",
    "AWS answers `IAM Policy`, which is none of the model's values",
)];

const UNKNOWN_ATTRIBUTE: &str = "SQS itself refuses an unknown attribute, with an error of its own";
const ONE_OF: &str =
    "the values are a constraint, from the same list as those of a function's runtime";

/// Where `spec` is not what `model` says, apart from what is meant.
pub fn differences(spec: &ServiceSpec, model: &Value) -> Vec<String> {
    let meant = || MEANT.iter().chain(&MEANT_OF_SQS).chain(&MEANT_OF_IAM);
    let is_meant = |difference: &String| meant().any(|(end, _)| difference.ends_with(end));
    let mut differences = wire::oracle::differences(spec, model);
    differences.retain(|difference| !is_meant(difference));
    differences
}
