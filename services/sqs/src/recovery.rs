// SPDX-License-Identifier: Apache-2.0
//! What of the journal still stands at start.
//!
//! Invariant: what is of no queue that is kept is dropped. A queue's deletion is a fact of the store.

use crate::engine::{Clock, Engine};
use crate::entry::{Change, Entry, FORMAT, Head, Progress};
use crate::ledger::{Counts, Message};
use crate::queue::Queue;
use crate::room::{Options, Room};
use crate::table::Table;
use fifo::{First, WINDOW_MS};
use journal::disk::Disk;
use journal::{Files, Journal, OpenError, Place};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::SetOnce;

/// A message that stands.
struct Standing {
    queue: u64,
    progress: Progress,
    place: Place,
    group: Option<String>,
    source: Option<String>,
}

struct Recovered<'a> {
    standing: BTreeMap<u64, Standing>,
    id_max: u64,
    queues: HashMap<u64, Arc<Queue>>,
    room: &'a Arc<Room>,
    now: u64,
}

/// Reads what an earlier process left on `disk`. Blocks.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    options: Options,
    queues: Table,
    clock: Clock,
) -> Result<Arc<Engine>, OpenError> {
    let files = Arc::new(Files::new(disk, FORMAT));
    let file_bytes = options.file_bytes;
    let room = Room::new(options);
    let mut recovered = Recovered {
        standing: BTreeMap::new(),
        id_max: 0,
        queues: queues.all().into_iter().map(|queue| (queue.id, queue)).collect(),
        room: &room,
        now: clock.now(),
    };
    let found = journal::recover(&files, |entry, place| {
        recovered.apply(Entry::decode(entry)?, place);
        Some(())
    })?;
    let id_max = recovered.id_max;
    recovered.fill();
    let journal = Journal::start(files, found.next_number, file_bytes)
        .map_err(|source| OpenError::Directory { source })?;
    let engine = Engine::new(journal, room, queues, clock, id_max);
    for queue in engine.queues.all() {
        let is_full = queue.ledger().counts() != Counts::default();
        if is_full {
            engine.active.touch(&queue);
        }
    }
    Ok(engine)
}

impl Recovered<'_> {
    fn apply(&mut self, entry: Entry, place: Place) {
        let Entry { id, change } = entry;
        self.id_max = self.id_max.max(id);
        match change {
            Change::Kept { queue, progress, content } => {
                self.remember(id, queue, progress, &content.head, place);
                let Head { group, source, .. } = content.head;
                let standing = Standing { queue, progress, place, group, source };
                self.standing.insert(id, standing);
            }
            Change::Received { receives, first_received } => {
                if let Some(Standing { progress, .. }) = self.standing.get_mut(&id) {
                    *progress = Progress { receives, first_received, ..*progress };
                }
            }
            Change::Deleted => drop(self.standing.remove(&id)),
            Change::Moved { queue, sent, receives, source } => {
                if let Some(standing) = self.standing.get_mut(&id) {
                    let first_received = standing.progress.first_received;
                    let first_received = if receives == 0 { 0 } else { first_received };
                    standing.progress = Progress { sent, due: 0, receives, first_received };
                    standing.source = (!source.is_empty()).then_some(source);
                    standing.queue = queue;
                }
            }
            Change::Purged { queue } => {
                self.standing.retain(|known, standing| standing.queue != queue || *known > id);
            }
        }
    }

    /// Duplicates of it are recognised still, also if it was deleted.
    fn remember(&self, id: u64, queue: u64, progress: Progress, head: &Head, place: Place) {
        let until = progress.sent + WINDOW_MS;
        let (Some(queue), Some(deduplication)) = (self.queues.get(&queue), &head.deduplication)
        else {
            return;
        };
        if until <= self.now || !queue.is_fifo() {
            return;
        }
        let by_group = queue.record().settings.deduplicates_by_group;
        let key = (head.group.clone().filter(|_| by_group), deduplication.clone());
        let is_kept = Arc::new(SetOnce::new_with(Some(true)));
        let first = First { id, message_id: head.message_id.clone(), is_kept };
        drop(queue.deduplication().enter(key, first, self.now, until));
        self.room.deduplicates(place.segment, until);
    }

    fn fill(self) {
        for (id, standing) in self.standing {
            let Some(queue) = self.queues.get(&standing.queue) else { continue };
            let Standing { progress, place, group, source, .. } = standing;
            let reserved = self.room.reserve_always(u64::from(place.bytes), false);
            let mut ledger = queue.ledger();
            let group = ledger.group(group.as_deref());
            let source = source.map(Arc::from);
            let message = Message::new(progress, group, source, reserved.stored(place), None);
            ledger.insert(id, message, self.now);
        }
    }
}
