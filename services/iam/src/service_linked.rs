// SPDX-License-Identifier: Apache-2.0
//! Roles that AWS services need: their names and whom they trust.

/// Names that are not the service's own. Others are made of the service's, as AWS's mostly are.
const NAMES: &[(&str, &str)] = &[
    ("lambda.amazonaws.com", "AWSServiceRoleForLambda"),
    ("replicator.lambda.amazonaws.com", "AWSServiceRoleForLambdaReplicator"),
    ("ecs.amazonaws.com", "AWSServiceRoleForECS"),
    ("ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway"),
    ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
    ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
    ("es.amazonaws.com", "AWSServiceRoleForAmazonElasticsearchService"),
    ("events.amazonaws.com", "AWSServiceRoleForCloudWatchEvents"),
    ("organizations.amazonaws.com", "AWSServiceRoleForOrganizations"),
];

/// `AWSServiceRoleForLambda`, with the suffix that the caller chose.
pub(crate) fn role_name(service: &str, suffix: Option<&str>) -> String {
    let known = NAMES.iter().find(|(name, _)| *name == service).map(|(_, role)| (*role).to_owned());
    let name = known.unwrap_or_else(|| {
        let own = service.split('.').next().unwrap_or_default();
        let mut letters = own.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        let own: String =
            first.into_iter().chain(letters).filter(|letter| *letter != '-').collect();
        format!("AWSServiceRoleFor{own}")
    });
    match suffix {
        Some(suffix) => format!("{name}_{suffix}"),
        None => name,
    }
}

pub(crate) fn path(service: &str) -> String {
    format!("/aws-service-role/{service}/")
}

pub(crate) fn trust(service: &str) -> String {
    let service = serde_json::Value::from(service);
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":{service}}},"Action":"sts:AssumeRole"}}]}}"#
    )
}
