// SPDX-License-Identifier: Apache-2.0
//! What a target may be, and what may be said of one.

use crate::address::{BusKey, RuleKey};
use crate::buses::unavailable;
use crate::input;
use crate::rule::invalid;
use api::eventbridge::Target;
use names::{FunctionArn, QueueArn};
use wire::Result;

/// What a target is, by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Function,
    Queue(QueueArn),
    Topic,
    LogGroup,
    Bus(BusKey),
}

impl Kind {
    pub(crate) fn of(arn: &str) -> Option<Self> {
        match arn.split(':').nth(2)? {
            "lambda" => arn.parse::<FunctionArn>().ok().map(|_| Self::Function),
            "sqs" => arn.parse().ok().map(Self::Queue),
            "logs" => arn.contains(":log-group:").then_some(Self::LogGroup),
            "sns" => (arn.split(':').count() == 6).then_some(Self::Topic),
            "events" => BusKey::of_arn(arn).map(Self::Bus),
            _ => None,
        }
    }
}

pub(crate) fn check(target: &Target, rule: &RuleKey) -> Result<()> {
    let Target { id, arn, .. } = target;
    if arn.splitn(6, ':').count() < 6 || !arn.starts_with("arn:") {
        return Err(invalid(format!(
            "Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
        )));
    }
    let Some(kind) = Kind::of(arn) else {
        return Err(unavailable(&format!("Target {arn}")));
    };
    check_parameters(target, &kind)?;
    match kind {
        Kind::Queue(queue) => {
            let group =
                target.sqs_parameters.as_ref().and_then(|sqs| sqs.message_group_id.as_ref());
            if queue.name.ends_with(".fifo") && group.is_none() {
                return Err(invalid(format!(
                    "Parameter(s) MessageGroupId must be specified for target: {id}."
                )));
            }
        }
        Kind::Bus(bus) => check_bus(target, &bus, rule)?,
        Kind::LogGroup => check_group(arn, rule)?,
        Kind::Function | Kind::Topic => {}
    }
    if let Some(queue) = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_ref()) {
        let is_standard =
            queue.parse::<QueueArn>().is_ok_and(|queue| !queue.name.ends_with(".fifo"));
        if !is_standard {
            return Err(invalid(format!(
                "Parameter {queue} is not valid. Reason: Invalid DeadLetterConfig: a standard queue takes dead letters."
            )));
        }
    }
    input::check(target)
}

/// Parameters of targets that are something else are no mistake of the wire, but they would have no effect.
fn check_parameters(target: &Target, kind: &Kind) -> Result<()> {
    let told = [
        ("KinesisParameters", target.kinesis_parameters.is_some()),
        ("RunCommandParameters", target.run_command_parameters.is_some()),
        ("EcsParameters", target.ecs_parameters.is_some()),
        ("BatchParameters", target.batch_parameters.is_some()),
        ("HttpParameters", target.http_parameters.is_some()),
        ("RedshiftDataParameters", target.redshift_data_parameters.is_some()),
        ("SageMakerPipelineParameters", target.sage_maker_pipeline_parameters.is_some()),
        ("AppSyncParameters", target.app_sync_parameters.is_some()),
        ("SqsParameters", target.sqs_parameters.is_some() && !matches!(kind, Kind::Queue(_))),
    ];
    match told.iter().find(|(_, is_told)| *is_told) {
        None => Ok(()),
        Some((name, _)) => {
            Err(invalid(format!("Parameter {name} is not supported for target {}.", target.id)))
        }
    }
}

/// Resource policies of log groups let a service in: whose rule it sends for has to be the group's own account.
fn check_group(arn: &str, rule: &RuleKey) -> Result<()> {
    let BusKey { account, region, .. } = &rule.bus;
    if !arn.starts_with(&format!("arn:aws:logs:{region}:{account}:log-group:")) {
        // AWS's words were not checked.
        return Err(invalid(format!(
            "Parameter {arn} is not valid. Reason: A log group must be in the account and the region of its rule."
        )));
    }
    Ok(())
}

/// A bus is asked on behalf of a role, and gets events as they are.
fn check_bus(target: &Target, bus: &BusKey, rule: &RuleKey) -> Result<()> {
    let Target { id, arn, .. } = target;
    if *bus == rule.bus {
        return Err(invalid(format!("Event bus {arn} can't be a target of its own rule.")));
    }
    if target.role_arn.is_none() {
        return Err(invalid(format!("RoleArn is required for target {arn}.")));
    }
    let changes_it =
        target.input.is_some() || target.input_path.is_some() || target.input_transformer.is_some();
    if changes_it {
        return Err(invalid(format!(
            "Input, InputPath and InputTransformer are not supported for target {id}, an event bus."
        )));
    }
    Ok(())
}
