// SPDX-License-Identifier: Apache-2.0
//! Elements of a statement: `reference_policies_elements_action.html`, `..._notaction.html`, `..._resource.html`,
//! `..._notresource.html`, and what is refused when a document is read (`reference_policies_grammar.html`).

use crate::desk::{ANA, Desk};
use expect_test::{Expect, expect};
use policy::{Document, Kind, Source};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:hello";
const LIVE: &str = "arn:aws:lambda:us-east-1:111122223333:function:hello:live";

fn is_allowed(elements: &str, action: &str, resource: &str) -> bool {
    let statement = format!(r#"{{"Effect":"Allow",{elements}}}"#);
    let desk = Desk::new(ANA, action, resource).fact("aws:username", "ana");
    desk.with(Source::Identity, &statement).decide().starts_with("Allow")
}

/// Elements of a statement, an action, a resource, and whether the statement allows it.
fn check(rows: &[(&str, &str, &str, bool)]) {
    for (elements, action, resource, expected) in rows {
        let allowed = is_allowed(elements, action, resource);
        assert_eq!(allowed, *expected, "{elements} {action} {resource}");
    }
}

#[test]
fn actions() {
    check(&[
        (
            r#""Action":"lambda:InvokeFunction","Resource":"*""#,
            "lambda:InvokeFunction",
            FUNCTION,
            true,
        ),
        (
            r#""Action":"LAMBDA:invokefunction","Resource":"*""#,
            "lambda:InvokeFunction",
            FUNCTION,
            true,
        ),
        (r#""Action":"lambda:Invoke*","Resource":"*""#, "lambda:InvokeFunction", FUNCTION, true),
        (r#""Action":"lambda:*Function","Resource":"*""#, "lambda:InvokeFunction", FUNCTION, true),
        (
            r#""Action":"lambda:?nvokeFunction","Resource":"*""#,
            "lambda:InvokeFunction",
            FUNCTION,
            true,
        ),
        (r#""Action":"lambda:Invoke","Resource":"*""#, "lambda:InvokeFunction", FUNCTION, false),
        (r#""Action":["s3:*","lambda:*"],"Resource":"*""#, "lambda:InvokeFunction", FUNCTION, true),
        (r#""Action":"*","Resource":"*""#, "lambda:InvokeFunction", FUNCTION, true),
        (r#""NotAction":"iam:*","Resource":"*""#, "lambda:InvokeFunction", FUNCTION, true),
        (
            r#""NotAction":["iam:*","lambda:*"],"Resource":"*""#,
            "lambda:InvokeFunction",
            FUNCTION,
            false,
        ),
    ]);
}

#[test]
fn resources() {
    check(&[
        (
            r#""Action":"*","Resource":"arn:aws:lambda:us-east-1:111122223333:function:hello""#,
            "lambda:A",
            FUNCTION,
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:lambda:us-east-1:111122223333:function:hello""#,
            "lambda:A",
            LIVE,
            false,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:lambda:us-east-1:111122223333:function:hello:*""#,
            "lambda:A",
            LIVE,
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:lambda:us-east-1:111122223333:function:he*""#,
            "lambda:A",
            LIVE,
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:lambda:*:111122223333:function:hell?""#,
            "lambda:A",
            FUNCTION,
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:lambda:*:111122223333:function:HELLO""#,
            "lambda:A",
            FUNCTION,
            false,
        ),
        (
            r#""Action":"*","Resource":["arn:aws:s3:::b","arn:aws:lambda:*:*:*"]"#,
            "lambda:A",
            LIVE,
            true,
        ),
        (r#""Action":"*","NotResource":"arn:aws:s3:::b/*""#, "lambda:A", FUNCTION, true),
        (r#""Action":"*","NotResource":"arn:aws:lambda:*""#, "lambda:A", FUNCTION, false),
        (
            r#""Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*""#,
            "s3:A",
            "arn:aws:s3:::b/ana/f",
            true,
        ),
        (
            r#""Action":"*","Resource":"arn:aws:s3:::b/${aws:username}/*""#,
            "s3:A",
            "arn:aws:s3:::b/bob/f",
            false,
        ),
        // A variable without a value allows nothing, by no way around.
        (
            r#""Action":"*","Resource":"arn:aws:s3:::b/${aws:userid}/*""#,
            "s3:A",
            "arn:aws:s3:::b//f",
            false,
        ),
        (
            r#""Action":"*","NotResource":"arn:aws:s3:::b/${aws:userid}/*""#,
            "s3:A",
            "arn:aws:s3:::b/x/f",
            false,
        ),
        (r#""Action":"lambda:ListFunctions","Resource":"*""#, "lambda:ListFunctions", "*", true),
        (
            r#""Action":"lambda:ListFunctions","Resource":"arn:aws:lambda:*""#,
            "lambda:ListFunctions",
            "*",
            false,
        ),
    ]);
}

#[test]
fn variables_are_of_the_newer_version() {
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}"#;
    let read = |version: &str| {
        Document::parse(&format!(r#"{{{version}"Statement":{statement}}}"#), Kind::Identity)
    };
    let (old, new) = (read("").unwrap(), read(r#""Version":"2012-10-17","#).unwrap());
    assert_ne!(old, new);
    assert_eq!(old, read(r#""Version":"2008-10-17","#).unwrap());
}

#[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
fn refused(kind: Kind, text: &str, expected: Expect) {
    let read = Document::parse(text, kind);
    expected.assert_eq(&read.map_or_else(|error| error.to_string(), |_| "read".to_owned()));
}

/// `elements` of the one statement of a document.
fn statement(kind: Kind, elements: &str, expected: Expect) {
    refused(kind, &format!(r#"{{"Version":"2012-10-17","Statement":{{{elements}}}}}"#), expected);
}

#[test]
fn what_is_no_document() {
    use Kind::Identity;
    for text in
        ["", "[]", "{}", "null", "{\"Statement\":[]}", "{\"Statement\":[1]}", "{\"Statement\":{}}"]
    {
        refused(Identity, text, expect!["Syntax errors in policy."]);
    }
    refused(
        Identity,
        r#"{"Version":"2020-01-01","Statement":{}}"#,
        expect!["Policy document must be version 2012-10-17 or greater."],
    );
    refused(
        Identity,
        r#"{"Statement":{},"More":1}"#,
        expect!["Syntax error: `More` is not an element of a policy"],
    );
}

#[test]
fn what_is_no_statement() {
    use Kind::Identity;
    // Of two effects neither is the right one.
    statement(
        Identity,
        r#""Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*""#,
        expect!["Syntax errors in policy."],
    );
    statement(
        Identity,
        r#""Effect":"allow","Action":"*","Resource":"*""#,
        expect!["Syntax errors in policy."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Resource":"*""#,
        expect!["Policy statement must contain actions."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*""#,
        expect!["Policy statement must contain resources."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#,
        expect!["Syntax errors in policy."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"list","Resource":"*""#,
        expect!["Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"a:b:c","Resource":"*""#,
        expect!["Actions/Condition can contain only one colon."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"a b:c","Resource":"*""#,
        expect!["Vendor a b is not valid"],
    );
}

#[test]
fn what_is_no_resource_and_no_condition() {
    use Kind::Identity;
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*","Resource":"bucket""#,
        expect!["Resource bucket must be in ARN format or \"*\"."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*","Resource":"arn:gcp:s3:::b""#,
        expect!["Partition \"gcp\" is not valid for resource \"arn:gcp:s3:::b\"."],
    );
    statement(
        Identity,
        r#""Sid":"a b","Effect":"Allow","Action":"*","Resource":"*""#,
        expect![
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
        ],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}"#,
        expect!["Invalid Condition type : StringIs."],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a:b":"c"}}"#,
        expect!["The value `c` of the condition NumericEquals on a:b is not valid"],
    );
    statement(
        Identity,
        r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username""#,
        expect!["The variable in `arn:aws:s3:::${aws:username` is not closed, or has no name"],
    );
    refused(
        Identity,
        r#"{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        expect!["Statement IDs (SID) in a single policy must be unique."],
    );
}

#[test]
fn each_kind_has_rules_of_its_own() {
    use Kind::{Identity, Resource, Trust};
    statement(
        Identity,
        r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#,
        expect!["Policy document should not specify a principal."],
    );
    statement(
        Resource,
        r#""Effect":"Allow","Action":"*","Resource":"*""#,
        expect!["Missing required field Principal"],
    );
    statement(
        Resource,
        r#""Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"*""#,
        expect!["Allow with NotPrincipal is not allowed."],
    );
    statement(
        Resource,
        r#""Effect":"Allow","Principal":{"AWS":"ana"},"Action":"*""#,
        expect![[r#"Invalid principal in policy: "AWS":"ana""#]],
    );
    statement(
        Resource,
        r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/*"},"Action":"*""#,
        expect![[r#"Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*""#]],
    );
    statement(
        Trust,
        r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#,
        expect!["Has prohibited field Resource"],
    );
    statement(
        Trust,
        r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject""#,
        expect!["AssumeRole policy may only specify STS AssumeRole actions."],
    );
    statement(
        Trust,
        r#""Effect":"Allow","Action":"sts:AssumeRole""#,
        expect!["Missing required field Principal"],
    );
}
