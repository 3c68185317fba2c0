// SPDX-License-Identifier: Apache-2.0
//! One record, as each schema writes it. Pure but for the time, which is when the record is made.

use super::event::{PlatformEvent, Report, ReportMetrics, RuntimeDone, Start, Status};
use super::subscription::{Category, Schema};
use crate::clock;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// All subscribers share the bytes.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) category: Category,
    /// For the Telemetry API, if it tells this.
    telemetry: Option<Bytes>,
    /// For its first schema, if that differs.
    telemetry_2022_07_01: Option<Bytes>,
    /// For the Logs API, if it tells this.
    logs: Option<Bytes>,
    /// What only the second schema of the Logs API tells.
    is_runtime_done: bool,
}

impl Record {
    pub(super) fn platform(event: &PlatformEvent<'_>) -> Self {
        let time = clock::timestamp();
        let line = |record: String| envelope(&time, event.kind(), &record);
        let telemetry = match event {
            PlatformEvent::LogsSubscription(_) => None,
            _ => event.record().map(line),
        };
        Self {
            category: Category::Platform,
            telemetry,
            telemetry_2022_07_01: None,
            logs: of_logs_api(event).map(line),
            is_runtime_done: matches!(event, PlatformEvent::RuntimeDone(_)),
        }
    }

    pub(super) fn printed(category: Category, line: &[u8], is_json: bool) -> Self {
        let time = clock::timestamp();
        let text = String::from_utf8_lossy(line);
        // As it was printed: with its line end.
        let quoted = serde_json::Value::from(format!("{}\n", text.replace('\r', "\n"))).to_string();
        let as_text = envelope(&time, category.name(), &quoted);
        let is_record = is_json && text.starts_with('{');
        let object = is_record.then(|| serde_json::from_str::<&RawValue>(&text).ok()).flatten();
        let as_object = object.map(|object| envelope(&time, category.name(), object.get()));
        Self {
            category,
            telemetry_2022_07_01: as_object.is_some().then(|| as_text.clone()),
            telemetry: Some(as_object.unwrap_or_else(|| as_text.clone())),
            logs: Some(as_text),
            is_runtime_done: false,
        }
    }

    pub(super) fn text(&self, schema: Schema) -> Option<Bytes> {
        match schema {
            Schema::Logs20200815 if self.is_runtime_done => None,
            Schema::Logs20200815 | Schema::Logs20210318 => self.logs.clone(),
            Schema::Telemetry20220701 => {
                self.telemetry_2022_07_01.clone().or_else(|| self.telemetry.clone())
            }
            Schema::Telemetry20221213 | Schema::Telemetry20250129 => self.telemetry.clone(),
        }
    }

    pub(super) fn length(&self) -> usize {
        let all = [&self.telemetry, &self.telemetry_2022_07_01, &self.logs];
        all.into_iter().flatten().map(Bytes::len).sum()
    }
}

fn envelope(time: &str, kind: &str, record: &str) -> Bytes {
    format!(r#"{{"time":"{time}","type":"{kind}","record":{record}}}"#).into()
}

/// What the older API tells of an event: less.
fn of_logs_api(event: &PlatformEvent<'_>) -> Option<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Started<'a> {
        request_id: &'a str,
        version: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Done<'a> {
        request_id: &'a str,
        status: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Reported<'a> {
        request_id: &'a str,
        metrics: &'a ReportMetrics,
    }
    match event {
        PlatformEvent::Start(Start { request_id, version, .. }) => {
            serde_json::to_string(&Started { request_id, version }).ok()
        }
        PlatformEvent::End(end) => serde_json::to_string(end).ok(),
        PlatformEvent::RuntimeDone(RuntimeDone { request_id, status, .. }) => {
            let status = match status {
                Status::Success => "success",
                Status::Error => "failure",
                Status::Timeout => "timeout",
            };
            serde_json::to_string(&Done { request_id, status }).ok()
        }
        PlatformEvent::Report(Report { request_id, metrics, .. }) => {
            serde_json::to_string(&Reported { request_id, metrics }).ok()
        }
        PlatformEvent::Fault(text) => serde_json::to_string(text).ok(),
        PlatformEvent::Extension(_)
        | PlatformEvent::LogsSubscription(_)
        | PlatformEvent::LogsDropped(_) => event.record(),
        PlatformEvent::InitStart(_)
        | PlatformEvent::InitRuntimeDone(_)
        | PlatformEvent::InitReport(_)
        | PlatformEvent::RestoreStart(_)
        | PlatformEvent::RestoreRuntimeDone(_)
        | PlatformEvent::RestoreReport(_)
        | PlatformEvent::TelemetrySubscription(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{End, Subscription};

    fn texts(record: &Record) -> Vec<Option<serde_json::Value>> {
        let schemas = [Schema::Logs20200815, Schema::Telemetry20220701, Schema::Telemetry20221213];
        let parse = |text: Bytes| serde_json::from_slice::<serde_json::Value>(&text).unwrap();
        let record_of = |value: serde_json::Value| value["record"].clone();
        schemas.map(|schema| record.text(schema).map(parse).map(record_of)).to_vec()
    }

    #[test]
    fn a_json_line_is_a_record_from_the_second_schema_on() {
        let line = br#"{"level":"INFO"}"#;
        let text = serde_json::json!("{\"level\":\"INFO\"}\n");
        let object = serde_json::json!({"level": "INFO"});
        let told = texts(&Record::printed(Category::Function, line, true));
        assert_eq!(told, [Some(text.clone()), Some(text.clone()), Some(object)]);
        let told = texts(&Record::printed(Category::Function, line, false));
        assert_eq!(told, [Some(text.clone()), Some(text.clone()), Some(text)]);
        let broken = texts(&Record::printed(Category::Function, b"{oops", true));
        assert_eq!(broken[2], Some("{oops\n".into()));
    }

    #[test]
    fn each_api_has_events_of_its_own() {
        let is_told = |event| {
            texts(&Record::platform(&event)).iter().map(Option::is_some).collect::<Vec<_>>()
        };
        assert_eq!(is_told(PlatformEvent::End(End { request_id: "r" })), [true, false, false]);
        assert_eq!(is_told(PlatformEvent::Fault("bad")), [true, false, false]);
        let subscription = Subscription { name: "x", state: "Subscribed", types: &["platform"] };
        let event = PlatformEvent::TelemetrySubscription(subscription);
        assert_eq!(is_told(event), [false, true, true]);
        let event = PlatformEvent::LogsSubscription(subscription);
        assert_eq!(is_told(event), [true, false, false]);
    }
}
