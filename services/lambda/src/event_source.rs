// SPDX-License-Identifier: Apache-2.0
//! What an event source mapping may say, kind of source by kind of source: defaults, limits, and what goes together.
//!
//! Pure: nothing here knows which mappings there are, or whether the source exists.

use crate::error::Error;
use crate::event_source_checks;
use api::lambda;
use event_patterns::Pattern;
use lambda::{EventSourceMappingConfiguration, EventSourcePosition as Position, FilterCriteria};

const FILTERS_MAX: usize = 10;
/// Without a window, a batch of messages is what one call to the queue brings.
const UNWINDOWED_MAX: i32 = 10;
const FIFO_BATCH_MAX: i32 = 10;

/// A kind of event source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqs,
    Kinesis,
    DynamoDb,
    ManagedKafka,
    SelfManagedKafka,
    Mq,
    DocumentDb,
}

/// A member that only some kinds of sources have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    StartingPosition,
    /// `ParallelizationFactor` and `TumblingWindowInSeconds`
    Shards,
    /// `BisectBatchOnFunctionError`, `MaximumRecordAgeInSeconds`, `MaximumRetryAttempts` and `DestinationConfig`
    Retries,
    ResponseTypes,
    Topics,
    Queues,
    Access,
    Scaling,
    Pollers,
    Filters,
}

use Member::{
    Access, Filters, Pollers, Queues, ResponseTypes, Retries, Scaling, Shards, StartingPosition,
    Topics,
};

impl Kind {
    /// `None` for what is no source.
    pub(crate) fn of(arn: Option<&str>, is_self_managed: bool) -> Option<Self> {
        match arn.filter(|arn| !arn.is_empty()) {
            Some(_) if is_self_managed => None,
            Some(arn) => event_source_checks::kind_of_arn(arn),
            None => is_self_managed.then_some(Self::SelfManagedKafka),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqs => "SQS",
            Self::Kinesis => "Kinesis",
            Self::DynamoDb => "DynamoDB",
            Self::ManagedKafka => "MSK",
            Self::SelfManagedKafka => "Kafka",
            Self::Mq => "MQ",
            Self::DocumentDb => "DocumentDB",
        }
    }

    const fn has(self, member: Member) -> bool {
        match self {
            Self::Sqs => matches!(member, ResponseTypes | Scaling | Pollers | Filters),
            Self::Kinesis | Self::DynamoDb => {
                matches!(member, StartingPosition | Shards | Retries | ResponseTypes | Filters)
            }
            Self::ManagedKafka | Self::SelfManagedKafka => matches!(
                member,
                StartingPosition | Retries | ResponseTypes | Topics | Access | Pollers | Filters
            ),
            Self::Mq => matches!(member, Queues | Access | Filters),
            Self::DocumentDb => matches!(member, StartingPosition | Access),
        }
    }

    const fn batch_default(self) -> i32 {
        match self {
            Self::Sqs => 10,
            _ => 100,
        }
    }

    /// Kafka, MQ and DocumentDB wait half a second, which is no number of seconds: nothing is answered.
    const fn window_default(self) -> Option<i32> {
        match self {
            Self::Sqs | Self::Kinesis | Self::DynamoDb => Some(0),
            _ => None,
        }
    }

    /// As AWS says who changed the state.
    pub(crate) const fn user_action(self) -> &'static str {
        match self {
            Self::Sqs | Self::Mq => "USER_INITIATED",
            _ => "User action",
        }
    }

    const fn last_result(self) -> Option<&'static str> {
        match self {
            Self::Sqs => None,
            _ => Some("No records processed"),
        }
    }
}

/// What a new mapping is, without its id, its function and its state.
pub(crate) fn of_new(
    kind: Kind,
    input: lambda::CreateEventSourceMappingInput,
) -> Result<EventSourceMappingConfiguration, Error> {
    let mut config = EventSourceMappingConfiguration {
        event_source_arn: input.event_source_arn,
        starting_position: input.starting_position,
        starting_position_timestamp: input.starting_position_timestamp,
        batch_size: Some(input.batch_size.unwrap_or(kind.batch_default())),
        maximum_batching_window_in_seconds: input
            .maximum_batching_window_in_seconds
            .or(kind.window_default()),
        parallelization_factor: input.parallelization_factor,
        filter_criteria: input.filter_criteria,
        metrics_config: input.metrics_config,
        logging_config: input.logging_config,
        scaling_config: input.scaling_config,
        destination_config: input.destination_config,
        topics: input.topics,
        queues: input.queues,
        source_access_configurations: input.source_access_configurations,
        self_managed_event_source: input.self_managed_event_source,
        maximum_record_age_in_seconds: input.maximum_record_age_in_seconds,
        bisect_batch_on_function_error: input.bisect_batch_on_function_error,
        maximum_retry_attempts: input.maximum_retry_attempts,
        tumbling_window_in_seconds: input.tumbling_window_in_seconds,
        function_response_types: input.function_response_types,
        amazon_managed_kafka_event_source_config: input.amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config: input.self_managed_kafka_event_source_config,
        document_db_event_source_config: input.document_db_event_source_config,
        provisioned_poller_config: input.provisioned_poller_config,
        last_processing_result: kind.last_result().map(str::to_owned),
        ..EventSourceMappingConfiguration::default()
    };
    check(kind, &config)?;
    check_start(kind, &config)?;
    if kind.has(Shards) {
        config.parallelization_factor.get_or_insert(1);
        config.tumbling_window_in_seconds.get_or_insert(0);
    }
    if kind.has(Retries) && kind.has(Shards) {
        config.bisect_batch_on_function_error.get_or_insert(false);
        config.maximum_record_age_in_seconds.get_or_insert(-1);
        config.maximum_retry_attempts.get_or_insert(-1);
        config.destination_config.get_or_insert_default().on_failure.get_or_insert_default();
    }
    if kind.has(ResponseTypes) {
        config.function_response_types.get_or_insert_default();
    }
    drop_empty(&mut config);
    Ok(config)
}

