// SPDX-License-Identifier: Apache-2.0
//! Reserved concurrency: the records, the floor, and who gets in.

use crate::platform::{FUNCTIONS, Platform, options};
use expect_test::expect;
use lambda::Options;
use serde_json::{Value, json};

async fn put(platform: &Platform, name: &str, reserved: i64) -> crate::platform::Answer {
    let path = format!("/2017-10-31/functions/{name}/concurrency");
    platform.call("PUT", &path, json!({"ReservedConcurrentExecutions": reserved})).await
}

async fn get(platform: &Platform, name: &str) -> crate::platform::Answer {
    platform.call("GET", &format!("/2019-09-30/functions/{name}/concurrency"), Value::Null).await
}

async fn give_back(platform: &Platform, name: &str) -> crate::platform::Answer {
    platform.call("DELETE", &format!("/2017-10-31/functions/{name}/concurrency"), Value::Null).await
}

async fn unreserved(platform: &Platform) -> Value {
    let settings = platform.call("GET", "/2016-08-19/account-settings", Value::Null).await.json();
    settings["AccountLimit"]["UnreservedConcurrentExecutions"].clone()
}

#[tokio::test]
async fn a_reservation_comes_and_goes() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let none = get(&platform, "hello").await;
    assert_eq!((none.status, none.json()), (200, json!({})));
    let reserved = put(&platform, "hello", 300).await;
    assert_eq!(
        (reserved.status, reserved.json()),
        (200, json!({"ReservedConcurrentExecutions": 300}))
    );

    let platform = platform.restart().await;
    assert_eq!(get(&platform, "hello").await.json(), json!({"ReservedConcurrentExecutions": 300}));
    assert_eq!(
        platform.get("/hello").await.json()["Concurrency"],
        json!({"ReservedConcurrentExecutions": 300})
    );
    assert_eq!(unreserved(&platform).await, 700);

    for _ in 0..2 {
        assert_eq!(give_back(&platform, "hello").await.status, 204);
    }
    assert_eq!(get(&platform, "hello").await.json(), json!({}));
    assert_eq!(platform.get("/hello").await.json().get("Concurrency"), None);
    assert_eq!(unreserved(&platform).await, 1_000);
    put(&platform, "hello", 5).await;
    platform.delete("hello").await;
    assert_eq!(
        unreserved(&platform).await,
        1_000,
        "a function that goes takes its reservation along"
    );
}

#[tokio::test]
async fn a_hundred_stay_for_the_others() {
    let platform = Platform::new().await;
    platform.create("one").await;
    platform.create("two").await;
    assert_eq!(put(&platform, "one", 800).await.status, 200);
    expect!["400 InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."].assert_eq(&put(&platform, "two", 101).await.error());
    assert_eq!(put(&platform, "two", 100).await.status, 200);
    assert_eq!(put(&platform, "one", 801).await.status, 400);
    assert_eq!(put(&platform, "one", 0).await.status, 200);

    // At the same time, and there is room for one of them only.
    platform.create("three").await;
    let (three, one) = tokio::join!(put(&platform, "three", 500), put(&platform, "one", 500));
    let mut statuses = [three.status, one.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST"].assert_eq(&put(&platform, "nobody", 1).await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&get(&platform, "nobody").await.error());
    expect!["400 InvalidParameterValueException: This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."].assert_eq(&put(&platform, "one:1", 1).await.error());
    expect!["400 ValidationException: 1 validation error detected: Value '-1' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0"].assert_eq(&put(&platform, "one", -1).await.error());
}

#[tokio::test]
async fn a_function_runs_as_often_as_it_reserved_and_no_more() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    let gate = platform.reader.gate.acquire_many(1_000).await.unwrap();
    put(&platform, "hello", 2).await;
    let (first, second) = (platform.invoke("hello", "{}"), platform.invoke("hello:1", "{}"));
    let meanwhile = async {
        let _ = platform.reader.begun.acquire_many(2).await.unwrap();
        for name in ["hello", "hello:1"] {
            expect![[r#"
                429 TooManyRequestsException
                {
                  "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                  "Type": "User",
                  "message": "Rate Exceeded."
                }"#]]
            .assert_eq(&platform.invoke(name, "{}").await.show());
        }
        // What is running counts, whatever changes meanwhile.
        platform.configure("hello", json!({"Timeout": 9})).await;
        assert_eq!(platform.invoke("hello", "{}").await.status, 429);
        drop(gate);
    };
    let (first, second, ()) = tokio::join!(first, second, meanwhile);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(platform.invoke("hello", "{}").await.status, 200, "there is room again");

    put(&platform, "hello", 0).await;
    assert_eq!(platform.invoke("hello", "{}").await.status, 429, "switched off");
    let path = format!("{FUNCTIONS}/hello/invocations");
    let dry = platform.send("POST", &path, &[("x-amz-invocation-type", "DryRun")], "{}").await;
    assert_eq!(dry.status, 204, "a dry run runs nothing");
    give_back(&platform, "hello").await;
    assert_eq!(platform.invoke("hello", "{}").await.status, 200);
}

/// A reservation is a floor, too: the others cannot take it.
#[tokio::test]
async fn nobody_takes_what_is_reserved() {
    let limits = Options { concurrency_max: 101, ..options() };
    let platform = Platform::open(tempfile::tempdir().unwrap(), limits).await;
    platform.create("greedy").await;
    platform.create("quiet").await;
    assert_eq!(put(&platform, "quiet", 1).await.status, 200);
    let gate = platform.reader.gate.acquire_many(1_000).await.unwrap();
    let running: Vec<_> = (0..100).map(|_| platform.invoke("greedy", "{}")).collect();
    let all = async {
        let mut statuses = Vec::new();
        let mut running: Vec<_> = running.into_iter().map(Box::pin).collect();
        std::future::poll_fn(|cx| {
            running.retain_mut(|one| match one.as_mut().poll(cx) {
                std::task::Poll::Ready(answer) => {
                    statuses.push(answer.status);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        statuses
    };
    let meanwhile = async {
        let _ = platform.reader.begun.acquire_many(100).await.unwrap();
        let throttled = platform.invoke("greedy", "{}").await;
        assert_eq!(
            (throttled.status, &throttled.json()["Reason"]),
            (429, &json!("ConcurrentInvocationLimitExceeded"))
        );
        let quiet = platform.invoke("quiet", "{}");
        let (quiet, ()) = tokio::join!(quiet, async { drop(gate) });
        assert_eq!(quiet.status, 200);
    };
    let (statuses, ()) = tokio::join!(all, meanwhile);
    assert_eq!(statuses, vec![200; 100]);
}
