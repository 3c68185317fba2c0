// SPDX-License-Identifier: Apache-2.0
//! Bytes on their way out: read as fast as they are taken.

use crate::body::{Body, Files, Piece};
use crate::fault;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wire::{BoxFuture, Result};

const PIECE_BYTES: u64 = 256 << 10;

/// A part of what an object is made of.
struct Segment {
    body: Body,
    offset: u64,
    left: u64,
}

/// Where reading is.
pub(crate) struct Cursor {
    files: Arc<Files>,
    segments: VecDeque<Segment>,
    /// Of the first segment.
    file: Option<Arc<File>>,
}

type Reading = BoxFuture<'static, io::Result<(Bytes, Cursor)>>;

/// The body of an answer.
pub(crate) struct Outlet {
    left: u64,
    state: State,
}

enum State {
    Resting(Cursor),
    Reading(Reading),
    Over,
}

impl Cursor {
    /// Of `length` bytes from `start` on. The first file is open when this returns: who deletes the object is late.
    pub(crate) async fn open(
        files: &Arc<Files>,
        pieces: Vec<Piece>,
        start: u64,
        length: u64,
    ) -> Result<Self> {
        let (mut skipped, mut wanted) = (start, length);
        let mut segments = VecDeque::new();
        for Piece { body, size } in pieces {
            let offset = skipped.min(size);
            skipped -= offset;
            let left = (size - offset).min(wanted);
            wanted -= left;
            if left > 0 {
                segments.push_back(Segment { body, offset, left });
            }
        }
        let mut cursor = Self { files: Arc::clone(files), segments, file: None };
        if let Some(Segment { body: Body::File(id), .. }) = cursor.segments.front() {
            let (files, id) = (Arc::clone(files), id.clone());
            let opened = tokio::task::spawn_blocking(move || files.open_file(&id)).await;
            let opened = opened.map_err(|_| crate::body::lost())?;
            cursor.file = Some(Arc::new(opened.map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => fault::no_such_key(),
                _ => fault::internal(&error),
            })?));
        }
        Ok(cursor)
    }

    /// The next bytes: none at the end.
    pub(crate) async fn next(mut self) -> io::Result<(Bytes, Self)> {
        let Some(segment) = self.segments.front_mut() else { return Ok((Bytes::new(), self)) };
        let length = segment.left.min(PIECE_BYTES);
        let offset = segment.offset;
        let bytes = match &segment.body {
            Body::File(id) => {
                let (files, id, file) = (Arc::clone(&self.files), id.clone(), self.file.take());
                let read =
                    tokio::task::spawn_blocking(move || read(&files, &id, file, offset, length));
                let (bytes, file) = read.await.map_err(io::Error::other)??;
                self.file = Some(file);
                bytes
            }
            Body::Row(id) => {
                let row = self.files.row(id).await.map_err(io::Error::other)?;
                let row = row.ok_or(io::ErrorKind::NotFound)?;
                let (start, end) = (place(offset)?, place(offset + length)?);
                if end > row.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                row.slice(start..end)
            }
            Body::Empty | Body::Pieces(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        segment.offset += length;
        segment.left -= length;
        if segment.left == 0 {
            self.segments.pop_front();
            self.file = None;
        }
        Ok((bytes, self))
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

fn read(
    files: &Files,
    id: &str,
    file: Option<Arc<File>>,
    offset: u64,
    length: u64,
) -> io::Result<(Bytes, Arc<File>)> {
    let file = match file {
        Some(file) => file,
        None => Arc::new(files.open_file(id)?),
    };
    let mut bytes = vec![0; place(length)?];
    file.read_exact_at(&mut bytes, offset)?;
    Ok((Bytes::from(bytes), file))
}

impl Outlet {
    pub(crate) const fn new(cursor: Cursor, length: u64) -> Self {
        Self { left: length, state: State::Resting(cursor) }
    }
}

impl http_body::Body for Outlet {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut reading: Reading = match std::mem::replace(&mut self.state, State::Over) {
            State::Resting(cursor) => Box::pin(cursor.next()),
            State::Reading(reading) => reading,
            State::Over => return Poll::Ready(None),
        };
        let polled = reading.as_mut().poll(cx);
        if polled.is_pending() {
            self.state = State::Reading(reading);
            return Poll::Pending;
        }
        let (bytes, cursor) = match ready!(polled) {
            Ok((bytes, _)) if bytes.is_empty() => {
                return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
            }
            Ok(read) => read,
            Err(error) => {
                tracing::error!(error = %error, "object not read to its end");
                return Poll::Ready(Some(Err(error)));
            }
        };
        self.left = self.left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.state = State::Resting(cursor);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
