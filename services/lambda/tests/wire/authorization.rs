// SPDX-License-Identifier: Apache-2.0
//! What the operations ask the caller's authority for, and whom the policies of functions let in.

use crate::platform::{Answer, FUNCTIONS, Platform, code, context};
use policy::{FactList, Principal};
use serde_json::json;
use std::sync::{Arc, Mutex};
use wire::{Access, Authority, Authorize, Context};

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";

/// Allows what it is asked, and remembers it.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

impl Authorize for Asked {
    fn authorize(&self, _: &Context, action: &str, access: &Access) -> Result<(), String> {
        let facts = access.facts.iter().map(|(key, values)| format!(" {key}={}", values.join(",")));
        let facts: String = facts.collect();
        self.0.lock().unwrap().push(format!("{action} {}{facts}", access.resource));
        Ok(())
    }
}

/// Sends the request as a user of `account`, and says what was asked.
async fn asked(
    platform: &Platform,
    account: &str,
    method: &str,
    path: &str,
    body: serde_json::Value,
) -> (Answer, Vec<String>) {
    let asked = Arc::new(Asked::default());
    let authority = Authority::Limited(Arc::clone(&asked) as _);
    let cx = Context { account: account.parse().unwrap(), authority, ..context() };
    let headers = [("content-type", "application/json")];
    let answer = platform.send_as(&cx, method, path, &headers, body.to_string()).await;
    let asked = asked.0.lock().unwrap().clone();
    (answer, asked)
}

const ROLE: &str = "arn:aws:iam::000000000000:role/r";
const LAYER: &str = "arn:aws:lambda:us-east-1:000000000000:layer:l:1";

/// A request, and what it must ask: `ARN`, `ROLE` and `LAYER` stand for these, `FN` for where functions are.
type Row = (&'static str, &'static str, serde_json::Value, &'static [&'static str]);

