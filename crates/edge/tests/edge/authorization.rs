// SPDX-License-Identifier: Apache-2.0
//! What a signed caller may do.

use crate::fixture::{FUNCTION, INVOKE, Sent, Server};
use edge::{
    AccessKey, Directory, Edge, Entity, EntityKind, Mode, Options, Powers, Resources, Session,
    Signer,
};
use expect_test::{Expect, expect};
use policy::{Document, Kind, Named};
use sigv4::Credentials;
use std::sync::Arc;
use wire::Caller;

const USER: &str = "arn:aws:iam::000000000000:user/team/ana";
const ALLOW: &str = r#""Effect":"Allow","Action":"lambda:Invoke","Resource":"*""#;
const DENY: &str = r#""Effect":"Deny","Action":"lambda:*","Resource":"*""#;
const OTHER: &str = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;

/// One key, and what its owner may do.
struct One {
    account: &'static str,
    kind: EntityKind,
    identity: Vec<Named>,
    boundary: Option<Vec<Named>>,
    session: Option<Vec<Named>>,
    expires_at_s: Option<i64>,
}

impl Directory for One {
    fn key(&self, access_key_id: &str) -> Option<Signer> {
        let caller = Caller {
            arn: USER.to_owned(),
            user_id: "AIDAEXAMPLE".to_owned(),
            access_key_id: access_key_id.to_owned(),
        };
        let account = self.account.parse().unwrap();
        let mut key = AccessKey::new(Credentials::new("secret"), account, caller);
        if let Some(at_s) = self.expires_at_s {
            key = key.expiring(at_s);
        }
        (access_key_id == "AKIAANA")
            .then(|| Signer { key: Arc::new(key), powers: self.powers(USER).unwrap() })
    }

    fn powers(&self, _: &str) -> Option<Powers> {
        Some(Powers::Held(Arc::new(Entity {
            kind: self.kind.clone(),
            tags: vec![("team".to_owned(), "red".to_owned())],
            identity: self.identity.clone(),
            boundary: self.boundary.clone(),
            session: self.session.clone(),
            issued_at_s: None,
        })))
    }

    fn role_id(&self, _: &str) -> Option<String> {
        None
    }

    fn has_several_accounts(&self) -> bool {
        false
    }

    fn session_powers(&self, session: &Session) -> Option<Powers> {
        self.powers(&session.arn)
    }
}

/// The function's policy, and its tags.
struct Attached(Vec<Named>);

impl Resources for Attached {
    fn policies(&self, arn: &str) -> Vec<Named> {
        if arn == FUNCTION { self.0.clone() } else { Vec::new() }
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        (arn == FUNCTION && key == "team").then(|| "red".to_owned())
    }

    fn fact(&self, arn: &str, key: &str) -> Option<String> {
        key.eq_ignore_ascii_case("lambda:FunctionArn").then(|| arn.to_owned())
    }
}

fn named(kind: Kind, statement: &str) -> Vec<Named> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#);
    let document = Arc::new(Document::parse(&text, kind).unwrap());
    vec![Named { name: "p".into(), document }]
}

fn identity(statement: &str) -> Vec<Named> {
    named(Kind::Identity, statement)
}

fn ana() -> One {
    One {
        account: "000000000000",
        kind: EntityKind::User { arn: USER.to_owned(), name: "ana".to_owned() },
        identity: Vec::new(),
        boundary: None,
        session: None,
        expires_at_s: None,
    }
}

async fn answer(one: One, extend: impl FnOnce(Edge) -> Edge) -> String {
    let server = Server::start_with(Options::default(), extend);
    server.identity.set_directory(Arc::new(one));
    let credentials = Credentials::new("secret");
    let request = Sent::unsigned("POST", INVOKE, "{}");
    let request = request.sign_as("AKIAANA", &credentials, "lambda", 0);
    let response = server.send(&request).await;
    let reached = usize::from(response.status == 200);
    assert_eq!(server.calls().len(), reached, "what is denied does not reach the endpoint");
    response.summary()
}

async fn check(one: One, expected: Expect) {
    expected.assert_eq(&answer(one, |edge| edge).await);
}

