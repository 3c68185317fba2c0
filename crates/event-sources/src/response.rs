// SPDX-License-Identifier: Apache-2.0
//! Which messages of a batch failed, as the function says. Pure.

use crate::event::Received;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// For each message, whether it failed. `None` where the answer makes no sense: then all failed.
///
/// Of a FIFO queue what follows a failed message in its group failed too: it must not overtake.
pub(crate) fn failures(answer: &[u8], received: &[Received], is_fifo: bool) -> Option<Vec<bool>> {
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
    if is_fifo {
        let mut stopped = HashSet::new();
        for (received, failed) in received.iter().zip(&mut failed) {
            let group = received.group.as_deref();
            *failed |= stopped.contains(&group);
            if *failed {
                stopped.insert(group);
            }
        }
    }
    Some(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(id: &str, group: &str) -> Received {
        Received {
            record: Vec::new(),
            id: id.to_owned(),
            handle: String::new(),
            group: Some(group.to_owned()),
            trace: None,
        }
    }

    #[test]
    fn what_a_function_says_failed() {
        let all = [received("a", "1"), received("b", "1"), received("c", "2"), received("d", "1")];
        let said = |answer: &str, is_fifo| {
            let failed = failures(answer.as_bytes(), &all, is_fifo)?;
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
            assert_eq!(said(all_is_well, false).as_deref(), Some(""), "{all_is_well}");
        }
        let one = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
        assert_eq!(said(one, false).as_deref(), Some("b"));
        assert_eq!(said(one, true).as_deref(), Some("bd"), "the other group goes on");
        let twice =
            r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"c","x":1}]}"#;
        assert_eq!(said(twice, true).as_deref(), Some("c"));
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
            assert_eq!(said(nonsense, false), None, "{nonsense}");
        }
    }
}
