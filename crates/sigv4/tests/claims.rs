// SPDX-License-Identifier: Apache-2.0
//! Claims that are not whole, not now, or not theirs; and any request signed and verified.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use expect_test::{Expect, expect};
use http::request::Parts;
use proptest::prelude::*;
use sigv4::{Claim, Credentials, Instant, PayloadHash, SignatureError, sign};

const KEY: &str = "AKIDEXAMPLE";
const SIGNED_AT_S: i64 = 1_795_406_040;

fn now(offset_s: i64) -> Instant {
    Instant::from_unix_s(SIGNED_AT_S + offset_s).unwrap()
}

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn signed(credentials: &Credentials) -> Parts {
    let mut head = head("GET", "/", &[("host", "h")]);
    sign(&mut head, PayloadHash::of(b""), KEY, credentials, "us-east-1", "lambda", now(0));
    head
}

fn check_parse(uri: &str, headers: &[(&str, &str)], expected: Expect) {
    let head = head("GET", uri, headers);
    let error = Claim::parse(&head).unwrap_err();
    expected.assert_eq(&format!("{} {}: {error}", error.code(), error.status()));
}

#[test]
fn a_request_without_a_signature_says_so() {
    check_parse(
        "/",
        &[],
        expect!["MissingAuthenticationTokenException 403: Missing Authentication Token"],
    );
    check_parse(
        "/?X-Amz-Date=x",
        &[],
        expect!["MissingAuthenticationTokenException 403: Missing Authentication Token"],
    );
}

#[test]
fn each_absent_part_is_named() {
    check_parse(
        "/",
        &[("authorization", "AWS4-HMAC-SHA256")],
        expect![
            "IncompleteSignatureException 400: Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        ],
    );
    check_parse(
        "/",
        &[("authorization", "AWS4-HMAC-SHA256 Credential=a, Signature=b,SignedHeaders")],
        expect![
            "IncompleteSignatureException 400: An element of the Authorization header is not a valid key=value pair (missing equal-sign)."
        ],
    );
    check_parse(
        "/",
        &[("authorization", "Bearer abc")],
        expect!["IncompleteSignatureException 400: Unsupported AWS 'algorithm': 'Bearer'."],
    );
    check_parse(
        "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=9&X-Amz-Expires=9",
        &[],
        expect![
            "IncompleteSignatureException 400: AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. AWS query-string parameters must include 'X-Amz-Expires'."
        ],
    );
}

fn check_credential(credential: &str, signed_headers: &str, date: &str, expected: Expect) {
    let signature = "0".repeat(64);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"
    );
    check_parse("/", &[("authorization", &authorization), ("x-amz-date", date)], expected);
}

