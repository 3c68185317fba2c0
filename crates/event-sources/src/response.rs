// SPDX-License-Identifier: Apache-2.0
//! Which messages of a batch failed, as the function says. Pure.

use crate::event::Received;
use serde_json::Value;
use std::collections::HashMap;

/// For each message, whether it failed. `None` where the answer makes no sense: then all failed.
///
/// The function alone says so, also of a FIFO queue: what it ran behind a message that failed is done, and it tells what it did
/// not run.
pub(crate) fn failures(answer: &[u8], received: &[Received]) -> Option<Vec<bool>> {
    let answer: Value = match answer {
        [] => Value::Null,
        answer => serde_json::from_slice(answer).ok()?,
    };
    let items = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Some(vec![false; received.len()]),
        Some(items) => items.as_array()?,
    };
    let places: HashMap<&str, usize> = received
        .iter()
        .enumerate()
        .map(|(place, received)| (received.id.as_str(), place))
        .collect();
    let mut failed = vec![false; received.len()];
    for item in items {
        let id = item.get("itemIdentifier").and_then(Value::as_str)?;
        *failed.get_mut(*places.get(id)?)? = true;
    }
    Some(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(id: &str) -> Received {
        Received { record: Vec::new(), id: id.to_owned(), handle: String::new(), trace: None }
    }

    #[test]
    fn what_a_function_says_failed() {
        let all = ["a", "b", "c", "d"].map(received);
        let said = |answer: &str| {
            let failed = failures(answer.as_bytes(), &all)?;
            let told = all.iter().zip(failed).filter(|(_, failed)| *failed);
            Some(told.map(|(received, _)| received.id.clone()).collect::<String>())
        };
        for all_is_well in [
            "",
            "null",
            "{}",
            "\"text\"",
            "[]",
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"other":1}"#,
        ] {
            assert_eq!(said(all_is_well).as_deref(), Some(""), "{all_is_well}");
        }
        let one = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
        assert_eq!(said(one).as_deref(), Some("b"), "also of a FIFO queue, where d is behind b");
        let twice =
            r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"c","x":1}]}"#;
        assert_eq!(said(twice).as_deref(), Some("c"));
        for nonsense in [
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#,
            r#"{"batchItemFailures":[{"other":"b"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}"#,
            r#"{"batchItemFailures":["b"]}"#,
            r#"{"batchItemFailures":7}"#,
            "not JSON",
        ] {
            assert_eq!(said(nonsense), None, "{nonsense}");
        }
    }
}
