// SPDX-License-Identifier: Apache-2.0
//! The Extensions API on the wire: request text in, response text out.

use super::api::Led;
use super::*;
use crate::function::tests::function;
use crate::runtime_api;
use expect_test::{Expect, expect};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const NOBODY: &str = "6f2c0000-0000-4000-8000-000000000000";

/// Extensions that are served on a listener of their own.
struct Served {
    extensions: Arc<Extensions>,
    address: std::net::SocketAddr,
    /// What requests led to, beside their answers.
    led: mpsc::UnboundedReceiver<Led>,
}

struct Client(TcpStream);

impl Served {
    /// With external extensions of these names.
    async fn new(external: &[&str]) -> Self {
        let extensions = Extensions::new(&function(), Vec::new(), None);
        *extensions.roster() = Roster::new(external.iter().map(|name| (*name).to_owned()));
        let extensions = Arc::new(extensions);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, led) = mpsc::unbounded_channel();
        let serving = Arc::clone(&extensions);
        crate::life::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (extensions, sender) = (Arc::clone(&serving), sender.clone());
                crate::life::spawn(async move {
                    let mut connection = Connection::new(stream);
                    while let Ok(Some(request)) = runtime_api::read(&mut connection).await {
                        let call = Call::of(request.method, &request.path).expect("a call");
                        match extensions.answer(&function(), call, connection, &request).await {
                            Ok(Led::Answered(open)) => connection = open,
                            Ok(led) => return drop(sender.send(led)),
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        Self { extensions, address, led }
    }

    async fn client(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn check(&self, request: &str, expected: Expect) {
        let mut client = self.client().await;
        client.send(request).await;
        expected.assert_eq(&hide(&client.answer().await));
    }

    /// Registers and says under which identifier.
    async fn register(&self, name: &str, events: &str) -> String {
        let mut client = self.client().await;
        client.send(&register(name, &format!(r#"{{"events":{events}}}"#), "")).await;
        let answer = client.answer().await;
        let (_, rest) = answer.split_once("Lambda-Extension-Identifier: ").expect(&answer);
        rest.split_once('\n').unwrap().0.to_owned()
    }

    async fn led(&mut self) -> Led {
        tokio::time::timeout(Duration::from_secs(20), self.led.recv()).await.unwrap().unwrap()
    }
}

impl Client {
    async fn send(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// One answer, with plain line ends.
    async fn answer(&mut self) -> String {
        let (mut text, mut byte) = (String::new(), [0]);
        loop {
            let read = self.0.read_exact(&mut byte);
            tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
            text.push(char::from(byte[0]));
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let (_, length) = head.split_once("Content-Length: ").unwrap();
                if body.len() == length.split("\r\n").next().unwrap().parse::<usize>().unwrap() {
                    return text.replace("\r\n", "\n");
                }
            }
        }
    }
}

/// Identifiers differ from run to run.
fn hide(answer: &str) -> String {
    let is_id =
        |word: &str| uuid::Uuid::parse_str(word.trim_end_matches('.')).is_ok() && word != NOBODY;
    let words = |line: &str| {
        let words: Vec<_> = line.split(' ').map(|w| if is_id(w) { "ID" } else { w }).collect();
        words.join(" ")
    };
    answer.split('\n').map(words).collect::<Vec<_>>().join("\n")
}

fn register(name: &str, body: &str, more: &str) -> String {
    let length = body.len();
    format!(
        "POST /2020-01-01/extension/register HTTP/1.1\r\nLambda-Extension-Name: {name}\r\n{more}Content-Length: {length}\r\n\r\n{body}"
    )
}

fn next(id: &str) -> String {
    format!(
        "GET /2020-01-01/extension/event/next HTTP/1.1\r\nlambda-extension-identifier: {id}\r\n\r\n"
    )
}

fn error(which: &str, id: &str, more: &str) -> String {
    format!(
        "POST /2020-01-01/extension/{which}/error HTTP/1.1\r\nLambda-Extension-Identifier: {id}\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn registering_tells_the_function_and_the_account_to_who_asks() {
    let served = Served::new(&["x", "y"]).await;
    let events = r#"{"events":["INVOKE","SHUTDOWN"]}"#;
    served
        .check(
            &register("x", events, ""),
            expect![[r#"
        HTTP/1.1 200 OK
        Content-Type: application/json
        Lambda-Extension-Identifier: ID
        Content-Length: 72

        {"functionName":"f","functionVersion":"$LATEST","handler":"app.handler"}"#]],
        )
        .await;
    let account = "Lambda-Extension-Accept-Feature: accountId\r\n";
    served.check(&register("y", events, account), expect![[r#"
        HTTP/1.1 200 OK
        Content-Type: application/json
        Lambda-Extension-Identifier: ID
        Content-Length: 99

        {"accountId":"000000000000","functionName":"f","functionVersion":"$LATEST","handler":"app.handler"}"#]]).await;
    assert!(served.extensions.has_any());
}

#[tokio::test]
async fn registrations_are_refused_in_aws_s_words() {
    let served = Served::new(&["x"]).await;
    let events = r#"{"events":["SHUTDOWN"]}"#;
    served
        .check(
            &register("", events, ""),
            expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 84

        {"errorMessage":"Empty extension name","errorType":"Extension.InvalidExtensionName"}"#]],
        )
        .await;
    served.check(&register("internal", events, ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 115

        {"errorMessage":"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension","errorType":"Extension.InvalidEventType"}"#]]).await;
    served.check(&register("x", r#"{"events":["LAUNCH"]}"#, ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 89

        {"errorMessage":"LAUNCH: ErrorInvalidEventType","errorType":"Extension.InvalidEventType"}"#]]).await;
    served.check(&register("x", "{", ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 100

        {"errorMessage":"EOF while parsing an object at line 1 column 1","errorType":"InvalidRequestFormat"}"#]]).await;
    served.register("x", "[]").await;
    served.check(&register("x", events, ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 174

        {"errorMessage":"State transition from Registered to Registered failed for extension x. Error: State transition is not allowed","errorType":"Extension.InvalidExtensionState"}"#]]).await;
    served.register("internal", "[]").await;
    served.check(&register("internal", "{}", ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 108

        {"errorMessage":"Extension with this name already registered","errorType":"Extension.InvalidExtensionState"}"#]]).await;
    served.extensions.roster().close();
    served.check(&register("late", "{}", ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 99

        {"errorMessage":"Extension registration closed already","errorType":"Extension.RegistrationClosed"}"#]]).await;
}

#[tokio::test]
async fn there_are_ten_at_most() {
    let served = Served::new(&[]).await;
    for index in 0..EXTENSIONS_MAX {
        served.register(&format!("i{index}"), "[]").await;
    }
    served.check(&register("one more", "{}", ""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 89

        {"errorMessage":"Extension limit (10) reached","errorType":"Extension.TooManyExtensions"}"#]]).await;
}

#[tokio::test]
async fn events_go_to_who_waits() {
    let mut served = Served::new(&["x"]).await;
    let id = served.register("x", r#"["INVOKE","SHUTDOWN"]"#).await;
    let mut client = served.client().await;
    client.send(&next(&id)).await;
    assert!(matches!(served.led().await, Led::Parked));

    let event = Event {
        request_id: names::RequestId::parse(NOBODY).unwrap(),
        payload: Bytes::new(),
        invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
        client_context: None,
        cognito_identity: None,
        tenant_id: None,
        trace_id: "Root=1-a;Parent=b;Sampled=0".into(),
        sampled: None,
        response: None,
        wants_log_tail: false,
    };
    let mut connection = served.extensions.roster().invoke().pop().unwrap();
    queue_event(&mut connection, &invoke_event(&event, 1_700_000_000_000));
    connection.flush().await.unwrap();
    expect![[r#"
        HTTP/1.1 200 OK
        Content-Type: application/json
        Lambda-Extension-Event-Identifier: ID
        Content-Length: 247

        {"deadlineMs":1700000000000,"eventType":"INVOKE","invokedFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","requestId":"6f2c0000-0000-4000-8000-000000000000","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a;Parent=b;Sampled=0"}}"#]].assert_eq(&hide(&client.answer().await));

    served.extensions.shutdown.set(shutdown_event(Reason::Timeout, 1_700_000_000_000)).unwrap();
    served.extensions.roster().stop();
    assert!(served.extensions.roster().shut_down().is_empty(), "it is busy");
    served
        .check(
            &next(&id),
            expect![[r#"
        HTTP/1.1 200 OK
        Content-Type: application/json
        Lambda-Extension-Event-Identifier: ID
        Content-Length: 78

        {"deadlineMs":1700000000000,"eventType":"SHUTDOWN","shutdownReason":"TIMEOUT"}"#]],
        )
        .await;
}

#[tokio::test]
async fn identifiers_are_checked() {
    let mut served = Served::new(&["x"]).await;
    served.check(&next(""), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 112

        {"errorMessage":"Missing Lambda-Extension-Identifier header","errorType":"Extension.MissingExtensionIdentifier"}"#]]).await;
    served.check(&next("x"), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 105

        {"errorMessage":"Invalid Lambda-Extension-Identifier","errorType":"Extension.InvalidExtensionIdentifier"}"#]]).await;
    served.check(&next(NOBODY), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 124

        {"errorMessage":"Unknown extension 6f2c0000-0000-4000-8000-000000000000","errorType":"Extension.UnknownExtensionIdentifier"}"#]]).await;
    let kind = "Lambda-Extension-Function-Error-Type: Extension.Odd\r\n";
    served.check(&error("exit", NOBODY, kind), expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 105

        {"errorMessage":"Unknown Lambda-Extension-Identifier","errorType":"Extension.UnknownExtensionIdentifier"}"#]]).await;
    let id = served.register("x", "[]").await;
    served.client().await.send(&next(&id)).await;
    assert!(matches!(served.led().await, Led::Parked));
    let expected = expect![[r#"
        HTTP/1.1 403 Forbidden
        Content-Type: application/json
        Content-Length: 199

        {"errorMessage":"State transition from Ready to Ready failed for extension ID Error: State transition is not allowed","errorType":"Extension.InvalidExtensionState"}"#]];
    served.check(&next(&id), expected).await;
}

#[tokio::test]
async fn an_extension_may_report_that_it_failed() {
    for (which, expected) in [("init", "Extension.InitError"), ("exit", "Extension.ExitError")] {
        let mut served = Served::new(&["x"]).await;
        let id = served.register("x", "[]").await;
        served.check(&error(which, &id, ""), expect![[r#"
            HTTP/1.1 403 Forbidden
            Content-Type: application/json
            Content-Length: 103

            {"errorMessage":"Lambda-Extension-Function-Error-Type not found","errorType":"Extension.MissingHeader"}"#]]).await;
        let mut client = served.client().await;
        client.send(&error(which, &id, "Lambda-Extension-Function-Error-Type: My.Error\r\n")).await;
        expect![[r#"
            HTTP/1.1 202 Accepted
            Content-Type: application/json
            Content-Length: 16

            {"status":"OK"}
        "#]]
        .assert_eq(&client.answer().await);
        let Led::Failed(_, failure) = served.led().await else { panic!("no failure") };
        assert_eq!(failure.ending().error_type, Some(expected));
    }
}
