// SPDX-License-Identifier: Apache-2.0
//! How an output becomes a response.

use crate::{Described, Fault, Pieces, Result, Shape, Structure};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};
use serde::Serialize;

/// The output of an operation: what `Serialize` writes is the members in the body.
pub trait Output: Described + Serialize {
    /// Whether members travel in a JSON body.
    const HAS_BODY: bool;

    /// The status, if a member of the output says it.
    fn status(&self) -> Option<u16> {
        None
    }

    fn write_headers(&self, headers: &mut HeaderMap) -> Result<()> {
        let _ = headers;
        Ok(())
    }

    /// The raw body, if a member of the output is one.
    fn take_payload(&mut self) -> Option<Bytes> {
        None
    }

    /// The body that is still being made, if a member of the output is one.
    fn take_stream(&mut self) -> Option<Pieces> {
        None
    }
}

/// An operation that answers nothing.
impl Output for () {
    const HAS_BODY: bool = false;
}

impl Described for () {
    const SHAPE: Shape = Shape::Structure(&Structure::EMPTY);
}

/// A status, which only outputs have.
impl Described for u16 {
    const SHAPE: Shape = Shape::Integer;
}

/// Writes one member into the head of a response.
pub fn write_header(headers: &mut HeaderMap, name: &HeaderName, text: &str) -> Result<()> {
    // Lambda and others send UTF-8 where the standard wants ASCII.
    let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Fault::internal())?;
    headers.insert(name.clone(), value);
    Ok(())
}
