// SPDX-License-Identifier: Apache-2.0
//! What the operations act on, as AWS's Service Authorization Reference lists it for AWS Lambda.
//!
//! A function's ARN has the qualifier that the request has, in its name or beside it.

use super::{
    AddPermissionInput, CreateCapacityProviderInput, CreateCodeSigningConfigInput,
    CreateEventSourceMappingInput, CreateFunctionInput, FunctionUrlAuthType, TagResourceInput,
    UntagResourceInput, UpdateFunctionConfigurationInput, VpcConfig,
};
use names::FunctionReference;
use std::collections::BTreeMap;
use wire::{Access, Context};

const PASS_ROLE: &str = "iam:PassRole";
const SERVICE: &str = "lambda.amazonaws.com";

pub(super) fn anything(_: &Context) -> Access {
    Access::anything()
}

/// The function alone, whatever qualifier its name has.
pub(super) fn function(cx: &Context, name: &str) -> Access {
    Access::to(function_arn(cx, name, None))
}

/// A version or an alias where the request names one.
pub(super) fn qualified(cx: &Context, name: &str, qualifier: &Option<String>) -> Access {
    Access::to(function_arn(cx, name, qualifier.as_deref()))
}

pub(super) fn version(cx: &Context, name: &str, qualifier: &str) -> Access {
    Access::to(function_arn(cx, name, Some(qualifier)))
}

/// What the request names by its ARN.
pub(super) fn arn(_: &Context, arn: &str) -> Access {
    Access::to(arn)
}

fn function_arn(cx: &Context, name: &str, qualifier: Option<&str>) -> String {
    let qualifier = qualifier.filter(|qualifier| !qualifier.is_empty());
    let (arn, has_own) = match name.parse::<FunctionReference>() {
        Ok(reference) => {
            let has_own = reference.qualifier.is_some();
            (reference.resolve(&cx.region, &cx.account).to_string(), has_own)
        }
        // Refused later, for its form. Nobody is allowed it by a pattern for a good name.
        Err(_) => (resource(cx, "function", name), false),
    };
    match qualifier {
        Some(qualifier) if !has_own => format!("{arn}:{qualifier}"),
        _ => arn,
    }
}

/// `arn:aws:lambda:us-east-1:000000000000:layer:name`
fn resource(cx: &Context, kind: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    format!("arn:aws:lambda:{}:{}:{kind}:{name}", cx.region, cx.account)
}

pub(super) fn new_function(cx: &Context, input: &CreateFunctionInput) -> Access {
    let access = function(cx, &input.function_name)
        .fact("lambda:CodeSigningConfigArn", input.code_signing_config_arn.clone())
        .fact("lambda:Layer", input.layers.clone().unwrap_or_default());
    let access = in_network(access, input.vpc_config.as_ref());
    let access = tagged(access, input.tags.as_ref());
    let access = reading_layers(access, input.layers.as_ref());
    passing_role(access, &input.role)
}

pub(super) fn configuration(cx: &Context, input: &UpdateFunctionConfigurationInput) -> Access {
    let access = function(cx, &input.function_name)
        .fact("lambda:Layer", input.layers.clone().unwrap_or_default());
    let access = in_network(access, input.vpc_config.as_ref());
    let access = reading_layers(access, input.layers.as_ref());
    match &input.role {
        Some(role) => passing_role(access, role),
        None => access,
    }
}

fn in_network(access: Access, network: Option<&VpcConfig>) -> Access {
    let Some(network) = network else { return access };
    access
        .fact("lambda:SubnetIds", network.subnet_ids.clone().unwrap_or_default())
        .fact("lambda:SecurityGroupIds", network.security_group_ids.clone().unwrap_or_default())
}

fn reading_layers(access: Access, layers: Option<&Vec<String>>) -> Access {
    layers.into_iter().flatten().fold(access, |access, layer| {
        access.and("lambda:GetLayerVersion", Access::to(layer.as_str()))
    })
}

