// SPDX-License-Identifier: Apache-2.0
//! Who is let in, and what the others are told.

use crate::fixture::{CREATE, INVOKE, Sent, Server};
use expect_test::{Expect, expect};
use sigv4::Credentials;

const MISMATCH: &str = "403 InvalidSignatureException {\"message\":\"The request signature we calculated does not match \
                        the signature you provided. Check your AWS Secret Access Key and signing method. Consult the \
                        service documentation for details.\"}";

async fn check(request: &Sent, expected: Expect) {
    let server = Server::start();
    expected.assert_eq(&server.send(request).await.summary());
    assert_eq!(server.calls(), [""; 0], "nothing reached the endpoint");
}

async fn check_mismatch(request: &Sent) {
    let server = Server::start();
    assert_eq!(server.send(request).await.summary(), MISMATCH);
    assert_eq!(server.calls(), [""; 0], "nothing reached the endpoint");
}

#[tokio::test]
async fn unsigned_requests_are_refused_in_their_protocol() {
    check(
        &Sent::unsigned("POST", INVOKE, "{}"),
        expect![[
            r#"403 MissingAuthenticationTokenException {"message":"Missing Authentication Token"}"#
        ]],
    )
    .await;
    let json =
        Sent::unsigned("POST", "/", "{}").header("x-amz-target", "Logs_20140328.PutLogEvents");
    check(&json, expect![[r#"403 - {"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#]]).await;
    let form = Sent::unsigned("POST", "/", "Action=GetCallerIdentity")
        .header("content-type", "application/x-www-form-urlencoded");
    let response = Server::start().send(&form).await;
    assert_eq!(response.status, 403);
    assert!(response.body.contains("<Code>MissingAuthenticationToken</Code>"), "{}", response.body);
    assert_eq!(response.header("content-type"), Some("text/xml"));
}

#[tokio::test]
async fn unknown_keys_and_half_signatures_are_refused() {
    let other = Sent::unsigned("POST", INVOKE, "{}").sign_as(
        "AKIAOTHER",
        &Credentials::new("test"),
        "lambda",
        0,
    );
    check(&other, expect![[r#"403 UnrecognizedClientException {"message":"The security token included in the request is invalid."}"#]]).await;
    let half =
        Sent::unsigned("POST", INVOKE, "").header("authorization", "AWS4-HMAC-SHA256 Signature=00");
    let response = Server::start().send(&half).await;
    assert_eq!(
        (response.status, response.header("x-amzn-errortype")),
        (400, Some("IncompleteSignatureException"))
    );
}

#[tokio::test]
async fn what_was_changed_after_signing_is_refused() {
    let wrong_secret = Sent::unsigned("POST", INVOKE, "{}").sign_as(
        "test",
        &Credentials::new("tset"),
        "lambda",
        0,
    );
    check_mismatch(&wrong_secret).await;

    let mut other_body = Sent::signed("POST", INVOKE, "{}");
    other_body.body = "[]".into();
    check_mismatch(&other_body).await;

    let mut other_path = Sent::signed("POST", INVOKE, "{}");
    other_path.head.uri = CREATE.parse().unwrap();
    check_mismatch(&other_path).await;
}

#[tokio::test]
async fn a_stated_hash_must_be_that_of_the_body() {
    let of_braces = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let mut request = Sent::unsigned("POST", INVOKE, "{}")
        .header("x-amz-content-sha256", of_braces)
        .sign("lambda");
    assert_eq!(Server::start().send(&request).await.status, 200);
    request.body = "[]".into();
    check_mismatch(&request).await;
    check_mismatch(
        &Sent::signed("POST", INVOKE, "{}").header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    )
    .await;
}

#[tokio::test]
async fn clocks_that_are_off_are_told_by_how_much() {
    for (offset_s, phrase) in
        [(-1_000, "Signature expired: "), (1_000, "Signature not yet current: ")]
    {
        let server = Server::start();
        let request = Sent::unsigned("POST", INVOKE, "{}").sign_as(
            "test",
            &Credentials::new("test"),
            "lambda",
            offset_s,
        );
        let response = server.send(&request).await;
        assert_eq!(
            (response.status, response.header("x-amzn-errortype")),
            (403, Some("InvalidSignatureException"))
        );
        assert!(response.body.contains(phrase), "{}", response.body);
        assert_eq!(server.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn a_session_is_its_role_until_it_is_revoked() {
    let server = Server::start();
    let session = server.identity.issue_session(
        &"000000000000".parse().unwrap(),
        "arn:aws:iam::000000000000:role/path/r",
        "hello",
        i64::MAX,
    );
    let secret = session.secret_access_key.as_str();
    let credentials = Credentials::new(secret).with_session_token(session.session_token.as_str());
    let request = Sent::unsigned("POST", INVOKE, "{}").sign_as(
        &session.access_key_id,
        &credentials,
        "lambda",
        0,
    );
    assert_eq!(server.send(&request).await.status, 200);
    assert!(
        server.calls()[0].contains(" arn:aws:sts::000000000000:assumed-role/r/hello 000000000000 ")
    );

    let invalid = "403 UnrecognizedClientException {\"message\":\"The security token included in the request is invalid.\"}";
    let tokenless = Credentials::new(secret);
    let without = Sent::unsigned("POST", INVOKE, "{}").sign_as(
        &session.access_key_id,
        &tokenless,
        "lambda",
        0,
    );
    assert_eq!(server.send(&without).await.summary(), invalid);

    server.identity.revoke(&session.access_key_id);
    assert_eq!(server.send(&request).await.summary(), invalid);
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_revoked_expires() {
    let server = Server::start();
    let session = server.identity.issue_session(
        &"000000000000".parse().unwrap(),
        "arn:aws:iam::000000000000:role/r",
        "hello",
        1,
    );
    let credentials = Credentials::new(session.secret_access_key.as_str())
        .with_session_token(session.session_token.as_str());
    let request = Sent::unsigned("POST", INVOKE, "{}").sign_as(
        &session.access_key_id,
        &credentials,
        "lambda",
        0,
    );
    expect_test::expect![[r#"403 ExpiredTokenException {"message":"The security token included in the request is expired"}"#]]
        .assert_eq(&server.send(&request).await.summary());
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn the_key_of_links_calls_nothing() {
    let server = Server::start();
    let region = "us-east-1".parse().unwrap();
    let uri = server.identity.link("http://127.0.0.1:4566", INVOKE, &region, 60).unwrap();
    let path = uri.strip_prefix("http://127.0.0.1:4566").unwrap();
    let response = server.send(&Sent::unsigned("GET", path, "")).await;
    assert_eq!(
        (response.status, response.header("x-amzn-errortype")),
        (403, Some("UnrecognizedClientException"))
    );
}

#[tokio::test]
async fn presigned_calls_are_calls() {
    let server = Server::start();
    let link = sigv4::Presign {
        endpoint: "http://127.0.0.1:4566",
        path: "/",
        region: "us-east-1",
        service: "sts",
        now: crate::fixture::now(0),
        expires_s: 60,
    };
    let url = sigv4::presign(&link, "test", &Credentials::new("test")).unwrap();
    let path = url.strip_prefix("http://127.0.0.1:4566").unwrap();
    let changed = format!("{path}&Action=GetCallerIdentity");
    assert_eq!(server.send(&Sent::unsigned("GET", &changed, "")).await.status, 403);
    assert_eq!(server.calls(), [""; 0]);
}
