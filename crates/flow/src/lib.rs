// SPDX-License-Identifier: Apache-2.0
//! What flows from where to where, and what became of it: told while it happens, to whoever listens at that moment.
//!
//! Whoever sends, polls, filters or drops something [`tell`]s a [`Fact`]. `tinderbox events tail` listens.
//!
//! Invariants:
//! - where nobody listens, to tell is to load one number: the fact is not even made;
//! - whoever tells never waits: a listener that is too slow misses facts, and learns how many;
//! - a fact has no payload.
//!
//! Not here: what is counted (`meter`, `metrics`), and anything that is kept.

mod fact;
mod filter;
mod place;
mod ring;

pub use fact::{Fact, Outcome};
pub use filter::Filter;
pub use place::{API, EVENTS, NOBODY, kind, name};
pub use ring::{Heard, Tail};

use ring::Ring;

/// One for the whole server: a sender needs to know nothing but its fact.
static RING: Ring = Ring::new();

/// Tells what happened. The fact is made only if somebody listens.
pub fn tell(fact: impl FnOnce() -> Fact) {
    RING.tell(fact);
}

/// Whether anybody listens: for what would have to be kept before it can be told.
pub fn is_watched() -> bool {
    RING.is_watched()
}

/// Listens from now on.
pub fn tail() -> Tail {
    RING.tail()
}