/// What a mapping is after an update, without its function and its state.
pub(crate) fn after_update(
    kind: Kind,
    mut config: EventSourceMappingConfiguration,
    input: lambda::UpdateEventSourceMappingInput,
) -> Result<EventSourceMappingConfiguration, Error> {
    macro_rules! replace {
        ($($member:ident),* $(,)?) => {$(
            if input.$member.is_some() {
                config.$member = input.$member;
            }
        )*};
    }
    replace!(
        batch_size,
        filter_criteria,
        metrics_config,
        logging_config,
        scaling_config,
        maximum_batching_window_in_seconds,
        parallelization_factor,
        destination_config,
        maximum_record_age_in_seconds,
        bisect_batch_on_function_error,
        maximum_retry_attempts,
        tumbling_window_in_seconds,
        source_access_configurations,
        function_response_types,
        amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config,
        document_db_event_source_config,
        provisioned_poller_config,
    );
    check(kind, &config)?;
    drop_empty(&mut config);
    Ok(config)
}

/// An empty object takes a setting away: that is how tools remove one.
fn drop_empty(config: &mut EventSourceMappingConfiguration) {
    config.filter_criteria.take_if(|criteria| filters(criteria).is_empty());
    config.scaling_config.take_if(|scaling| scaling.maximum_concurrency.is_none());
}

fn filters(criteria: &FilterCriteria) -> &[lambda::Filter] {
    criteria.filters.as_deref().unwrap_or_default()
}

/// The rules that hold for a new mapping and for a changed one.
fn check(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    check_members(kind, config)?;
    let (batch, window) = (
        config.batch_size.unwrap_or_default(),
        config.maximum_batching_window_in_seconds.unwrap_or_default(),
    );
    let is_fifo = config.event_source_arn.as_deref().is_some_and(|arn| arn.ends_with(".fifo"));
    if kind == Kind::Sqs && is_fifo && batch > FIFO_BATCH_MAX {
        return invalid("BatchSize of a FIFO queue must be at most 10");
    }
    if kind == Kind::Sqs && is_fifo && window > 0 {
        return invalid("Batching window is not supported for FIFO queues");
    }
    if kind == Kind::Sqs && batch > UNWINDOWED_MAX && window == 0 {
        return invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        );
    }
    if config.maximum_record_age_in_seconds.is_some_and(|age| age != -1 && age < 60) {
        return invalid("MaximumRecordAgeInSeconds must be -1, or from 60 to 604800");
    }
    if config.scaling_config.as_ref().is_some_and(|scaling| scaling.maximum_concurrency.is_some())
        && config.provisioned_poller_config.is_some()
    {
        return invalid("ScalingConfig and ProvisionedPollerConfig exclude each other");
    }
    let criteria = config.filter_criteria.as_ref().map(filters).unwrap_or_default();
    if criteria.len() > FILTERS_MAX {
        return invalid("FilterCriteria must have at most 10 filters");
    }
    let is_pattern = |filter: &lambda::Filter| {
        filter.pattern.as_deref().is_some_and(|text| Pattern::parse(text).is_ok())
    };
    if !criteria.iter().all(is_pattern) {
        return invalid("Invalid filter pattern definition.");
    }
    event_source_checks::check(kind, config)
}