#[test]
fn a_scope_must_fit() {
    let date = "20261123T035400Z";
    check_credential(
        "k/20261123/us-east-1/lambda",
        "host",
        date,
        expect![
            "IncompleteSignatureException 400: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'k/20261123/us-east-1/lambda'"
        ],
    );
    check_credential(
        "k/20261123/us-east-1/lambda/x/aws4_request",
        "host",
        date,
        expect![
            "IncompleteSignatureException 400: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'k/20261123/us-east-1/lambda/x/aws4_request'"
        ],
    );
    check_credential(
        "k/20261123/us-east-1/lambda/aws5_request",
        "host",
        date,
        expect![
            "InvalidSignatureException 403: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."
        ],
    );
    check_credential(
        "k/20261122/us-east-1/lambda/aws4_request",
        "host",
        date,
        expect![
            "InvalidSignatureException 403: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261122' != '20261123', from '20261123T035400Z'."
        ],
    );
    check_credential(
        "k/20261123/us-east-1/lambda/aws4_request",
        "x-amz-date",
        date,
        expect![
            "InvalidSignatureException 403: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        ],
    );
    check_credential(
        "k/20261123/us-east-1/lambda/aws4_request",
        "host",
        "today",
        expect![
            "IncompleteSignatureException 400: Date must be in ISO-8601 'basic format'. Got 'today'. See http://en.wikipedia.org/wiki/ISO_8601"
        ],
    );
}

#[test]
fn presigned_requests_last_a_week_at_most() {
    for expires in ["0", "604801", "-1", "x", ""] {
        let uri = format!(
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k/20261123/r/s/aws4_request&X-Amz-Signature={}\
             &X-Amz-SignedHeaders=host&X-Amz-Date=20261123T035400Z&X-Amz-Expires={expires}",
            "0".repeat(64)
        );
        check_parse(
            &uri,
            &[],
            expect![
                "IncompleteSignatureException 400: X-Amz-Expires must be a number of seconds from 1 to 604800."
            ],
        );
    }
}

#[test]
fn clocks_may_differ_by_a_quarter_of_an_hour() {
    let credentials = Credentials::new("secret");
    let head = signed(&credentials);
    let claim = Claim::parse(&head).unwrap();
    assert_eq!(claim.check_head(&credentials, now(900)), Ok(()));
    assert_eq!(claim.check_head(&credentials, now(-900)), Ok(()));

    let late = claim.check_head(&credentials, now(901)).unwrap_err();
    expect!["Signature expired: 20261123T035400Z is now earlier than 20261123T035401Z (20261123T040901Z - 15 min.)"]
        .assert_eq(&late.to_string());
    let early = claim.check_head(&credentials, now(-901)).unwrap_err();
    expect!["Signature not yet current: 20261123T035400Z is still later than 20261123T035359Z (20261123T033859Z + 15 min.)"]
        .assert_eq(&early.to_string());
    assert_eq!((early.code(), early.status()), ("InvalidSignatureException", 403));
}

#[test]
fn a_date_header_stands_in_for_x_amz_date() {
    let credentials = Credentials::new("secret");
    let mut head = signed(&credentials);
    head.headers.remove("x-amz-date");
    head.headers.insert("date", "Mon, 23 Nov 2026 03:54:00 GMT".parse().unwrap());
    let claim = Claim::parse(&head).unwrap();
    assert_eq!(claim.check_head(&credentials, now(900)), Ok(()));
    assert!(claim.check_head(&credentials, now(901)).is_err());
}

#[test]
fn the_token_must_be_the_sessions() {
    let session = || Credentials::new("secret").with_session_token("token");
    let check = |signer: &Credentials, owner: &Credentials| {
        let head = signed(signer);
        let claim = Claim::parse(&head)?;
        claim.check_head(owner, now(0))?;
        claim.check_signature(&head, owner, PayloadHash::of(b""))
    };
    assert_eq!(check(&session(), &session()), Ok(()));
    assert_eq!(check(&Credentials::new("secret"), &session()), Err(SignatureError::UnknownKey));
    let other = Credentials::new("secret").with_session_token("Token");
    assert_eq!(check(&other, &session()), Err(SignatureError::UnknownKey));
    // A placeholder beside a permanent key is not looked at.
    assert_eq!(check(&session(), &Credentials::new("secret")), Ok(()));
    assert_eq!(
        check(&Credentials::new("wrong"), &Credentials::new("secret")),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn a_stated_hash_is_known_before_the_body() {
    let hash = PayloadHash::of(b"body");
    let credentials = Credentials::new("secret");
    let hex = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5";
    let mut stated = head("POST", "/", &[("host", "h"), ("x-amz-content-sha256", hex)]);
    sign(&mut stated, hash, KEY, &credentials, "us-east-1", "lambda", now(0));
    let claim = Claim::parse(&stated).unwrap();
    assert_eq!(claim.payload(), Some(hash));
    assert_eq!(claim.check_signature(&stated, &credentials, hash), Ok(()));

    for value in ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ""] {
        stated.headers.insert("x-amz-content-sha256", value.parse().unwrap());
        assert_eq!(Claim::parse(&stated).unwrap_err(), SignatureError::Mismatch, "{value}");
    }
}

#[test]
fn a_signed_header_that_is_absent_is_a_mismatch() {
    let credentials = Credentials::new("secret");
    let mut head = signed(&credentials);
    head.headers.remove("host");
    let claim = Claim::parse(&head).unwrap();
    assert_eq!(
        claim.check_signature(&head, &credentials, PayloadHash::of(b"")),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn nothing_secret_is_printed() {
    let credentials = Credentials::new("hush").with_session_token("quiet");
    let head = signed(&credentials);
    let text = format!("{credentials:?} {:?}", Claim::parse(&head).unwrap());
    assert!(
        !text.contains("hush") && !text.contains("quiet") && !text.contains("signature"),
        "{text}"
    );
}

#[test]
fn more_scopes_than_are_kept_are_still_verified() {
    let credentials = Credentials::new("secret");
    for round in 0..3 {
        for region in 0..40 {
            let mut head = head("GET", "/", &[("host", "h")]);
            let signer = Credentials::new("secret");
            sign(
                &mut head,
                PayloadHash::of(b""),
                KEY,
                &signer,
                &format!("region-{region}"),
                "lambda",
                now(0),
            );
            let claim = Claim::parse(&head).unwrap();
            let checked = claim.check_signature(&head, &credentials, PayloadHash::of(b""));
            assert_eq!(checked, Ok(()), "{round} {region}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(
        path in "(/[a-zA-Z0-9._~$:%20-]{0,8}){1,4}",
        query in prop::option::of("[a-zA-Z0-9=&%41+._~:/-]{0,30}"),
        header in "[ -~]{0,20}",
        body in prop::collection::vec(any::<u8>(), 0..50),
        secret in "[ -~]{1,40}",
    ) {
        let uri = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        prop_assume!(uri.parse::<http::Uri>().is_ok());
        let credentials = Credentials::new(secret.as_str());
        let mut head = head("PUT", &uri, &[("host", "h"), ("x-amz-meta", header.as_str())]);
        sign(&mut head, PayloadHash::of(&body), KEY, &credentials, "eu-west-3", "lambda", now(0));

        let claim = Claim::parse(&head).unwrap();
        prop_assert_eq!(claim.access_key_id(), KEY);
        prop_assert_eq!((claim.scope().region, claim.scope().service), ("eu-west-3", "lambda"));
        prop_assert_eq!(claim.check_signature(&head, &credentials, PayloadHash::of(&body)), Ok(()));

        let other = Credentials::new(format!("{secret}x"));
        let wrong = Err(SignatureError::Mismatch);
        prop_assert_eq!(&claim.check_signature(&head, &other, PayloadHash::of(&body)), &wrong);
        let mut changed = body;
        changed.push(0);
        prop_assert_eq!(claim.check_signature(&head, &credentials, PayloadHash::of(&changed)), wrong);
    }

    #[test]
    fn no_authorization_header_panics(text in "[ -~]{0,80}", date in "[ -~]{0,20}") {
        for authorization in [text.clone(), format!("AWS4-HMAC-SHA256 {text}")] {
            let head = head("GET", "/", &[("authorization", &authorization), ("x-amz-date", &date)]);
            prop_assert!(Claim::parse(&head).is_err());
        }
    }

    #[test]
    fn no_query_panics(text in "[a-zA-Z0-9=&%/;-]{0,80}") {
        let uri = format!("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&{text}");
        if uri.parse::<http::Uri>().is_ok() {
            prop_assert!(Claim::parse(&head("GET", &uri, &[])).is_err());
        }
    }
}

/// What AWS reads in a head is signed, or the request is refused before its signature is looked at.
#[test]
fn headers_of_aws_must_be_signed() {
    let credentials = Credentials::new("secret");
    for (name, is_refused) in [
        ("x-amz-target", true),
        ("x-amz-invocation-type", true),
        ("X-Amz-Date", false),
        ("x-amz-security-token", false),
        ("x-amzn-trace-id", false),
        ("user-agent", false),
    ] {
        let mut head = signed(&credentials);
        head.headers
            .append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), "v".parse().unwrap());
        let parsed = Claim::parse(&head).map(drop);
        let expected = SignatureError::Scope(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        ));
        assert_eq!(parsed, if is_refused { Err(expected) } else { Ok(()) }, "{name}");
    }
    // A second date is not the one that was signed.
    let mut twice = signed(&credentials);
    twice.headers.append("x-amz-date", "20261123T035500Z".parse().unwrap());
    let claim = Claim::parse(&twice).unwrap();
    let error = claim.check_signature(&twice, &credentials, PayloadHash::of(b"")).unwrap_err();
    assert_eq!(error, SignatureError::Mismatch);
}

/// A request that was seen on its way is good for as long as a slow one would be, and its date can not be moved.
#[test]
fn a_replayed_request_grows_too_old() {
    let credentials = Credentials::new("secret");
    let head = signed(&credentials);
    let claim = Claim::parse(&head).unwrap();
    assert_eq!(claim.check_head(&credentials, now(900)), Ok(()));
    assert!(matches!(
        claim.check_head(&credentials, now(901)),
        Err(SignatureError::Expired { .. })
    ));
    assert!(matches!(
        claim.check_head(&credentials, now(-901)),
        Err(SignatureError::NotYetCurrent { .. })
    ));
    let mut moved = signed(&credentials);
    moved.headers.insert("x-amz-date", now(60).to_string().parse().unwrap());
    let claim = Claim::parse(&moved).unwrap();
    assert_eq!(claim.check_head(&credentials, now(901)), Ok(()));
    let error = claim.check_signature(&moved, &credentials, PayloadHash::of(b"")).unwrap_err();
    assert_eq!(error, SignatureError::Mismatch);
}
