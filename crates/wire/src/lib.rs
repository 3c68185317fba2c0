// SPDX-License-Identifier: Apache-2.0
//! AWS wire protocols: how a request becomes an input and an output a response.
//!
//! An operation is declared once, by `#[service]` on a trait, `#[derive(Input)]`, `#[derive(Output)]` and
//! `#[derive(Structure)]`. Start at `service.rs` for what a service looks like from outside, at `call.rs`
//! for the life of one request.
//!
//! Invariants:
//! - JSON bodies are read straight into the input; there is no tree between. A payload is never copied;
//! - an input that reaches a service satisfies every constraint its declaration states;
//! - any request gets an answer in its own protocol, and each answer carries the request id.
//!
//! Nothing here listens, authenticates, logs or knows a service by name.

extern crate self as wire;

mod access;
mod blob;
mod body;
mod call;
mod cbor;
mod check;
mod context;
mod enumeration;
mod event_stream;
mod fault;
mod form;
mod gzip;
mod input;
mod json;
mod member;
pub mod oracle;
mod output;
mod percent;
mod protocol;
mod route;
mod service;
mod shape;
mod stream;
mod timestamp;
mod xml;
mod xml_document;

pub use access::{Access, Authority, Authorize};
pub use blob::Blob;
pub use body::{Body, Pieces};
pub use call::Call;
pub use check::{At, Violations};
pub use context::{Caller, Context};
pub use event_stream::{Event, EventStream};
pub use fault::{Blame, Fault, FaultSpec, MessageKey, Result};
pub use input::{FromText, Head, Input};
pub use member::{Described, Member};
pub use output::Output;
pub use route::route;
pub use service::{
    BODY_MAX, BoxFuture, Endpoint, OperationSpec, PathTemplate, Protocol, Protocols, Request,
    Response, Route, Segment, ServiceSpec,
};
pub use shape::{Constraints, Flat, Location, MemberSpec, Pattern, Shape, Structure};
pub use stream::{Peer, StreamEndpoint, Upload};
pub use timestamp::Timestamp;
pub use wire_macros::{Input, Output, Structure, operations, service};
pub use xml_document::{Element, MalformedXml, XmlWriter};

/// What the derives and macros write calls to. Not an interface.
#[doc(hidden)]
pub mod private {
    pub use crate::event_stream::message_of;
    pub use crate::json::read_document;
    pub use crate::member::{read, read_required};
    pub use crate::output::write_header;
    pub use crate::service::joined;
    pub use bytes::Bytes;
    pub use http::header::{HeaderMap, HeaderName};
    pub use regex_lite::Regex;
    pub use serde;

    pub fn not_one_of(
        text: &str,
        values: &[&str],
        at: &crate::At<'_>,
        found: &mut crate::Violations,
    ) {
        found.add(at, Some(text), &crate::check::sentence_of_one_of(values));
    }
}

#[cfg(test)]
mod tests;