/// A member that the kind of source does not have is refused: it would have no effect.
fn check_members(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    let given = [
        ("StartingPosition", StartingPosition, config.starting_position.is_some()),
        ("ParallelizationFactor", Shards, config.parallelization_factor.is_some()),
        ("TumblingWindowInSeconds", Shards, config.tumbling_window_in_seconds.is_some()),
        ("BisectBatchOnFunctionError", Retries, config.bisect_batch_on_function_error.is_some()),
        ("MaximumRecordAgeInSeconds", Retries, config.maximum_record_age_in_seconds.is_some()),
        ("MaximumRetryAttempts", Retries, config.maximum_retry_attempts.is_some()),
        ("DestinationConfig", Retries, config.destination_config.is_some()),
        (
            "FunctionResponseTypes",
            ResponseTypes,
            config.function_response_types.as_ref().is_some_and(|types| !types.is_empty()),
        ),
        ("Topics", Topics, config.topics.is_some()),
        ("Queues", Queues, config.queues.is_some()),
        ("SourceAccessConfigurations", Access, config.source_access_configurations.is_some()),
        (
            "ScalingConfig",
            Scaling,
            config
                .scaling_config
                .as_ref()
                .is_some_and(|config| config.maximum_concurrency.is_some()),
        ),
        ("ProvisionedPollerConfig", Pollers, config.provisioned_poller_config.is_some()),
        (
            "FilterCriteria",
            Filters,
            config.filter_criteria.as_ref().is_some_and(|criteria| !filters(criteria).is_empty()),
        ),
    ];
    let of_one_kind = [
        (
            "AmazonManagedKafkaEventSourceConfig",
            Kind::ManagedKafka,
            config.amazon_managed_kafka_event_source_config.is_some(),
        ),
        (
            "SelfManagedKafkaEventSourceConfig",
            Kind::SelfManagedKafka,
            config.self_managed_kafka_event_source_config.is_some(),
        ),
        (
            "DocumentDBEventSourceConfig",
            Kind::DocumentDb,
            config.document_db_event_source_config.is_some(),
        ),
    ];
    let misplaced = given.iter().find(|(_, member, is_given)| *is_given && !kind.has(*member));
    let misplaced = misplaced.map(|(name, ..)| *name).or_else(|| {
        let other = of_one_kind.iter().find(|(_, owner, is_given)| *is_given && *owner != kind);
        other.map(|(name, ..)| *name)
    });
    match misplaced {
        Some(name) => {
            let kind = kind.name();
            invalid(format!("{name} is not valid for {kind} event sources."))
        }
        None => Ok(()),
    }
}

/// What a new mapping needs to know before it begins.
fn check_start(kind: Kind, config: &EventSourceMappingConfiguration) -> Result<(), Error> {
    let position = config.starting_position;
    if kind.has(StartingPosition) && position.is_none() {
        return invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
        );
    }
    if position == Some(Position::AtTimestamp) && kind == Kind::DynamoDb {
        let arn = config.event_source_arn.as_deref().unwrap_or_default();
        return invalid(format!("Unsupported starting position for arn type: {arn}"));
    }
    match (position == Some(Position::AtTimestamp), config.starting_position_timestamp) {
        (false, Some(_)) if kind.has(StartingPosition) => {
            return invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP");
        }
        (false, Some(_)) => {
            return invalid(format!(
                "StartingPosition is not valid for {} event sources.",
                kind.name()
            ));
        }
        (true, None) => {
            return invalid("StartingPosition AT_TIMESTAMP needs StartingPositionTimestamp");
        }
        _ => {}
    }
    let database = |config: &lambda::DocumentDbEventSourceConfig| config.database_name.is_some();
    let missing = match kind {
        Kind::ManagedKafka | Kind::SelfManagedKafka if config.topics.is_none() => "Topics",
        Kind::Mq if config.queues.is_none() => "Queues",
        Kind::DocumentDb
            if !config.document_db_event_source_config.as_ref().is_some_and(database) =>
        {
            "DocumentDBEventSourceConfig.DatabaseName"
        }
        _ => return Ok(()),
    };
    invalid(format!("{missing} is needed for {} event sources.", kind.name()))
}

pub(crate) fn invalid<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::InvalidParameter(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_source_has_an_arn_or_is_self_managed() {
        assert_eq!(Kind::of(Some("arn:aws:sqs:us-east-1:000000000000:q"), false), Some(Kind::Sqs));
        assert_eq!(Kind::of(Some(""), false), None);
        assert_eq!(Kind::of(None, true), Some(Kind::SelfManagedKafka));
        assert_eq!(Kind::of(Some("arn:aws:sqs:us-east-1:000000000000:q"), true), None);
    }

    proptest! {
        /// Whatever the batch and the window: what is accepted keeps the rules of queues.
        #[test]
        fn a_queues_batch_fits_its_window(batch in 1..=10_000, window in 0..=300, is_fifo: bool) {
            let end = if is_fifo { ".fifo" } else { "" };
            let input = lambda::CreateEventSourceMappingInput {
                event_source_arn: Some(format!("arn:aws:sqs:us-east-1:000000000000:q{end}")),
                batch_size: Some(batch),
                maximum_batching_window_in_seconds: Some(window),
                ..lambda::CreateEventSourceMappingInput::default()
            };
            let is_good = if is_fifo { batch <= 10 && window == 0 } else { batch <= 10 || window > 0 };
            prop_assert_eq!(of_new(Kind::Sqs, input).is_ok(), is_good);
        }
    }
}
