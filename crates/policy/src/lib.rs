// SPDX-License-Identifier: Apache-2.0
//! IAM policies: documents are read once, and asked many times whether they allow a request.
//!
//! Start at `evaluate.rs` for the decision, at `explain.rs` for why, at `document.rs` for what a document may say.
//!
//! Invariants:
//! - what is not allowed is denied, and a `Deny` that applies wins over every `Allow`;
//! - a document that was read has no part that is ignored: what is not understood is refused;
//! - what can not be decided (a variable without a value) never allows anything.
//!
//! Pure: no clock and no I/O. Not here: whose policies apply to a request, who has which, and limits on their size.

mod condition;
mod denials;
mod document;
mod evaluate;
mod explain;
mod facts;
mod glob;
mod malformed;
mod network;
mod node;
mod outline;
mod pattern;
mod principal;
mod read;
mod read_condition;
mod statements;

pub use denials::Denials;
pub use document::{Document, Effect, Kind};
pub use evaluate::{Answer, Decider, Decision, Request, Source, Sources, evaluate, needs_trust};
pub use explain::{Explanation, Finding, Outcome, Unmet, explain};
pub use facts::{Fact, FactList, Facts};
pub use malformed::Malformed;
pub use outline::{Position, Span, spans};
pub use principal::Principal;
pub use statements::{editable, permission, statements};

use std::sync::Arc;

/// A document, and what to call it: the ARN of a managed policy, or the name of an inline one.
#[derive(Debug, Clone)]
pub struct Named {
    pub name: Arc<str>,
    pub document: Arc<Document>,
}
