// SPDX-License-Identifier: Apache-2.0
//! Asynchronous invocation, as far as time and the wire are concerned: the clock of these tests runs ahead.

use crate::platform::{FUNCTIONS, Platform, eventually, options};
use expect_test::expect;
use invoke::InvokeError;
use lambda::Options;
use serde_json::{Value, json};
use std::future::ready;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use wire::Timestamp;

const EVENT: (&str, &str) = ("x-amz-invocation-type", "Event");

async fn send(platform: &Platform, name: &str, body: &str) -> (u16, usize) {
    let path = format!("{FUNCTIONS}/{name}/invocations");
    let answer = platform.send("POST", &path, &[EVENT], body.to_owned()).await;
    (answer.status, answer.body.len())
}

/// Puts an event invoke configuration that tells failures to the function `told`.
async fn tell_failures(platform: &Platform, name: &str, members: Value) {
    let mut config = json!({"DestinationConfig": {"OnFailure":
        {"Destination": "arn:aws:lambda:us-east-1:000000000000:function:told"}}});
    config.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = format!("/2019-09-25/functions/{name}/event-invoke-config");
    assert_eq!(platform.call("PUT", &path, config).await.status, 200);
}

/// The record that `told` was told.
async fn record(platform: &Platform) -> Value {
    let mut record = eventually_late(|| {
        let events = platform.reader.events.lock().unwrap();
        let told = events.iter().find(|event| event.invoked_arn.ends_with(":told"))?;
        Some(serde_json::from_slice::<Value>(&told.payload).unwrap())
    })
    .await;
    record["requestContext"]["requestId"].take();
    record
}

/// As `eventually`, but hours may pass.
async fn eventually_late<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// From now on the clock takes half a second for each millisecond. tokio's own way, from timer to timer whenever nothing
/// else is to do, skips hours while the disk writes.
fn run_ahead() {
    tokio::time::pause();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async {
        loop {
            let tick = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)));
            tick.await.expect("a sleep does not panic");
            tokio::time::advance(Duration::from_millis(500)).await;
        }
    });
}

#[tokio::test]
async fn an_accepted_event_has_an_empty_answer() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    assert_eq!(send(&platform, "hello", "{}").await, (202, 0));
    let old = platform.send("POST", "/2014-11-13/functions/hello/invoke-async", &[], "1").await;
    assert_eq!((old.status, old.body.len()), (202, 0));
    eventually(|| async { (platform.reader.events.lock().unwrap().len() == 2).then_some(()) })
        .await;
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST"]
        .assert_eq(&platform.send("POST", &format!("{FUNCTIONS}/nobody/invocations"), &[EVENT], "1").await.error());
}

