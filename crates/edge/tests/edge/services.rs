// SPDX-License-Identifier: Apache-2.0
//! Which service and operation answers.

use crate::fixture::{INVOKE, Sent, Server};
use expect_test::expect;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_signed_request_reaches_its_operation() {
    let server = Server::start();
    let response = server.send(&Sent::signed("POST", INVOKE, "{}")).await;
    assert_eq!((response.status, response.body.as_str()), (200, "{}"));
    assert_eq!(response.header("x-amzn-requestid").unwrap().len(), 36);
    assert_eq!(
        server.calls(),
        [
            "Invoke RestJson [FunctionName=hello] arn:aws:iam::000000000000:root 000000000000 eu-west-1 http 2 bytes"
        ]
    );
}

#[tokio::test]
async fn labels_are_decoded_and_slashes_stay_in_them() {
    let server = Server::start();
    let path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations";
    assert_eq!(server.send(&Sent::signed("POST", path, "")).await.status, 200);
    assert!(
        server.calls()[0]
            .contains("[FunctionName=arn:aws:lambda:us-east-1:000000000000:function:f]")
    );
}

#[tokio::test]
async fn forms_and_targets_find_their_services() {
    let server = Server::start();
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let query = Sent::unsigned("POST", "/", form).header("content-type", FORM).sign("sts");
    assert_eq!(server.send(&query).await.status, 200);
    let json = Sent::unsigned("POST", "/", "{}")
        .header("x-amz-target", "Logs_20140328.PutLogEvents")
        .sign("logs");
    assert_eq!(server.send(&json).await.status, 200);
    assert!(server.calls()[0].starts_with("- Query [] "));
    assert!(server.calls()[1].starts_with("PutLogEvents Json11 [] "));
}

#[tokio::test]
async fn the_regions_of_scopes_must_be_regions() {
    let server = Server::start();
    let mut request = Sent::unsigned("POST", INVOKE, "");
    let payload = sigv4::PayloadHash::of(b"");
    let (credentials, now) = (sigv4::Credentials::new("test"), crate::fixture::now(0));
    sigv4::sign(&mut request.head, payload, "test", &credentials, "Mars", "lambda", now);
    expect![[
        r#"403 InvalidSignatureException {"message":"Credential should be scoped to a valid region."}"#
    ]]
    .assert_eq(&server.send(&request).await.summary());
}

#[tokio::test]
async fn what_is_not_there_says_so_in_the_callers_protocol() {
    let server = Server::start();
    // An API that shares Lambda's signing name and host.
    let sibling = server.send(&Sent::signed("PUT", "/2025-03-07/web-functions", "")).await;
    expect![[r#"404 UnknownOperationException {"message":""}"#]].assert_eq(&sibling.summary());

    let absent = server.send(&Sent::unsigned("GET", "/bucket", "").sign("s3")).await;
    expect![[
        r#"404 UnknownOperationException {"message":"The service s3 is not available in this build of Tinderbox"}"#
    ]]
    .assert_eq(&absent.summary());

    let json = Sent::unsigned("POST", "/", "{}")
        .header("x-amz-target", "Logs_20140328.Other")
        .sign("logs");
    let response = server.send(&json).await;
    expect![[r#"404 - {"__type":"UnknownOperationException","message":""}"#]]
        .assert_eq(&response.summary());
    assert_eq!(response.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(server.calls(), [""; 0]);
}

#[tokio::test]
async fn a_panic_ends_one_call() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.write(&Sent::signed("POST", "/panic", "").bytes()).await;
    expect![[r#"500 ServiceException {"Type":"Service","Message":"An internal error occurred."}"#]]
        .assert_eq(&client.read().await.summary());

    client.write(&Sent::signed("POST", INVOKE, "{}").bytes()).await;
    assert_eq!(client.read().await.status, 200);
}
