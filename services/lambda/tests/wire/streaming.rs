// SPDX-License-Identifier: Apache-2.0
//! InvokeWithResponseStream, as far as the control plane has a part in it.

use crate::platform::{Answer, Platform, base64};
use expect_test::expect;
use invoke::InvokeError;
use worker::Part;

const PATH: &str = "/2021-11-15/functions/hello/response-streaming-invocations";

/// Each event of a stream, read by lengths alone: its type, and its payload.
fn events(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/vnd.amazon.eventstream"));
    let mut bytes = answer.body.as_ref();
    let mut text = String::new();
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (length, headers) = (number(0), number(4));
        let (_, event_type) = bytes.split_at(12 + ":event-type".len() + 4);
        let event_type = event_type.split(|byte| *byte == b'\r').next().unwrap();
        let payload = String::from_utf8_lossy(&bytes[12 + headers..length - 4]);
        text.push_str(&format!("{} {payload}\n", std::str::from_utf8(event_type).unwrap()));
        bytes = &bytes[length..];
    }
    text
}

async fn streamed(platform: &Platform, parts: Vec<Part>) -> String {
    *platform.reader.parts.lock().unwrap() = parts;
    let answer = platform.send("POST", PATH, &[("x-amz-log-type", "Tail")], r#""stream""#).await;
    assert_eq!((answer.status, answer.header("x-amz-executed-version")), (200, Some("$LATEST")));
    events(&answer)
}

fn piece(text: &'static str) -> Part {
    Part::Piece(text.into())
}

#[tokio::test]
async fn pieces_and_the_end() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let began = || Part::Began { content_type: Some("text/plain".into()) };
    let parts = vec![began(), piece("one"), piece("two"), piece("3"), piece("4"), piece("5")];
    expect![[r#"
        PayloadChunk one
        PayloadChunk two
        PayloadChunk 3
        PayloadChunk 4
        PayloadChunk 5
        InvokeComplete {"LogResult":"bG9n"}
    "#]]
    .assert_eq(&streamed(&platform, parts).await);
    expect![[r#"
        InvokeComplete {"LogResult":"bG9n"}
    "#]]
    .assert_eq(&streamed(&platform, vec![began()]).await);
}

#[tokio::test]
async fn an_error_of_the_runtime_after_the_first_piece() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let failed =
        Part::Failed { error_type: "Error".to_owned(), document: r#"{"a":"\u00e4"}"#.into() };
    let parts = vec![Part::Began { content_type: None }, piece("one"), failed];
    expect![[r#"
        PayloadChunk one
        InvokeComplete {"ErrorCode":"Error","ErrorDetails":"{\"a\":\"\\u00e4\"}","LogResult":"bG9n"}
    "#]]
    .assert_eq(&streamed(&platform, parts).await);
}

#[tokio::test]
async fn a_response_that_was_made_whole_is_one_chunk() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let answer = platform.send("POST", PATH, &[], "{}").await;
    expect![[r#"
        PayloadChunk {"code":"one","opt":null,"retired":false,"version":"$LATEST","who":null}
        InvokeComplete {}
    "#]]
    .assert_eq(&events(&answer));

    let failed = platform.send("POST", PATH, &[], r#""fail""#).await;
    assert_eq!(failed.header("x-amz-function-error"), None);
    expect![[r#"
        InvokeComplete {"ErrorCode":"Unhandled","ErrorDetails":"{\"code\":\"one\",\"opt\":null,\"retired\":false,\"version\":\"$LATEST\",\"who\":null}"}
    "#]]
    .assert_eq(&events(&failed));
}

#[tokio::test]
async fn an_error_before_the_first_piece_is_an_ordinary_one() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let with = async |name: &str, value: &str, body: &'static str| {
        platform.send("POST", PATH, &[(name, value)], body).await.error()
    };
    expect!["400 ValidationException: 1 validation error detected: Value 'Event' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [RequestResponse, DryRun]"].assert_eq(&with("x-amz-invocation-type", "Event", "{}").await);
    expect![[r#"
        400 InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: Unexpected character ('n' (code 110)): was expecting double-quote to start field name
         at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]"#]].assert_eq(&with("x-amz-log-type", "Tail", "{nonsense").await);
    let nobody = PATH.replace("hello", "nobody");
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST"].assert_eq(&platform.send("POST", &nobody, &[], "{}").await.error());

    let throttled = InvokeError::Throttled { reason: "ConcurrentInvocationLimitExceeded" };
    *platform.reader.error.lock().unwrap() = Some(throttled);
    let answer = platform.send("POST", PATH, &[], "{}").await;
    expect!["429 TooManyRequestsException: Rate Exceeded."].assert_eq(&answer.error());
}

#[tokio::test]
async fn a_dry_run_has_no_stream() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let answer = platform.send("POST", PATH, &[("x-amz-invocation-type", "DryRun")], "{}").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("content-type"), None);
    assert!(platform.reader.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn qualifiers_and_client_contexts() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", serde_json::json!({})).await;
    let context = base64(r#"{"client":{}}"#);
    let path = format!("{PATH}?Qualifier=1");
    let answer = platform.send("POST", &path, &[("x-amz-client-context", &context)], "").await;
    assert_eq!((answer.status, answer.header("x-amz-executed-version")), (200, Some("1")));
    let events = platform.reader.events.lock().unwrap();
    assert!(events[0].invoked_arn.ends_with(":function:hello:1"), "{}", events[0].invoked_arn);
    assert_eq!(events[0].client_context.as_deref(), Some(r#"{"client":{}}"#));
}
