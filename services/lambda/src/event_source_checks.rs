// SPDX-License-Identifier: Apache-2.0
//! What the members of an event source mapping may be, for kinds of sources that have them.
//!
//! Pure, as `event_source.rs`, which says which kinds have which. Sentences that AWS is not known by are ours.

use crate::error::Error;
use crate::event_source::{Kind, invalid};
use api::lambda;
use lambda::SourceAccessType as Access;
use lambda::{EventSourceMappingConfiguration, EventSourceMappingMetric as Metric};

/// The parts of a source's ARN after `arn:aws:SERVICE:REGION:ACCOUNT:`, for each service that has sources.
pub(crate) fn kind_of_arn(arn: &str) -> Option<Kind> {
    let mut parts = arn.splitn(6, ':');
    let is_aws = parts.next() == Some("arn")
        && parts.next().is_some_and(|partition| partition.starts_with("aws"));
    let service = parts.next()?;
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_aws || region.is_empty() || !is_account {
        return None;
    }
    let has = |start: &str| resource.strip_prefix(start).is_some_and(|rest| !rest.is_empty());
    match service {
        "sqs" if !resource.is_empty() && !resource.contains([':', '/']) => Some(Kind::Sqs),
        "kinesis" if has("stream/") => Some(Kind::Kinesis),
        "dynamodb" if has("table/") && is_stream_of_table(resource) => Some(Kind::DynamoDb),
        "kafka" if has("cluster/") => Some(Kind::ManagedKafka),
        "mq" if has("broker:") => Some(Kind::Mq),
        "rds" if has("cluster:") => Some(Kind::DocumentDb),
        _ => None,
    }
}

fn is_stream_of_table(resource: &str) -> bool {
    resource.split_once("/stream/").is_some_and(|(_, label)| !label.is_empty())
}

/// Everything here, for a new mapping and for a changed one.
pub(crate) fn check(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    check_access(kind, config)?;
    check_pollers(kind, config)?;
    check_destinations(kind, config)?;
    check_metrics(kind, config)
}

/// Which ways into a source there are, and that each is told where its secret or its network is.
fn check_access(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    use Access::{
        BasicAuth, ClientCertificateTlsAuth, IamAuth, IamOauthbearerAuth, OauthbearerAudience,
        OauthbearerAuth, OauthbearerIdentityPool, OauthbearerLogicalCluster, OauthbearerScope,
        SaslScram256Auth, SaslScram512Auth, ServerRootCaCertificate, VirtualHost, VpcSecurityGroup,
        VpcSubnet,
    };
    let allowed: &[Access] = match kind {
        Kind::Mq => &[BasicAuth, VirtualHost],
        Kind::ManagedKafka => &[SaslScram512Auth, ClientCertificateTlsAuth],
        Kind::SelfManagedKafka => &[
            BasicAuth,
            VpcSubnet,
            VpcSecurityGroup,
            SaslScram512Auth,
            SaslScram256Auth,
            ClientCertificateTlsAuth,
            ServerRootCaCertificate,
            OauthbearerAuth,
            OauthbearerScope,
            OauthbearerAudience,
            OauthbearerLogicalCluster,
            OauthbearerIdentityPool,
            IamAuth,
            IamOauthbearerAuth,
        ],
        Kind::DocumentDb => &[BasicAuth],
        Kind::Sqs | Kind::Kinesis | Kind::DynamoDb => &[],
    };
    let given = config.source_access_configurations.as_deref().unwrap_or_default();
    for access in given {
        let Some(way) = access.kind else {
            return invalid("SourceAccessConfigurations must each have a Type");
        };
        if !allowed.contains(&way) {
            let (way, kind) = (way.as_str(), kind.name());
            return invalid(format!(
                "SourceAccessConfigurations of type {way} are not valid for {kind} event sources."
            ));
        }
        if access.uri.as_ref().is_none_or(String::is_empty) {
            let way = way.as_str();
            return invalid(format!("SourceAccessConfigurations of type {way} must have a URI"));
        }
    }
    let is_secured = given.iter().any(|access| access.kind == Some(BasicAuth));
    if matches!(kind, Kind::Mq | Kind::DocumentDb) && !is_secured {
        let kind = kind.name();
        return invalid(format!(
            "SourceAccessConfigurations of type BASIC_AUTH are needed for {kind} event sources."
        ));
    }
    Ok(())
}

/// How many pollers there may be: at least so many, and at least and at most for the highest number.
const fn pollers(kind: Kind) -> (i32, i32, i32) {
    match kind {
        Kind::Sqs => (2, 200, 10_000),
        _ => (1, 200, 2_000),
    }
}

fn check_pollers(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    let Some(asked) = &config.provisioned_poller_config else { return Ok(()) };
    let (from, least_max, most_max) = pollers(kind);
    let is_in =
        |count: Option<i32>, max: i32| count.is_none_or(|count| (from..=max).contains(&count));
    if !is_in(asked.minimum_pollers, least_max) {
        return invalid(format!("MinimumPollers must be from {from} to {least_max}"));
    }
    if !is_in(asked.maximum_pollers, most_max) {
        return invalid(format!("MaximumPollers must be from {from} to {most_max}"));
    }
    if let (Some(least), Some(most)) = (asked.minimum_pollers, asked.maximum_pollers)
        && least > most
    {
        return invalid("MinimumPollers must not be greater than MaximumPollers");
    }
    let is_kafka = matches!(kind, Kind::ManagedKafka | Kind::SelfManagedKafka);
    if asked.poller_group_name.is_some() && !is_kafka {
        let kind = kind.name();
        return invalid(format!("PollerGroupName is not valid for {kind} event sources."));
    }
    Ok(())
}

