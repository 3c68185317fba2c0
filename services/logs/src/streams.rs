// SPDX-License-Identifier: Apache-2.0
//! Log streams.

use crate::address::{self, stream_arn};
use crate::error;
use crate::service::Service;
use api::logs::{
    CreateLogStreamInput, DeleteLogStreamInput, DescribeLogStreamsInput, DescribeLogStreamsOutput,
    LogStream, OrderBy, fault,
};
use log_store::{Made, StreamState};
use wire::{Context, Result};

/// Streams on a page, unless the caller wants another number.
const PAGE: i32 = 50;

pub(crate) fn create(service: &Service, cx: &Context, input: CreateLogStreamInput) -> Result<()> {
    let group = service.group(&address::key(cx, input.log_group_name))?;
    match group.make_stream(&input.log_stream_name) {
        Ok(Made::New) => Ok(()),
        Ok(Made::Exists) => {
            Err(fault::resource_already_exists("The specified log stream already exists"))
        }
        Ok(Made::TooMany) => Err(fault::limit_exceeded("Resource limit exceeded.")),
        Err(_) if group.is_deleted() => Err(error::no_group()),
        Err(error) => Err(error::internal(&error)),
    }
}

pub(crate) fn delete(service: &Service, cx: &Context, input: DeleteLogStreamInput) -> Result<()> {
    let group = service.group(&address::key(cx, input.log_group_name))?;
    match group.delete_stream(&input.log_stream_name) {
        Ok(true) => Ok(()),
        Ok(false) => Err(error::no_stream()),
        Err(_) if group.is_deleted() => Err(error::no_group()),
        Err(error) => Err(error::internal(&error)),
    }
}

pub(crate) fn describe(
    service: &Service,
    cx: &Context,
    input: DescribeLogStreamsInput,
) -> Result<DescribeLogStreamsOutput> {
    let (name, identifier) = (input.log_group_name, input.log_group_identifier);
    let key = address::of_request(cx, name.as_deref(), identifier.as_deref())?;
    let is_by_time = input.order_by == Some(OrderBy::LastEventTime);
    if is_by_time && input.log_stream_name_prefix.is_some() {
        return Err(fault::invalid_parameter(
            "Cannot order by LastEventTime with a logStreamNamePrefix.",
        ));
    }
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    let streams =
        service.group_to_read(&key)?.streams().map_err(|error| error::internal(&error))?;
    let place = |stream: &StreamState| {
        let time = if is_by_time { stream.last_event.unwrap_or(0) } else { 0 };
        (time, stream.name.to_string())
    };
    let mut wanted: Vec<_> =
        streams.iter().filter(|stream| stream.name.starts_with(&prefix)).collect();
    wanted.sort_by_cached_key(|stream| place(stream));
    let is_descending = input.descending.unwrap_or(false);
    if is_descending {
        wanted.reverse();
    }
    if let Some(token) = &input.next_token {
        let last = read_token(token).ok_or_else(error::bad_token)?;
        let is_behind = |stream: &&StreamState| {
            if is_descending { place(stream) < last } else { place(stream) > last }
        };
        wanted.retain(is_behind);
    }
    let limit = usize::try_from(input.limit.unwrap_or(PAGE)).unwrap_or_default();
    let has_more = wanted.len() > limit;
    wanted.truncate(limit);
    let last = wanted.last().filter(|_| has_more).map(|stream| place(stream));
    Ok(DescribeLogStreamsOutput {
        log_streams: Some(
            wanted
                .into_iter()
                .map(|stream| LogStream {
                    log_stream_name: Some(stream.name.to_string()),
                    creation_time: Some(stream.made),
                    first_event_timestamp: stream.first_event,
                    last_event_timestamp: stream.last_event,
                    last_ingestion_time: stream.last_arrival,
                    upload_sequence_token: stream.last_arrival.map(sequence_token),
                    arn: Some(stream_arn(&key, &stream.name)),
                    stored_bytes: Some(0),
                })
                .collect(),
        ),
        next_token: last.map(|(time, name)| format!("{time}/{name}")),
    })
}

/// Where a page ended: the time by which it was sorted, and the name.
fn read_token(token: &str) -> Option<(i64, String)> {
    let (time, name) = token.split_once('/')?;
    Some((time.parse().ok()?, name.to_owned()))
}

/// AWS has given these up: any is taken, and none is needed.
pub(crate) fn sequence_token(last_arrival: i64) -> String {
    format!("{last_arrival:056}")
}
