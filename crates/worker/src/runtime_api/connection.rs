// SPDX-License-Identifier: Apache-2.0
//! One connection of a runtime: the little of HTTP/1.1 that Runtime API clients use.
//!
//! A connection is a plain value. Whoever holds it reads requests from it and writes answers, so the task that runs
//! an invocation can take the connection that waits in `next`, write the event itself and read the answer itself,
//! without waking another task. Every method may be dropped at an await point and called again: what was read stays
//! in `incoming`, what was not written stays in `outgoing`.

use bytes::{Buf, Bytes, BytesMut};
use std::io::{self, IoSlice};
use tokio::net::TcpStream;

/// A head longer than this is refused. The longest legitimate one carries an X-Ray cause of 1 MB.
const HEAD_BYTES_MAX: usize = 1_200_000;
/// Room made before each read.
const READ_BYTES: usize = 16 * 1024;
/// A payload up to this length is copied behind its head, so that both leave in one plain write.
const COPY_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 64;
const EXTENSION_PREFIX: &str = "lambda-extension-";

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: Outgoing,
    /// Bytes of a refused body that are still to come.
    skip: usize,
    was_continue_sent: bool,
    /// The runtime asked for the connection to end with the next answer.
    closes: bool,
    /// What is in `outgoing` ends the connection.
    is_last: bool,
}

#[derive(Debug, Default)]
struct Outgoing {
    head: BytesMut,
    payload: Bytes,
}

/// A request, as much of it as the Runtime API looks at.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    /// `Lambda-Runtime-Function-Error-Type`
    pub(crate) error_type: Option<Box<str>>,
    /// `Lambda-Runtime-Function-Response-Mode`
    pub(crate) response_mode: Option<Box<str>>,
    /// Only extensions send any.
    pub(crate) extension: Option<Box<ExtensionHeaders>>,
    pub(crate) body: Body,
}

#[derive(Debug, Default)]
pub(crate) struct ExtensionHeaders {
    /// `Lambda-Extension-Name`
    pub(crate) name: Option<Box<str>>,
    /// `Lambda-Extension-Identifier`
    pub(crate) identifier: Option<Box<str>>,
    /// `Lambda-Extension-Accept-Feature`
    pub(crate) features: Option<Box<str>>,
    /// `Lambda-Extension-Function-Error-Type`
    pub(crate) error_type: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Other,
}

#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    /// Longer than allowed; none of it was kept.
    TooLarge,
}

