// SPDX-License-Identifier: Apache-2.0
//! Event streams: an output whose body is a series of typed events, `application/vnd.amazon.eventstream`.
//!
//! ```text
//! length u32 | headers length u32 | CRC-32 of these | headers | payload | CRC-32 of all before
//! header: name length u8 | name | 7 (a text) | value length u16 | value          all numbers big-endian
//! ```
//!
//! Invariant: an event leaves as soon as it is made, and none is made before the one before it was taken.
//!
//! Not here: reading event streams, which no operation of ours takes.

use crate::body::Pieces;
use crate::{Described, Fault, Output, Result, json};
use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// Two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
const TEXT: u8 = 7;

/// An event of a stream. [`event_stream!`](crate::event_stream) writes this.
pub trait Event: Described + Send + 'static {
    /// The message that carries it.
    fn encode(self) -> Result<Bytes>;
}

/// The events of an output, in the order in which they are made.
pub struct EventStream<E>(Box<Next<E>>);

type Next<E> = dyn FnMut(&mut Context<'_>) -> Poll<Option<E>> + Send;

impl<E> EventStream<E> {
    /// `next` is not called again once it has answered `None`.
    pub fn new(next: impl FnMut(&mut Context<'_>) -> Poll<Option<E>> + Send + 'static) -> Self {
        Self(Box::new(next))
    }

    /// For callers in this process.
    pub async fn next(&mut self) -> Option<E> {
        poll_fn(|cx| (self.0)(cx)).await
    }
}

impl<E: Event> EventStream<E> {
    /// The stream as a body.
    pub fn into_pieces(self) -> Pieces {
        Box::pin(Encoded { events: Some(self) })
    }
}

/// The stream of an answer that has none.
impl<E> Default for EventStream<E> {
    fn default() -> Self {
        Self::new(|_| Poll::Ready(None))
    }
}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

impl<E: Event> Described for EventStream<E> {
    const SHAPE: crate::Shape = E::SHAPE;
}

struct Encoded<E> {
    /// `None` once it has ended.
    events: Option<EventStream<E>>,
}

impl<E: Event> http_body::Body for Encoded<E> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(events) = &mut this.events else { return Poll::Ready(None) };
        let Poll::Ready(next) = (events.0)(cx) else { return Poll::Pending };
        match next {
            Some(event) => {
                let message = event.encode().map_err(|fault| io::Error::other(fault.message));
                Poll::Ready(Some(message.map(Frame::data)))
            }
            None => {
                this.events = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.events.is_none()
    }
}

/// What JSON protocols answer before the first event: the members of the output that are no events, of which there are none.
pub(crate) fn with_initial_response(events: Pieces, content_type: &str) -> Result<Pieces> {
    let headers = [
        (":event-type", "initial-response"),
        (":content-type", content_type),
        (":message-type", "event"),
    ];
    let first = message(&headers, b"{}").ok_or_else(Fault::internal)?;
    Ok(Box::pin(Begun { first: Some(first), events }))
}

struct Begun {
    first: Option<Bytes>,
    events: Pieces,
}

impl http_body::Body for Begun {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => self.events.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.events.is_end_stream()
    }
}

/// The message of one event: its payload as it is, or its members as JSON. An error that ends a stream is one that AWS calls an
/// exception.
pub fn message_of<T: Output>(event_type: &str, mut event: T) -> Result<Bytes> {
    let (content_type, payload) = match event.take_payload() {
        Some(payload) => ("application/octet-stream", payload),
        None => ("application/json", json::write(&event)?.into()),
    };
    let (kind, message_type) = match event_type.ends_with("Exception") {
        true => (":exception-type", "exception"),
        false => (":event-type", "event"),
    };
    let headers =
        [(kind, event_type), (":content-type", content_type), (":message-type", message_type)];
    message(&headers, &payload).ok_or_else(Fault::internal)
}

/// `None` when something is longer than its length can say.
fn message(headers: &[(&str, &str)], payload: &[u8]) -> Option<Bytes> {
    let header_bytes = |(name, value): &(&str, &str)| 1 + name.len() + 1 + 2 + value.len();
    let headers_length: usize = headers.iter().map(header_bytes).sum();
    let length = PRELUDE_BYTES + headers_length + payload.len() + CRC_BYTES;

    let mut message = BytesMut::with_capacity(length);
    message.put_u32(u32::try_from(length).ok()?);
    message.put_u32(u32::try_from(headers_length).ok()?);
    message.put_u32(crc32fast::hash(&message));
    for (name, value) in headers {
        message.put_u8(u8::try_from(name.len()).ok()?);
        message.put_slice(name.as_bytes());
        message.put_u8(TEXT);
        message.put_u16(u16::try_from(value.len()).ok()?);
        message.put_slice(value.as_bytes());
    }
    message.put_slice(payload);
    message.put_u32(crc32fast::hash(&message));
    Some(message.freeze())
}

/// Declares the events of a stream: an enum with the structure of each, under AWS's name, which is told where it is spelt otherwise.
#[macro_export]
macro_rules! event_stream {
    (@name $event:ident) => { stringify!($event) };
    (@name $event:ident $name:literal) => { $name };
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident { $($(#[$note:meta])* $event:ident($structure:ty) $(= $label:literal)?),+ $(,)? }
    ) => {
        $(#[$attribute])*
        $visibility enum $name { $($(#[$note])* $event($structure)),+ }

        impl $crate::Described for $name {
            const SHAPE: $crate::Shape = $crate::Shape::Structure(&$crate::Structure {
                name: stringify!($name),
                members: &[$($crate::MemberSpec {
                    name: $crate::event_stream!(@name $event $($label)?),
                    location: $crate::Location::Body,
                    flat: None,
                    is_required: false,
                    constraints: $crate::Constraints::NONE,
                    shape: <$structure as $crate::Described>::SHAPE,
                }),+],
            });
        }

        impl $crate::Event for $name {
            fn encode(self) -> $crate::Result<$crate::private::Bytes> {
                match self {
                    $(Self::$event(event) => {
                        let name = $crate::event_stream!(@name $event $($label)?);
                        $crate::private::message_of(name, event)
                    }),+
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two that AWS publishes with its SDKs as vectors for decoders: nothing in it, and a payload behind a header.
    #[test]
    fn messages_are_awss_vectors() {
        let empty = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(message(&[], b"").unwrap(), empty[..]);

        let headers = [("content-type", "application/json")];
        let json = message(&headers, b"{'foo':'bar'}").unwrap();
        let mut expected = vec![0, 0, 0, 0x3d, 0, 0, 0, 0x20, 0x07, 0xfd, 0x83, 0x96, 0x0c];
        expected.extend_from_slice(b"content-type\x07\x00\x10application/json{'foo':'bar'}");
        expected.extend_from_slice(&[0x8d, 0x9c, 0x08, 0xb1]);
        assert_eq!(json, expected);
    }

    #[test]
    fn what_no_length_can_say_is_no_message() {
        assert_eq!(message(&[(&"n".repeat(256), "")], b""), None);
        assert_eq!(message(&[("n", &"v".repeat(65_536))], b""), None);
    }
}
