// SPDX-License-Identifier: Apache-2.0
//! Condition operators: `reference_policies_elements_condition_operators.html`, for keys with several values
//! `reference_policies_condition-single-vs-multi-valued-context-keys.html`, for variables
//! `reference_policies_variables.html`.

use crate::desk::{ANA, Desk};
use policy::Source;

/// Whether the condition is met when the request has these keys.
fn is_met(condition: &str, facts: &[(&str, &str)]) -> bool {
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#);
    let desk = Desk::new(ANA, "s3:GetObject", "arn:aws:s3:::b/k");
    let desk = desk.with(Source::Identity, &statement);
    facts
        .iter()
        .fold(desk, |desk, (key, value)| desk.fact(key, value))
        .decide()
        .starts_with("Allow")
}

/// Rows of a condition, the values of `x:k` in the request, and whether it is met.
fn check(rows: &[(&str, &[&str], bool)]) {
    for (condition, values, expected) in rows {
        let facts: Vec<_> = values.iter().map(|value| ("x:k", *value)).collect();
        assert_eq!(is_met(condition, &facts), *expected, "{condition} {values:?}");
    }
}

#[test]
fn texts() {
    check(&[
        (r#""StringEquals":{"x:k":"a"}"#, &["a"], true),
        (r#""StringEquals":{"X:K":"a"}"#, &["a"], true),
        (r#""StringEquals":{"x:k":"a"}"#, &["A"], false),
        (r#""StringEquals":{"x:k":"a"}"#, &[], false),
        (r#""StringEquals":{"x:k":["a","b"]}"#, &["b"], true),
        (r#""StringEquals":{"x:k":"a*"}"#, &["ab"], false),
        (r#""StringEquals":{"x:k":"a*"}"#, &["a*"], true),
        (r#""StringNotEquals":{"x:k":"a"}"#, &["b"], true),
        (r#""StringNotEquals":{"x:k":["a","b"]}"#, &["b"], false),
        // A key that is not there fits no value: the opposite is met.
        (r#""StringNotEquals":{"x:k":"a"}"#, &[], true),
        (r#""StringEqualsIgnoreCase":{"x:k":"a"}"#, &["A"], true),
        (r#""StringNotEqualsIgnoreCase":{"x:k":"a"}"#, &["A"], false),
        (r#""StringLike":{"x:k":"a*c?"}"#, &["abcd"], true),
        (r#""StringLike":{"x:k":"a*c?"}"#, &["abc"], false),
        (r#""StringLike":{"x:k":"a*"}"#, &["Ab"], false),
        (r#""StringLike":{"x:k":"*"}"#, &["a:b:c"], true),
        (r#""StringNotLike":{"x:k":"a*"}"#, &["b"], true),
        (r#""StringNotLike":{"x:k":"a*"}"#, &["ab"], false),
        // All operators of a block must be met, and all keys of an operator.
        (r#""StringLike":{"x:k":"a*"},"StringNotEquals":{"x:k":"ab"}"#, &["ab"], false),
        (r#""StringEquals":{"x:k":"a","x:other":"b"}"#, &["a"], false),
    ]);
}

#[test]
fn numbers_and_moments() {
    check(&[
        (r#""NumericEquals":{"x:k":"10"}"#, &["10.0"], true),
        (r#""NumericEquals":{"x:k":10}"#, &["10"], true),
        (r#""NumericNotEquals":{"x:k":"10"}"#, &["11"], true),
        (r#""NumericLessThan":{"x:k":"10"}"#, &["10"], false),
        (r#""NumericLessThanEquals":{"x:k":"10"}"#, &["10"], true),
        (r#""NumericGreaterThan":{"x:k":"10"}"#, &["10.5"], true),
        (r#""NumericGreaterThanEquals":{"x:k":"-1"}"#, &["-2"], false),
        // What is no number is neither less nor more.
        (r#""NumericLessThan":{"x:k":"10"}"#, &["many"], false),
        (r#""NumericNotEquals":{"x:k":"10"}"#, &["many"], true),
        (r#""DateEquals":{"x:k":"2020-04-01T00:00:00Z"}"#, &["1585699200"], true),
        (r#""DateNotEquals":{"x:k":"2020-04-01T00:00:00Z"}"#, &["1585699200"], false),
        (r#""DateLessThan":{"x:k":"2020-04-01T00:00:00Z"}"#, &["2020-03-31T23:59:59Z"], true),
        (r#""DateLessThanEquals":{"x:k":"2020-04-01"}"#, &["2020-04-01T00:00:00Z"], true),
        (
            r#""DateGreaterThan":{"x:k":"2020-04-01T00:00:00Z"}"#,
            &["2020-04-01T02:00:00+01:00"],
            true,
        ),
        (r#""DateGreaterThanEquals":{"x:k":"1585699200"}"#, &["2020-04-01T00:00Z"], true),
    ]);
}

#[test]
fn truth_bytes_addresses_arns_and_absence() {
    check(&[
        (r#""Bool":{"x:k":"true"}"#, &["true"], true),
        (r#""Bool":{"x:k":true}"#, &["TRUE"], true),
        (r#""Bool":{"x:k":"false"}"#, &["true"], false),
        (r#""Bool":{"x:k":"false"}"#, &[], false),
        (r#""BinaryEquals":{"x:k":"QmluYXJ5"}"#, &["QmluYXJ5"], true),
        (r#""BinaryEquals":{"x:k":"QmluYXJ5"}"#, &["AAAA"], false),
        (
            r#""IpAddress":{"x:k":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}"#,
            &["203.0.113.5"],
            true,
        ),
        (
            r#""IpAddress":{"x:k":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}"#,
            &["2001:db8:1234:5678::9"],
            true,
        ),
        (r#""IpAddress":{"x:k":"203.0.113.0/24"}"#, &["elsewhere"], false),
        (r#""NotIpAddress":{"x:k":"203.0.113.0/24"}"#, &["203.0.113.5"], false),
        (r#""NotIpAddress":{"x:k":"203.0.113.0/24"}"#, &["192.0.2.1"], true),
        (
            r#""ArnEquals":{"x:k":"arn:aws:sns:*:111122223333:t"}"#,
            &["arn:aws:sns:eu-west-1:111122223333:t"],
            true,
        ),
        (r#""ArnLike":{"x:k":"arn:aws:s3:::bucket*"}"#, &["arn:aws:s3:::bucket/a:b"], true),
        // A star stays in its part, but for the last.
        (r#""ArnLike":{"x:k":"arn:aws:sns:*:1:t"}"#, &["arn:aws:sns:a:2:1:t"], false),
        (
            r#""ArnLike":{"x:k":"arn:aws:sns:*:*:t"}"#,
            &["arn:aws:sns:eu-west-1:111122223333:u"],
            false,
        ),
        (r#""ArnNotEquals":{"x:k":"arn:aws:sns:*:*:t"}"#, &["arn:aws:sns:a:1:u"], true),
        (r#""ArnNotLike":{"x:k":"arn:aws:sns:*:*:t"}"#, &["arn:aws:sns:a:1:t"], false),
        (r#""ArnLike":{"x:k":"arn:aws:sns:*:*:t"}"#, &["t"], false),
        (r#""Null":{"x:k":"true"}"#, &[], true),
        (r#""Null":{"x:k":"true"}"#, &["a"], false),
        (r#""Null":{"x:k":"false"}"#, &["a"], true),
    ]);
}

#[test]
fn if_exists_and_several_values() {
    check(&[
        (r#""StringEqualsIfExists":{"x:k":"a"}"#, &[], true),
        (r#""StringEqualsIfExists":{"x:k":"a"}"#, &["b"], false),
        (r#""NumericLessThanIfExists":{"x:k":"1"}"#, &[], true),
        (r#""ForAllValues:StringEquals":{"x:k":["a","b"]}"#, &["a", "b"], true),
        (r#""ForAllValues:StringEquals":{"x:k":["a","b"]}"#, &["a", "c"], false),
        (r#""ForAllValues:StringEquals":{"x:k":["a","b"]}"#, &[], true),
        (r#""ForAnyValue:StringEquals":{"x:k":["a","b"]}"#, &["c", "b"], true),
        (r#""ForAnyValue:StringEquals":{"x:k":["a","b"]}"#, &["c", "d"], false),
        (r#""ForAnyValue:StringEquals":{"x:k":["a","b"]}"#, &[], false),
        (r#""ForAllValues:StringNotEquals":{"x:k":["a"]}"#, &["b", "c"], true),
        (r#""ForAllValues:StringNotEquals":{"x:k":["a"]}"#, &["b", "a"], false),
        (r#""ForAnyValue:StringNotEquals":{"x:k":["a"]}"#, &["b", "a"], true),
        (r#""ForAnyValue:StringLike":{"x:k":"te*"}"#, &["x", "team"], true),
    ]);
}

#[test]
fn variables() {
    let ana = [("aws:username", "ana"), ("x:k", "home/ana/f")];
    for (condition, facts, expected) in [
        (r#""StringLike":{"x:k":"home/${aws:username}/*"}"#, &ana[..], true),
        (r#""StringLike":{"x:k":"home/${AWS:UserName}/*"}"#, &ana[..], true),
        (r#""StringLike":{"x:k":"home/${aws:username}/*"}"#, &ana[1..], false),
        (r#""StringNotLike":{"x:k":"home/${aws:username}/*"}"#, &ana[1..], false),
        (r#""StringLike":{"x:k":"home/${aws:username, 'ana'}/*"}"#, &ana[1..], true),
        (r#""StringEquals":{"x:k":"${*}${?}${$}"}"#, &[("x:k", "*?$")][..], true),
        (r#""StringLike":{"x:k":"${*}"}"#, &[("x:k", "a")][..], false),
        // A star in a value is no wildcard.
        (r#""StringLike":{"x:k":"${x:v}"}"#, &[("x:k", "ab"), ("x:v", "a*")][..], false),
        (r#""StringLike":{"x:k":"${x:v}"}"#, &[("x:k", "a*"), ("x:v", "a*")][..], true),
        (
            r#""ArnLike":{"x:k":"arn:aws:iam::${aws:PrincipalAccount}:role/*"}"#,
            &[("x:k", "arn:aws:iam::1:role/r"), ("aws:PrincipalAccount", "1")][..],
            true,
        ),
        // Which of several values would be meant is not known.
        (
            r#""StringEquals":{"x:k":"${x:v}"}"#,
            &[("x:k", "a"), ("x:v", "a"), ("x:v", "b")][..],
            false,
        ),
    ] {
        assert_eq!(is_met(condition, facts), expected, "{condition} {facts:?}");
    }
}
