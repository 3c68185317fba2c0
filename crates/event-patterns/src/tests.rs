// SPDX-License-Identifier: Apache-2.0
//! The language as AWS's documentation has it, and what must hold of any pattern.

use crate::Pattern;
use proptest::prelude::*;
use serde_json::{Value, json};

fn pattern(pattern: &Value) -> Pattern {
    Pattern::parse(&pattern.to_string()).unwrap_or_else(|_| panic!("{pattern}"))
}

/// The table of comparison operators in EventBridge's user guide: a rule, what it is for, and what it is not for.
#[test]
fn the_operators_of_the_user_guide() {
    for (rules, yes, no) in [
        (json!([{"anything-but": "initializing"}]), json!("running"), json!("initializing")),
        (json!([{"anything-but": 123}]), json!(124), json!(123)),
        (json!([{"anything-but": ["stopped", "overloaded"]}]), json!("running"), json!("stopped")),
        (json!([{"anything-but": [100, 200, 300]}]), json!(150), json!(200)),
        (
            json!([{"anything-but": {"equals-ignore-case": "initializing"}}]),
            json!("running"),
            json!("INITIALIZING"),
        ),
        (
            json!([{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]),
            json!("running"),
            json!("Stopped"),
        ),
        (json!([{"anything-but": {"prefix": "init"}}]), json!("running"), json!("initializing")),
        (
            json!([{"anything-but": {"prefix": ["init", "error"]}}]),
            json!("running"),
            json!("errors"),
        ),
        (json!([{"anything-but": {"suffix": ".txt"}}]), json!("a.png"), json!("a.txt")),
        (json!([{"anything-but": {"suffix": [".txt", ".rtf"]}}]), json!("a.png"), json!("a.rtf")),
        (
            json!([{"anything-but": {"wildcard": "*/lib/*"}}]),
            json!("/usr/bin/x"),
            json!("/usr/lib/x"),
        ),
        (
            json!([{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}]),
            json!("/tmp/x"),
            json!("/usr/bin/x"),
        ),
        (json!([{"prefix": "us-"}]), json!("us-east-1"), json!("eu-us-1")),
        (
            json!([{"prefix": {"equals-ignore-case": "eventb"}}]),
            json!("EventBridge"),
            json!("event"),
        ),
        (json!([{"suffix": ".png"}]), json!("a.png"), json!("a.PNG")),
        (json!([{"suffix": {"equals-ignore-case": ".png"}}]), json!("a.PNG"), json!("a.jpg")),
        (json!([""]), json!(""), json!("x")),
        (json!(["Alice"]), json!("Alice"), json!("alice")),
        (json!([{"equals-ignore-case": "alice"}]), json!("ALICE"), json!("Alicia")),
        (json!([{"exists": true}]), json!("x"), json!({})),
        (json!([null]), json!(null), json!("null")),
        (json!([{"numeric": ["=", 100]}]), json!(100.0), json!("100")),
        (json!([{"numeric": [">", 10, "<=", 20]}]), json!(20), json!(10)),
        (json!([{"numeric": ["<", 10]}]), json!(-1e3), json!(10)),
        (json!([{"cidr": "10.0.0.0/24"}]), json!("10.0.0.255"), json!("10.0.1.0")),
        (json!([{"cidr": "2001:db8::/32"}]), json!("2001:db8:1::1"), json!("10.0.0.1")),
        (json!(["Monday", "Tuesday"]), json!("Tuesday"), json!("Friday")),
        (json!([{"wildcard": "dir/*.png"}]), json!("dir/a/b.png"), json!("dir/a.jpg")),
        (json!([{"wildcard": "a*b*c"}]), json!("a--b--bc"), json!("acb")),
        (json!([{"wildcard": "*aa"}]), json!("aaa"), json!("ab")),
        (json!([{"wildcard": r"a\*b\\*"}]), json!(r"a*b\c"), json!(r"axb\c")),
        (json!([300]), json!(300), json!(300.0)),
        (json!([true]), json!(true), json!("true")),
    ] {
        let pattern = pattern(&json!({ "a": rules }));
        assert!(pattern.matches(&json!({"a": yes})), "{rules} is for {yes}");
        assert!(!pattern.matches(&json!({"a": no})), "{rules} is not for {no}");
        // Of a list one item is enough.
        assert!(pattern.matches(&json!({"a": [no, yes]})), "{rules} is for one of a list");
        assert!(!pattern.matches(&json!({"b": yes})), "{rules} wants something");
    }
}

#[test]
fn members_alternatives_and_what_is_not_there() {
    let order = json!({"body": {"kind": "order", "price": 7, "items": [{"id": 1, "n": 2}, {"id": 2, "n": 9}], "none": []}});
    for (wanted, expected) in [
        (json!({"body": {"kind": ["order"], "price": [{"numeric": [">", 5]}]}}), true),
        (json!({"body": {"kind": ["order"], "price": [{"numeric": [">", 7]}]}}), false),
        (json!({"body": {"items": {"id": [2]}}}), true),
        // Both of the same item.
        (json!({"body": {"items": {"id": [1], "n": [9]}}}), false),
        (json!({"body": {"gone": [{"exists": false}]}}), true),
        (json!({"body": {"kind": [{"exists": false}]}}), false),
        (json!({"body": {"none": [{"exists": false}]}}), true),
        (json!({"gone": {"a": {"b": [{"exists": false}]}}}), true),
        (json!({"body": [{"exists": true}]}), false),
        (json!({"body": {"gone": [{"anything-but": "x"}]}}), false),
        (json!({"$or": [{"body": {"price": [1]}}, {"body": {"kind": ["order"]}}]}), true),
        (
            json!({"body": {"$or": [{"price": [1]}, {"kind": ["refund"]}], "kind": ["order"]}}),
            false,
        ),
    ] {
        assert_eq!(pattern(&wanted).matches(&order), expected, "{wanted}");
    }
    assert!(!pattern(&json!({"a": [{"exists": false}]})).matches(&json!([])));
    assert!(pattern(&json!({"$or": [{"a": [1]}, {"body": {"b": [1]}}]})).looks_into("body"));
    assert!(!pattern(&json!({"body": ["text"]})).looks_into("body"));
}

#[test]
fn texts_that_are_no_patterns() {
    for text in [
        "",
        "x",
        "[]",
        "{}",
        r#"{"body": "text"}"#,
        r#"{"body": []}"#,
        r#"{"body": {}}"#,
        r#"{"a": [[1]]}"#,
        r#"{"a": [{}]}"#,
        r#"{"a": [{"prefix": "a", "suffix": "b"}]}"#,
        r#"{"a": [{"prefix": 1}]}"#,
        r#"{"a": [{"prefix": {"wildcard": "a"}}]}"#,
        r#"{"a": [{"exists": "true"}]}"#,
        r#"{"a": [{"unknown": "b"}]}"#,
        r#"{"a": [{"anything-but": ["b", 1]}]}"#,
        r#"{"a": [{"anything-but": []}]}"#,
        r#"{"a": [{"anything-but": true}]}"#,
        r#"{"a": [{"anything-but": {"prefix": [], "suffix": "b"}}]}"#,
        r#"{"a": [{"numeric": ["=", "1"]}]}"#,
        r#"{"a": [{"numeric": ["=", 1, "="]}]}"#,
        r#"{"a": [{"numeric": []}]}"#,
        r#"{"a": [{"numeric": ["<", 5, ">", 0]}]}"#,
        r#"{"a": [{"numeric": [">", 5, "<", 5]}]}"#,
        r#"{"a": [{"numeric": ["=", 1, "=", 2]}]}"#,
        r#"{"a": [{"wildcard": "a**"}]}"#,
        r#"{"a": [{"wildcard": ""}]}"#,
        r#"{"a": [{"wildcard": "a\\b"}]}"#,
        r#"{"a": [{"cidr": "10.0.0.0/33"}]}"#,
        r#"{"a": [{"cidr": "10.0.0.0"}]}"#,
        r#"{"$or": [{"a": ["b"]}]}"#,
        r#"{"$or": ["a", "b"]}"#,
    ] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
    for (text, reason) in [
        ("[]", "Filter is not an object"),
        (r#"{"body": "text"}"#, "\"body\" must be an object or an array"),
        (r#"{"body": []}"#, "Empty arrays are not allowed"),
        (r#"{"a": [{"near": "b"}]}"#, "Unrecognized match type near"),
        (r#"{"a": [{"prefix": 1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a": [{"wildcard": "a**"}]}"#, "Consecutive wildcard characters at pos 1"),
        (r#"{"a": [{"wildcard": "a\\b"}]}"#, "Invalid escape character at pos 1"),
    ] {
        assert_eq!(Pattern::parse(text).unwrap_err().to_string(), reason, "{text}");
    }
    let deep = format!("{}[1]{}", "{\"a\":".repeat(33), "}".repeat(33));
    assert!(Pattern::parse(&deep).is_err());
}

/// By every way of choosing what each `*` stands for.
fn is_wild(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', pattern @ ..], text) => (0..=text.len()).any(|from| is_wild(pattern, &text[from..])),
        ([wanted, pattern @ ..], [found, text @ ..]) => wanted == found && is_wild(pattern, text),
        _ => false,
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever the text, there is an answer.
    #[test]
    fn any_text_has_an_answer(text in "[\\[\\]{}\":,a0 ]{0,40}") {
        drop(Pattern::parse(&text));
    }

    #[test]
    fn wildcards_are_found_however_they_lie(wildcard in "[ab*]{1,8}", text in "[ab]{0,12}") {
        prop_assume!(!wildcard.contains("**"));
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        let found = pattern(&json!({"a": [{"wildcard": wildcard}]})).matches(&json!({"a": text}));
        prop_assert_eq!(found, is_wild(&characters(&wildcard), &characters(&text)));
    }

    /// A value that is there, and is no object, is matched by itself; and by `exists`, and by nothing that denies it.
    #[test]
    fn laws_of_rules(value in json_value(), other in json_value()) {
        let event = json!({"a": value, "b": other});
        let matches = |wanted: Value| pattern(&wanted).matches(&event);
        if !value.is_object() && !value.is_array() {
            let (itself, there) = (json!({"a": [value]}), json!({"a": [{"exists": true}]}));
            prop_assert!(matches(itself) && matches(there));
            if value.is_string() || value.is_number() {
                let denied = json!({"a": [{"anything-but": value}]});
                prop_assert!(!matches(denied));
            }
        }
        let (there, gone) = (json!({"a": [{"exists": true}]}), json!({"a": [{"exists": false}]}));
        prop_assert_ne!(matches(there), matches(gone));
        // Several members are "and", several rules are "or", and so is `$or`.
        let (first, second) = (json!([{"prefix": "a"}, 1]), json!([{"suffix": "b"}, null]));
        let one = matches(json!({"a": first}));
        let two = matches(json!({"b": second}));
        let (both, either) =
            (json!({"a": first, "b": second}), json!({"$or": [{"a": first}, {"b": second}]}));
        prop_assert_eq!(matches(both), one && two);
        prop_assert_eq!(matches(either), one || two);
        let split = matches(json!({"a": [{"prefix": "a"}]})) || matches(json!({"a": [1]}));
        prop_assert_eq!(one, split);
    }
}