/// Who gives a role to a service needs the permission to.
fn passing_role(access: Access, role: &str) -> Access {
    access.and(PASS_ROLE, Access::to(role).fact("iam:PassedToService", [SERVICE]))
}

/// Who makes a thing with tags needs the permission to tag it.
fn tagged(access: Access, tags: Option<&BTreeMap<String, String>>) -> Access {
    let Some(tags) = tags.filter(|tags| !tags.is_empty()) else { return access };
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let access = access.tags(pairs);
    let tagging = Access { also: Vec::new(), ..access.clone() };
    access.and("lambda:TagResource", tagging)
}

pub(super) fn layer(cx: &Context, name: &str) -> Access {
    Access::to(resource(cx, "layer", name))
}

pub(super) fn layer_version(cx: &Context, name: &str, number: &i64) -> Access {
    Access::to(format!("{}:{number}", resource(cx, "layer", name)))
}

pub(super) fn mapping(cx: &Context, uuid: &str) -> Access {
    Access::to(resource(cx, "event-source-mapping", uuid))
}

pub(super) fn new_mapping(cx: &Context, input: &CreateEventSourceMappingInput) -> Access {
    let function = function_arn(cx, &input.function_name, None);
    let access = Access::anything().fact("lambda:FunctionArn", [function]);
    tagged(access, input.tags.as_ref())
}

pub(super) fn changed_mapping(cx: &Context, uuid: &str, name: &Option<String>) -> Access {
    let function = name.as_ref().map(|name| function_arn(cx, name, None));
    mapping(cx, uuid).fact("lambda:FunctionArn", function)
}

pub(super) fn url(
    cx: &Context,
    name: &str,
    qualifier: &Option<String>,
    auth_type: &FunctionUrlAuthType,
) -> Access {
    qualified(cx, name, qualifier).fact("lambda:FunctionUrlAuthType", [auth_type.as_str()])
}

pub(super) fn changed_url(
    cx: &Context,
    name: &str,
    qualifier: &Option<String>,
    auth_type: &Option<FunctionUrlAuthType>,
) -> Access {
    let auth_type = auth_type.map(FunctionUrlAuthType::as_str);
    qualified(cx, name, qualifier).fact("lambda:FunctionUrlAuthType", auth_type)
}

pub(super) fn permission(cx: &Context, input: &AddPermissionInput) -> Access {
    let auth_type = input.function_url_auth_type.map(FunctionUrlAuthType::as_str);
    qualified(cx, &input.function_name, &input.qualifier)
        .fact("lambda:Principal", [input.principal.as_str()])
        .fact("lambda:FunctionUrlAuthType", auth_type)
}

pub(super) fn new_code_signing(_: &Context, input: &CreateCodeSigningConfigInput) -> Access {
    tagged(Access::anything(), input.tags.as_ref())
}

pub(super) fn code_signing(cx: &Context, name: &str, config: &str) -> Access {
    function(cx, name).fact("lambda:CodeSigningConfigArn", [config])
}

pub(super) fn capacity_provider(cx: &Context, name: &str) -> Access {
    Access::to(resource(cx, "capacity-provider", name))
}

pub(super) fn new_capacity_provider(cx: &Context, input: &CreateCapacityProviderInput) -> Access {
    let access = capacity_provider(cx, &input.capacity_provider_name);
    let access = tagged(access, input.tags.as_ref());
    passing_role(access, &input.permissions_config.capacity_provider_operator_role_arn)
}

pub(super) fn tagging(_: &Context, input: &TagResourceInput) -> Access {
    let pairs = input.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Access::to(input.resource.as_str()).tags(pairs)
}

pub(super) fn untagging(_: &Context, input: &UntagResourceInput) -> Access {
    Access::to(input.resource.as_str()).fact("aws:TagKeys", input.tag_keys.clone())
}
