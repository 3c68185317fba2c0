// SPDX-License-Identifier: Apache-2.0
//! Resource policies.

use crate::Service;
use serde_json::{Value, json};

const DOCUMENT: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"}]}"#;

fn put(name: &str) -> Value {
    json!({"policyName": name, "policyDocument": DOCUMENT})
}

fn names(answer: &Value) -> Vec<&str> {
    let policies = answer["resourcePolicies"].as_array().unwrap();
    policies.iter().map(|policy| policy["policyName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn policies_come_are_listed_and_go() {
    let service = Service::new().await;
    for name in ["b", "a", "c/d"] {
        let answer = service.ok("PutResourcePolicy", put(name)).await;
        assert_eq!(answer["resourcePolicy"]["policyDocument"], DOCUMENT);
        assert_eq!(answer["resourcePolicy"]["policyScope"], "ACCOUNT");
    }
    let service = service.reopened().await;
    let page = service.ok("DescribeResourcePolicies", json!({"limit": 2})).await;
    assert_eq!(names(&page), ["a", "b"]);
    let next = json!({"limit": 2, "nextToken": page["nextToken"]});
    let page = service.ok("DescribeResourcePolicies", next).await;
    assert_eq!(names(&page), ["c/d"]);
    assert_eq!(page.get("nextToken"), None);
    service.ok("DeleteResourcePolicy", json!({"policyName": "c/d"})).await;
    let (code, _) = service.refused("DeleteResourcePolicy", json!({"policyName": "c/d"})).await;
    assert_eq!(code, "ResourceNotFoundException");
    let all = service.ok("DescribeResourcePolicies", json!({})).await;
    assert_eq!(names(&all), ["a", "b"]);
    let scoped = json!({"policyScope": "RESOURCE"});
    assert!(names(&service.ok("DescribeResourcePolicies", scoped).await).is_empty());
}

#[tokio::test]
async fn ten_policies_are_enough() {
    let service = Service::new().await;
    for number in 0..10 {
        service.ok("PutResourcePolicy", put(&format!("p{number}"))).await;
    }
    service.ok("PutResourcePolicy", put("p3")).await;
    let (code, message) = service.refused("PutResourcePolicy", put("p10")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("LimitExceededException", "Resource limit exceeded.")
    );
}

#[tokio::test]
async fn what_is_no_policy_is_refused() {
    let service = Service::new().await;
    for bad in [
        json!({}),
        json!({"policyName": "p"}),
        json!({"policyDocument": DOCUMENT}),
        json!({"policyName": "", "policyDocument": DOCUMENT}),
        json!({"policyName": "x".repeat(513), "policyDocument": DOCUMENT}),
        json!({"policyName": "p", "policyDocument": ""}),
        json!({"policyName": "p", "policyDocument": "{"}),
        json!({"policyName": "p", "policyDocument": "{\"Statement\": []}x"}),
        json!({"policyName": "p", "policyDocument": r#"{"Statement":{"Effect":"Allow","Action":"logs:*","Resource":"*"}}"#}),
        json!({"policyName": "p", "policyDocument": DOCUMENT, "resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:g"}),
        json!({"policyName": "p", "policyDocument": " ".repeat(51_201)}),
    ] {
        let (code, _) = service.refused("PutResourcePolicy", bad.clone()).await;
        assert_eq!(code, "InvalidParameterException", "{bad}");
    }
}
