// SPDX-License-Identifier: Apache-2.0
//! A server with two made-up services, and a client that writes bytes.

use bytes::Bytes;
use edge::{Edge, Identity, Listening, Options};
use sigv4::{Credentials, Instant, PayloadHash};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll, ready};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use wire::{
    Access, BoxFuture, Context, Endpoint, Fault, FaultSpec, MessageKey, OperationSpec,
    PathTemplate, Protocol, Request, Response, Route, Segment, ServiceSpec,
};

/// What every operation here acts on.
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-west-1:000000000000:function:hello";
pub(crate) const INVOKE: &str = "/2015-03-31/functions/hello/invocations";
pub(crate) const INVOKE_BODY_MAX: usize = 1_000;
pub(crate) const CREATE: &str = "/2015-03-31/functions";
pub(crate) const CREATE_BODY_MAX: usize = 1_000_000;

static FUNCTIONS: [Segment; 2] = [Segment::Literal("2015-03-31"), Segment::Literal("functions")];
static INVOCATIONS: [Segment; 4] = [
    Segment::Literal("2015-03-31"),
    Segment::Literal("functions"),
    Segment::Label("FunctionName"),
    Segment::Literal("invocations"),
];
static PANIC: [Segment; 1] = [Segment::Literal("panic")];
static STREAM: [Segment; 1] = [Segment::Literal("stream")];
static WAIT: [Segment; 1] = [Segment::Literal("wait")];

const fn post(segments: &'static [Segment]) -> Option<PathTemplate> {
    Some(PathTemplate { method: "POST", segments, query: &[] })
}

static LAMBDA: ServiceSpec = ServiceSpec {
    signing_name: "lambda",
    protocols: &[Protocol::RestJson],
    operations: &[
        OperationSpec {
            name: "Invoke",
            body_max: INVOKE_BODY_MAX,
            path: post(&INVOCATIONS),
            is_built: true,
            ..OperationSpec::EMPTY
        },
        OperationSpec {
            name: "CreateFunction",
            body_max: CREATE_BODY_MAX,
            path: post(&FUNCTIONS),
            is_built: true,
            ..OperationSpec::EMPTY
        },
        OperationSpec { name: "Panic", path: post(&PANIC), is_built: true, ..OperationSpec::EMPTY },
        OperationSpec { name: "Wait", path: post(&WAIT), is_built: true, ..OperationSpec::EMPTY },
        OperationSpec {
            name: "Stream",
            path: post(&STREAM),
            is_built: true,
            ..OperationSpec::EMPTY
        },
    ],
    faults: &[FaultSpec {
        code: "RequestTooLargeException",
        status: 413,
        message_key: MessageKey::Lower,
        query_code: None,
    }],
    ..ServiceSpec::EMPTY
};

static STS: ServiceSpec = ServiceSpec {
    signing_name: "sts",
    protocols: &[Protocol::Query],
    operations: &[OperationSpec {
        name: "GetCallerIdentity",
        is_built: true,
        ..OperationSpec::EMPTY
    }],
    ..ServiceSpec::EMPTY
};

static LOGS: ServiceSpec = ServiceSpec {
    signing_name: "logs",
    target_prefix: Some("Logs_20140328"),
    protocols: &[Protocol::Json11],
    operations: &[OperationSpec { name: "PutLogEvents", is_built: true, ..OperationSpec::EMPTY }],
    ..ServiceSpec::EMPTY
};

/// What reached an endpoint, and the gate at which `Wait` waits.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) began: Notify,
    pub(crate) gate: Notify,
    pub(crate) ended: Notify,
    /// Where the body of the last `Stream` comes from.
    pub(crate) pieces: Mutex<Option<mpsc::UnboundedSender<&'static str>>>,
}

struct Pieces(mpsc::UnboundedReceiver<&'static str>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<std::io::Result<http_body::Frame<Bytes>>>> {
        let piece = ready!(self.0.poll_recv(cx));
        Poll::Ready(piece.map(|piece| Ok(http_body::Frame::data(piece.into()))))
    }
}

struct Echo {
    spec: &'static ServiceSpec,
    seen: Arc<Seen>,
}

impl Endpoint for Echo {
    fn spec(&self) -> &'static ServiceSpec {
        self.spec
    }

    fn call<'a>(
        &'a self,
        cx: &'a Context,
        route: Route<'a>,
        request: Request,
    ) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let name =
                route.operation.map_or("-", |operation| self.spec.operations[operation].name);
            let labels: Vec<_> =
                route.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let line = format!(
                "{name} {:?} [{}] {} {} {} {} {} bytes",
                route.protocol,
                labels.join(","),
                cx.caller.arn,
                cx.account,
                cx.region,
                cx.endpoint.split(':').next().unwrap(),
                request.body().len()
            );
            // As the dispatch that `#[service]` writes.
            let action = format!("{}:{name}", self.spec.signing_name);
            let admitted = cx.authority.check(cx, &action, || Access::to(FUNCTION));
            if let Err(sentence) = admitted {
                let fault = Fault::access_denied(route.protocol, sentence);
                return route.protocol.write_fault(&fault, &cx.request_id);
            }
            self.seen.calls.lock().unwrap().push(line);
            assert_ne!(name, "Panic", "asked to");
            if name == "Wait" {
                self.seen.began.notify_one();
                self.seen.gate.notified().await;
                self.seen.ended.notify_one();
            }
            if name == "Stream" {
                let (sender, receiver) = mpsc::unbounded_channel();
                *self.seen.pieces.lock().unwrap() = Some(sender);
                self.seen.began.notify_one();
                return Response::new(wire::Body::Stream(Box::pin(Pieces(receiver))));
            }
            Response::new(request.into_body().into())
        })
    }
}

