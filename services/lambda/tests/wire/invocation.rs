// SPDX-License-Identifier: Apache-2.0
//! Invoke, as far as the control plane has a part in it.

use crate::platform::{FUNCTIONS, Platform, base64, code, eventually};
use expect_test::expect;
use invoke::InvokeError;
use serde_json::json;

const PATH: &str = "/2015-03-31/functions/hello/invocations";

#[tokio::test]
async fn an_answer_carries_version_error_and_log() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let answer = platform.invoke("hello", r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.header("x-amz-executed-version")), (200, Some("$LATEST")));
    assert_eq!(
        (answer.header("x-amz-function-error"), answer.header("x-amz-log-result")),
        (None, None)
    );
    assert_eq!(answer.json()["code"], "one");

    let failed = platform.send("POST", PATH, &[("x-amz-log-type", "Tail")], r#""fail""#).await;
    assert_eq!((failed.status, failed.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(failed.header("x-amz-log-result"), Some(base64(vec![b'x'; 4_096]).as_str()));
}

#[tokio::test]
async fn an_event_says_how_it_was_addressed() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    let context = base64(r#"{"client":{}}"#);
    for name in ["hello", "hello:$LATEST", "hello:1"] {
        let path = format!("{FUNCTIONS}/{name}/invocations");
        platform.send("POST", &path, &[("x-amz-client-context", &context)], "").await;
    }
    let events = platform.reader.events.lock().unwrap();
    let arns: Vec<_> =
        events.iter().map(|event| event.invoked_arn.split(":function:").nth(1).unwrap()).collect();
    assert_eq!(arns, ["hello", "hello:$LATEST", "hello:1"]);
    assert!(events.iter().all(|event| event.payload == "{}"), "no payload is an empty object");
    assert!(events.iter().all(|event| event.client_context.as_deref() == Some(r#"{"client":{}}"#)));
    let parts: Vec<_> = events[0].trace_id.split(['=', '-', ';']).map(str::len).collect();
    assert_eq!(parts[..8], [4, 1, 8, 24, 6, 16, 7, 1], "{}", events[0].trace_id);
    assert!(events[0].trace_id.contains(";Lineage=1:") && events[0].trace_id.ends_with(":0"));
}

#[tokio::test]
async fn an_invocation_after_the_answer_to_an_update_runs_the_update() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    for round in 0..20 {
        let text = format!("code {round}");
        assert_eq!(
            platform.update_code("hello", json!({"ZipFile": code(&text)})).await.status,
            200
        );
        let answer = platform.invoke("hello", "{}").await.json();
        assert_eq!((&answer["code"], &answer["retired"]), (&json!(text), &json!(false)));
        platform.settled("hello").await;

        let who = round.to_string();
        let update = json!({"Environment": {"Variables": {"WHO": who}}});
        assert_eq!(platform.configure("hello", update).await.status, 200);
        let answer = platform.invoke("hello", "{}").await.json();
        assert_eq!((&answer["who"], &answer["retired"]), (&json!(who), &json!(false)));
        platform.settled("hello").await;
    }
    assert_eq!(platform.reader.retired.lock().unwrap().len(), 40);
}

#[tokio::test]
async fn a_running_invocation_keeps_its_code() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let gate = platform.reader.gate.acquire_many(1_000).await.unwrap();
    let running = platform.invoke("hello", "{}");
    let meanwhile = async {
        let _ = platform.reader.begun.acquire().await.unwrap();
        assert_eq!(platform.delete("hello").await.status, 204);
        assert_eq!(platform.unpacked().len(), 1);
        drop(gate);
    };
    let (answer, ()) = tokio::join!(running, meanwhile);
    assert_eq!(answer.json()["code"], "one");
    eventually(|| async {
        (platform.unpacked().is_empty() && platform.blobs() == 0).then_some(())
    })
    .await;
}

/// The invoker goes on when the caller does not wait, and holds the function meanwhile.
#[tokio::test]
async fn code_stays_while_the_worker_holds_its_function() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.invoke("hello", "{}").await;
    let held = platform.reader.last.lock().unwrap().upgrade().unwrap();
    assert_eq!(platform.delete("hello").await.status, 204);
    assert_eq!((platform.unpacked().len(), platform.blobs()), (1, 1));
    drop(held);
    eventually(|| async {
        (platform.unpacked().is_empty() && platform.blobs() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_runs_nothing() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let answer = platform.send("POST", PATH, &[("x-amz-invocation-type", "DryRun")], "{}").await;
    assert_eq!(
        (answer.status, answer.body.len(), answer.header("x-amz-executed-version")),
        (204, 0, None)
    );
    assert!(platform.reader.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_run_is_refused() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let with = async |name: &str, value: &str| {
        platform.send("POST", PATH, &[(name, value)], "{}").await.error()
    };
    expect!["400 InvalidParameterValueException: The invoked function is not enabled with tenancy configuration; remove the tenant ID and try again."].assert_eq(&with("x-amz-tenant-id", "blue").await);
    expect!["400 InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object."].assert_eq(&with("x-amz-client-context", "not base64!").await);
    expect!["400 InvalidRequestContentException: Client context must be no more than 3583 bytes when base64-decoded."].assert_eq(&with("x-amz-client-context", &base64(vec![b'x'; 3_584])).await);
    expect![[r#"
        400 InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: Unexpected character ('n' (code 110)): was expecting double-quote to start field name
         at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 2]"#]].assert_eq(&platform.invoke("hello", "{nonsense").await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST"].assert_eq(&platform.invoke("nobody", "{}").await.error());
    let not_utf8 = platform.send("POST", PATH, &[], b"\"\xff\"".to_vec()).await;
    expect!["400 InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: invalid utf-8 sequence of 1 bytes from index 1"].assert_eq(&not_utf8.error());
    assert!(platform.reader.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_invokers_errors_are_awss() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let with = async |error: InvokeError| {
        *platform.reader.error.lock().unwrap() = Some(error);
        platform.invoke("hello", "{}").await.show()
    };
    expect![[r#"
        429 TooManyRequestsException
        {
          "Reason": "ConcurrentInvocationLimitExceeded",
          "Type": "User",
          "message": "Rate Exceeded."
        }"#]]
    .assert_eq(&with(InvokeError::Throttled { reason: "ConcurrentInvocationLimitExceeded" }).await);
    expect![[r#"
        502 InvalidRuntimeException
        {
          "Message": "python3.12 is not installed",
          "Type": "Service"
        }"#]]
    .assert_eq(
        &with(InvokeError::RuntimeNotInstalled("python3.12 is not installed".to_owned())).await,
    );
    expect![[r#"
        500 ServiceException
        {
          "Message": "An internal error occurred.",
          "Type": "Service"
        }"#]]
    .assert_eq(&with(InvokeError::StartFailed).await);
}

#[tokio::test]
async fn a_pending_function_is_not_invoked() {
    let platform = Platform::new().await;
    // The activation has no turn before this task waits for something: the runtime of this test has one thread.
    platform.create_with("hello", json!({})).await;
    let answer = platform.invoke("hello", "{}").await;
    expect!["409 ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Pending"].assert_eq(&answer.error());
}