#[tokio::test]
async fn an_event_is_there_after_a_restart() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    // No event gets through: it waits when the service goes down.
    *platform.reader.error.lock().unwrap() = Some(InvokeError::ShuttingDown);
    assert_eq!(send(&platform, "hello", r#""waits""#).await, (202, 0));
    eventually(|| async { platform.reader.error.lock().unwrap().is_none().then_some(()) }).await;

    let platform = platform.restart().await;
    eventually(|| async {
        let events = platform.reader.events.lock().unwrap();
        events.iter().any(|event| event.payload == r#""waits""#).then_some(())
    })
    .await;
}

/// A wall clock that jumps a century, to and fro, each time somebody looks.
fn jumping() -> Timestamp {
    static LOOKS: AtomicI64 = AtomicI64::new(0);
    let century = LOOKS.fetch_add(1, Ordering::Relaxed) % 2;
    Timestamp::from_epoch_ms(century * 100 * 365 * 24 * 60 * 60 * 1_000)
}

#[tokio::test]
async fn jumps_of_the_wall_clock_age_no_event() {
    let options = Options { clock: jumping, ..options() };
    let platform = Platform::open(tempfile::tempdir().unwrap(), options).await;
    platform.create("hello").await;
    platform.create("told").await;
    tell_failures(&platform, "hello", json!({"MaximumEventAgeInSeconds": 3_600})).await;
    run_ahead();
    send(&platform, "hello", r#""fail""#).await;
    let context = record(&platform).await["requestContext"].take();
    let (count, condition) = (&context["approximateInvokeCount"], &context["condition"]);
    assert_eq!((count, condition), (&json!(3), &json!("RetriesExhausted")));
}

#[tokio::test]
async fn attempts_come_a_minute_and_two_minutes_later() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.create("told").await;
    tell_failures(&platform, "hello", json!({})).await;
    run_ahead();
    let begin = Instant::now();
    send(&platform, "hello", r#""fail""#).await;
    let record = record(&platform).await;
    let seconds = begin.elapsed().as_secs();
    assert!(seconds >= 180, "{seconds}");
    expect![[r#"{"approximateInvokeCount":3,"condition":"RetriesExhausted","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST","requestId":null}"#]]
        .assert_eq(&record["requestContext"].to_string());
    expect![[r#"{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200}"#]]
        .assert_eq(&record["responseContext"].to_string());
    assert_eq!(record["requestPayload"], "fail");
    let events = platform.reader.events.lock().unwrap();
    let ids: Vec<_> = events
        .iter()
        .filter(|event| event.payload == r#""fail""#)
        .map(|event| event.request_id)
        .collect();
    assert_eq!(ids, [ids[0]; 3]);
}

#[tokio::test]
async fn a_throttled_event_waits_until_it_is_too_old() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.create("told").await;
    tell_failures(&platform, "hello", json!({"MaximumEventAgeInSeconds": 60})).await;
    let path = "/2017-10-31/functions/hello/concurrency";
    platform.call("PUT", path, json!({"ReservedConcurrentExecutions": 1})).await;
    // One invocation has the function's only place, and keeps it.
    let held = platform.reader.gate.acquire_many(1_000).await.unwrap();
    let mut running = Box::pin(platform.invoke("hello", "{}"));
    tokio::select! {
        _ = &mut running => panic!("it waits"),
        begun = platform.reader.begun.acquire() => begun.unwrap().forget(),
    }
    run_ahead();
    let begin = Instant::now();
    send(&platform, "hello", "1").await;
    // `told` must get through the gate when it is told: the one that runs has its turn before.
    let told = async {
        eventually_late(|| (begin.elapsed() > Duration::from_secs(70)).then_some(())).await;
        drop(held);
        record(&platform).await
    };
    let (record, answer) = tokio::join!(told, running);
    assert_eq!(answer.status, 200);
    expect![[r#"{"approximateInvokeCount":0,"condition":"EventAgeExceeded","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST","requestId":null}"#]]
        .assert_eq(&record["requestContext"].to_string());
    assert_eq!((&record["requestPayload"], record.get("responseContext")), (&json!(1), None));
}

#[tokio::test]
async fn a_record_waits_for_a_destination_that_no_service_is_behind() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let queue = "arn:aws:sqs:us-east-1:000000000000:nobody";
    let config = json!({"DestinationConfig": {"OnSuccess": {"Destination": queue}}});
    let path = "/2019-09-25/functions/hello/event-invoke-config";
    assert_eq!(platform.call("PUT", path, config).await.status, 200);
    run_ahead();
    send(&platform, "hello", "1").await;
    let undelivered = || {
        let lines = platform.lambda.queue().lines();
        lines.values().next().map(|(line, _)| (line.events, line.undelivered))
    };
    eventually_late(|| (undelivered()? == (0, 1)).then_some(())).await;
    tokio::time::advance(Duration::from_secs(24 * 3_600)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(undelivered(), Some((0, 1)), "a day later it still waits");

    // Whoever does not want it any more says so.
    assert_eq!(platform.lambda.queue().purge(None, None).await, 1);
    assert_eq!(undelivered(), None);
}

#[tokio::test]
async fn a_record_that_is_too_long_for_its_destination_waits_for_nothing() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.create("told").await;
    let told = "arn:aws:lambda:us-east-1:000000000000:function:told";
    let config = json!({"DestinationConfig": {"OnSuccess": {"Destination": told}}});
    let path = "/2019-09-25/functions/hello/event-invoke-config";
    assert_eq!(platform.call("PUT", path, config).await.status, 200);
    // The event is as long as it may be, and stands in its record.
    let event = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(send(&platform, "hello", &event).await.0, 202);
    assert_eq!(send(&platform, "hello", "1").await.0, 202);
    let count = |name: &str| {
        let events = platform.reader.events.lock().unwrap();
        events.iter().filter(|event| event.invoked_arn.ends_with(name)).count()
    };
    let is_done = || count(":hello") == 2 && platform.lambda.queue().lines().is_empty();
    eventually(|| ready(is_done().then_some(()))).await;
    assert_eq!(count(":told"), 1, "only the other record is told");
}

#[tokio::test]
async fn a_failed_event_is_a_dead_letter_and_a_record() {
    let platform = Platform::new().await;
    let queue = "arn:aws:sqs:us-east-1:000000000000:dead";
    let config = json!({"DeadLetterConfig": {"TargetArn": queue}});
    assert_eq!(platform.create_with("hello", config.clone()).await.status, 201);
    assert_eq!(platform.settled("hello").await["DeadLetterConfig"], config["DeadLetterConfig"]);
    let path = "/2019-09-25/functions/hello/event-invoke-config";
    let on_failure =
        json!({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::records"}}});
    assert_eq!(platform.call("PUT", path, on_failure).await.status, 200);
    run_ahead();
    send(&platform, "hello", "1").await;
    send(&platform, "hello", r#""fail""#).await;
    let waiting = || async {
        let line = "arn:aws:lambda:us-east-1:000000000000:function:hello";
        let waiting = platform.lambda.waiting(line, 10).await.unwrap();
        waiting.into_iter().filter_map(|item| item.destination).collect::<Vec<_>>()
    };
    let mut found = waiting().await;
    while found.len() < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        found = waiting().await;
    }
    assert_eq!(found, ["arn:aws:s3:::records", queue]);
    expect!["400 InvalidParameterValueException: The dead letter target must be an SQS queue or an SNS topic."]
        .assert_eq(&platform.create_with("other", json!({"DeadLetterConfig": {"TargetArn": "arn:aws:lambda:us-east-1:000000000000:function:hello"}})).await.error());
}