async fn check(rows: Vec<Row>) {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let filled =
        |text: &str| text.replace("ARN", ARN).replace("ROLE", ROLE).replace("LAYER", LAYER);
    for (method, path, body, expected) in rows {
        let path = filled(path).replace("FN", FUNCTIONS);
        let (_, asked) = asked(&platform, "000000000000", method, &path, body).await;
        let expected: Vec<String> = expected.iter().map(|text| filled(text)).collect();
        assert_eq!(asked, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn operations_ask_for_what_awss_reference_lists() {
    let mapping = json!({"FunctionName": "hello:live", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"});
    let permission = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
    check(vec![
        ("GET", "FN", json!({}), &["lambda:ListFunctions *"]),
        ("GET", "FN/hello", json!({}), &["lambda:GetFunction ARN"]),
        (
            "POST",
            "FN/hello/invocations?Qualifier=live",
            json!({}),
            &["lambda:InvokeFunction ARN:live"],
        ),
        ("POST", "FN/hello:7/invocations", json!({}), &["lambda:InvokeFunction ARN:7"]),
        (
            "POST",
            "/2021-11-15/functions/hello/response-streaming-invocations",
            json!({}),
            &["lambda:InvokeFunction ARN"],
        ),
        (
            "POST",
            "/2015-03-31/event-source-mappings",
            mapping,
            &["lambda:CreateEventSourceMapping * lambda:FunctionArn=ARN:live"],
        ),
        (
            "POST",
            "FN/hello/policy",
            permission,
            &["lambda:AddPermission ARN lambda:Principal=s3.amazonaws.com"],
        ),
        (
            "POST",
            "/2017-03-31/tags/ARN",
            json!({"Tags": {"a": "b"}}),
            &["lambda:TagResource ARN aws:TagKeys=a aws:RequestTag/a=b"],
        ),
        ("GET", "/2018-10-31/layers/l/versions/1", json!({}), &["lambda:GetLayerVersion LAYER"]),
        (
            "GET",
            "/2018-10-31/layers?find=LayerVersion&Arn=LAYER",
            json!({}),
            &["lambda:GetLayerVersion LAYER"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn who_gives_a_function_a_role_asks_to_pass_it() {
    let new = json!({
        "FunctionName": "new", "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
        "Code": {"ZipFile": code("one")}, "Tags": {"team": "red"}, "Layers": [LAYER],
    });
    check(vec![
        (
            "POST",
            "FN",
            new,
            &[
                "lambda:CreateFunction arn:aws:lambda:us-east-1:000000000000:function:new lambda:Layer=LAYER aws:TagKeys=team aws:RequestTag/team=red",
                "lambda:TagResource arn:aws:lambda:us-east-1:000000000000:function:new lambda:Layer=LAYER aws:TagKeys=team aws:RequestTag/team=red",
                "lambda:GetLayerVersion LAYER",
                "iam:PassRole ROLE iam:PassedToService=lambda.amazonaws.com",
            ],
        ),
        (
            "PUT",
            "FN/hello/configuration",
            json!({"Role": ROLE}),
            &[
                "lambda:UpdateFunctionConfiguration ARN",
                "iam:PassRole ROLE iam:PassedToService=lambda.amazonaws.com",
            ],
        ),
        ("PUT", "FN/hello/configuration", json!({"Timeout": 9}), &["lambda:UpdateFunctionConfiguration ARN"]),
    ])
    .await;
}

#[tokio::test]
async fn who_is_let_in_reaches_a_function_of_another_account() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let invoke = format!("{FUNCTIONS}/{ARN}/invocations");
    let (answer, asked) = asked(&platform, "111122223333", "POST", &invoke, json!({})).await;
    assert_eq!((answer.status, asked), (200, vec![format!("lambda:InvokeFunction {ARN}")]));
    // Nobody asks about root, so nobody has let it in.
    let root = Context { account: "111122223333".parse().unwrap(), ..context() };
    let answer = platform.send_as(&root, "POST", &invoke, &[], "{}").await;
    assert!(answer.error().contains("because no resource-based policy allows"), "{answer:?}");
}

#[tokio::test]
async fn a_functions_policy_lets_services_in() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let policy = format!("{FUNCTIONS}/hello/policy");
    for statement in [
        json!({"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "000000000000"}),
        json!({"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}),
        json!({"StatementId": "via", "Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": true}),
    ] {
        assert_eq!(platform.call("POST", &policy, statement).await.status, 201);
    }
    let s3 = Principal::Service("s3.amazonaws.com");
    let from = |bucket| -> FactList {
        [("aws:SourceArn", bucket), ("aws:SourceAccount", "000000000000")].into_iter().collect()
    };
    let none: FactList = [("lambda:FunctionUrlAuthType", "NONE")].into_iter().collect();
    let via: FactList = [("lambda:InvokedViaFunctionUrl", "true")].into_iter().collect();
    let nobody = Principal::Anonymous;
    let (invoke, url) = ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl");
    for (principal, arn, action, facts, is_allowed) in [
        (s3, ARN, invoke, from("arn:aws:s3:::bucket"), true),
        (s3, ARN, invoke, from("arn:aws:s3:::other"), false),
        (s3, ARN, invoke, FactList::default(), false),
        (s3, ARN, "lambda:GetFunction", from("arn:aws:s3:::bucket"), false),
        (s3, &format!("{ARN}:live"), invoke, from("arn:aws:s3:::bucket"), false),
        (Principal::Service("sns.amazonaws.com"), ARN, invoke, from("arn:aws:s3:::bucket"), false),
        (nobody, ARN, url, none.clone(), true),
        (nobody, ARN, invoke, none, false),
        (nobody, ARN, invoke, via, true),
    ] {
        let allowed = platform.lambda.allows(arn, principal, action, &facts);
        assert_eq!(allowed, is_allowed, "{principal:?} {action} {facts:?}");
    }
    let deny = json!({"Policy": json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "lambda:*"}}).to_string()});
    let put = format!("/2026-07-09/resource-policy/{ARN}");
    assert_eq!(platform.call("PUT", &put, deny).await.status, 200);
    assert!(!platform.lambda.allows(ARN, s3, invoke, &from("arn:aws:s3:::bucket")));
}
