// SPDX-License-Identifier: Apache-2.0
//! Events that are put on buses.

use super::access;
use super::constraints::*;
use wire::{Context, Input, Output, Result, Structure, Timestamp, operations};

/// What is done with events.
#[operations("events")]
pub trait EventOperations: Send + Sync + 'static {
    /// Puts up to ten events on buses.
    #[operation(body_max = 4_194_304, on = access::put_events(entries))]
    async fn put_events(&self, cx: &Context, input: PutEventsInput) -> Result<PutEventsOutput>;
}

#[derive(Debug, Clone, Default, PartialEq, Input)]
pub struct PutEventsInput {
    #[wire(like = PUT_EVENTS_REQUEST_ENTRY_LIST)]
    pub entries: Vec<PutEventsRequestEntry>,
    #[wire(like = ENDPOINT_ID)]
    pub endpoint_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Output)]
pub struct PutEventsOutput {
    pub failed_entry_count: Option<i32>,
    pub entries: Option<Vec<PutEventsResultEntry>>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PutEventsRequestEntry {
    pub time: Option<Timestamp>,
    pub source: Option<String>,
    #[wire(like = EVENT_RESOURCE_LIST)]
    pub resources: Option<Vec<String>>,
    pub detail_type: Option<String>,
    pub detail: Option<String>,
    #[wire(like = NON_PARTNER_EVENT_BUS_NAME_OR_ARN)]
    pub event_bus_name: Option<String>,
    #[wire(like = TRACE_HEADER)]
    pub trace_header: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Structure)]
pub struct PutEventsResultEntry {
    pub event_id: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
}
