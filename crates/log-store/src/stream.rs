// SPDX-License-Identifier: Apache-2.0
//! The streams of a group: which there are, and when they got events. Pure.

use crate::frame::StreamId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is known of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    pub name: Arc<str>,
    /// All times are milliseconds since 1970.
    pub made: i64,
    pub first_event: Option<i64>,
    pub last_event: Option<i64>,
    pub last_arrival: Option<i64>,
    /// Whether it stays when its events are gone: a client made it.
    pub stays: bool,
    /// The newest segment that it stands in.
    #[serde(skip)]
    pub(crate) segment: u32,
}

fn write_name<S: Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Arc::from)
}

impl StreamState {
    pub(crate) fn new(name: &str, made: i64, stays: bool, segment: u32) -> Self {
        Self {
            name: name.into(),
            made,
            first_event: None,
            last_event: None,
            last_arrival: None,
            stays,
            segment,
        }
    }

    pub(crate) fn note(&mut self, first: i64, last: i64, arrived: i64) {
        self.first_event = Some(self.first_event.map_or(first, |before| before.min(first)));
        self.last_event = Some(self.last_event.map_or(last, |before| before.max(last)));
        self.last_arrival = Some(arrived);
    }
}

/// The streams of one group. Invariant: no two have the same name or the same id.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    by_id: HashMap<StreamId, StreamState>,
    by_name: BTreeMap<Arc<str>, StreamId>,
    next: u32,
}

impl Streams {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn next_id(&self) -> StreamId {
        StreamId(self.next)
    }

    pub(crate) fn find(&self, name: &str) -> Option<StreamId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&StreamState> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut StreamState> {
        self.by_id.get_mut(&id)
    }

    /// A later record of the same stream takes the place of the one before.
    pub(crate) fn put(&mut self, id: StreamId, state: StreamState) {
        self.next = self.next.max(id.0.saturating_add(1));
        if let Some(before) = self.by_name.insert(Arc::clone(&state.name), id)
            && before != id
        {
            self.by_id.remove(&before);
        }
        self.by_id.insert(id, state);
    }

    pub(crate) fn remove(&mut self, id: StreamId) -> Option<StreamState> {
        // Its number is not used again, also where nothing else of it is left.
        self.next = self.next.max(id.0.saturating_add(1));
        let state = self.by_id.remove(&id)?;
        self.by_name.remove(&state.name);
        Some(state)
    }

    /// In the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StreamId, &StreamState)> {
        self.by_name.values().filter_map(|id| Some((*id, self.by_id.get(id)?)))
    }

    /// Of those that functions made, the one whose events are oldest.
    pub(crate) fn oldest_of_functions(&self) -> Option<StreamId> {
        let made_by_function = self.by_id.iter().filter(|(_, state)| !state.stays);
        let oldest = made_by_function.min_by_key(|(id, state)| (state.last_arrival, **id));
        oldest.map(|(id, _)| *id)
    }
}
