// SPDX-License-Identifier: Apache-2.0
//! Request bytes in, response bytes out.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use bytes::Bytes;
use expect_test::{Expect, expect};
use iam::Iam;
use names::RequestId;
use secrets::KeyFile;
use std::sync::Arc;
use store::Store;
use tempfile::TempDir;
use wire::{Caller, Context, Endpoint};

/// IAM with an empty store of its own.
struct Service {
    iam: Iam,
    endpoint: Arc<dyn Endpoint>,
    _dir: TempDir,
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

impl Service {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), store::Options::default()).unwrap();
        let first = "000000000000".parse().unwrap();
        let iam = Iam::open(&store, &KeyFile::ephemeral(), &first, true).await.unwrap();
        Self { endpoint: iam.endpoint(), iam, _dir: dir }
    }

    /// Sends a form as root of `account`, and answers the status and the body.
    async fn send_as(&self, account: &str, action: &str, members: &[(&str, &str)]) -> String {
        let cx = Context {
            account: account.parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            request_id: RequestId::parse("0a0b0c0d-0000-4000-8000-000000000001").unwrap(),
            trace: names::TraceHeader::start(0),
            caller: Caller {
                arn: format!("arn:aws:iam::{account}:root"),
                user_id: account.to_owned(),
                access_key_id: "AKIAEXAMPLE".to_owned(),
            },
            authority: wire::Authority::Full,
            endpoint: "http://127.0.0.1:4566".to_owned(),
        };
        let mut form = format!("Action={action}&Version=2010-05-08");
        for (name, value) in members {
            form.push_str(&format!("&{name}={}", encode(value)));
        }
        let request = http::Request::builder().method("POST").uri("/");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let route = wire::route(self.endpoint.spec(), &head).unwrap();
        let request = http::Request::from_parts(head.clone(), Bytes::from(form));
        let response = self.endpoint.call(&cx, route, request).await;
        let body = String::from_utf8(response.body().whole().unwrap().to_vec()).unwrap();
        format!("{}\n{}", response.status().as_u16(), body.replace("><", ">\n<"))
    }

    async fn send(&self, action: &str, members: &[(&str, &str)]) -> String {
        self.send_as("000000000000", action, members).await
    }

    async fn must(&self, action: &str, members: &[(&str, &str)]) {
        let answer = self.send(action, members).await;
        assert!(answer.starts_with("200"), "{action}: {answer}");
    }
}

#[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
fn check(answer: &str, expected: Expect) {
    expected.assert_eq(answer);
}

/// What a simulation answers, without what is around it.
fn results(answer: &str) -> &str {
    let (_, results) = answer.split_once("<EvaluationResults>\n").unwrap();
    results.split_once("\n</EvaluationResults>").unwrap().0
}

