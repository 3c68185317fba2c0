// SPDX-License-Identifier: Apache-2.0
//! Reading events: of one stream page by page in both directions, and of a group by a pattern.

use crate::pattern::Pattern;
use crate::service::Service;
use crate::token::{self, Turn};
use crate::{address, error};
use api::logs::{
    FilterLogEventsInput, FilterLogEventsOutput, FilteredLogEvent, GetLogEventsInput,
    GetLogEventsOutput, MetricFilterMatchRecord, OutputLogEvent, TestMetricFilterInput,
    TestMetricFilterOutput, fault,
};
use log_store::{Direction, Event, Group, Page, Position, Query};
use std::collections::HashSet;
use wire::{Context, Result};

/// Events on a page, unless the caller wants fewer, and bytes of their messages.
const PAGE_EVENTS: i32 = 10_000;
const PAGE_BYTES: usize = 1 << 20;

pub(crate) fn get(
    service: &Service,
    cx: &Context,
    input: GetLogEventsInput,
) -> Result<GetLogEventsOutput> {
    let (name, identifier) = (input.log_group_name, input.log_group_identifier);
    let key = address::of_request(cx, name.as_deref(), identifier.as_deref())?;
    let group = service.group_to_read(&key)?;
    let stream = group.stream(&input.log_stream_name).map_err(|error| error::internal(&error))?;
    let stream = stream.ok_or_else(error::no_stream)?;
    let token = input.next_token.as_deref().map(token::read_turn).transpose()?;
    let turn = match token {
        Some((turn, _)) => turn,
        None if input.start_from_head == Some(true) => Turn::Forward,
        None => Turn::Backward,
    };
    let query = Query {
        from: input.start_time.unwrap_or(i64::MIN),
        until: input.end_time.unwrap_or(i64::MAX),
        after: token.map(|(_, position)| position),
        direction: match turn {
            Turn::Forward => Direction::Forward,
            Turn::Backward => Direction::Backward,
        },
        events_max: usize::try_from(input.limit.unwrap_or(PAGE_EVENTS)).unwrap_or_default(),
        bytes_max: PAGE_BYTES,
    };
    let page = read(&group, &query, &|name| *name == *stream.name, &|_| true)?;
    let (first, last) = ends(turn, &query, &page);
    let mut events = page.events;
    if turn == Turn::Backward {
        events.reverse();
    }
    Ok(GetLogEventsOutput {
        events: Some(events.into_iter().map(output).collect()),
        next_forward_token: Some(token::of_turn(Turn::Forward, last)),
        next_backward_token: Some(token::of_turn(Turn::Backward, first)),
    })
}

/// Where to go on before a page, and behind it. At an end the caller gets its own token again.
fn ends(turn: Turn, query: &Query, page: &Page) -> (Position, Position) {
    let found = page.events.first().zip(page.events.last());
    let (nearest, farthest) = match found {
        Some((nearest, farthest)) => (nearest.position, page.next.unwrap_or(farthest.position)),
        // Without events and without a token: what comes now is behind it, and nothing is before it.
        None => {
            let here = page.next.or(query.after).unwrap_or(Position { time: 0, place: 0 });
            return (here, here);
        }
    };
    match turn {
        Turn::Forward => (nearest, farthest),
        Turn::Backward => (farthest, nearest),
    }
}

fn output(event: Event) -> OutputLogEvent {
    OutputLogEvent {
        timestamp: Some(event.position.time),
        message: Some(event.text),
        ingestion_time: Some(event.arrived),
    }
}

pub(crate) fn filter(
    service: &Service,
    cx: &Context,
    input: FilterLogEventsInput,
) -> Result<FilterLogEventsOutput> {
    let (name, identifier) = (input.log_group_name, input.log_group_identifier);
    let key = address::of_request(cx, name.as_deref(), identifier.as_deref())?;
    if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
        // AWS's words were not checked.
        return Err(fault::invalid_parameter(
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
        ));
    }
    let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default());
    let pattern = pattern.map_err(|_| error::bad_pattern())?;
    let names = input.log_stream_names.map(|names| names.into_iter().collect::<HashSet<String>>());
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    let is_wanted = |name: &str| {
        names.as_ref().is_none_or(|names| names.contains(name)) && name.starts_with(&prefix)
    };
    let matches = |text: &[u8]| pattern.is_match(&String::from_utf8_lossy(text));
    let is_backward = input.start_from_head == Some(false);
    let query = Query {
        from: input.start_time.unwrap_or(i64::MIN),
        // The end is in it.
        until: input.end_time.map_or(i64::MAX, |end| end.saturating_add(1)),
        after: input.next_token.as_deref().map(token::read_page).transpose()?,
        direction: if is_backward { Direction::Backward } else { Direction::Forward },
        events_max: usize::try_from(input.limit.unwrap_or(PAGE_EVENTS)).unwrap_or_default(),
        bytes_max: PAGE_BYTES,
    };
    let page = read(&*service.group_to_read(&key)?, &query, &is_wanted, &matches)?;
    let event = |event: Event| FilteredLogEvent {
        log_stream_name: Some(event.stream.to_string()),
        timestamp: Some(event.position.time),
        message: Some(event.text),
        ingestion_time: Some(event.arrived),
        event_id: Some(token::event_id(event.position)),
    };
    Ok(FilterLogEventsOutput {
        events: Some(page.events.into_iter().map(event).collect()),
        // AWS has stopped to say which streams it has searched.
        searched_log_streams: Some(Vec::new()),
        next_token: page.next.map(token::of_page),
    })
}

fn read(
    group: &Group,
    query: &Query,
    stream_is_wanted: &dyn Fn(&str) -> bool,
    text_is_wanted: &dyn Fn(&[u8]) -> bool,
) -> Result<Page> {
    group.read(query, stream_is_wanted, text_is_wanted).map_err(|error| {
        if group.is_deleted() { error::no_group() } else { error::internal(&error) }
    })
}

pub(crate) fn test_pattern(input: TestMetricFilterInput) -> Result<TestMetricFilterOutput> {
    let pattern = Pattern::parse(&input.filter_pattern).map_err(|_| error::bad_pattern())?;
    let matching = (1_i64..).zip(input.log_event_messages).filter_map(|(number, message)| {
        pattern.is_match(&message).then(|| MetricFilterMatchRecord {
            event_number: Some(number),
            extracted_values: Some(pattern.extract(&message)),
            event_message: Some(message),
        })
    });
    Ok(TestMetricFilterOutput { matches: Some(matching.collect()) })
}
