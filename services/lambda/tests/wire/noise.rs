// SPDX-License-Identifier: Apache-2.0
//! Requests with something wrong in them: each gets an answer that blames the caller, and none harms what is kept.

use crate::platform::{Platform, base64, code, zip};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

const ROUNDS: usize = 60;

/// A valid request of each operation on aliases, layers, concurrency, policies and runtime management.
fn requests() -> Vec<(&'static str, &'static str, Value)> {
    let weights = json!({"AdditionalVersionWeights": {"2": 0.5}});
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:hello";
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": arn}]});
    let statement = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::b", "SourceAccount": "123456789012", "RevisionId": "x", "PrincipalOrgID": "o-1234567890"});
    let layer = json!({"Content": {"ZipFile": base64(zip(&[("a", "1")]))}, "Description": "d",
        "CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"], "LicenseInfo": "MIT"});
    let update = json!({"Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:libs:1"]});
    vec![
        (
            "POST",
            "/2015-03-31/functions/hello/aliases",
            json!({"Name": "a", "FunctionVersion": "1", "Description": "d", "RoutingConfig": weights}),
        ),
        (
            "PUT",
            "/2015-03-31/functions/hello/aliases/live",
            json!({"FunctionVersion": "1", "RevisionId": "x", "RoutingConfig": weights}),
        ),
        ("GET", "/2015-03-31/functions/hello/aliases/live", Value::Null),
        (
            "GET",
            "/2015-03-31/functions/hello/aliases?FunctionVersion=1&MaxItems=1&Marker=bGl2ZTokTEFURVNU",
            Value::Null,
        ),
        ("DELETE", "/2015-03-31/functions/hello/aliases/gone", Value::Null),
        (
            "PUT",
            "/2017-10-31/functions/hello/concurrency",
            json!({"ReservedConcurrentExecutions": 5}),
        ),
        ("GET", "/2019-09-30/functions/hello/concurrency", Value::Null),
        ("DELETE", "/2017-10-31/functions/hello/concurrency", Value::Null),
        ("POST", "/2015-03-31/functions/hello/policy?Qualifier=live", statement),
        ("DELETE", "/2015-03-31/functions/hello/policy/s?Qualifier=live&RevisionId=x", Value::Null),
        ("GET", "/2015-03-31/functions/hello/policy?Qualifier=live", Value::Null),
        (
            "PUT",
            "/2026-07-09/resource-policy/arn:aws:lambda:us-east-1:000000000000:function:hello",
            json!({"Policy": document.to_string()}),
        ),
        ("POST", "/2018-10-31/layers/libs/versions", layer),
        ("GET", "/2018-10-31/layers/libs/versions/1", Value::Null),
        (
            "GET",
            "/2018-10-31/layers?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:libs:1",
            Value::Null,
        ),
        (
            "GET",
            "/2018-10-31/layers?CompatibleRuntime=python3.12&CompatibleArchitecture=x86_64&MaxItems=3",
            Value::Null,
        ),
        ("GET", "/2018-10-31/layers/libs/versions?Marker=bGliczox", Value::Null),
        ("DELETE", "/2018-10-31/layers/gone/versions/1", Value::Null),
        (
            "POST",
            "/2018-10-31/layers/libs/versions/1/policy",
            json!({"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}),
        ),
        ("PUT", "/2015-03-31/functions/hello/configuration", update),
        (
            "PUT",
            "/2021-07-20/functions/hello/runtime-management-config",
            json!({"UpdateRuntimeOn": "Auto"}),
        ),
    ]
}

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
    let parts: Vec<_> = path.match_indices(['/', '=']).map(|(at, _)| at + 1).skip(3).collect();
    let Some(start) = parts.get(place % parts.len().max(1)).copied() else {
        return path.to_owned();
    };
    let end = path[start..].find(['/', '?', '&']).map_or(path.len(), |length| start + length);
    format!("{}{escaped}{}", &path[..start], &path[end..])
}

#[tokio::test]
async fn noise_harms_nothing() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    platform.update_code("hello", json!({"ZipFile": code("two")})).await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    platform.call("POST", "/2015-03-31/functions/hello/aliases", alias).await;

    let config =
        Config { rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let noise = (wrong(), 0_usize..12, "\\PC{1,12}", any::<bool>());
    let mut answered = [0; 6];
    for (method, path, body) in requests() {
        for _ in 0..ROUNDS {
            let (value, place, text, in_path) = noise.new_tree(&mut runner).unwrap().current();
            let mut body = body.clone();
            let mut path = path.to_owned();
            if in_path || body.is_null() {
                path = change_path(&path, place, &text);
            } else {
                replace(&mut body, &mut place.clone(), &value);
            }
            // Whatever is no longer an operation's path is the edge's.
            let request = http::Request::builder().method(method).uri(&path).body(()).unwrap();
            if wire::route(&api::lambda::SPEC, &request.into_parts().0).is_none() {
                continue;
            }
            let answer = platform.call(method, &path, body.clone()).await;
            assert!(answer.status < 500, "{method} {path} {body}: {}", answer.show());
            answered[usize::from(answer.status / 100)] += 1;
        }
    }
    assert!(answered[2] > 100 && answered[4] > 300, "{answered:?}");

    platform.settled("hello").await;
    let before = platform.get("/hello").await.json()["Configuration"].clone();
    let platform = platform.restart().await;
    assert_eq!(platform.get("/hello").await.json()["Configuration"], before);
    assert_eq!(platform.get("/hello/aliases/live").await.status, 200);
    platform.call("DELETE", "/2017-10-31/functions/hello/concurrency", Value::Null).await;
    assert_eq!(platform.invoke("hello:2", "{}").await.json()["code"], "two");
}