pub(crate) struct Server {
    pub(crate) edge: Arc<Edge>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) listening: Listening,
    pub(crate) seen: Arc<Seen>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default(), |edge| edge)
    }

    pub(crate) fn start_with(options: Options, extend: impl FnOnce(Edge) -> Edge) -> Self {
        let seen = Arc::new(Seen::default());
        let services = [&LAMBDA, &STS, &LOGS]
            .map(|spec| -> Arc<dyn Endpoint> { Arc::new(Echo { spec, seen: Arc::clone(&seen) }) });
        let identity = Arc::new(Identity::well_known("000000000000".parse().unwrap()));
        let edge = Arc::new(extend(Edge::new(options, services.to_vec(), Arc::clone(&identity))));
        let listening = edge.listen(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        Self { edge, identity, listening, seen }
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen.calls.lock().unwrap().clone()
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.listening.address()).await
    }

    pub(crate) async fn send(&self, request: &Sent) -> Received {
        let mut client = self.connect().await;
        client.write(&request.bytes()).await;
        client.read().await
    }
}

/// A request as bytes, signed or not.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) head: http::request::Parts,
    pub(crate) body: Bytes,
}

impl Sent {
    pub(crate) fn unsigned(method: &str, uri: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let builder =
            http::Request::builder().method(method).uri(uri).header("host", "127.0.0.1:4566");
        let head = builder.header("content-length", body.len()).body(()).unwrap().into_parts().0;
        Self { head, body }
    }

    pub(crate) fn signed(method: &str, uri: &str, body: impl Into<Bytes>) -> Self {
        Self::unsigned(method, uri, body).sign("lambda")
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.head.headers.insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn sign(self, service: &str) -> Self {
        self.sign_as("test", &Credentials::new("test"), service, 0)
    }

    pub(crate) fn sign_as(
        mut self,
        id: &str,
        credentials: &Credentials,
        service: &str,
        offset_s: i64,
    ) -> Self {
        let payload = PayloadHash::of(&self.body);
        sigv4::sign(&mut self.head, payload, id, credentials, "eu-west-1", service, now(offset_s));
        self
    }

    pub(crate) fn head_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.head.method, self.head.uri).into_bytes();
        for (name, value) in &self.head.headers {
            bytes.extend_from_slice(format!("{name}: {}\r\n", value.to_str().unwrap()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head_bytes(), self.body.to_vec()].concat()
    }
}

#[expect(clippy::disallowed_methods, reason = "the server compares with the time of day")]
pub(crate) fn now(offset_s: i64) -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Instant::from_unix_s(i64::try_from(since.as_secs()).unwrap() + offset_s).unwrap()
}

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// `403 InvalidSignatureException {...}`
    pub(crate) fn summary(&self) -> String {
        assert_eq!(self.header("x-amzn-requestid").map(str::len), Some(36), "{self:?}");
        format!("{} {} {}", self.status, self.header("x-amzn-errortype").unwrap_or("-"), self.body)
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn shut_down_writing(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// One response, by its content length.
    pub(crate) async fn read(&mut self) -> Received {
        self.try_read().await.expect("the server closed before it answered")
    }

    /// `None` when the server closed, or reset, without an answer.
    pub(crate) async fn try_read(&mut self) -> Option<Received> {
        loop {
            if let Some(received) = self.take_response() {
                return Some(received);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    fn take_response(&mut self) -> Option<Received> {
        let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
        let mut received =
            Received { status: head[9..12].parse().unwrap(), head, body: String::new() };
        let length: usize =
            received.header("content-length").map_or(0, |length| length.parse().unwrap());
        let body = self.buffer.get(end..end + length)?;
        received.body = String::from_utf8(body.to_vec()).unwrap();
        self.buffer.drain(..end + length);
        Some(received)
    }

    /// What comes next, up to and with `end`.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        loop {
            let text = String::from_utf8(self.buffer.clone()).unwrap();
            if let Some(at) = text.find(end) {
                self.buffer.drain(..at + end.len());
                return text[..at + end.len()].to_owned();
            }
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "{text}");
        }
    }

    /// Whether the server closes, and says nothing more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty()
            && matches!(self.stream.read_buf(&mut self.buffer).await, Ok(0) | Err(_))
    }
}