#[tokio::test]
async fn what_no_policy_allows_is_denied_in_awss_words() {
    check(ana(), expect![[r#"403 AccessDeniedException {"Message":"User: arn:aws:iam::000000000000:user/team/ana is not authorized to perform: lambda:Invoke on resource: arn:aws:lambda:eu-west-1:000000000000:function:hello because no identity-based policy allows the lambda:Invoke action"}"#]]).await;
    let denied = One { identity: [identity(ALLOW), identity(DENY)].concat(), ..ana() };
    check(denied, expect![[r#"403 AccessDeniedException {"Message":"User: arn:aws:iam::000000000000:user/team/ana is not authorized to perform: lambda:Invoke on resource: arn:aws:lambda:eu-west-1:000000000000:function:hello with an explicit deny in an identity-based policy"}"#]]).await;
    let bounded = One { identity: identity(ALLOW), boundary: Some(identity(OTHER)), ..ana() };
    check(bounded, expect![[r#"403 AccessDeniedException {"Message":"User: arn:aws:iam::000000000000:user/team/ana is not authorized to perform: lambda:Invoke on resource: arn:aws:lambda:eu-west-1:000000000000:function:hello because no permissions boundary allows the lambda:Invoke action"}"#]]).await;
    let passed = One { identity: identity(ALLOW), session: Some(identity(OTHER)), ..ana() };
    check(passed, expect![[r#"403 AccessDeniedException {"Message":"User: arn:aws:iam::000000000000:user/team/ana is not authorized to perform: lambda:Invoke on resource: arn:aws:lambda:eu-west-1:000000000000:function:hello because no session policy allows the lambda:Invoke action"}"#]]).await;
    check(One { identity: identity(ALLOW), ..ana() }, expect!["200 - {}"]).await;
}

#[tokio::test]
async fn the_resources_policy_has_a_say() {
    let with = |statement: &str| {
        let attached = Arc::new(Attached(named(Kind::Resource, statement)));
        move |edge: Edge| edge.with_resources("lambda", attached)
    };
    let grant = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{USER}"}},"Action":"lambda:*","Resource":"{FUNCTION}""#
    );
    assert_eq!(answer(ana(), with(&grant)).await, "200 - {}");
    let deny = r#""Effect":"Deny","Principal":"*","Action":"lambda:*""#;
    let denied = answer(One { identity: identity(ALLOW), ..ana() }, with(deny)).await;
    assert!(denied.contains("with an explicit deny in a resource-based policy"), "{denied}");

    // Another account needs both.
    let far = || One { account: "111122223333", identity: identity(ALLOW), ..ana() };
    let denied = answer(far(), |edge| edge).await;
    assert!(denied.contains("because no resource-based policy allows"), "{denied}");
    let everyone = r#""Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"lambda:*""#;
    assert_eq!(answer(far(), with(everyone)).await, "200 - {}");
    let denied = answer(One { identity: Vec::new(), ..far() }, with(everyone)).await;
    assert!(denied.contains("because no identity-based policy allows"), "{denied}");
}

#[tokio::test]
async fn conditions_see_the_request() {
    let attached = || Arc::new(Attached(Vec::new()));
    for (condition, is_met) in [
        (r#""IpAddress":{"aws:SourceIp":"127.0.0.0/8"}"#, true),
        (r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, false),
        (r#""StringEquals":{"AWS:username":"ana"}"#, true),
        (r#""StringEquals":{"aws:userid":"AIDAEXAMPLE"}"#, true),
        (r#""StringEquals":{"aws:PrincipalTag/Team":"${aws:ResourceTag/team}"}"#, true),
        (r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/team/*"}"#, true),
        (
            r#""StringEquals":{"aws:PrincipalAccount":"000000000000","aws:PrincipalType":"User"}"#,
            true,
        ),
        (r#""StringEquals":{"aws:RequestedRegion":"eu-west-1"}"#, true),
        (r#""StringEquals":{"aws:RequestedRegion":"us-east-1"}"#, false),
        (r#""Bool":{"aws:SecureTransport":"true"}"#, false),
        (r#""DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}"#, true),
        (r#""NumericLessThan":{"aws:EpochTime":"1000"}"#, false),
        (r#""Null":{"aws:TokenIssueTime":"true"}"#, true),
        (r#""StringEquals":{"aws:CalledVia":"x"}"#, false),
        (r#""ArnLike":{"lambda:FunctionArn":"arn:aws:lambda:*:*:function:other"}"#, false),
        (r#""ArnLike":{"lambda:FunctionArn":"arn:aws:lambda:*:*:function:hello"}"#, true),
    ] {
        let statement = format!("{ALLOW},\"Condition\":{{{condition}}}");
        let one = One { identity: identity(&statement), ..ana() };
        let answer = answer(one, |edge| edge.with_resources("lambda", attached())).await;
        assert_eq!(answer == "200 - {}", is_met, "{condition}: {answer}");
    }
}

#[tokio::test]
async fn modes() {
    let denied = || One { identity: identity(DENY), ..ana() };
    assert_eq!(answer(denied(), |edge| edge.with_mode(Mode::Warn)).await, "200 - {}");
    assert_eq!(answer(denied(), |edge| edge.with_mode(Mode::Off)).await, "200 - {}");
    // No mode lets a caller into another account.
    let far = One { account: "111122223333", ..denied() };
    let refused = answer(far, |edge| edge.with_mode(Mode::Warn)).await;
    assert!(refused.starts_with("403 "), "{refused}");
}

#[tokio::test]
async fn a_key_that_expired_is_refused() {
    let expired = One { identity: identity(ALLOW), expires_at_s: Some(1_000), ..ana() };
    check(expired, expect![[r#"403 ExpiredTokenException {"message":"The security token included in the request is expired"}"#]]).await;
    let fresh = One { identity: identity(ALLOW), expires_at_s: Some(i64::MAX), ..ana() };
    check(fresh, expect!["200 - {}"]).await;
}

#[tokio::test]
async fn a_function_is_held_to_its_role() {
    let role = EntityKind::Role {
        arn: "arn:aws:iam::000000000000:role/worker".to_owned(),
        session_arn: "arn:aws:sts::000000000000:assumed-role/worker/hello".to_owned(),
    };
    for (statement, status) in [(ALLOW, 200), (OTHER, 403)] {
        let server = Server::start();
        let one = One { kind: role.clone(), identity: identity(statement), ..ana() };
        server.identity.set_directory(Arc::new(one));
        let session = server.identity.issue_session(
            &"000000000000".parse().unwrap(),
            "arn:aws:iam::000000000000:role/worker",
            "hello",
            i64::MAX,
        );
        let credentials = Credentials::new(session.secret_access_key.as_str())
            .with_session_token(session.session_token.as_str());
        let request = Sent::unsigned("POST", INVOKE, "{}");
        let request = request.sign_as(&session.access_key_id, &credentials, "lambda", 0);
        let response = server.send(&request).await;
        assert_eq!(response.status, status, "{response:?}");
    }
}
