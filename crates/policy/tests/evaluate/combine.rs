// SPDX-License-Identifier: Apache-2.0
//! How policies of several kinds come together: `reference_policies_evaluation-logic.html`,
//! `reference_policies_evaluation-logic-cross-account.html` and `access_policies_boundaries.html`.

use crate::desk::{ACCOUNT, ANA, Desk, OTHER, SESSION};
use policy::{Principal, Source};

const GET: &str = "s3:GetObject";
const KEY: &str = "arn:aws:s3:::bucket/key";
const ALLOW: &str = r#"{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
const DENY: &str = r#"{"Sid":"D","Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#;
const OTHER_ACTION: &str = r#"{"Sid":"O","Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

fn ana() -> Desk<'static> {
    Desk::new(ANA, GET, KEY)
}

fn session() -> Desk<'static> {
    Desk::new(SESSION, GET, KEY)
}

/// A resource policy's statement that allows `principal`.
fn grant(principal: &str) -> String {
    format!(
        r#"{{"Sid":"G","Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"}}"#
    )
}

fn check(desk: &Desk<'_>, expected: &str) {
    assert_eq!(desk.decide(), expected);
}

#[test]
fn within_an_account() {
    use Source::{Boundary, Identity, Resource, Session};
    check(&ana(), "ImplicitDeny by Identity");
    check(&ana().with(Identity, ALLOW), "Allow by Identity: A 0");
    check(&ana().with(Identity, ALLOW).with(Identity, DENY), "ExplicitDeny by Identity: D 0");
    check(&ana().with(Identity, &format!("{ALLOW},{DENY}")), "ExplicitDeny by Identity: D 1");
    let bounded = |boundary| ana().with(Identity, ALLOW).with(Boundary, boundary);
    check(&bounded(ALLOW), "Allow by Identity: A 0");
    check(&bounded(OTHER_ACTION), "ImplicitDeny by Boundary");
    check(&bounded(DENY), "ExplicitDeny by Boundary: D 0");
    check(&ana().with(Boundary, ALLOW), "ImplicitDeny by Identity");
    let passed = |policy| session().with(Identity, ALLOW).with(Session, policy);
    check(&passed(ALLOW), "Allow by Identity: A 0");
    check(&passed(OTHER_ACTION), "ImplicitDeny by Session");
    check(&session().with(Identity, OTHER_ACTION).with(Session, ALLOW), "ImplicitDeny by Identity");
    check(
        &ana().with(Identity, ALLOW).with(Resource, &grant(r#"{"AWS":"444455556666"}"#)),
        "Allow by Identity: A 0",
    );
}

#[test]
fn a_resource_policy_within_its_account() {
    use Source::{Boundary, Identity, Resource, Session};
    let named = grant(r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#);
    check(&ana().with(Resource, &named), "Allow by Resource: G 0");
    check(&ana().with(Resource, &named).with(Boundary, OTHER_ACTION), "Allow by Resource: G 0");
    check(&ana().with(Resource, &named).with(Identity, DENY), "ExplicitDeny by Identity: D 0");
    check(&ana().with(Resource, &grant("\"*\"")), "Allow by Resource: G 0");
    // The account is told that it may let its principals: they need policies of their own.
    check(&ana().with(Resource, &grant(r#"{"AWS":"111122223333"}"#)), "ImplicitDeny by Identity");
    check(
        &ana().with(Resource, &grant(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#)),
        "ImplicitDeny by Identity",
    );
    // A role's ARN stays within boundary and session policies; a session's own ARN does not.
    let role = grant(r#"{"AWS":"arn:aws:iam::111122223333:role/path/worker"}"#);
    check(&session().with(Resource, &role), "Allow by Resource: G 0");
    check(
        &session().with(Resource, &role).with(Boundary, OTHER_ACTION),
        "ImplicitDeny by Boundary",
    );
    check(&session().with(Resource, &role).with(Session, OTHER_ACTION), "ImplicitDeny by Session");
    let own = grant(r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/worker/s1"}"#);
    check(&session().with(Resource, &own).with(Session, OTHER_ACTION), "Allow by Resource: G 0");
    let denied = r#"{"Sid":"N","Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"*","Resource":"*"}"#;
    check(&ana().with(Identity, ALLOW).with(Resource, denied), "ExplicitDeny by Resource: N 0");
    let spared = denied.replace("bob", "ana");
    check(&ana().with(Identity, ALLOW).with(Resource, &spared), "Allow by Identity: A 0");
}

#[test]
fn across_accounts() {
    use Source::{Identity, Resource};
    let far = || ana().of_account(OTHER);
    let named = grant(r#"{"AWS":"arn:aws:iam::111122223333:user/ana"}"#);
    check(&far().with(Identity, ALLOW), "ImplicitDeny by Resource");
    check(&far().with(Resource, &named), "ImplicitDeny by Identity");
    check(&far().with(Resource, &named).with(Identity, ALLOW), "Allow by Identity: A 0");
    let account = grant(r#"{"AWS":"111122223333"}"#);
    check(&far().with(Resource, &account).with(Identity, ALLOW), "Allow by Identity: A 0");
    check(&far().with(Resource, &grant("\"*\"")).with(Identity, ALLOW), "Allow by Identity: A 0");
    let root = || Desk::new(Principal::Root { account: ACCOUNT }, GET, KEY);
    check(&root(), "Allow by Identity");
    check(&root().of_account(OTHER), "ImplicitDeny by Resource");
    check(&root().of_account(OTHER).with(Resource, &account), "Allow by Identity");
}

#[test]
fn services_and_nobody() {
    let service = Desk::new(Principal::Service("s3.amazonaws.com"), GET, KEY);
    check(&service, "ImplicitDeny by Resource");
    let service = service.with(Source::Resource, &grant(r#"{"Service":"s3.amazonaws.com"}"#));
    check(&service, "Allow by Resource: G 0");
    let other = Desk::new(Principal::Service("sns.amazonaws.com"), GET, KEY);
    check(
        &other.with(Source::Resource, &grant(r#"{"Service":"s3.amazonaws.com"}"#)),
        "ImplicitDeny by Resource",
    );
    let regional = || Desk::new(Principal::Service("logs.eu-west-1.amazonaws.com"), GET, KEY);
    for (meant, told) in [
        ("logs.amazonaws.com", "Allow by Resource: G 0"),
        ("logs.eu-west-1.amazonaws.com", "Allow by Resource: G 0"),
        ("logs.eu-west-2.amazonaws.com", "ImplicitDeny by Resource"),
        ("eu-west-1.amazonaws.com", "ImplicitDeny by Resource"),
    ] {
        let granted = grant(&format!(r#"{{"Service":"{meant}"}}"#));
        check(&regional().with(Source::Resource, &granted), told);
    }
    let nobody = || Desk::new(Principal::Anonymous, GET, KEY);
    check(
        &nobody().with(Source::Resource, &grant(r#"{"AWS":"111122223333"}"#)),
        "ImplicitDeny by Resource",
    );
    check(&nobody().with(Source::Resource, &grant("\"*\"")), "Allow by Resource: G 0");
}

#[test]
fn a_condition_decides() {
    let policy = r#"{"Sid":"C","Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}"#;
    let from = |ip| ana().with(Source::Identity, policy).fact("aws:SourceIp", ip);
    check(&from("203.0.113.9"), "Allow by Identity: C 0");
    check(&from("192.0.2.1"), "ImplicitDeny by Identity");
}
