// SPDX-License-Identifier: Apache-2.0
//! A valid request of every operation, and a thousand with something wrong in each: every one gets an answer that blames
//! the caller, and none harms what is kept.

use crate::platform::{Platform, options};
use crate::requests::{self, Request};
use api::lambda::SPEC;
use lambda::Options;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// So many of each operation.
const REQUESTS: usize = 1_000;
/// Not here yet, and answered as such.
const NOT_BUILT: u16 = 501;

/// A value where another was, or nothing at all.
fn wrong() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        prop_oneof![
            Just(json!(-1)),
            Just(json!(0)),
            Just(json!(1e300)),
            Just(json!(u64::MAX)),
            Just(json!(true))
        ]
        .prop_map(Some),
        prop_oneof![
            Just(json!([])),
            Just(json!({})),
            Just(json!([null])),
            Just(json!([[]])),
            Just(json!({"x": null}))
        ]
        .prop_map(Some),
        "\\PC{0,20}".prop_map(|text| Some(json!(text))),
        prop_oneof![
            Just("$LATEST"),
            Just("1"),
            Just("99999999999999999999"),
            Just("a:b"),
            Just("*"),
            Just("arn:aws:lambda:::layer:x:1")
        ]
        .prop_map(|text| Some(json!(text))),
        (0_usize..30_000).prop_map(|length| Some(json!("x".repeat(length)))),
    ]
}

/// Puts `value` at the `place`th member or item below, counted through the whole tree.
fn replace(json: &mut Value, place: &mut usize, value: &Option<Value>) {
    let mut step = |child: &mut Value| -> bool {
        if *place == 0 {
            *place = usize::MAX;
            *child = value.clone().unwrap_or(Value::Null);
            return value.is_none();
        }
        *place -= 1;
        replace(child, place, value);
        false
    };
    match json {
        Value::Object(members) => {
            let names: Vec<_> = members.keys().cloned().collect();
            for name in names {
                if members.get_mut(&name).is_some_and(&mut step) {
                    members.remove(&name);
                }
            }
        }
        Value::Array(items) => items.retain_mut(|item| !step(item)),
        _ => {}
    }
}

/// A place of the path, or of its query string, that says something else.
fn change_path(path: &str, place: usize, text: &str) -> String {
    let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    // The first parts are the operation's own.
    let parts: Vec<_> = path.match_indices(['/', '=']).map(|(at, _)| at + 1).skip(2).collect();
    let Some(start) = parts.get(place % parts.len().max(1)).copied() else {
        return path.to_owned();
    };
    let end = path[start..].find(['/', '?', '&']).map_or(path.len(), |length| start + length);
    format!("{}{escaped}{}", &path[..start], &path[end..])
}

/// What was seen of one operation.
#[derive(Debug, Default)]
struct Seen {
    accepted: usize,
    refused: usize,
}

async fn make_noise(platform: &Platform, request: &Request, runner: &mut TestRunner) -> Seen {
    let (operation, method, path, body) = request;
    let noise = (wrong(), 0_usize..24, "\\PC{1,12}", any::<bool>());
    let mut seen = Seen::default();
    while seen.accepted + seen.refused < REQUESTS {
        let (value, place, text, in_path) = noise.new_tree(runner).unwrap().current();
        let (mut body, mut path) = (body.clone(), path.clone());
        if in_path || body.is_null() {
            path = change_path(&path, place, &text);
        } else {
            replace(&mut body, &mut place.clone(), &value);
        }
        // Whatever is no longer an operation's path is the edge's.
        let request = http::Request::builder().method(*method).uri(&path).body(()).unwrap();
        if wire::route(&SPEC, &request.into_parts().0).is_none() {
            continue;
        }
        let call = platform.call(method, &path, body.clone());
        let answer = tokio::time::timeout(Duration::from_secs(20), call).await;
        let answer = answer.unwrap_or_else(|_| panic!("{operation} hangs: {method} {path} {body}"));
        match answer.status {
            200..=299 | NOT_BUILT => seen.accepted += 1,
            400..=499 => seen.refused += 1,
            _ => panic!("{operation}: {method} {path} {body}: {}", answer.show()),
        }
    }
    seen
}

/// All that is kept and can be read.
async fn kept(platform: &Platform) -> Vec<Value> {
    let mut kept = Vec::new();
    for path in [
        "/2015-03-31/functions?FunctionVersion=ALL",
        "/2015-03-31/functions/hello",
        "/2015-03-31/functions/hello/aliases",
        "/2019-09-25/functions/hello/event-invoke-config/list",
        "/2021-10-31/functions/hello/urls",
        "/2015-03-31/event-source-mappings",
        "/2020-04-22/code-signing-configs",
        "/2025-11-30/capacity-providers",
        "/2018-10-31/layers",
    ] {
        let answer = platform.call("GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.show());
        kept.push(answer.json());
    }
    kept
}

#[tokio::test]
async fn noise_harms_nothing() {
    // In memory, where there is such a place: what is asked here is not whether a disk is fast.
    let shm = Path::new("/dev/shm");
    let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
    let limits = Options {
        functions_max: 20,
        versions_max: 10,
        aliases_max: 10,
        layers_max: 20,
        mappings_max: 20,
        signing_configs_max: 20,
        capacity_providers_max: 20,
        ..options()
    };
    let platform = Platform::open(dir, limits).await;
    let requests = requests::fill(&platform).await;
    let names: BTreeSet<_> = requests.iter().map(|(operation, ..)| *operation).collect();
    let declared = SPEC.operations.iter().map(|operation| operation.name);
    assert_eq!(names, declared.collect(), "each operation has a request");

    for (operation, method, path, body) in &requests {
        let answer = platform.call(method, path, body.clone()).await;
        let is_right = matches!(answer.status, 200..=299 | 404 | 409 | 412 | NOT_BUILT);
        assert!(is_right, "{operation} is valid: {}", answer.show());
        platform.settled("hello").await;
    }

    let config =
        Config { rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    for request in &requests {
        let seen = make_noise(&platform, request, &mut runner).await;
        let operation = SPEC.operations.iter().find(|operation| operation.name == request.0);
        let input = operation.and_then(|operation| operation.input);
        // What takes nothing can not be given anything wrong.
        let can_be_wrong = input.is_some_and(|input| !input.members.is_empty());
        assert!(seen.refused > 20 || !can_be_wrong, "{}: {seen:?}", request.0);
    }

    platform.settled("hello").await;
    let before = kept(&platform).await;
    let platform = platform.restart().await;
    assert_eq!(kept(&platform).await, before);
    platform.call("DELETE", "/2017-10-31/functions/hello/concurrency", Value::Null).await;
    assert_eq!(platform.invoke("hello:2", "{}").await.json()["code"], "two");
}
