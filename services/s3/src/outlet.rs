// SPDX-License-Identifier: Apache-2.0
//! Bytes on their way out: read as fast as they are taken.
//!
//! What the kernel has in memory is read where it is sent from, into pieces that are used again and again, so that they stay in
//! the processor's cache. Only for what it has not a thread waits that may.

use crate::body::{Body, Files, Piece};
use crate::fault;
use crate::get::Part;
use crate::holds::Hold;
use crate::record::Content;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use rustix::io::{ReadWriteFlags, preadv2};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wire::{BoxFuture, Result};

const PIECE_BYTES: u64 = 128 << 10;
/// Pieces that are used again. A connection takes about 400 KB at once.
const PIECES_KEPT: usize = 4;

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
    /// Pieces that were handed out, the oldest first.
    lent: VecDeque<Bytes>,
    _hold: Option<Hold>,
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
    /// All of `part` can be read from now on, whatever becomes of the object.
    pub(crate) async fn open(files: &Arc<Files>, content: &Content, part: Part) -> Result<Self> {
        let (pieces, hold) = match &content.body {
            Body::Empty => (Vec::new(), None),
            body @ (Body::Row(_) | Body::File(_)) => {
                (vec![Piece::alone(body.clone(), content.size)], None)
            }
            Body::Pieces(id) => {
                let hold = Hold::take(files, id).ok_or_else(fault::no_such_key)?;
                (files.layout(id).await?, Some(hold))
            }
        };
        let (segments, lent) = (segments(pieces, part), VecDeque::new());
        let mut cursor = Self { files: Arc::clone(files), segments, file: None, lent, _hold: hold };
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
        let Some(segment) = self.segments.front() else { return Ok((Bytes::new(), self)) };
        let (offset, length) = (segment.offset, segment.left.min(PIECE_BYTES));
        let bytes = match &segment.body {
            Body::File(id) => {
                let id = id.clone();
                self.read(id, offset, place(length)?).await?
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
        self.pass(u64::try_from(bytes.len()).map_err(io::Error::other)?);
        Ok((bytes, self))
    }

    fn pass(&mut self, length: u64) {
        let Some(segment) = self.segments.front_mut() else { return };
        segment.offset += length;
        segment.left -= length;
        if segment.left == 0 {
            self.segments.pop_front();
            self.file = None;
        }
    }

    /// At most `length` bytes of the first segment's file.
    async fn read(&mut self, id: String, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut piece = self.piece(length);
        if let Some(file) = &self.file {
            let slices = &mut [IoSliceMut::new(&mut piece)];
            if let Ok(read @ 1..) = preadv2(file, slices, offset, ReadWriteFlags::NOWAIT) {
                piece.truncate(read);
                return Ok(self.lend(piece));
            }
        }
        let (files, file) = (Arc::clone(&self.files), self.file.take());
        let read = tokio::task::spawn_blocking(move || {
            let file = match file {
                Some(file) => file,
                None => Arc::new(files.open_file(&id)?),
            };
            file.read_exact_at(&mut piece, offset)?;
            io::Result::Ok((file, piece))
        });
        let (file, piece) = read.await.map_err(io::Error::other)??;
        self.file = Some(file);
        Ok(self.lend(piece))
    }

    /// Room for a piece: that of the oldest, if it was sent.
    fn piece(&mut self, length: usize) -> BytesMut {
        let sent = self.lent.pop_front_if(|piece| piece.is_unique());
        match sent.map(Bytes::try_into_mut) {
            Some(Ok(mut piece)) => {
                piece.resize(length, 0);
                piece
            }
            Some(Err(_)) | None => BytesMut::zeroed(length),
        }
    }

    fn lend(&mut self, piece: BytesMut) -> Bytes {
        let piece = piece.freeze();
        if self.lent.len() < PIECES_KEPT {
            self.lent.push_back(piece.clone());
        }
        piece
    }
}

/// What of an object's pieces a part of it is made of.
fn segments(pieces: Vec<Piece>, part: Part) -> VecDeque<Segment> {
    let (mut skipped, mut wanted) = (part.start, part.length);
    let mut segments = VecDeque::new();
    for Piece { body, size, .. } in pieces {
        let offset = skipped.min(size);
        skipped -= offset;
        let left = (size - offset).min(wanted);
        wanted -= left;
        if left > 0 {
            segments.push_back(Segment { body, offset, left });
        }
    }
    segments
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
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
