// SPDX-License-Identifier: Apache-2.0
//! What subscribers get: events of one stream in JSON, compressed, in an event for a function. Pure.
//!
//! Invariant: the same events become the same messages, so that what was cut off is known by the number of those sent.

use crate::pattern::Pattern;
use crate::token;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use log_store::{Arrived, GroupKey};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write as _};
use std::sync::Arc;
use wire::Blob;

/// Bytes of the texts in a message, and events, unless a single one is more. It is far below what a function takes.
const TEXT_BYTES_MAX: usize = 512 << 10;
const EVENTS_MAX: usize = 10_000;

/// What one message is about.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) event: Blob,
    pub(crate) events: usize,
    /// The trace header of the call that made its events, where that was one of a chain.
    pub(crate) cause: Option<Arc<str>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    message_type: &'static str,
    owner: &'a str,
    log_group: &'a str,
    log_stream: &'a str,
    subscription_filters: [&'a str; 1],
    log_events: &'a [LogEvent],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogEvent {
    id: String,
    timestamp: i64,
    message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extracted_fields: BTreeMap<String, String>,
}

/// For whom messages are made.
#[derive(Debug)]
pub(crate) struct Subscriber<'a> {
    pub(crate) group: &'a GroupKey,
    pub(crate) filter: &'a str,
    pub(crate) pattern: &'a Pattern,
}

impl Subscriber<'_> {
    /// The messages of what arrived, those of a stream together.
    pub(crate) fn messages(&self, arrived: &[Arrived]) -> io::Result<Vec<Message>> {
        let mut messages = Vec::new();
        for (stream, cause, arrived) in by_stream(arrived) {
            let (mut events, mut bytes) = (Vec::new(), 0);
            for event in arrived.into_iter().flat_map(|arrived| self.matching(arrived)) {
                let length = event.message.len();
                if events.len() >= EVENTS_MAX || (bytes > 0 && bytes + length > TEXT_BYTES_MAX) {
                    messages.push(self.message(stream, cause, &events)?);
                    events.clear();
                    bytes = 0;
                }
                bytes += length;
                events.push(event);
            }
            if !events.is_empty() {
                messages.push(self.message(stream, cause, &events)?);
            }
        }
        Ok(messages)
    }

    fn matching<'e>(&'e self, arrived: &'e Arrived) -> impl Iterator<Item = LogEvent> + 'e {
        arrived.events().filter_map(|(position, timestamp, text)| {
            let message = String::from_utf8_lossy(text);
            self.pattern.is_match(&message).then(|| LogEvent {
                id: token::event_id(position),
                timestamp,
                extracted_fields: self.pattern.fields(&message),
                message: message.into_owned(),
            })
        })
    }

    /// `{"awslogs":{"data":"..."}}`
    fn message(
        &self,
        stream: &str,
        cause: &Option<Arc<str>>,
        events: &[LogEvent],
    ) -> io::Result<Message> {
        let document = Document {
            message_type: "DATA_MESSAGE",
            owner: self.group.account.as_str(),
            log_group: &self.group.name,
            log_stream: stream,
            subscription_filters: [self.filter],
            log_events: events,
        };
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(&serde_json::to_vec(&document)?)?;
        let data = STANDARD.encode(zip.finish()?);
        let event = format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#);
        let event = Blob::from(event.into_bytes());
        Ok(Message { event, events: events.len(), cause: cause.clone() })
    }
}

type OfStream<'a> = (&'a Arc<str>, &'a Option<Arc<str>>, Vec<&'a Arrived>);

/// Those of one stream and one cause together, in the order of the first of them.
fn by_stream(arrived: &[Arrived]) -> Vec<OfStream<'_>> {
    let mut places = HashMap::new();
    let mut found: Vec<OfStream<'_>> = Vec::new();
    for one in arrived {
        let place = *places.entry((&one.stream, &one.cause)).or_insert(found.len());
        match found.get_mut(place) {
            Some((_, _, same)) => same.push(one),
            None => found.push((&one.stream, &one.cause, vec![one])),
        }
    }
    found
}