/// What the head of a request says about its body.
struct Head {
    request: Request,
    length: usize,
    framing: Framing,
    expects_continue: bool,
    closes: bool,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            incoming: BytesMut::new(),
            outgoing: Outgoing::default(),
            skip: 0,
            was_continue_sent: false,
            closes: false,
            is_last: false,
        }
    }

    /// The next request, or `None` when the runtime closed the connection between two requests.
    pub(crate) async fn read_request(
        &mut self,
        body_bytes_max: usize,
    ) -> io::Result<Option<Request>> {
        loop {
            self.skip_refused();
            if self.skip == 0
                && let Some(request) = self.parse(body_bytes_max)?
            {
                return Ok(Some(request));
            }
            self.flush().await?;
            if self.fill().await? == 0 {
                return if self.incoming.is_empty() && self.skip == 0 {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
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

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while !self.try_flush()? {
            self.stream.writable().await?;
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<usize> {
        loop {
            self.incoming.reserve(READ_BYTES);
            match self.stream.try_read_buf(&mut self.incoming) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.readable().await?
                }
                other => return other,
            }
        }
    }

    fn skip_refused(&mut self) {
        let now = self.skip.min(self.incoming.len());
        self.incoming.advance(now);
        self.skip -= now;
    }

    /// One whole request off the front of `incoming`, if it is there.
    fn parse(&mut self, body_bytes_max: usize) -> io::Result<Option<Request>> {
        let Some(head) = parse_head(&self.incoming)? else { return Ok(None) };
        let body = match head.framing {
            Framing::Length(length) if length > body_bytes_max => {
                self.incoming.advance(head.length);
                self.skip = length;
                Body::TooLarge
            }
            Framing::Length(length) if self.incoming.len() < head.length + length => {
                self.incoming.reserve(head.length + length - self.incoming.len());
                self.continue_once(head.expects_continue);
                return Ok(None);
            }
            Framing::Length(length) => {
                self.incoming.advance(head.length);
                Body::Whole(self.incoming.split_to(length).freeze())
            }
            Framing::Chunked => match parse_chunks(
                self.incoming.get(head.length..).unwrap_or_default(),
                body_bytes_max,
            )? {
                Chunks::More => {
                    self.continue_once(head.expects_continue);
                    return Ok(None);
                }
                Chunks::TooLarge => return Err(invalid("the chunked body is too large")),
                Chunks::Whole { body, length } => {
                    self.incoming.advance(head.length + length);
                    Body::Whole(body)
                }
            },
        };
        self.was_continue_sent = false;
        self.closes = head.closes;
        Ok(Some(Request { body, ..head.request }))
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

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD_BYTES_MAX => {
            return Err(invalid("the head is too long"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    };
    let method = match parsed.method {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        _ => Method::Other,
    };
    let path = parsed.path.unwrap_or_default().into();
    let mut head = Head {
        request: Request {
            method,
            path,
            error_type: None,
            response_mode: None,
            extension: None,
            body: Body::TooLarge,
        },
        length,
        framing: Framing::Length(0),
        expects_continue: false,
        closes: false,
    };
    for header in parsed.headers.iter() {
        head.read_header(header)?;
    }
    Ok(Some(head))
}

impl Head {
    fn read_header(&mut self, header: &httparse::Header<'_>) -> io::Result<()> {
        let text = || String::from_utf8_lossy(header.value).trim().into();
        if header.name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(header.value).ok().map(str::trim);
            let length = digits
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(|| invalid("a bad content-length"))?;
            if matches!(self.framing, Framing::Length(_)) {
                self.framing = Framing::Length(length);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            self.framing = Framing::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            self.closes = header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("expect") {
            self.expects_continue = true;
        } else if header.name.eq_ignore_ascii_case("lambda-runtime-function-error-type") {
            self.request.error_type = Some(text());
        } else if header.name.eq_ignore_ascii_case("lambda-runtime-function-response-mode") {
            self.request.response_mode = Some(text());
        } else if let Some((prefix, name)) = header.name.split_at_checked(EXTENSION_PREFIX.len())
            && prefix.eq_ignore_ascii_case(EXTENSION_PREFIX)
        {
            let headers = self.request.extension.get_or_insert_default();
            match name.to_ascii_lowercase().as_str() {
                "name" => headers.name = Some(text()),
                "identifier" => headers.identifier = Some(text()),
                "accept-feature" => headers.features = Some(text()),
                "function-error-type" => headers.error_type = Some(text()),
                _ => {}
            }
        }
        Ok(())
    }
}

enum Chunks {
    More,
    TooLarge,
    Whole { body: Bytes, length: usize },
}

/// Walks the chunk heads and copies only when the last one is there.
fn parse_chunks(bytes: &[u8], body_bytes_max: usize) -> io::Result<Chunks> {
    let mut at = 0;
    let mut spans = Vec::new();
    let mut total = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let (head, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((head, size))) => {
                (head, usize::try_from(size).unwrap_or(usize::MAX))
            }
            Ok(httparse::Status::Partial) => return Ok(Chunks::More),
            Err(_) => return Err(invalid("a bad chunk size")),
        };
        if size > body_bytes_max.saturating_sub(total) {
            return Ok(Chunks::TooLarge);
        }
        if size == 0 {
            return Ok(match trailers_end(rest.get(head..).unwrap_or_default()) {
                Some(end) => {
                    Chunks::Whole { body: join(bytes, &spans, total), length: at + head + end }
                }
                None => Chunks::More,
            });
        }
        if rest.len() < head + size + 2 {
            return Ok(Chunks::More);
        }
        spans.push(at + head..at + head + size);
        total += size;
        at += head + size + 2;
    }
}

/// Where the trailers end: after their empty line.
fn trailers_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = memchr::memchr(b'\n', bytes.get(at..)?)?;
        at += line + 1;
        if line <= 1 {
            return Some(at);
        }
    }
}

fn join(bytes: &[u8], spans: &[std::ops::Range<usize>], total: usize) -> Bytes {
    let mut body = BytesMut::with_capacity(total);
    for span in spans {
        body.extend_from_slice(bytes.get(span.clone()).unwrap_or_default());
    }
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, Connection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, Connection::new(listener.accept().await.unwrap().0))
    }

    fn whole(body: Body) -> Bytes {
        match body {
            Body::Whole(bytes) => bytes,
            Body::TooLarge => panic!("the body was refused"),
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
