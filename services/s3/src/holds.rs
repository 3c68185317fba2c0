// SPDX-License-Identifier: Apache-2.0
//! What is being read, so that nothing is removed under its readers.
//!
//! An open file outlives its name. An object of many parts is many files, which are opened one after the other: as long as
//! somebody reads such an object its layout is held, and who would remove its parts is told when to.
//!
//! Invariant: a layout is held or being removed, never both.

use crate::body::{Body, Files};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a commit let go of, under the name that it gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sweep {
    pub(crate) name: String,
    pub(crate) bodies: Vec<Body>,
}

#[derive(Debug, Default)]
pub(crate) struct Holds {
    states: Mutex<HashMap<String, State>>,
}

#[derive(Debug)]
enum State {
    Read { readers: usize, waiting: Vec<Sweep> },
    Removed,
}

/// Somebody reads a layout. Once the last one does not, what waits for that is removed.
#[derive(Debug)]
pub(crate) struct Hold {
    files: Arc<Files>,
    layout: String,
}

impl Hold {
    /// `None`: it is being removed.
    pub(crate) fn take(files: &Arc<Files>, layout: &str) -> Option<Self> {
        files
            .holds
            .hold(layout)
            .then(|| Self { files: Arc::clone(files), layout: layout.to_owned() })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        for sweep in self.files.holds.let_go(&self.layout) {
            self.files.sweep_later(sweep);
        }
    }
}

impl Holds {
    fn states(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, layout: &str) -> bool {
        let mut states = self.states();
        let new = || State::Read { readers: 0, waiting: Vec::new() };
        match states.entry(layout.to_owned()).or_insert_with(new) {
            State::Read { readers, .. } => {
                *readers += 1;
                true
            }
            State::Removed => false,
        }
    }

    /// What was waiting for this reader.
    fn let_go(&self, layout: &str) -> Vec<Sweep> {
        let mut states = self.states();
        match states.get_mut(layout) {
            Some(State::Read { readers, .. }) if *readers > 1 => {
                *readers -= 1;
                Vec::new()
            }
            Some(State::Read { waiting, .. }) => {
                let waiting = std::mem::take(waiting);
                states.remove(layout);
                waiting
            }
            Some(State::Removed) | None => Vec::new(),
        }
    }

    /// Lets `sweep` begin, unless a layout in it is read: then it waits, and is told by the last reader.
    pub(crate) fn begin(&self, sweep: &Sweep) -> bool {
        let mut states = self.states();
        for layout in layouts(sweep) {
            if let Some(State::Read { waiting, .. }) = states.get_mut(layout) {
                waiting.push(sweep.clone());
                return false;
            }
        }
        states.extend(layouts(sweep).map(|layout| (layout.to_owned(), State::Removed)));
        true
    }

    /// It did what it could.
    pub(crate) fn end(&self, sweep: &Sweep) {
        let mut states = self.states();
        for layout in layouts(sweep) {
            states.remove(layout);
        }
    }
}

fn layouts(sweep: &Sweep) -> impl Iterator<Item = &str> {
    sweep.bodies.iter().filter_map(|body| match body {
        Body::Pieces(layout) => Some(layout.as_str()),
        Body::Empty | Body::Row(_) | Body::File(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(layout: &str) -> Sweep {
        let bodies = vec![Body::File("file".to_owned()), Body::Pieces(layout.to_owned())];
        Sweep { name: "name".to_owned(), bodies }
    }

    #[test]
    fn what_is_read_is_removed_after_its_last_reader() {
        let holds = Holds::default();
        assert!(holds.hold("layout") && holds.hold("layout"));
        assert!(!holds.begin(&sweep("layout")));
        assert!(holds.begin(&sweep("other")));
        assert_eq!(holds.let_go("layout"), []);
        assert_eq!(holds.let_go("layout"), [sweep("layout")]);
        assert!(holds.begin(&sweep("layout")));
    }

    #[test]
    fn what_is_being_removed_is_not_read() {
        let holds = Holds::default();
        assert!(holds.begin(&sweep("layout")));
        assert!(!holds.hold("layout"));
        holds.end(&sweep("layout"));
        assert!(holds.states().is_empty());
    }
}
