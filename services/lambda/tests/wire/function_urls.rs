// SPDX-License-Identifier: Apache-2.0
//! Function URLs as records, in the words of recordings of 2023-11.

use crate::platform::Platform;
use expect_test::expect;
use serde_json::{Value, json};

const URL: &str = "/2021-10-31/functions/hello/url";

#[tokio::test]
async fn a_url_is_created_read_changed_and_deleted() {
    let platform = Platform::new().await;
    platform.create_with("hello", json!({"Publish": true})).await;
    platform.settled("hello").await;
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    platform.call("POST", "/2015-03-31/functions/hello/aliases", alias).await;

    let created = platform.call("POST", URL, json!({"AuthType": "NONE"})).await;
    assert_eq!(created.status, 201);
    let mut created = created.json();
    let url = created["FunctionUrl"].take();
    assert!(url.as_str().unwrap().ends_with(".lambda-url.us-east-1.localhost:4566/"), "{url}");
    assert_eq!(
        created,
        json!({"AuthType": "NONE", "CreationTime": "2026-11-23T04:00:00.000000Z", "FunctionUrl": null,
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:hello"})
    );
    let cors = json!({"AllowOrigins": ["*"], "MaxAge": 5});
    let of_alias = json!({"AuthType": "AWS_IAM", "Cors": cors, "InvokeMode": "RESPONSE_STREAM"});
    platform.call("POST", &format!("{URL}?Qualifier=live"), of_alias).await;

    let platform = platform.restart().await;
    let got = platform.call("GET", URL, Value::Null).await.json();
    assert_eq!((&got["FunctionUrl"], &got["InvokeMode"]), (&url, &json!("BUFFERED")));
    let mut updated =
        platform.call("PUT", URL, json!({"Cors": {"AllowMethods": ["GET"]}})).await.json();
    assert_eq!(updated.get("InvokeMode"), None, "only if it was asked for");
    updated["InvokeMode"] = json!("BUFFERED");
    assert_eq!(
        (&updated["AuthType"], &updated["Cors"]),
        (&json!("NONE"), &json!({"AllowMethods": ["GET"]}))
    );
    let list = platform.call("GET", "/2021-10-31/functions/hello/urls", Value::Null).await.json();
    let list = list["FunctionUrlConfigs"].as_array().unwrap().clone();
    assert_eq!((list.len(), &list[0], &list[1]["Cors"]), (2, &updated, &cors));

    // It outlives its alias, and goes with the function.
    platform.call("DELETE", "/2015-03-31/functions/hello/aliases/live", Value::Null).await;
    assert_eq!(
        platform.call("GET", &format!("{URL}?Qualifier=live"), Value::Null).await.status,
        200
    );
    assert_eq!(platform.call("DELETE", URL, Value::Null).await.status, 204);
    expect!["404 ResourceNotFoundException: The resource you requested does not exist."]
        .assert_eq(&platform.call("DELETE", URL, Value::Null).await.error());
    platform.delete("hello").await;
    platform.create("hello").await;
    let list = platform.call("GET", "/2021-10-31/functions/hello/urls", Value::Null).await.json();
    assert_eq!(list, json!({"FunctionUrlConfigs": []}));
}

#[tokio::test]
async fn what_a_url_may_not_be() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let none = json!({"AuthType": "NONE"});
    platform.call("POST", URL, none.clone()).await;
    expect!["409 ResourceConflictException: Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:000000000000:function:hello]. Error message:  FunctionUrlConfig exists for this Lambda function"]
        .assert_eq(&platform.call("POST", URL, none.clone()).await.error());
    for path in
        ["/2021-10-31/functions/nobody/url", "/2021-10-31/functions/hello/url?Qualifier=gone"]
    {
        for method in ["POST", "PUT"] {
            assert_eq!(
                platform.call(method, path, none.clone()).await.error(),
                "404 ResourceNotFoundException: Function does not exist"
            );
        }
        assert_eq!(
            platform.call("GET", path, Value::Null).await.error(),
            "404 ResourceNotFoundException: The resource you requested does not exist."
        );
    }
    expect![[r"400 ValidationException: 1 validation error detected: Value '1' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"]]
        .assert_eq(&platform.call("POST", &format!("{URL}?Qualifier=1"), none).await.error());
    let cors = json!({"AuthType": "ALL", "Cors": {"AllowMethods": ["CONNECT"], "MaxAge": 86_401}});
    expect!["400 ValidationException: 3 validation errors detected: Value 'ALL' at 'authType' failed to satisfy constraint: Member must satisfy enum value set: [NONE, AWS_IAM]; Value '[CONNECT]' at 'cors.allowMethods' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: .*, Member must not be null]; Value '86401' at 'cors.maxAge' failed to satisfy constraint: Member must have value less than or equal to 86400"]
        .assert_eq(&platform.call("PUT", URL, cors).await.error());
}
