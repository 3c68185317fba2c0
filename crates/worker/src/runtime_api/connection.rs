// SPDX-License-Identifier: Apache-2.0
//! One connection of a runtime: the little of HTTP/1.1 that Runtime API clients use.
//!
//! A connection is a plain value. Whoever holds it reads requests from it and writes answers, so the task that runs
//! an invocation can take the connection that waits in `next`, write the event itself and read the answer itself,
//! without waking another task. Every method may be dropped at an await point and called again: what was read stays
//! in `incoming`, what was not written stays in `outgoing`.

use super::body::{Decoder, Taken, Trailers};
use super::request::{Body, Framing, Head, Request, parse_head};
use super::room::{Room, Share};
use bytes::{Buf, Bytes, BytesMut};
use std::io::{self, IoSlice};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Room made before each read.
const READ_BYTES: usize = 16 * 1024;
/// The same for a streamed body, whose pieces are at most about this long.
const PIECE_BYTES: usize = 64 * 1024;
/// A payload up to this length is copied behind its head, so that both leave in one plain write.
const COPY_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: Outgoing,
    /// A body that does not come in one go.
    arriving: Option<Box<Arriving>>,
    was_continue_sent: bool,
    /// The runtime asked for the connection to end with the next answer.
    closes: bool,
    /// What is in `outgoing` ends the connection.
    is_last: bool,
    share: Share,
}

#[derive(Debug, Default)]
struct Outgoing {
    head: BytesMut,
    payload: Bytes,
}

/// A body that is read as it comes. One that belongs to nobody is skipped.
#[derive(Debug)]
struct Arriving {
    decoder: Decoder,
    /// The request that is handed out when its body is whole.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    body: BytesMut,
    closes: bool,
}

