// SPDX-License-Identifier: Apache-2.0
//! What a log group gets: the event as it is, with its own time, or what the target's input says of both. Pure.

use crate::event::Accepted;
use api::eventbridge::Target;
use api::logs::InputLogEvent;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use targets::NotTaken;
use wire::Timestamp;

/// As an input transformer for a log group has to write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    timestamp: Time,
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Time {
    /// Milliseconds since 1970.
    Number(i64),
    /// The same, or the form of an event's time.
    Text(String),
}

impl Time {
    fn epoch_ms(&self) -> Option<i64> {
        match self {
            Self::Number(epoch_ms) => Some(*epoch_ms),
            Self::Text(text) => {
                let time = || Timestamp::parse(text).map(Timestamp::epoch_ms);
                text.parse().ok().or_else(time)
            }
        }
    }
}

/// `text` is what the target's input makes of the event.
pub(crate) fn of(
    target: &Target,
    accepted: &Accepted,
    text: String,
) -> Result<InputLogEvent, NotTaken> {
    if target.input.is_some() || target.input_transformer.is_some() {
        let written = serde_json::from_str::<Written>(&text).ok();
        let event = written.filter(|written| !written.message.is_empty()).and_then(|written| {
            let timestamp = written.timestamp.epoch_ms()?;
            Some(InputLogEvent { timestamp, message: written.message })
        });
        return event.ok_or_else(|| NotTaken::Never {
            code: "InvalidParameterException".to_owned(),
            message:
                r#"The input for a log group must be {"timestamp": a time, "message": a text}."#
                    .to_owned(),
        });
    }
    Ok(InputLogEvent { timestamp: time_of(accepted), message: text })
}

/// When it happened.
fn time_of(accepted: &Accepted) -> i64 {
    #[derive(Deserialize)]
    struct Head {
        time: String,
    }
    let head = serde_json::from_str::<Head>(&accepted.event).ok();
    let time = head.and_then(|head| Timestamp::parse(&head.time));
    time.map_or(accepted.ingested_ms, Timestamp::epoch_ms)
}

/// The stream of a target: a UUID, as on AWS, and here always the same one.
pub(crate) fn stream(rule_arn: &str, target: &Target) -> String {
    let hash = Sha256::digest(format!("{rule_arn}/{}", target.id));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, hashed)| *byte = hashed);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::eventbridge::InputTransformer;

    const EVENT: &str = r#"{"id":"i","time":"1970-01-01T00:00:07Z","detail":{}}"#;

    fn written(target: &Target, text: &str) -> Option<(i64, String)> {
        let accepted = Accepted { event: EVENT.to_owned(), ingested_ms: 9, ..Accepted::default() };
        let event = of(target, &accepted, text.to_owned()).ok()?;
        Some((event.timestamp, event.message))
    }

    #[test]
    fn an_event_has_its_own_time() {
        assert_eq!(written(&Target::default(), EVENT), Some((7_000, EVENT.to_owned())));
    }

    #[test]
    fn an_input_says_both_the_time_and_the_message() {
        let target =
            Target { input_transformer: Some(InputTransformer::default()), ..Target::default() };
        for (text, expected) in [
            (r#"{"timestamp": 5, "message": "m"}"#, Some(5)),
            (r#"{"timestamp": "5", "message": "m"}"#, Some(5)),
            (r#"{"message": "m", "timestamp": "1970-01-01T00:00:05Z"}"#, Some(5_000)),
            (r#"{"timestamp": "yesterday", "message": "m"}"#, None),
            (r#"{"timestamp": 5, "message": {}}"#, None),
            (r#"{"timestamp": 5, "message": ""}"#, None),
            (r#"{"timestamp": 5}"#, None),
            (r#"{"timestamp": 5, "message": "m", "more": 1}"#, None),
            (r#""m""#, None),
        ] {
            let expected = expected.map(|time| (time, "m".to_owned()));
            assert_eq!(written(&target, text), expected, "{text}");
        }
    }

    #[test]
    fn a_target_has_one_stream() {
        let target = |id: &str| Target { id: id.to_owned(), ..Target::default() };
        assert_eq!(stream("r", &target("a")), stream("r", &target("a")));
        assert_ne!(stream("r", &target("a")), stream("r", &target("b")));
    }
}