const READ: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Sid":"read","Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::${aws:username}/*"},
  {"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

async fn with_ana() -> Service {
    let service = Service::new().await;
    service.must("CreateUser", &[("UserName", "ana")]).await;
    let policy = [("UserName", "ana"), ("PolicyName", "p"), ("PolicyDocument", READ)];
    service.must("PutUserPolicy", &policy).await;
    service
}

const ANA: &str = "arn:aws:iam::000000000000:user/ana";

#[tokio::test]
async fn a_simulation_says_which_statement_decides() {
    let service = with_ana().await;
    let answer = service
        .send(
            "SimulatePrincipalPolicy",
            &[
                ("PolicySourceArn", ANA),
                ("ActionNames.member.1", "s3:GetObject"),
                ("ResourceArns.member.1", "arn:aws:s3:::ana/1"),
            ],
        )
        .await;
    check(
        results(&answer),
        expect![[r#"
        <member>
        <EvalActionName>s3:GetObject</EvalActionName>
        <EvalResourceName>arn:aws:s3:::ana/1</EvalResourceName>
        <EvalDecision>allowed</EvalDecision>
        <MatchedStatements>
        <member>
        <SourcePolicyId>user_ana_p</SourcePolicyId>
        <SourcePolicyType>IAM Policy</SourcePolicyType>
        <StartPosition>
        <Line>1</Line>
        <Column>38</Column>
        </StartPosition>
        <EndPosition>
        <Line>2</Line>
        <Column>97</Column>
        </EndPosition>
        </member>
        </MatchedStatements>
        <MissingContextValues>
        <member>aws:SecureTransport</member>
        </MissingContextValues>
        <EvalDecisionDetails>
        </EvalDecisionDetails>
        <ResourceSpecificResults>
        <member>
        <EvalResourceName>arn:aws:s3:::ana/1</EvalResourceName>
        <EvalResourceDecision>allowed</EvalResourceDecision>
        <MatchedStatements>
        <member>
        <SourcePolicyId>user_ana_p</SourcePolicyId>
        <SourcePolicyType>IAM Policy</SourcePolicyType>
        <StartPosition>
        <Line>1</Line>
        <Column>38</Column>
        </StartPosition>
        <EndPosition>
        <Line>2</Line>
        <Column>97</Column>
        </EndPosition>
        </member>
        </MatchedStatements>
        <MissingContextValues>
        <member>aws:SecureTransport</member>
        </MissingContextValues>
        </member>
        </ResourceSpecificResults>
        </member>"#]],
    );
}

#[tokio::test]
async fn a_simulation_of_another_account_says_what_each_side_does() {
    let service = with_ana().await;
    let policy = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"s3:*"}}"#;
    let answer = service
        .send(
            "SimulatePrincipalPolicy",
            &[
                ("PolicySourceArn", ANA),
                ("ActionNames.member.1", "s3:PutObject"),
                ("ResourceArns.member.1", "arn:aws:s3:::ana/1"),
                ("ResourceOwner", "111122223333"),
                ("ResourcePolicy", policy),
                ("ContextEntries.member.1.ContextKeyName", "aws:SecureTransport"),
                ("ContextEntries.member.1.ContextKeyValues.member.1", "true"),
                ("ContextEntries.member.1.ContextKeyType", "boolean"),
            ],
        )
        .await;
    check(
        results(&answer),
        expect![[r#"
        <member>
        <EvalActionName>s3:PutObject</EvalActionName>
        <EvalResourceName>arn:aws:s3:::ana/1</EvalResourceName>
        <EvalDecision>implicitDeny</EvalDecision>
        <MatchedStatements>
        </MatchedStatements>
        <MissingContextValues>
        </MissingContextValues>
        <EvalDecisionDetails>
        <entry>
        <key>IAM Policy</key>
        <value>implicitDeny</value>
        </entry>
        <entry>
        <key>Resource Policy</key>
        <value>allowed</value>
        </entry>
        </EvalDecisionDetails>
        <ResourceSpecificResults>
        <member>
        <EvalResourceName>arn:aws:s3:::ana/1</EvalResourceName>
        <EvalResourceDecision>implicitDeny</EvalResourceDecision>
        <MatchedStatements>
        </MatchedStatements>
        <MissingContextValues>
        </MissingContextValues>
        <EvalDecisionDetails>
        <entry>
        <key>IAM Policy</key>
        <value>implicitDeny</value>
        </entry>
        <entry>
        <key>Resource Policy</key>
        <value>allowed</value>
        </entry>
        </EvalDecisionDetails>
        </member>
        </ResourceSpecificResults>
        </member>"#]],
    );
}

#[tokio::test]
async fn a_simulation_has_a_boundary_and_leaves_policies_out() {
    let service = with_ana().await;
    let boundary = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}"#;
    let asked = [
        ("PolicySourceArn", ANA),
        ("ActionNames.member.1", "s3:GetObject"),
        ("ActionNames.member.2", "ec2:RunInstances"),
        (
            "PolicyInputList.member.1",
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        ),
        ("PermissionsBoundaryPolicyInputList.member.1", boundary),
        ("PolicyExclusionList.member.1.PolicyType", "inline"),
    ];
    let answer = service.send("SimulatePrincipalPolicy", &asked).await;
    check(
        results(&answer),
        expect![[r#"
        <member>
        <EvalActionName>s3:GetObject</EvalActionName>
        <EvalResourceName>*</EvalResourceName>
        <EvalDecision>implicitDeny</EvalDecision>
        <MatchedStatements>
        </MatchedStatements>
        <MissingContextValues>
        </MissingContextValues>
        <PermissionsBoundaryDecisionDetail>
        <AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>
        </PermissionsBoundaryDecisionDetail>
        </member>
        <member>
        <EvalActionName>ec2:RunInstances</EvalActionName>
        <EvalResourceName>*</EvalResourceName>
        <EvalDecision>allowed</EvalDecision>
        <MatchedStatements>
        <member>
        <SourcePolicyId>PolicyInputList.1</SourcePolicyId>
        <SourcePolicyType>IAM Policy</SourcePolicyType>
        <StartPosition>
        <Line>1</Line>
        <Column>38</Column>
        </StartPosition>
        <EndPosition>
        <Line>1</Line>
        <Column>83</Column>
        </EndPosition>
        </member>
        </MatchedStatements>
        <MissingContextValues>
        </MissingContextValues>
        <PermissionsBoundaryDecisionDetail>
        <AllowedByPermissionsBoundary>true</AllowedByPermissionsBoundary>
        </PermissionsBoundaryDecisionDetail>
        </member>"#]],
    );
}

#[tokio::test]
async fn a_simulation_of_what_is_not_there_is_refused() {
    let service = with_ana().await;
    let action = ("ActionNames.member.1", "s3:GetObject");
    for (members, code) in [
        (vec![("PolicySourceArn", "arn:aws:iam::000000000000:user/bob")], "NoSuchEntity"),
        (vec![("PolicySourceArn", "arn:aws:iam::111122223333:user/ana")], "NoSuchEntity"),
        (vec![("PolicySourceArn", "arn:aws:s3:::bucket-of-mine")], "InvalidInput"),
        (vec![("PolicySourceArn", ANA), ("PolicyInputList.member.1", "{}")], "InvalidInput"),
        (
            vec![
                ("PolicySourceArn", ANA),
                ("CallerArn", "arn:aws:sts::000000000000:assumed-role/r/s"),
            ],
            "InvalidInput",
        ),
        (vec![("PolicySourceArn", ANA), ("ResourceHandlingOption", "EC2-VPC-EBS")], "InvalidInput"),
    ] {
        let members: Vec<_> = members.into_iter().chain([action]).collect();
        let answer = service.send("SimulatePrincipalPolicy", &members).await;
        assert!(answer.contains(&format!("<Code>{code}</Code>")), "{members:?}: {answer}");
    }
}

#[tokio::test]
async fn the_keys_of_policies_are_listed() {
    let service = with_ana().await;
    let keys = service.send("GetContextKeysForPrincipalPolicy", &[("PolicySourceArn", ANA)]).await;
    check(
        &keys,
        expect![[r#"
        200
        <GetContextKeysForPrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
        <GetContextKeysForPrincipalPolicyResult>
        <ContextKeyNames>
        <member>aws:username</member>
        <member>aws:SecureTransport</member>
        </ContextKeyNames>
        </GetContextKeysForPrincipalPolicyResult>
        <ResponseMetadata>
        <RequestId>0a0b0c0d-0000-4000-8000-000000000001</RequestId>
        </ResponseMetadata>
        </GetContextKeysForPrincipalPolicyResponse>"#]],
    );
}

#[tokio::test]
async fn accounts_come_and_go_and_names_are_each_ones_own() {
    let service = with_ana().await;
    let iam = &service.iam;
    let made = iam.create_account(None).await.unwrap();
    let id = made.id.as_str();
    assert!(iam.create_account(Some(made.id.clone())).await.is_err());
    let ana = [("UserName", "ana")];
    assert!(service.send_as(id, "GetUser", &ana).await.contains("<Code>NoSuchEntity</Code>"));
    let answer = service.send_as(id, "CreateUser", &ana).await;
    assert!(answer.contains(&format!("<Arn>arn:aws:iam::{id}:user/ana</Arn>")), "{answer}");
    let listed: Vec<_> =
        iam.accounts().into_iter().map(|listed| (listed.id, listed.users)).collect();
    let first = "000000000000".parse().unwrap();
    assert_eq!(listed, [(first, 1), (made.id.clone(), 1)]);

    let error = iam.remove_account(&made.id).await.unwrap_err().to_string();
    assert!(error.ends_with("is not empty: it has users, groups or roles"), "{error}");
    service.send_as(id, "DeleteUser", &ana).await;
    iam.remove_account(&made.id).await.unwrap();
    let error = iam.remove_account(&made.id).await.unwrap_err().to_string();
    assert_eq!(error, format!("there is no account {id}"));
    let first = &iam.accounts()[0].id;
    let error = iam.remove_account(first).await.unwrap_err().to_string();
    assert!(error.ends_with("is the server's own: it stays"), "{error}");
    assert!(service.send("GetUser", &ana).await.starts_with("200"));
}
