// SPDX-License-Identifier: Apache-2.0
//! Signatures made by others: AWS's published get-vanilla family, and requests signed by botocore 1.44.5 on 2026-11-23.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use http::request::Parts;
use sigv4::{Claim, Credentials, Instant, PayloadHash, Presign, SignatureError, presign, sign};

const SIGNED_AT: &str = "20150830T123600Z";

struct Vector {
    name: &'static str,
    method: &'static str,
    uri: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signed_headers: &'static str,
    credential: &'static str,
    signature: &'static str,
}

const VECTORS: &[Vector] = &[
    Vector {
        name: "get-vanilla",
        method: "GET",
        uri: "/",
        headers: &[],
        body: "",
        signed_headers: "host;x-amz-date",
        credential: "AKIDEXAMPLE/20150830/us-east-1/service",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Vector {
        name: "post-vanilla",
        method: "POST",
        uri: "/",
        headers: &[],
        body: "",
        signed_headers: "host;x-amz-date",
        credential: "AKIDEXAMPLE/20150830/us-east-1/service",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    Vector {
        name: "get-vanilla-query-order-key-case",
        method: "GET",
        uri: "/?Param2=value2&Param1=value1",
        headers: &[],
        body: "",
        signed_headers: "host;x-amz-date",
        credential: "AKIDEXAMPLE/20150830/us-east-1/service",
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    },
    Vector {
        name: "a form",
        method: "POST",
        uri: "/",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: "Action=GetCallerIdentity&Version=2011-06-15",
        signed_headers: "content-type;host;x-amz-date",
        credential: "AKIDEXAMPLE/20150830/us-east-1/service",
        signature: "61477feca3c3820b795e3cc0fd7ebc3b9a8325e6bea93819cf04db99310d19e9",
    },
    Vector {
        name: "an ARN in the path",
        method: "POST",
        uri: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations\
              ?Qualifier=%24LATEST",
        headers: &[("x-amz-invocation-type", "RequestResponse")],
        body: "{\"a\": 1}",
        signed_headers: "host;x-amz-date;x-amz-invocation-type",
        credential: "AKIDEXAMPLE/20150830/us-east-1/lambda",
        signature: "e51e7486033be275c715b12c4287faadf85e5d91dfafddd10a1fa4436ac911eb",
    },
    Vector {
        name: "a relative path",
        method: "GET",
        uri: "/example1/./example2/..//",
        headers: &[],
        body: "",
        signed_headers: "host;x-amz-date",
        credential: "AKIDEXAMPLE/20150830/us-east-1/service",
        signature: "58983539c3bc0bbf22ff84d12a21eb98b76d996c35af6e0b7460149a098598a5",
    },
    Vector {
        name: "blanks in a header",
        method: "GET",
        uri: "/",
        headers: &[("my-header1", " value1  a   b ")],
        body: "",
        signed_headers: "host;my-header1;x-amz-date",
        credential: "AKIDEXAMPLE/20150830/us-east-1/service",
        signature: "f8abef309833a862aa415a3a36f92896dd1b70e10846f5761af0278c0a2ded4c",
    },
    Vector {
        name: "a session token",
        method: "GET",
        uri: "/2015-03-31/functions/",
        headers: &[("x-amz-security-token", "token+/=with:odd&bytes")],
        body: "",
        signed_headers: "host;x-amz-date;x-amz-security-token",
        credential: "ASIAEXAMPLE/20150830/us-east-1/lambda",
        signature: "ea0851ca749348c5f25c890f0dd5d76c2922e6393347b47ad301905a1595bd25",
    },
];

const PRESIGNED: &[(&str, &str)] = &[
    (
        "presigned",
        "/code/f?x=~%20a&b=&X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Flambda%2Faws4_request\
         &X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=c2a4a9a4b3ef2f56a3ad5fa2d159a8a6138e84eabd4968e59515a2399563446b",
    ),
    (
        "presigned with a token",
        "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=ASIAEXAMPLE%2F20150830%2Fus-east-1%2Fsts%2Faws4_request\
         &X-Amz-Date=20150830T123600Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host\
         &X-Amz-Security-Token=token%2B%2F%3Dwith%3Aodd%26bytes\
         &X-Amz-Signature=d1d5928d0e271009e255570218cb6cecb32933794d72b7f8d46b318d675ed1f2",
    ),
];

fn credentials_of(access_key_id: &str) -> Credentials {
    match access_key_id {
        "AKIDEXAMPLE" => Credentials::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        "ASIAEXAMPLE" => {
            Credentials::new("secret/of+a/session").with_session_token("token+/=with:odd&bytes")
        }
        other => panic!("no such key: {other}"),
    }
}

fn signed_at() -> Instant {
    Instant::parse(SIGNED_AT).unwrap()
}

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder =
        http::Request::builder().method(method).uri(uri).header("host", "example.amazonaws.com");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn signed_head(vector: &Vector, signature: &str) -> Parts {
    let mut head = head(vector.method, vector.uri, vector.headers);
    head.headers.insert("x-amz-date", SIGNED_AT.parse().unwrap());
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/aws4_request, SignedHeaders={}, Signature={signature}",
        vector.credential, vector.signed_headers
    );
    head.headers.insert("authorization", authorization.parse().unwrap());
    head
}

fn check(head: &Parts, body: &str) -> Result<(), SignatureError> {
    let claim = Claim::parse(head)?;
    let credentials = credentials_of(claim.access_key_id());
    claim.check_head(&credentials, signed_at())?;
    claim.check_signature(head, &credentials, PayloadHash::of(body.as_bytes()))
}

#[test]
fn signatures_of_others_are_verified() {
    for vector in VECTORS {
        assert_eq!(
            check(&signed_head(vector, vector.signature), vector.body),
            Ok(()),
            "{}",
            vector.name
        );
    }
    for (name, uri) in PRESIGNED {
        assert_eq!(check(&head("GET", uri, &[]), ""), Ok(()), "{name}");
    }
}

#[test]
fn any_change_is_noticed() {
    for vector in VECTORS {
        let mut signature = vector.signature.to_owned();
        let last = signature.pop().unwrap();
        signature.push(if last == '0' { '1' } else { '0' });
        let wrong = Err(SignatureError::Mismatch);
        assert_eq!(check(&signed_head(vector, &signature), vector.body), wrong, "{}", vector.name);
        assert_eq!(
            check(&signed_head(vector, vector.signature), "other"),
            wrong,
            "{}",
            vector.name
        );

        let mut head = signed_head(vector, vector.signature);
        head.headers.insert("host", "example.com".parse().unwrap());
        assert_eq!(check(&head, vector.body), wrong, "{}", vector.name);

        let mut head = signed_head(vector, vector.signature);
        head.uri = "/other".parse().unwrap();
        assert_eq!(check(&head, vector.body), wrong, "{}", vector.name);
    }
    for (name, uri) in PRESIGNED {
        let longer = uri.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601");
        assert_eq!(check(&head("GET", &longer, &[]), ""), Err(SignatureError::Mismatch), "{name}");
        assert_eq!(check(&head("DELETE", uri, &[]), ""), Err(SignatureError::Mismatch), "{name}");
    }
}

#[test]
fn what_we_sign_is_what_others_sign() {
    // We sign content-type, host and x-amz-*: the vector with a header of another name is not for us.
    for vector in VECTORS.iter().filter(|vector| !vector.signed_headers.contains("my-header1")) {
        let (access_key_id, service) = (
            vector.credential.split('/').next().unwrap(),
            vector.credential.rsplit('/').next().unwrap(),
        );
        let mut head = head(vector.method, vector.uri, vector.headers);
        let payload = PayloadHash::of(vector.body.as_bytes());
        let credentials = credentials_of(access_key_id);
        sign(&mut head, payload, access_key_id, &credentials, "us-east-1", service, signed_at());
        let authorization = head.headers["authorization"].to_str().unwrap();
        assert!(authorization.ends_with(vector.signature), "{}: {authorization}", vector.name);
    }
}

#[test]
fn links_are_good_until_they_expire() {
    for access_key_id in ["AKIDEXAMPLE", "ASIAEXAMPLE"] {
        let credentials = credentials_of(access_key_id);
        let link = Presign {
            endpoint: "http://example.amazonaws.com",
            path: "/code/f%3Ag",
            region: "us-east-1",
            service: "lambda",
            now: signed_at(),
            expires_s: 600,
        };
        let url = presign(&link, access_key_id, &credentials).unwrap();
        let uri = url.strip_prefix("http://example.amazonaws.com").unwrap();
        let head = head("GET", uri, &[]);
        let claim = Claim::parse(&head).unwrap();
        assert_eq!(claim.check_signature(&head, &credentials, PayloadHash::of(b"")), Ok(()));

        let after = |seconds: i64| Instant::from_unix_s(signed_at().unix_s() + seconds).unwrap();
        assert_eq!(claim.check_head(&credentials, after(600)), Ok(()));
        let error = claim.check_head(&credentials, after(601)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124601Z - 10 min.)"
        );
    }
    let link = Presign {
        endpoint: "",
        path: "x",
        region: "r",
        service: "s",
        now: signed_at(),
        expires_s: 1,
    };
    assert_eq!(presign(&link, "AKIDEXAMPLE", &credentials_of("AKIDEXAMPLE")), None);
}
