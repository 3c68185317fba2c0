// SPDX-License-Identifier: Apache-2.0
//! JSON bodies, and AWS's words for bad ones.

use crate::{Fault, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a body straight into `T`. An empty body is an empty object.
pub(crate) fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T> {
    if body.is_empty() {
        return Ok(T::default());
    }
    // Serde would also read a struct from an array; AWS does not.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Fault::serialization(LIST));
    }
    serde_json::from_slice(body).map_err(|error| Fault::serialization(sentence(&error)))
}

/// Reads a body that is one member. An empty body is none.
pub fn read_document<T: DeserializeOwned + Default>(body: &[u8]) -> Result<Option<T>> {
    if body.is_empty() { Ok(None) } else { read(body).map(Some) }
}

pub(crate) fn write<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|_| Fault::internal())
}

const LIST: &str = "Start of list found where not expected";
const STRUCTURE: &str = "Start of structure or map found where not expected.";

/// What AWS's front layer says to `error`. Serde keeps the two types of a mismatch in its message only.
fn sentence(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Data => mismatch(&error.to_string()),
        Category::Eof => "Unexpected end of input".to_owned(),
        Category::Syntax | Category::Io => {
            format!("Could not parse request body into json: {error}")
        }
    }
}

fn mismatch(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let types =
        message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = types.and_then(|types| types.rsplit_once(", expected ")) else {
        return message.to_owned();
    };
    let token = match found.split([' ', '`']).next().unwrap_or_default() {
        "sequence" => return LIST.to_owned(),
        "map" => return STRUCTURE.to_owned(),
        "boolean" if found.contains("true") => "TRUE_VALUE",
        "boolean" => "FALSE_VALUE",
        "integer" | "floating" | "number" => "NUMBER_VALUE",
        "null" => "NULL_VALUE",
        _ => "STRING_VALUE",
    };
    let wanted = match expected {
        "a string" | "string" => "a String",
        "i32" => "an Integer",
        "i64" => "a Long",
        "f64" => "a Double",
        "a boolean" => "a Boolean",
        "a sequence" => "a List",
        "a map" => "a Map",
        "a blob" => "a Blob",
        "a timestamp" => "a Timestamp",
        _ => "a Structure",
    };
    format!("{token} can not be converted to {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, Timestamp};
    use std::collections::BTreeMap;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Draft {
        text: Option<String>,
        number: Option<i32>,
        flag: Option<bool>,
        list: Option<Vec<String>>,
        map: Option<BTreeMap<String, String>>,
        blob: Option<Blob>,
        at: Option<Timestamp>,
    }

    fn message(body: &str) -> String {
        match read::<Draft>(body.as_bytes()) {
            Ok(draft) => format!("read {draft:?}"),
            Err(fault) => {
                assert_eq!((fault.code.as_ref(), fault.status), ("SerializationException", 400));
                fault.message
            }
        }
    }

    #[test]
    fn wrong_types_get_awss_words() {
        for (body, expected) in [
            (r#"{"text":1}"#, "NUMBER_VALUE can not be converted to a String"),
            (r#"{"text":true}"#, "TRUE_VALUE can not be converted to a String"),
            (r#"{"text":[]}"#, LIST),
            (r#"{"text":{}}"#, STRUCTURE),
            (r#"{"number":"1, expected i32"}"#, "STRING_VALUE can not be converted to an Integer"),
            (r#"{"number":1.5}"#, "NUMBER_VALUE can not be converted to an Integer"),
            (r#"{"number":99999999999}"#, "NUMBER_VALUE can not be converted to an Integer"),
            (r#"{"flag":"true"}"#, "STRING_VALUE can not be converted to a Boolean"),
            (r#"{"list":"a"}"#, "STRING_VALUE can not be converted to a List"),
            (r#"{"list":[null]}"#, "NULL_VALUE can not be converted to a String"),
            (r#"{"map":"a"}"#, "STRING_VALUE can not be converted to a Map"),
            (r#"{"map":[]}"#, LIST),
            (r#"{"blob":7}"#, "NUMBER_VALUE can not be converted to a Blob"),
            (r#"{"blob":"%"}"#, crate::blob::NOT_BASE64),
            (r#"{"at":{}}"#, STRUCTURE),
            (r#"[{}]"#, LIST),
            (r#""x""#, "STRING_VALUE can not be converted to a Structure"),
            ("{", "Unexpected end of input"),
        ] {
            assert_eq!(message(body), expected, "{body}");
        }
        assert!(message("{x").starts_with("Could not parse request body into json: "));
    }

    #[test]
    fn null_is_absent_and_unknown_members_are_ignored() {
        assert!(message(r#"{"text":null,"list":null,"More":[{"a":1}]}"#).starts_with("read "));
        assert!(message("").starts_with("read "));
    }

    #[test]
    fn escaped_base64_is_read() {
        let draft: Draft = read(br#"{"blob":"\/\/8="}"#).unwrap();
        assert_eq!(draft.blob.unwrap()[..], [255, 255]);
    }
}
