// SPDX-License-Identifier: Apache-2.0
//! What a target gets of an event: all of it, a part, something else, or a template that parts of it are put into. Pure.

use crate::address::RuleKey;
use crate::json_path::JsonPath;
use crate::rule::invalid;
use api::eventbridge::{InputTransformer, Target};
use serde_json::Value;
use wire::{Result, Timestamp};

/// What a template may name without a path.
const RESERVED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// A template that was filled is no JSON: EventBridge escapes nothing that it puts in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// An event and what is known of it when a rule sends it on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) rule: &'a RuleKey,
    /// JSON.
    pub(crate) event: &'a str,
    pub(crate) ingested: Timestamp,
}

/// Refuses what is said of a target's input where it is not good.
pub(crate) fn check(target: &Target) -> Result<()> {
    let Target { id, input, input_path, input_transformer, .. } = target;
    let told = [input.is_some(), input_path.is_some(), input_transformer.is_some()];
    if told.into_iter().filter(|is_told| *is_told).count() > 1 {
        return Err(invalid(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    if let Some(input) = input
        && serde_json::from_str::<Value>(input).is_err()
    {
        return Err(invalid(format!("JSON syntax error in input for target {id}.")));
    }
    let check_path = |path: &str| match JsonPath::parse(path) {
        Some(_) => Ok(()),
        None => Err(invalid(format!("Invalid JSON path {path} for target {id}."))),
    };
    if let Some(path) = input_path {
        check_path(path)?;
    }
    let Some(InputTransformer { input_paths_map, input_template }) = input_transformer else {
        return Ok(());
    };
    let paths = input_paths_map.iter().flatten();
    for (name, path) in paths {
        if name.to_ascii_lowercase().starts_with("aws") {
            return Err(invalid(format!(
                "InputPathsMap of target {id} has the name {name}: names that start with AWS are reserved."
            )));
        }
        check_path(path)?;
    }
    let is_known = |name: &str| {
        RESERVED.contains(&name)
            || input_paths_map.as_ref().is_some_and(|paths| paths.contains_key(name))
    };
    match pieces(input_template).find_map(|piece| match piece {
        Piece::Variable { name, .. } if !is_known(name) => Some(name),
        Piece::Variable { .. } | Piece::Text(_) => None,
    }) {
        Some(name) => Err(invalid(format!(
            "Invalid InputTemplate for target {id} : placeholder <{name}> is not defined in InputPathsMap."
        ))),
        None => Ok(()),
    }
}

/// What the target gets.
pub(crate) fn of(target: &Target, occasion: Occasion<'_>) -> std::result::Result<String, NotJson> {
    if let Some(input) = &target.input {
        return Ok(input.clone());
    }
    let event = || serde_json::from_str::<Value>(occasion.event).unwrap_or_default();
    if let Some(path) = &target.input_path {
        // What is not there is nothing.
        let part = JsonPath::parse(path).and_then(|path| path.find(&event()));
        return Ok(part.unwrap_or_default().to_string());
    }
    match &target.input_transformer {
        Some(transformer) => fill(transformer, &event(), occasion),
        None => Ok(occasion.event.to_owned()),
    }
}

fn fill(
    transformer: &InputTransformer,
    event: &Value,
    occasion: Occasion<'_>,
) -> std::result::Result<String, NotJson> {
    let mut filled = String::new();
    for piece in pieces(&transformer.input_template) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            // All of it, as it came.
            Piece::Variable { name: "aws.events.event.json", is_quoted: false } => {
                filled.push_str(occasion.event);
            }
            Piece::Variable { name, is_quoted } => {
                // A variable that nothing is found for is an empty text.
                let value = value(name, transformer, event, occasion);
                let value = value.unwrap_or_else(|| Value::String(String::new()));
                filled.push_str(&if is_quoted { within_text(value) } else { value.to_string() });
            }
        }
    }
    let is_json_template = transformer.input_template.trim_start().starts_with(['{', '[']);
    if is_json_template && serde_json::from_str::<Value>(&filled).is_err() {
        return Err(NotJson);
    }
    Ok(filled)
}

fn value(
    name: &str,
    transformer: &InputTransformer,
    event: &Value,
    occasion: Occasion<'_>,
) -> Option<Value> {
    Some(match name {
        "aws.events.rule-arn" => occasion.rule.arn().into(),
        "aws.events.rule-name" => occasion.rule.name.as_str().into(),
        "aws.events.event.ingestion-time" => occasion.ingested.iso_text().into(),
        "aws.events.event" => {
            let mut event = event.clone();
            if let Some(members) = event.as_object_mut() {
                members.remove("detail");
            }
            event
        }
        "aws.events.event.json" => event.clone(),
        name => {
            let path = transformer.input_paths_map.as_ref()?.get(name)?;
            JsonPath::parse(path)?.find(event)?
        }
    })
}

/// Texts as they are, unescaped; objects and lists without the quotation marks that would end the text.
fn within_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) => value.to_string().replace('"', ""),
        value => value.to_string(),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    /// `<name>`, within quotation marks or not.
    Variable {
        name: &'t str,
        is_quoted: bool,
    },
}

/// A template in pieces. What stands between `<` and `>` and is no name is text.
fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let (mut rest, mut is_quoted) = (template, false);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, behind)) = variable(rest) {
            rest = behind;
            return Some(Piece::Variable { name, is_quoted });
        }
        let next = rest
            .char_indices()
            .skip(1)
            .find(|(at, _)| rest.get(*at..).is_some_and(|behind| variable(behind).is_some()));
        let (text, behind) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
        is_quoted = is_open(text, is_quoted);
        rest = behind;
        Some(Piece::Text(text))
    })
}

fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_name)).then_some((name, behind))
}

/// Whether a text is open behind this piece.
fn is_open(piece: &str, was_open: bool) -> bool {
    let (mut is_open, mut is_escaped) = (was_open, false);
    for byte in piece.bytes() {
        match byte {
            b'"' if !is_escaped => is_open = !is_open,
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    is_open
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const EVENT: &str = r#"{"version":"0","id":"7bf73129","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"123456789012","time":"2015-11-11T21:29:54Z","region":"us-east-1","resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],"detail":{"instance-id":"i-0123456789","state":"RUNNING","z":1,"a":"say \"hi\""}}"#;

    fn target(paths: &[(&str, &str)], template: &str) -> Target {
        let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned()));
        Target {
            id: "t".to_owned(),
            input_transformer: Some(InputTransformer {
                input_paths_map: Some(paths.collect()),
                input_template: template.to_owned(),
            }),
            ..Target::default()
        }
    }

    fn given(target: &Target) -> std::result::Result<String, NotJson> {
        let rule = RuleKey::of_arn("arn:aws:events:us-east-1:123456789012:rule/orders/r").unwrap();
        check(target).unwrap();
        of(target, Occasion { rule: &rule, event: EVENT, ingested: Timestamp::from_epoch_ms(0) })
    }

    /// "Input transform examples" of EventBridge's user guide, read 2026-11-23.
    #[test]
    fn templates_are_filled_as_the_user_guide_has_it() {
        let paths = [
            ("instance", "$.detail.instance-id"),
            ("state", "$.detail.state"),
            ("gone", "$.detail.gone"),
            ("detail", "$.detail.z"),
            ("resources", "$.resources"),
        ];
        for (template, expected) in [
            (r#""instance <instance> is in <state>""#, r#""instance i-0123456789 is in RUNNING""#),
            (
                r#"{"instance": <instance>, "state": <state>}"#,
                r#"{"instance": "i-0123456789", "state": "RUNNING"}"#,
            ),
            (
                r#"{"instance": "<instance>", "text": "instance \"<instance>\" is in <state>"}"#,
                r#"{"instance": "i-0123456789", "text": "instance \"i-0123456789\" is in RUNNING"}"#,
            ),
            (
                r#"{"state": [9, <state>, true], "n": <detail>}"#,
                r#"{"state": [9, "RUNNING", true], "n": 1}"#,
            ),
            (
                r#"{"all": <resources>}"#,
                r#"{"all": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"]}"#,
            ),
            (r#"{"a": <gone>, "b": "<gone>"}"#, r#"{"a": "", "b": ""}"#),
            (
                r#"{"rule": <aws.events.rule-arn>, "name": "<aws.events.rule-name>", "at": <aws.events.event.ingestion-time>}"#,
                r#"{"rule": "arn:aws:events:us-east-1:123456789012:rule/orders/r", "name": "r", "at": "1970-01-01T00:00:00Z"}"#,
            ),
            (r#""a < b and <state> > c""#, r#""a < b and RUNNING > c""#),
            (
                r#""all of <resources>""#,
                r#""all of [arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111]""#,
            ),
        ] {
            assert_eq!(given(&target(&paths, template)).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn the_event_goes_in_with_its_detail_or_without() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let given =
            given(&target(&[], r#"{"head": <aws.events.event>, "all": <aws.events.event.json>}"#))
                .unwrap();
        let (given, event) = (read(&given), read(EVENT));
        assert_eq!(given["all"], event);
        assert_eq!(given["head"]["detail"], Value::Null);
        assert_eq!(given["head"]["id"], "7bf73129");
    }

    #[test]
    fn what_is_put_in_is_not_escaped() {
        assert_eq!(given(&target(&[("a", "$.detail.a")], r#"{"a": "<a>"}"#)), Err(NotJson));
        let good = given(&target(&[("a", "$.detail.a")], r#"{"a": <a>}"#)).unwrap();
        assert_eq!(good, r#"{"a": "say \"hi\""}"#);
    }

    #[test]
    fn parts_and_constants() {
        let part = |path: &str| Target { input_path: Some(path.to_owned()), ..Target::default() };
        assert_eq!(given(&part("$.detail.state")).unwrap(), r#""RUNNING""#);
        assert_eq!(
            given(&part("$.resources[0]")).unwrap(),
            json!("arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111").to_string()
        );
        assert_eq!(given(&part("$.detail.gone")).unwrap(), "null");
        let constant = Target { input: Some(r#"{"a": 1}"#.to_owned()), ..Target::default() };
        assert_eq!(given(&constant).unwrap(), r#"{"a": 1}"#);
        assert_eq!(given(&Target::default()).unwrap(), EVENT);
    }

    #[test]
    fn what_is_no_input_is_refused() {
        let path = |path: &str| Target { input_path: Some(path.to_owned()), ..Target::default() };
        for bad in [
            Target { input: Some("{".to_owned()), ..Target::default() },
            Target { input: Some("1".to_owned()), ..path("$.a") },
            path("detail"),
            target(&[("a", "x")], "\"<a>\""),
            target(&[("AWSname", "$.a")], "\"<AWSname>\""),
            target(&[("a", "$.a")], "\"<b>\""),
            target(&[], "\"<aws.events.unknown>\""),
        ] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }
}