/// A part of a streamed body.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    End(Trailers),
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            incoming: BytesMut::new(),
            outgoing: Outgoing::default(),
            arriving: None,
            was_continue_sent: false,
            closes: false,
            is_last: false,
            share: Share::default(),
        }
    }

    /// The same connection, as one of those that share `room`.
    pub(crate) fn within(mut self, room: &Arc<Room>) -> Self {
        self.share = Share::of(room);
        self
    }

    /// The port of the runtime's end, in its network.
    pub(crate) fn peer_port(&self) -> io::Result<u16> {
        Ok(self.stream.peer_addr()?.port())
    }

    /// The next request, or `None` when the runtime closed the connection between two requests.
    pub(crate) async fn read_request(
        &mut self,
        body_bytes_max: usize,
    ) -> io::Result<Option<Request>> {
        loop {
            if let Some(request) = self.take_arriving(body_bytes_max)? {
                return Ok(Some(request));
            }
            if self.arriving.is_none()
                && !self.incoming.is_empty()
                && let Some(request) = self.parse(body_bytes_max)?
            {
                return Ok(Some(request));
            }
            self.flush().await?;
            self.share.hold(self.held())?;
            if self.fill(READ_BYTES).await? == 0 {
                return if self.incoming.is_empty() && self.arriving.is_none() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// What waits here for the end of its request.
    fn held(&self) -> usize {
        let waiting = self.arriving.as_ref().and_then(|arriving| arriving.waiting.as_ref());
        self.incoming.len() + waiting.map_or(0, |waiting| waiting.body.len())
    }

    /// The next piece of the streamed body that the last request has.
    pub(crate) async fn read_piece(&mut self) -> io::Result<Piece> {
        while let Some(arriving) = &mut self.arriving {
            match arriving.decoder.take(&mut self.incoming)? {
                Taken::Piece(piece) => return Ok(Piece::Bytes(piece.freeze())),
                Taken::End(trailers) => {
                    self.arriving = None;
                    return Ok(Piece::End(trailers));
                }
                Taken::More => {}
            }
            self.flush().await?;
            if self.fill(PIECE_BYTES).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Piece::End(Trailers::default()))
    }

    /// Queues an answer. `flush` writes it.
    pub(crate) fn queue(&mut self, head: &[u8], payload: Bytes) {
        // An interim answer is not the one after which the connection ends: that request is not parsed yet.
        self.is_last = self.closes;
        self.outgoing.head.extend_from_slice(head);
        if payload.len() <= COPY_BYTES_MAX {
            self.outgoing.head.extend_from_slice(&payload);
        } else {
            self.outgoing.payload = payload;
        }
    }

    /// Writes as much as the socket takes now. `true` when nothing is left.
    pub(crate) fn try_flush(&mut self) -> io::Result<bool> {
        while !self.outgoing.is_empty() {
            let parts = [IoSlice::new(&self.outgoing.head), IoSlice::new(&self.outgoing.payload)];
            match self.stream.try_write_vectored(&parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.outgoing.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        if std::mem::take(&mut self.is_last) {
            rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write)?;
        }
        Ok(true)
    }

    /// Writes an answer that nobody waits for: not if the next request is behind the one that it is for, for then it leaves with
    /// the answer to that.
    pub(crate) fn try_flush_last(&mut self) -> io::Result<()> {
        if self.incoming.is_empty() || self.is_last {
            self.try_flush()?;
        }
        Ok(())
    }

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.try_flush()? {
            self.stream.writable().await?;
        }
        Ok(())
    }

    /// By `read_buf`, which knows from a read that did not fill its room that there is nothing more: the next one waits
    /// without asking the kernel first.
    async fn fill(&mut self, room: usize) -> io::Result<usize> {
        self.incoming.reserve(room);
        self.stream.read_buf(&mut self.incoming).await
    }

    /// Goes on with a body that is read as it comes; its request, when it is whole or too large.
    fn take_arriving(&mut self, body_bytes_max: usize) -> io::Result<Option<Request>> {
        while let Some(arriving) = &mut self.arriving {
            match arriving.decoder.take(&mut self.incoming)? {
                Taken::More => return Ok(None),
                Taken::Piece(piece) => {
                    let is_too_large = arriving.waiting.as_mut().is_some_and(|waiting| {
                        waiting.body.extend_from_slice(&piece);
                        waiting.body.len() > body_bytes_max
                    });
                    if is_too_large && let Some(waiting) = arriving.waiting.take() {
                        return Ok(Some(self.hand_out(waiting.request, waiting.closes)));
                    }
                }
                Taken::End(_) => {
                    let waiting = self.arriving.take().and_then(|arriving| arriving.waiting);
                    if let Some(Waiting { request, body, closes }) = waiting {
                        let request = Request { body: Body::Whole(body.freeze()), ..request };
                        return Ok(Some(self.hand_out(request, closes)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// One request off the front of `incoming`, if it is there.
    fn parse(&mut self, body_bytes_max: usize) -> io::Result<Option<Request>> {
        let Some(head) = parse_head(&self.incoming)? else { return Ok(None) };
        let Head { request, length, framing, expects_continue, closes } = head;
        if request.is_streamed() {
            self.expect_body(length, framing, expects_continue, None);
            let request = Request { body: Body::Streamed, ..request };
            return Ok(Some(self.hand_out(request, closes)));
        }
        match framing {
            Framing::Chunked => {
                let waiting = Waiting { request, body: BytesMut::new(), closes };
                self.expect_body(length, framing, expects_continue, Some(waiting));
                self.take_arriving(body_bytes_max)
            }
            Framing::Length(body_length) if body_length > body_bytes_max => {
                self.expect_body(length, framing, false, None);
                Ok(Some(self.hand_out(Request { body: Body::TooLarge, ..request }, closes)))
            }
            Framing::Length(body_length) if self.incoming.len() < length + body_length => {
                self.incoming.reserve(length + body_length - self.incoming.len());
                self.continue_once(expects_continue);
                Ok(None)
            }
            Framing::Length(body_length) => {
                self.incoming.advance(length);
                let body = Body::Whole(self.incoming.split_to(body_length).freeze());
                Ok(Some(self.hand_out(Request { body, ..request }, closes)))
            }
        }
    }

    fn hand_out(&mut self, request: Request, closes: bool) -> Request {
        self.was_continue_sent = false;
        self.closes = closes;
        request
    }

    /// Goes past a head of `length` bytes, and reads the body behind it as it comes.
    fn expect_body(
        &mut self,
        length: usize,
        framing: Framing,
        expects_continue: bool,
        waiting: Option<Waiting>,
    ) {
        self.incoming.advance(length);
        self.arriving = Some(Box::new(Arriving { decoder: framing.decoder(), waiting }));
        if self.incoming.is_empty() {
            self.continue_once(expects_continue);
        }
    }

    fn continue_once(&mut self, expects_continue: bool) {
        if expects_continue && !self.was_continue_sent {
            self.was_continue_sent = true;
            self.queue(b"HTTP/1.1 100 Continue\r\n\r\n", Bytes::new());
        }
    }
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.head.is_empty() && self.payload.is_empty()
    }

    fn advance(&mut self, written: usize) {
        let of_head = written.min(self.head.len());
        self.head.advance(of_head);
        self.payload.advance(written - of_head);
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::Method;
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, Connection::new(listener.accept().await.unwrap().0))
    }

    fn whole(body: Body) -> Bytes {
        match body {
            Body::Whole(bytes) => bytes,
            Body::TooLarge | Body::Streamed => panic!("the body is not whole"),
        }
    }

    #[tokio::test]
    async fn reads_lengths_and_chunks_however_they_are_cut() {
        let text = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nLambda-Runtime-Function-Error-Type: Function.Bad\r\n\r\nabc\
            POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
        for cut in 1..text.len() {
            let (mut client, mut connection) = pair().await;
            let (front, back) = text.split_at(cut);
            let write = async move {
                client.write_all(front).await.unwrap();
                tokio::task::yield_now().await;
                client.write_all(back).await.unwrap();
            };
            let (first, ()) = tokio::join!(connection.read_request(100), write);
            let first = first.unwrap().unwrap();
            assert_eq!(first.error_type.as_deref(), Some("Function.Bad"));
            assert_eq!(whole(first.body), "abc");
            let second = connection.read_request(100).await.unwrap().unwrap();
            assert_eq!((&*second.path, &whole(second.body)[..]), ("/b", &b"abcde"[..]));
            let third = connection.read_request(100).await.unwrap().unwrap();
            assert_eq!((third.method, &*third.path), (Method::Get, "/c"));
            assert!(connection.read_request(100).await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused_and_skipped() {
        let (mut client, mut connection) = pair().await;
        let text = format!(
            "POST /a HTTP/1.1\r\nContent-Length: 101\r\n\r\n{}GET /b HTTP/1.1\r\n\r\n",
            "x".repeat(101)
        );
        client.write_all(text.as_bytes()).await.unwrap();
        assert!(matches!(
            connection.read_request(100).await.unwrap().unwrap().body,
            Body::TooLarge
        ));
        assert_eq!(&*connection.read_request(100).await.unwrap().unwrap().path, "/b");
    }

    #[tokio::test]
    async fn chunks_that_are_too_long_are_refused_and_skipped() {
        let (mut client, mut connection) = pair().await;
        let chunk = format!("40\r\n{}\r\n", "x".repeat(64));
        let text = format!(
            "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}0\r\n\r\nGET /b HTTP/1.1\r\n\r\n"
        );
        client.write_all(text.as_bytes()).await.unwrap();
        assert!(matches!(
            connection.read_request(100).await.unwrap().unwrap().body,
            Body::TooLarge
        ));
        assert_eq!(&*connection.read_request(100).await.unwrap().unwrap().path, "/b");
    }

    const STREAMED: &str = "POST /i/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: text/css\r\n\
        Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n";

    #[tokio::test]
    async fn a_streamed_body_is_handed_out_while_it_arrives() {
        let (mut client, mut connection) = pair().await;
        client.write_all(STREAMED.as_bytes()).await.unwrap();
        let request = connection.read_request(2).await.unwrap().unwrap();
        assert!(matches!(request.body, Body::Streamed));
        assert_eq!(request.content_type.as_deref(), Some("text/css"));
        for text in ["one", "another"] {
            let chunk = format!("{:x}\r\n{text}\r\n", text.len());
            client.write_all(chunk.as_bytes()).await.unwrap();
            let Piece::Bytes(piece) = connection.read_piece().await.unwrap() else {
                panic!("it is over")
            };
            assert_eq!(piece, text);
        }
        client
            .write_all(b"0\r\nLambda-Runtime-Function-Error-Type: E\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let Piece::End(trailers) = connection.read_piece().await.unwrap() else { panic!("no end") };
        assert_eq!(trailers.error_type.as_deref(), Some("E"));
        assert_eq!(&*connection.read_request(2).await.unwrap().unwrap().path, "/b");
    }

    #[tokio::test]
    async fn a_streamed_body_that_nobody_reads_is_skipped() {
        let (mut client, mut connection) = pair().await;
        let text = format!("{STREAMED}5\r\nGET /\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
        client.write_all(text.as_bytes()).await.unwrap();
        connection.read_request(2).await.unwrap().unwrap();
        assert_eq!(&*connection.read_request(2).await.unwrap().unwrap().path, "/b");
    }

    #[tokio::test]
    async fn a_streamed_body_that_breaks_off_is_an_error() {
        let (mut client, mut connection) = pair().await;
        client.write_all(format!("{STREAMED}5\r\nab").as_bytes()).await.unwrap();
        drop(client);
        connection.read_request(2).await.unwrap().unwrap();
        assert!(
            matches!(connection.read_piece().await.unwrap(), Piece::Bytes(piece) if piece == "ab")
        );
        let error = connection.read_piece().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn expect_is_answered_before_the_body_arrives() {
        let (mut client, mut connection) = pair().await;
        client
            .write_all(b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            .await
            .unwrap();
        let answer = async move {
            let mut line = [0; 25];
            client.read_exact(&mut line).await.unwrap();
            assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
            client.write_all(b"ok").await.unwrap();
        };
        let (request, ()) = tokio::join!(connection.read_request(100), answer);
        assert_eq!(whole(request.unwrap().unwrap().body), "ok");
    }

    #[tokio::test]
    async fn a_connection_ends_when_the_runtime_asked_for_it() {
        let (mut client, mut connection) = pair().await;
        client.write_all(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
        connection.read_request(100).await.unwrap().unwrap();
        assert!(connection.try_flush().unwrap(), "it stays open for its answer");
        connection.queue(b"answer", Bytes::new());
        connection.flush().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
    }

    #[tokio::test]
    async fn an_answer_leaves_with_the_next_when_its_request_is_there() {
        let (mut client, mut connection) = pair().await;
        client.write_all(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n").await.unwrap();
        connection.read_request(100).await.unwrap().unwrap();
        connection.queue(b"one ", Bytes::new());
        connection.try_flush_last().unwrap();
        assert_eq!(&*connection.read_request(100).await.unwrap().unwrap().path, "/b");
        assert_eq!(client.try_read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        connection.queue(b"two", Bytes::new());
        connection.try_flush_last().unwrap();
        let mut both = [0; 8];
        assert_eq!(client.read(&mut both).await.unwrap(), 7);
        assert_eq!(&both[..7], b"one two");
    }

    #[tokio::test]
    async fn nonsense_is_an_error() {
        for text in [
            "\0\0\0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            let (mut client, mut connection) = pair().await;
            client.write_all(text.as_bytes()).await.unwrap();
            assert!(connection.read_request(100).await.is_err(), "{text:?}");
        }
    }
}
