// SPDX-License-Identifier: Apache-2.0
//! Request bytes in, response bytes out.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use api::iam::RoleOperations;
use bytes::Bytes;
use edge::SessionTokens;
use expect_test::{Expect, expect};
use names::RequestId;
use secrets::KeyFile;
use std::sync::Arc;
use wire::{Caller, Context};

/// IAM of an account without roles.
struct NoRoles;

impl RoleOperations for NoRoles {}

async fn check(form: &'static str, expected: Expect) {
    let cx = Context {
        account: "000000000000".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        request_id: RequestId::parse("0a0b0c0d-0000-4000-8000-000000000001").unwrap(),
        trace: names::TraceHeader::start(0),
        caller: Caller {
            arn: "arn:aws:sts::000000000000:assumed-role/r/hello".to_owned(),
            user_id: "AROAEXAMPLE:hello".to_owned(),
            access_key_id: "ASIAEXAMPLE".to_owned(),
        },
        authority: wire::Authority::Full,
        endpoint: "http://127.0.0.1:4566".to_owned(),
    };
    let request = http::Request::builder().method("POST").uri("/");
    let (head, ()) = request.body(()).unwrap().into_parts();
    let tokens = SessionTokens::new(KeyFile::ephemeral().sealer("session tokens"));
    let endpoint = sts::Service::new(NoRoles, Arc::new(tokens)).endpoint();
    let route = wire::route(endpoint.spec(), &head).unwrap();
    let request = http::Request::from_parts(head.clone(), Bytes::from_static(form.as_bytes()));
    let response = endpoint.call(&cx, route, request).await;
    let body = String::from_utf8(response.body().whole().unwrap().to_vec()).unwrap();
    expected.assert_eq(&format!("{}\n{}", response.status(), body.replace("><", ">\n<")));
}

#[tokio::test]
async fn a_caller_is_told_who_signed() {
    check(
        "Action=GetCallerIdentity&Version=2011-06-15",
        expect![[r#"
            200 OK
            <GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <GetCallerIdentityResult>
            <UserId>AROAEXAMPLE:hello</UserId>
            <Account>000000000000</Account>
            <Arn>arn:aws:sts::000000000000:assumed-role/r/hello</Arn>
            </GetCallerIdentityResult>
            <ResponseMetadata>
            <RequestId>0a0b0c0d-0000-4000-8000-000000000001</RequestId>
            </ResponseMetadata>
            </GetCallerIdentityResponse>"#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_built_is_not_done_in_silence() {
    check(
        "Action=GetFederationToken&Version=2011-06-15",
        expect![[r#"
        501 Not Implemented
        <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <Error>
        <Type>Receiver</Type>
        <Code>NotImplementedException</Code>
        <Message>GetFederationToken is not available in this build of Tinderbox</Message>
        </Error>
        <RequestId>0a0b0c0d-0000-4000-8000-000000000001</RequestId>
        </ErrorResponse>"#]],
    )
    .await;
    check(
        "Action=Other&Version=2011-06-15",
        expect![[r#"
        400 Bad Request
        <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <Error>
        <Type>Sender</Type>
        <Code>InvalidAction</Code>
        <Message>Could not find operation Other for version 2011-06-15</Message>
        </Error>
        <RequestId>0a0b0c0d-0000-4000-8000-000000000001</RequestId>
        </ErrorResponse>"#]],
    )
    .await;
}
