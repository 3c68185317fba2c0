// SPDX-License-Identifier: Apache-2.0
//! Several clients at once: one wins and the others hear of it, and nothing is left of what lost.

use crate::platform::{Answer, FUNCTIONS, Platform, code, eventually};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Runs these at once, on several threads, and gives what each answered.
async fn at_once<F>(calls: impl IntoIterator<Item = F>) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let mut running = JoinSet::new();
    for call in calls {
        running.spawn(call);
    }
    running.join_all().await
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_updates_of_one_revision_one_wins() {
    let platform = Arc::new(Platform::new().await);
    platform.create("hello").await;
    for round in 0..20 {
        let before = platform.settled("hello").await;
        let answers = at_once((0..2).map(|client| {
            let (platform, revision) = (Arc::clone(&platform), before["RevisionId"].clone());
            async move {
                let description = format!("{round} {client}");
                let members = json!({"RevisionId": revision, "Description": description});
                platform.configure("hello", members).await
            }
        }))
        .await;
        let statuses = statuses(&answers);
        assert!(statuses == [200, 409] || statuses == [200, 412], "{statuses:?}");
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap().json();
        assert_eq!(platform.settled("hello").await["Description"], winner["Description"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_is_created_once() {
    let platform = Arc::new(Platform::new().await);
    for _ in 0..5 {
        let answers = at_once((0..8).map(|client| {
            let platform = Arc::clone(&platform);
            async move {
                let code = code(&format!("of {client}"));
                platform.create_with("hello", json!({"Code": {"ZipFile": code}})).await
            }
        }))
        .await;
        assert_eq!(statuses(&answers), [201, 409, 409, 409, 409, 409, 409, 409]);
        let created = answers.iter().find(|answer| answer.status == 201).unwrap().json();
        let settled = platform.settled("hello").await;
        assert_eq!(settled["CodeSha256"], created["CodeSha256"]);
        // The code of the others is gone.
        eventually(|| async { (platform.blobs() == 1).then_some(()) }).await;
        platform.delete("hello").await;
    }
}

/// Whoever does what with a few names: at the end there is what the answers say, and not one package more.
#[tokio::test(flavor = "multi_thread")]
async fn creating_and_deleting_leave_no_orphans() {
    let platform = Arc::new(Platform::new().await);
    let answers = at_once((0..8_usize).map(|client| {
        let platform = Arc::clone(&platform);
        async move {
            let mut last = platform.get("").await;
            for step in 0..30_usize {
                let name = format!("f{}", (client + step) % 3);
                let code = json!({"ZipFile": code(&format!("{}", (client * step) % 7))});
                last = match (client * 7 + step) % 5 {
                    0 | 1 => {
                        platform.create_with(&name, json!({"Code": code, "Publish": true})).await
                    }
                    2 => platform.update_code(&name, code).await,
                    3 => platform.publish(&name, json!({})).await,
                    _ => platform.delete(&name).await,
                };
                assert!(last.status < 500, "{}", last.show());
            }
            last
        }
    }))
    .await;
    assert_eq!(answers.len(), 8);

    let listed = platform.get("?FunctionVersion=ALL").await.json();
    let names: BTreeSet<_> = listed["Functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["FunctionName"].to_string())
        .collect();
    for name in names.iter().map(|name| name.trim_matches('"')) {
        platform.settled(name).await;
    }
    let listed = platform.get("?FunctionVersion=ALL").await.json();
    let hashes: BTreeSet<_> = listed["Functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["CodeSha256"].to_string())
        .collect();
    eventually(|| async { (platform.blobs() == hashes.len()).then_some(()) }).await;

    let platform = Arc::into_inner(platform).unwrap().restart().await;
    assert_eq!(platform.get("?FunctionVersion=ALL").await.json(), listed);
    for name in names.iter().map(|name| name.trim_matches('"')) {
        assert_eq!(platform.delete(name).await.status, 204);
    }
    eventually(|| async {
        (platform.blobs() == 0 && platform.unpacked().is_empty()).then_some(())
    })
    .await;
}

/// An alias leads to a version that is there, and a function has a signing configuration that is there.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_to_what_is_deleted_meanwhile() {
    let platform = Arc::new(Platform::new().await);
    platform.create("hello").await;
    let profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p";
    for round in 0..10 {
        platform.configure("hello", json!({"Description": round.to_string()})).await;
        platform.settled("hello").await;
        let version = platform.publish("hello", json!({})).await.json()["Version"].clone();
        let number = version.as_str().unwrap().to_owned();
        let config = json!({"AllowedPublishers": {"SigningProfileVersionArns": [profile]}});
        let config = platform.call("POST", "/2020-04-22/code-signing-configs", config).await.json();
        let arn = config["CodeSigningConfig"]["CodeSigningConfigArn"].as_str().unwrap().to_owned();
        let calls = [
            (
                "POST",
                format!("{FUNCTIONS}/hello/aliases"),
                json!({"Name": format!("a{round}"), "FunctionVersion": number}),
            ),
            ("DELETE", format!("{FUNCTIONS}/hello?Qualifier={number}"), Value::Null),
            (
                "PUT",
                "/2020-06-30/functions/hello/code-signing-config".to_owned(),
                json!({"CodeSigningConfigArn": arn}),
            ),
            ("DELETE", format!("/2020-04-22/code-signing-configs/{arn}"), Value::Null),
        ];
        at_once(calls.into_iter().map(|(method, path, body)| {
            let platform = Arc::clone(&platform);
            async move { platform.call(method, &path, body).await }
        }))
        .await;
        let alias = platform.get(&format!("/hello/aliases/a{round}")).await;
        let version = platform.get(&format!("/hello/configuration?Qualifier={number}")).await;
        assert_eq!(alias.status == 200, version.status == 200, "round {round}");
        let of_function = platform
            .call("GET", "/2020-06-30/functions/hello/code-signing-config", Value::Null)
            .await
            .json();
        let config = platform
            .call("GET", &format!("/2020-04-22/code-signing-configs/{arn}"), Value::Null)
            .await;
        assert_eq!(
            of_function["CodeSigningConfigArn"] == arn.as_str(),
            config.status == 200,
            "round {round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_mapped_once() {
    let platform = Arc::new(Platform::new().await);
    platform.create("hello").await;
    let answers = at_once((0..8).map(|_| {
        let platform = Arc::clone(&platform);
        async move {
            let source = "arn:aws:sqs:us-east-1:000000000000:q";
            let mapping = json!({"FunctionName": "hello", "EventSourceArn": source});
            platform.call("POST", "/2015-03-31/event-source-mappings", mapping).await
        }
    }))
    .await;
    assert_eq!(statuses(&answers), [202, 409, 409, 409, 409, 409, 409, 409]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is published and deleted in whatever order, over restarts: a number stands for one content, ever.
    #[test]
    fn a_number_is_never_used_again(steps in prop::collection::vec(0..4_u8, 1..12)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut platform = Platform::new().await;
            platform.create("hello").await;
            let mut last = 0;
            for (index, step) in steps.iter().enumerate() {
                match step {
                    0 | 1 => {
                        platform.configure("hello", json!({"Description": index.to_string()})).await;
                        platform.settled("hello").await;
                        let version = platform.publish("hello", json!({})).await.json()["Version"].clone();
                        let number: u64 = version.as_str().unwrap().parse().unwrap();
                        assert!(number > last, "{number} after {last}");
                        last = number;
                        // Without a change it is the same version again.
                        let again = platform.publish("hello", json!({})).await.json();
                        assert_eq!(again["Version"], version);
                    }
                    2 => {
                        platform.delete(&format!("hello?Qualifier={last}")).await;
                    }
                    _ => platform = platform.restart().await,
                }
            }
        });
    }
}
