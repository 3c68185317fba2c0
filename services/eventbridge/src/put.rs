// SPDX-License-Identifier: Apache-2.0
//! `PutEvents`: which rules want an event is found, and both are on the disk before it is acknowledged.

use crate::address::BusKey;
use crate::archive::Archive;
use crate::bus::Bus;
use crate::event::{self, Accepted, Origin, Refused};
use crate::metrics::Put;
use crate::rule::invalid;
use crate::service::Service;
use crate::{EventBridge, clock, delivery, watched};
use api::eventbridge::{self, EventOperations, PutEventsRequestEntry, PutEventsResultEntry};
use events::NotKept;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Context, Result, Timestamp};

/// Of all entries together. AWS had 256 KB until January 2026.
const REQUEST_BYTES_MAX: usize = 1 << 20;

impl EventOperations for EventBridge {
    async fn put_events(
        &self,
        cx: &Context,
        input: eventbridge::PutEventsInput,
    ) -> Result<eventbridge::PutEventsOutput> {
        if input.endpoint_id.is_some() {
            return Err(crate::buses::unavailable("EndpointId"));
        }
        let bytes = input.entries.iter().map(event::bytes).sum::<usize>();
        if bytes > REQUEST_BYTES_MAX {
            return Err(invalid("Total size of the entries in the request is over the limit."));
        }
        let origin = Origin {
            account: &cx.account,
            region: &cx.region,
            is_service: is_service(cx),
            now: clock::now(),
            trace: &cx.trace,
        };
        let mut results: Vec<std::result::Result<String, Refused>> = Vec::new();
        // What is for the same bus is kept together.
        let mut batches: BTreeMap<BusKey, Batch> = BTreeMap::new();
        for (place, entry) in input.entries.iter().enumerate() {
            let id = uuid::Uuid::new_v4().to_string();
            let accepted = self.service.find_for(cx, entry).and_then(|bus| {
                let event = event::write(&id, entry, &origin)?;
                let trace = entry.trace_header.clone();
                let trace = trace.unwrap_or_else(|| origin.trace.to_string());
                let ingested_ms = origin.now.epoch_ms();
                Ok((bus, Accepted { event, trace, ingested_ms, ..Accepted::default() }))
            });
            results.push(accepted.map(|(bus, accepted)| {
                let batch = batches.entry(bus.key.clone()).or_insert_with(|| Batch::of(bus));
                batch.places.push(place);
                batch.accepted.push(accepted);
                id
            }));
        }
        for Batch { bus, places, accepted } in batches.into_values() {
            let Err(refused) = self.service.accept(&bus, accepted).await else { continue };
            for (place, result) in results.iter_mut().enumerate() {
                if places.contains(&place) {
                    *result = Err(refused.clone());
                }
            }
        }
        let failed = results.iter().filter(|result| result.is_err()).count();
        self.service.count_put(cx, Put { entries: results.len(), failed, bytes });
        Ok(output(results, failed))
    }
}

/// The entries of a request that are for one bus.
struct Batch {
    bus: Arc<Bus>,
    places: Vec<usize>,
    accepted: Vec<Accepted>,
}

impl Batch {
    const fn of(bus: Arc<Bus>) -> Self {
        Self { bus, places: Vec::new(), accepted: Vec::new() }
    }
}

/// An archive, the time of an event for it, and which of the events that is.
type Archived = (Arc<Archive>, i64, usize);

/// When an event happened. Milliseconds since 1970.
fn time(event: &Value, accepted: &Accepted) -> i64 {
    let time = event.get("time").and_then(Value::as_str).and_then(Timestamp::parse);
    time.map_or(accepted.ingested_ms, Timestamp::epoch_ms)
}

/// Whether a service of this server calls for itself: `s3.amazonaws.com`. Callers that signed have the ARN of somebody.
fn is_service(cx: &Context) -> bool {
    cx.caller.arn.ends_with(".amazonaws.com") && !cx.caller.arn.starts_with("arn:")
}

