// SPDX-License-Identifier: Apache-2.0
//! What is kept of an invocation, and how that is written: a line of JSON, then the payload, then the answer.
//!
//! The format is one of the data directory's: a new member needs `#[serde(default)]`.

use crate::FunctionKey;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What an invocation takes in the queue beside its payload and its answer.
const HEAD_BYTES: usize = 1_024;

/// How an event came to its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    RequestResponse,
    Event,
    FunctionUrl,
    Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answered,
    /// The function, its runtime or one of its limits failed it.
    Failed,
    /// The event did not come to the function.
    NotRun,
}

/// An invocation, beside its payload and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    pub request_id: String,
    pub kind: Kind,
    /// When it began, in milliseconds since 1970.
    pub time_ms: i64,
    /// The function as it was called: without, it was no version in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<String>,
    pub executed_version: String,
    /// JSON, decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_context: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The trace header, as the function had it.
    pub trace: String,
    pub outcome: Outcome,
    /// What the function failed with, or why it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// From its way into the function to its end, an init phase included.
    pub duration_us: u64,
    pub payload_bytes: usize,
    /// Of the answer, recorded or not. `None`: there was none, or it was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_bytes: Option<usize>,
}

/// An invocation, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub function: FunctionKey,
    pub recording: Recording,
    pub payload: Bytes,
    /// What the function returned, or its error document. `None`: there was none, it was streamed, or it is not kept.
    pub answer: Option<Bytes>,
}

impl Recorded {
    /// What it takes while it waits.
    pub(crate) fn bytes(&self) -> usize {
        HEAD_BYTES + self.payload.len() + self.answer.as_ref().map_or(0, Bytes::len)
    }

    /// Completes what was left to do off the way of the invocation, and writes it.
    pub(crate) fn encode(mut self, answer_bytes_max: usize) -> Vec<u8> {
        self.recording.payload_bytes = self.payload.len();
        self.recording.answer_bytes = self.answer.as_ref().map(Bytes::len);
        if let (Outcome::Failed, None, Some(answer)) =
            (self.recording.outcome, &self.recording.error_type, &self.answer)
        {
            self.recording.error_type = error_type(answer);
        }
        let is_kept = |answer: &Bytes| {
            answer.len() <= answer_bytes_max && std::str::from_utf8(answer).is_ok()
        };
        let answer = self.answer.filter(is_kept).unwrap_or_default();
        // Text and numbers become JSON without fail.
        let mut text = serde_json::to_vec(&self.recording).unwrap_or_default();
        text.reserve(self.payload.len() + answer.len() + 1);
        text.push(b'\n');
        text.extend(&self.payload);
        text.extend(&answer);
        text
    }

    /// `None` for what another build wrote.
    pub(crate) fn decode(function: &FunctionKey, text: &[u8]) -> Option<Self> {
        let recording = head(text)?;
        let start = text.iter().position(|byte| *byte == b'\n')? + 1;
        let end = start.checked_add(recording.payload_bytes)?;
        let payload = Bytes::copy_from_slice(text.get(start..end)?);
        let answer = text.get(end..).filter(|answer| Some(answer.len()) == recording.answer_bytes);
        let answer = answer.map(Bytes::copy_from_slice);
        Some(Self { function: function.clone(), recording, payload, answer })
    }
}

/// The first line alone.
pub(crate) fn head(text: &[u8]) -> Option<Recording> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    serde_json::from_slice(text.get(..end)?).ok()
}

/// What a function's error document says it failed with.
pub fn error_type(document: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Failure {
        #[serde(rename = "errorType")]
        error_type: Option<String>,
    }
    serde_json::from_slice::<Failure>(document).ok()?.error_type
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An invocation of the function `name` at this time.
    pub(crate) fn recorded(name: &str, time_ms: i64, payload: &str, answer: &str) -> Recorded {
        let recording = Recording {
            request_id: format!("request-{time_ms}"),
            kind: Kind::RequestResponse,
            time_ms,
            qualifier: Some("live".to_owned()),
            executed_version: "3".to_owned(),
            client_context: Some("{}".to_owned()),
            tenant_id: None,
            trace: "Root=1-5759e988-bd862e3fe1be46a994272793".to_owned(),
            outcome: Outcome::Answered,
            error_type: None,
            duration_us: 1_500,
            payload_bytes: payload.len(),
            answer_bytes: Some(answer.len()),
        };
        Recorded {
            function: key(name),
            recording,
            payload: payload.to_owned().into(),
            answer: Some(answer.to_owned().into()),
        }
    }

    pub(crate) fn key(name: &str) -> FunctionKey {
        FunctionKey {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: name.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn what_was_recorded_is_read(payload in "[ \\n\\PC]{0,40}", answer in "[\\n\\PC]{0,40}") {
            let recorded = recorded("f", 7, &payload, &answer);
            let text = recorded.clone().encode(1_000);
            prop_assert_eq!(Recorded::decode(&key("f"), &text), Some(recorded));
        }

        #[test]
        fn nothing_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Recorded::decode(&key("f"), &text));
        }
    }

    #[test]
    fn the_error_is_read_from_the_document() {
        let mut failed = recorded("f", 1, "1", r#"{"errorType":"ValueError","errorMessage":"no"}"#);
        failed.recording.outcome = Outcome::Failed;
        let read = head(&failed.encode(1_000)).unwrap();
        assert_eq!(read.error_type.as_deref(), Some("ValueError"));
    }

    #[test]
    fn of_a_long_answer_only_its_length_is_kept() {
        let text = recorded("f", 1, "payload", "answer").encode(5);
        let read = Recorded::decode(&key("f"), &text).unwrap();
        assert_eq!((read.answer, read.recording.answer_bytes), (None, Some(6)));
        assert_eq!(read.payload, "payload");
    }
}
