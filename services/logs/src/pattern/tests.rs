// SPDX-License-Identifier: Apache-2.0
//! Patterns and events of AWS's page "Filter pattern syntax for metric filters, subscription filters, filter log events,
//! and Live Tail", and some more.

use super::*;
use proptest::prelude::*;

fn check(pattern: &str, matching: &[&str], others: &[&str]) {
    let parsed = Pattern::parse(pattern).unwrap_or_else(|Invalid| panic!("{pattern} is invalid"));
    for event in matching {
        assert!(parsed.is_match(event), "{pattern} matches {event}");
    }
    for event in others {
        assert!(!parsed.is_match(event), "{pattern} does not match {event}");
    }
}

const EVENT: &str = r#"{
  "eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
  "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c",
  "errorCode": 400, "time": 1.5e2, "isRed": true, "nested": {"deep": {"er": "x"}}, "empty": ""
}"#;

#[test]
fn nothing_matches_all() {
    check("", &["", "anything"], &[]);
    check("  ", &["x"], &[]);
}

#[test]
fn terms_must_all_be_there() {
    check("ERROR", &["[ERROR 400] BAD REQUEST", "ERRORS"], &["[Warn] x", "error"]);
    check("ERROR ARGUMENTS", &["[ERROR 419] MISSING ARGUMENTS"], &["[ERROR 401] UNAUTHORIZED"]);
    check(
        r#""INTERNAL SERVER ERROR""#,
        &["[ERROR 500] INTERNAL SERVER ERROR"],
        &["INTERNAL ERROR"],
    );
    check(r#""a\"b" -c"#, &[r#"xa"b"#], &["ab", r#"a"bc"#]);
}

#[test]
fn alternatives_and_exclusions() {
    check("?ERROR ?ARGUMENTS", &["[ERROR 400]", "MISSING ARGUMENTS"], &["400"]);
    check("ERROR -ARGUMENTS", &["[ERROR 400] BAD"], &["[ERROR 419] MISSING ARGUMENTS", "[WARN]"]);
    check("-DEBUG", &["INFO"], &["DEBUG x"]);
    check("?ERROR WARN", &["WARN"], &["ERROR"]);
}

#[test]
fn expressions() {
    check("%AUTHORIZED%", &["UNAUTHORIZED"], &["x"]);
    check("%^ERROR [0-9]{3}$% -%404%", &["ERROR 400"], &["ERROR 404", "an ERROR 400"]);
    check(r"{ $.eventType = %^Update% }", &[EVENT], &[r#"{"eventType":"x"}"#]);
    check(r"[w1 = %^4\d\d$%, ...]", &["404 x", "400"], &["4044 x"]);
}

#[test]
fn members_of_json_are_compared() {
    for pattern in [
        r#"{ $.eventType = "UpdateTrail" }"#,
        "{$.eventType=UpdateTrail}",
        r#"{ $.eventType = "*Trail" && $.sourceIPAddress != 123.123.* }"#,
        r#"{ $.arrayKey[0] = "value" }"#,
        r#"{ $.arrayKey[*] = "another*" }"#,
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].id > 1 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.errorCode >= 400 && $.errorCode <= 400 }",
        "{ $.errorCode = 4e2 }",
        "{ $.time = 150 }",
        "{ $.isRed IS TRUE }",
        r#"{ $.['cluster.name'] = "c" }"#,
        "{ $.nested.deep.er = x }",
        "{ $.errorCode = 500 || ($.isRed IS TRUE && $.errorCode = 400) }",
        "{ ($.errorCode = 500 && $.isRed IS FALSE) || $.eventType = * }",
        r#"{ $.empty = "" }"#,
    ] {
        check(pattern, &[EVENT], &["no JSON", "{}x"]);
    }
    for pattern in [
        r#"{ $.eventType = "updateTrail" }"#,
        "{ $.objectList[2].id = 2 }",
        "{ $.errorCode > 400 }",
        "{ $.isRed IS FALSE }",
        "{ $.eventType NOT EXISTS }",
        "{ $.missing != x }",
        "{ $.nested = * }",
        "{ $.isRed IS TRUE && $.errorCode = 500 || $.eventType = x }",
    ] {
        check(pattern, &[], &[EVENT]);
    }
}

#[test]
fn fields_between_spaces_are_compared() {
    let event =
        r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    for pattern in [
        "[ip, server, username, timestamp, request, status_code, bytes > 1000]",
        "[ip, server, username, timestamp, request, status_code = 404, bytes]",
        "[..., request =*.html*, status_code = 4*,]",
        "[ip, ..., status_code = 4* || status_code = 5*, bytes]",
        "[ip = 127*, ...]",
        "[..., size = 1534]",
        "[ip, server, username, timestamp, request, status_code = 4* && status_code != 403, bytes]",
        "[ip,server,user,time,request,(s=404||s=405),bytes]",
    ] {
        check(pattern, &[event], &["x", "", r#"10.0.0.1 "a b" 200 7"#]);
    }
    for pattern in [
        "[ip, server]",
        "[ip, server, username, timestamp, request, status_code != 404, bytes]",
        "[ip, server, username, timestamp, request, status_code, bytes < 1000]",
    ] {
        check(pattern, &[], &[event]);
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for pattern in [
        "{",
        "{ }",
        "{ $ = 1 }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a > x }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ $.a IS 7 }",
        "{ a = 1 }",
        "[",
        "[a",
        "[a=]",
        "[..., a, ...]",
        "[a=1 && b=2]",
        "[a] b",
        "\"open",
        "%open",
        "%(%",
        "%a% %b% %c%",
        "{ $.a[x] = 1 }",
        "?",
        "-",
        "{ ($.a = 1 }",
        "[a=1 || a]",
    ] {
        assert_eq!(Pattern::parse(pattern).err(), Some(Invalid), "{pattern}");
    }
    assert!(Pattern::parse(&format!("{{ {}$.a = 1{} }}", "(".repeat(40), ")".repeat(40))).is_err());
}

#[test]
fn values_are_extracted() {
    let json = Pattern::parse("{ $.errorCode = 400 && $.arrayKey[0] = * }").unwrap();
    let found: Vec<_> = json.extract(EVENT).into_iter().collect();
    assert_eq!(
        found,
        [("$.arrayKey[0]".into(), "value".into()), ("$.errorCode".into(), "400".into())]
    );
    let fields = Pattern::parse("[first, ..., last]").unwrap();
    let found: Vec<_> = fields.extract("a b c").into_iter().collect();
    assert_eq!(found, [("$first".into(), "a".into()), ("$last".into(), "c".into())]);
}

proptest! {
    #[test]
    fn no_pattern_and_no_event_is_too_odd(
        pattern in "[\\[\\]{}$.a=*%\"\\\\&|() ,1<>?!-]{0,40}",
        event in "[\\[\\]{}\":a1 ,]{0,40}",
    ) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let _ = (pattern.is_match(&event), pattern.extract(&event));
        }
    }
}