/// What could not be processed may be told to a queue, a topic or a bucket; what could be, to nobody.
fn check_destinations(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    let Some(destinations) = &config.destination_config else { return Ok(()) };
    let success = destinations.on_success.as_ref().and_then(|side| side.destination.as_deref());
    if success.is_some_and(|arn| !arn.is_empty()) {
        return invalid("OnSuccess destinations are not valid for event source mappings");
    }
    let failure = destinations.on_failure.as_ref().and_then(|side| side.destination.as_deref());
    let Some(arn) = failure.filter(|arn| !arn.is_empty()) else { return Ok(()) };
    let is_kafka = matches!(kind, Kind::ManagedKafka | Kind::SelfManagedKafka);
    if is_kafka && arn.strip_prefix("kafka://").is_some_and(|topic| !topic.is_empty()) {
        return Ok(());
    }
    if is_destination(arn, &["sqs", "sns", "s3"]) {
        return Ok(());
    }
    invalid(format!("The destination ARN {arn} is invalid."))
}

/// The ARN of a standard queue, a standard topic, a bucket or something of another of these services.
pub(crate) fn is_destination(arn: &str, services: &[&str]) -> bool {
    let mut parts = arn.splitn(6, ':');
    let is_aws = parts.next() == Some("arn")
        && parts.next().is_some_and(|partition| partition.starts_with("aws"));
    let service = parts.next().unwrap_or_default();
    let resource = parts.nth(2).unwrap_or_default();
    let is_ordered = matches!(service, "sqs" | "sns") && resource.ends_with(".fifo");
    let is_in_bucket = service == "s3" && resource.contains(['/', ':']);
    is_aws && services.contains(&service) && !resource.is_empty() && !is_ordered && !is_in_bucket
}

fn check_metrics(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    let metrics = config.metrics_config.as_ref().and_then(|metrics| metrics.metrics.as_deref());
    let is_kafka = matches!(kind, Kind::ManagedKafka | Kind::SelfManagedKafka);
    let of_kafka = [("KafkaMetrics", Metric::KafkaMetrics), ("ErrorCount", Metric::ErrorCount)];
    let metrics = metrics.unwrap_or_default();
    match of_kafka.iter().find(|(_, metric)| !is_kafka && metrics.contains(metric)) {
        Some((name, _)) => {
            let kind = kind.name();
            invalid(format!("{name} is not valid for {kind} event sources."))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_their_arns() {
        let at = "us-east-1:000000000000";
        for (arn, kind) in [
            (format!("arn:aws:sqs:{at}:q"), Some(Kind::Sqs)),
            (format!("arn:aws:sqs:{at}:q.fifo"), Some(Kind::Sqs)),
            (format!("arn:aws:kinesis:{at}:stream/s"), Some(Kind::Kinesis)),
            (format!("arn:aws:kinesis:{at}:stream/s/consumer/c:1"), Some(Kind::Kinesis)),
            (
                format!("arn:aws:dynamodb:{at}:table/t/stream/2026-01-01T00:00:00.000"),
                Some(Kind::DynamoDb),
            ),
            (format!("arn:aws:kafka:{at}:cluster/c/1"), Some(Kind::ManagedKafka)),
            (format!("arn:aws:mq:{at}:broker:b:1"), Some(Kind::Mq)),
            (format!("arn:aws:rds:{at}:cluster:c"), Some(Kind::DocumentDb)),
            (format!("arn:aws-cn:sqs:{at}:q"), Some(Kind::Sqs)),
            (format!("arn:aws:dynamodb:{at}:table/t"), None),
            (format!("arn:aws:dynamodb:{at}:table/t/stream/"), None),
            (format!("arn:aws:kinesis:{at}:s"), None),
            (format!("arn:aws:sqs:{at}:a/b"), None),
            (format!("arn:aws:sqs:{at}:"), None),
            ("arn:aws:sqs::000000000000:q".to_owned(), None),
            ("arn:aws:sqs:us-east-1::q".to_owned(), None),
            ("arn:aws:sqs:us-east-1:q".to_owned(), None),
            ("arn:aws:s3:::bucket".to_owned(), None),
            ("sqs".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(kind_of_arn(&arn), kind, "{arn}");
        }
    }

    #[test]
    fn destinations() {
        let services = ["sqs", "sns", "s3"];
        for arn in ["arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:s3:::b"] {
            assert!(is_destination(arn, &services), "{arn}");
        }
        for arn in [
            "arn:aws:sqs:us-east-1:000000000000:q.fifo",
            "arn:aws:sns:us-east-1:000000000000:t.fifo",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
            "arn:aws:s3:::",
            "arn:aws:s3:::b/prefix",
            "arn:aws:sqs",
            "q",
        ] {
            assert!(!is_destination(arn, &services), "{arn}");
        }
    }
}
