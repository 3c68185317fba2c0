// SPDX-License-Identifier: Apache-2.0
//! What holds for every document and every request.

use crate::desk::{ANA, Desk, OTHER, SESSION};
use policy::{Document, Kind, Principal, Source};
use proptest::prelude::*;

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(texts)
}

/// A statement that may or may not apply, without its effect.
fn elements() -> impl Strategy<Value = String> {
    let actions = one_of(&[
        r#""Action":"s3:Get*""#,
        r#""Action":"*""#,
        r#""Action":["s3:Put*","iam:*"]"#,
        r#""NotAction":"s3:*""#,
        r#""NotAction":"iam:*""#,
    ]);
    let resources = one_of(&[
        r#""Resource":"*""#,
        r#""Resource":"arn:aws:s3:::b/*""#,
        r#""Resource":"arn:aws:s3:::${aws:username}/*""#,
        r#""NotResource":"arn:aws:s3:::c/*""#,
        r#""NotResource":"arn:aws:s3:::${aws:userid}/*""#,
    ]);
    let conditions = one_of(&[
        "",
        r#","Condition":{"StringEquals":{"x:k":"a"}}"#,
        r#","Condition":{"StringNotEquals":{"x:k":"a"}}"#,
        r#","Condition":{"StringNotLike":{"x:k":"${x:none}"}}"#,
        r#","Condition":{"ForAllValues:StringLike":{"x:k":"?"}}"#,
        r#","Condition":{"Null":{"x:k":"true"}}"#,
    ]);
    (actions, resources, conditions)
        .prop_map(|(actions, resources, conditions)| format!("{actions},{resources}{conditions}"))
}

fn source() -> impl Strategy<Value = Source> {
    prop::sample::select(
        &[Source::Identity, Source::Resource, Source::Boundary, Source::Session][..],
    )
}

fn statement(effect: &str, source: Source, elements: &str) -> String {
    let principal = if source == Source::Resource { r#""Principal":"*","# } else { "" };
    format!(r#"{{"Effect":"{effect}",{principal}{elements}}}"#)
}

fn principal() -> impl Strategy<Value = Principal<'static>> {
    prop::sample::select(
        &[ANA, SESSION, Principal::Service("s3.amazonaws.com"), Principal::Anonymous][..],
    )
}

/// A request, with policies of all sources.
fn desk() -> impl Strategy<Value = Vec<(Source, &'static str, String)>> {
    let policy = (source(), one_of(&["Allow", "Allow", "Deny"]), elements());
    prop::collection::vec(policy, 0..6)
}

fn decide(
    principal: Principal<'static>,
    is_far: bool,
    fact: &Option<String>,
    policies: &[(Source, &str, String)],
) -> String {
    let mut desk = Desk::new(principal, "s3:GetObject", "arn:aws:s3:::b/k");
    if is_far {
        desk = desk.of_account(OTHER);
    }
    if let Some(value) = fact {
        desk = desk.fact("x:k", value);
    }
    for (source, effect, elements) in policies {
        desk = desk.with(*source, &statement(effect, *source, elements));
    }
    desk.decide()
}

proptest! {
    /// No text is too odd to be read or refused.
    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        for kind in [Kind::Identity, Kind::Resource, Kind::Trust] {
            let _ = Document::parse(&text, kind);
            let quoted = serde_json::Value::from(text.as_str());
            for document in [
                format!(r#"{{"Statement":{{"Effect":"Allow","Action":{quoted},"Resource":"*"}}}}"#),
                format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":{quoted}}}}}"#),
                format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"ArnLike":{{"a:b":{quoted}}},"StringLike":{{"a:b":{quoted}}}}}}}}}"#),
                format!(r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":{quoted}}},"Action":"*"}}}}"#),
            ] {
                let _ = Document::parse(&document, kind);
            }
        }
    }

    /// One `Deny` more allows nothing that was denied.
    #[test]
    fn a_deny_never_allows(
        principal in principal(), is_far: bool, fact in prop::option::of("[ab]"),
        policies in desk(), deny in elements(), of in source(),
    ) {
        let before = decide(principal, is_far, &fact, &policies);
        let more = [policies, vec![(of, "Deny", deny)]].concat();
        let after = decide(principal, is_far, &fact, &more);
        prop_assert!(before.starts_with("Allow") || !after.starts_with("Allow"), "{before} {after} {more:?}");
    }

    /// A boundary or a session's policy takes away and never gives, unless the resource means the principal itself.
    #[test]
    fn a_boundary_never_allows(
        is_far: bool, fact in prop::option::of("[ab]"), policies in desk(), allow in elements(),
    ) {
        let without: Vec<_> = policies
            .into_iter()
            .filter(|(source, ..)| matches!(source, Source::Identity | Source::Resource))
            .collect();
        let bounded = [without.clone(), vec![(Source::Boundary, "Allow", allow)]].concat();
        let (before, after) =
            (decide(ANA, is_far, &fact, &without), decide(ANA, is_far, &fact, &bounded));
        prop_assert!(before.starts_with("Allow") || !after.starts_with("Allow"), "{before} {after}");
    }

    /// Without an `Allow` nothing is allowed.
    #[test]
    fn nothing_is_allowed_by_denials(
        principal in principal(), is_far: bool, fact in prop::option::of("[ab]"), policies in desk(),
    ) {
        let denials: Vec<_> = policies.into_iter().filter(|(_, effect, _)| *effect == "Deny").collect();
        let decision = decide(principal, is_far, &fact, &denials);
        prop_assert!(!decision.starts_with("Allow"), "{decision}");
    }
}
