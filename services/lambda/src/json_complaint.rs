// SPDX-License-Identifier: Apache-2.0
//! What is wrong with a text that is no JSON, in the words of the parser that AWS uses.
//!
//! Where and what is wrong our own parser says. AWS no longer quotes the text, since it may be secret.

const A_VALUE: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// The sentence about `text`, in which `error` was found.
pub(crate) fn sentence(text: &str, error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let said = said.split_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let rest = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let rest = rest.get(column.saturating_sub(1)..).unwrap_or_default();
    let what = complaint(said, rest).unwrap_or_else(|| said.to_owned());
    format!(
        "{what}\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
    )
}

/// `rest` begins with what should not be there.
fn complaint(said: &str, rest: &str) -> Option<String> {
    match said {
        "EOF while parsing a value" => {
            return Some("No content to map due to end-of-input".to_owned());
        }
        "EOF while parsing an object" => {
            return Some("Unexpected end-of-input within/between Object entries".to_owned());
        }
        "EOF while parsing a list" => {
            return Some("Unexpected end-of-input within/between Array entries".to_owned());
        }
        "EOF while parsing a string" => {
            let text = "Unexpected end-of-input: was expecting closing quote for a string value";
            return Some(text.to_owned());
        }
        _ => {}
    }
    let first = rest.chars().next()?;
    let is_of_token = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let token: String = rest.chars().take_while(|c| is_of_token(*c)).collect();
    let expected = match said {
        "expected value" if first.is_alphabetic() || first == '_' => {
            return Some(format!("Unrecognized token '{token}': was expecting {A_VALUE}"));
        }
        "expected value" => format!("expected a valid value {A_VALUE}"),
        "trailing comma" if first == ']' => format!("expected a valid value {A_VALUE}"),
        "key must be a string" | "trailing comma" => {
            "was expecting double-quote to start field name".to_owned()
        }
        "expected `:`" => "was expecting a colon to separate field name and value".to_owned(),
        "expected `,` or `}`" => "was expecting comma to separate Object entries".to_owned(),
        "expected `,` or `]`" => "was expecting comma to separate Array entries".to_owned(),
        _ => return None,
    };
    let code = u32::from(first);
    Some(format!("Unexpected character ('{first}' (code {code})): {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IgnoredAny;

    fn first_line(text: &str) -> String {
        let error = serde_json::from_str::<IgnoredAny>(text).unwrap_err();
        sentence(text, &error).lines().next().unwrap().to_owned()
    }

    #[test]
    fn each_mistake_has_its_words() {
        let value = A_VALUE;
        for (text, expected) in [
            ("'test'", format!("Unexpected character (''' (code 39)): expected a valid value {value}")),
            ("hello", format!("Unrecognized token 'hello': was expecting {value}")),
            ("{nonsense", "Unexpected character ('n' (code 110)): was expecting double-quote to start field name".to_owned()),
            ("{\"a\":1,}", "Unexpected character ('}' (code 125)): was expecting double-quote to start field name".to_owned()),
            ("[1,]", format!("Unexpected character (']' (code 93)): expected a valid value {value}")),
            ("{\"a\" 1}", "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value".to_owned()),
            ("{\"a\":1 2}", "Unexpected character ('2' (code 50)): was expecting comma to separate Object entries".to_owned()),
            ("[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries".to_owned()),
            ("{\"a\":1", "Unexpected end-of-input within/between Object entries".to_owned()),
            ("[1", "Unexpected end-of-input within/between Array entries".to_owned()),
            ("\"a", "Unexpected end-of-input: was expecting closing quote for a string value".to_owned()),
            (" ", "No content to map due to end-of-input".to_owned()),
        ] {
            assert_eq!(first_line(text), expected, "{text}");
        }
    }

    #[test]
    fn a_place_that_is_none_is_no_panic() {
        for text in ["é{", "{\"é\" é", "\n\n{\n é", "1 é", "nul", "\u{0}"] {
            first_line(text);
        }
    }
}