fn output(
    results: Vec<std::result::Result<String, Refused>>,
    failed: usize,
) -> eventbridge::PutEventsOutput {
    let entry = |result| match result {
        Ok(id) => PutEventsResultEntry { event_id: Some(id), ..PutEventsResultEntry::default() },
        Err(Refused { code, message }) => PutEventsResultEntry {
            event_id: None,
            error_code: Some(code.to_owned()),
            error_message: Some(message),
        },
    };
    eventbridge::PutEventsOutput {
        failed_entry_count: Some(i32::try_from(failed).unwrap_or(i32::MAX)),
        entries: Some(results.into_iter().map(entry).collect()),
    }
}

impl Service {
    /// The bus of an entry, which may be another account's: whether its policy lets the caller was asked before.
    fn find_for(
        &self,
        cx: &Context,
        entry: &PutEventsRequestEntry,
    ) -> std::result::Result<Arc<Bus>, Refused> {
        let name = entry.event_bus_name.as_deref();
        let found = BusKey::named(cx, name).ok().and_then(|key| self.table.bus(&key));
        found.ok_or_else(|| {
            let name = name.unwrap_or_default();
            Refused::new("ResourceNotFoundException", format!("Event bus {name} does not exist."))
        })
    }

    /// Takes events for a bus. What a rule wants is on the disk when this returns.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        bus: &Bus,
        accepted: Vec<Accepted>,
    ) -> std::result::Result<(), Refused> {
        let mut to_archive = Vec::new();
        let mut wanted = Vec::new();
        for (place, mut one) in accepted.into_iter().enumerate() {
            let event: Value = serde_json::from_str(&one.event).unwrap_or_default();
            for rule in bus.rules.values().filter(|rule| rule.wants(&event)) {
                match &rule.archive {
                    None => one.wanted.push(rule.key.name.clone()),
                    Some(archive) => {
                        to_archive.push((Arc::clone(archive), time(&event, &one), place))
                    }
                }
            }
            watched::tell_matched(bus, &one);
            wanted.push(one);
        }
        if to_archive.is_empty() {
            wanted.retain(|accepted| !accepted.wanted.is_empty());
            return if wanted.is_empty() { Ok(()) } else { self.keep(bus, wanted).await };
        }
        let events: Vec<String> = wanted.iter().map(|accepted| accepted.event.clone()).collect();
        wanted.retain(|accepted| !accepted.wanted.is_empty());
        let keep = async { if wanted.is_empty() { Ok(()) } else { self.keep(bus, wanted).await } };
        let (archived, kept) = tokio::join!(self.archive(&events, to_archive), keep);
        archived.and(kept)
    }

    /// Adds events to the archives that want them. They are on the disk when this returns.
    async fn archive(
        &self,
        events: &[String],
        mut wanted: Vec<Archived>,
    ) -> std::result::Result<(), Refused> {
        wanted.sort_by(|(one, _, _), (other, _, _)| one.key.cmp(&other.key));
        for of_one in wanted.chunk_by(|(one, _, _), (other, _, _)| one.key == other.key) {
            let text = |place: usize| events.get(place).map_or("", String::as_str);
            let events: Vec<_> =
                of_one.iter().map(|(_, time, place)| (*time, text(*place))).collect();
            let Some((archive, _, _)) = of_one.first() else { continue };
            self.shelf.put(archive, &events).await.map_err(|error| {
                let error: &(dyn std::error::Error + 'static) = &*error;
                tracing::error!(error, archive = archive.key.name, "failed to archive an event");
                Refused::new("InternalFailure", "An internal error occurred. Try again.")
            })?;
        }
        Ok(())
    }

    /// Keeps what rules want.
    pub(crate) async fn keep(
        self: &Arc<Self>,
        bus: &Bus,
        wanted: Vec<Accepted>,
    ) -> std::result::Result<(), Refused> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            tracing::error!(error, "failed to keep an event");
            Refused::new("InternalFailure", "An internal error occurred. Try again.")
        };
        let queue = self.queue().await.map_err(|error| failed(&error))?;
        match queue.keep(delivery::accepted(bus, &wanted)).await {
            Ok(()) => {
                self.count_triggered(bus, &wanted);
                Ok(())
            }
            Err(NotKept::Refused(_)) => {
                self.count_throttled(bus, &wanted);
                Err(Refused::new("ThrottlingException", "Too many events wait to be delivered."))
            }
            Err(error) => Err(failed(&error)),
        }
    }
}
