// SPDX-License-Identifier: Apache-2.0
//! An event: what an entry of `PutEvents` becomes, and what is kept of it until everybody has it.

use api::eventbridge::PutEventsRequestEntry;
use names::{AccountId, Region, TraceHeader};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use wire::Timestamp;

/// As events are written.
#[derive(Debug, Serialize)]
pub(crate) struct Event<'a> {
    version: &'static str,
    id: &'a str,
    #[serde(rename = "detail-type")]
    detail_type: &'a str,
    source: &'a str,
    account: &'a str,
    time: String,
    region: &'a str,
    resources: &'a [String],
    detail: &'a RawValue,
}

/// What EventBridge itself tells the targets of a rule that is due.
#[derive(Debug)]
pub(crate) struct Scheduled<'a> {
    pub(crate) id: &'a str,
    pub(crate) rule_arn: &'a str,
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
    pub(crate) time: Timestamp,
}

/// What is on the disk of an event that rules want. In the data directory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// JSON.
    pub(crate) event: String,
    /// The trace header that it came with.
    pub(crate) trace: String,
    /// When it came. Milliseconds since 1970.
    pub(crate) ingested_ms: i64,
    /// The buses that it was on before this one, the first one first.
    #[serde(default)]
    pub(crate) before: Vec<String>,
    /// The names of the rules that wanted it then.
    #[serde(default)]
    pub(crate) wanted: Vec<String>,
}

impl Accepted {
    pub(crate) fn trace(&self) -> TraceHeader {
        TraceHeader::parse(&self.trace).unwrap_or_else(|| TraceHeader::start(0))
    }
}

/// Why an entry is refused, as `PutEvents` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Who puts an event, and when.
#[derive(Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
    /// Events of AWS's services come from them alone.
    pub(crate) is_service: bool,
    pub(crate) now: Timestamp,
    pub(crate) trace: &'a TraceHeader,
}

/// The event that an entry is, as JSON.
pub(crate) fn write(
    id: &str,
    entry: &PutEventsRequestEntry,
    origin: &Origin<'_>,
) -> Result<String, Refused> {
    let source = needed("Source", entry.source.as_deref())?;
    let detail_type = needed("DetailType", entry.detail_type.as_deref())?;
    let detail = needed("Detail", entry.detail.as_deref())?;
    if source.starts_with("aws.") && !origin.is_service {
        return Err(Refused::new(
            "NotAuthorizedForSourceException",
            "Not authorized for the source.",
        ));
    }
    let malformed = || Refused::new("MalformedDetail", "Detail is malformed.");
    let detail: &RawValue = serde_json::from_str(detail).map_err(|_| malformed())?;
    if !detail.get().starts_with('{') {
        return Err(malformed());
    }
    let event = Event {
        version: "0",
        id,
        detail_type,
        source,
        account: origin.account.as_str(),
        time: entry.time.unwrap_or(origin.now).iso_text(),
        region: origin.region.as_str(),
        resources: entry.resources.as_deref().unwrap_or_default(),
        detail,
    };
    let text = serde_json::to_string(&event).map_err(|_| malformed())?;
    // Whoever reads it later can: how deep it is has a limit.
    serde_json::from_str::<Value>(&text).map(|_| text).map_err(|_| malformed())
}

/// The event of a rule that is due, as JSON.
pub(crate) fn write_scheduled(scheduled: &Scheduled<'_>) -> String {
    let event = Event {
        version: "0",
        id: scheduled.id,
        detail_type: "Scheduled Event",
        source: "aws.events",
        account: scheduled.account.as_str(),
        time: scheduled.time.iso_text(),
        region: scheduled.region.as_str(),
        resources: &[scheduled.rule_arn.to_owned()],
        detail: serde_json::from_str("{}").unwrap_or(RawValue::NULL),
    };
    serde_json::to_string(&event).unwrap_or_default()
}

fn needed<'e>(name: &str, text: Option<&'e str>) -> Result<&'e str, Refused> {
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| {
        Refused::new(
            "InvalidArgument",
            format!("Parameter {name} is not valid. Reason: {name} is a required argument."),
        )
    })
}

/// What counts against the limit of a request.
pub(crate) fn bytes(entry: &PutEventsRequestEntry) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let resources = entry.resources.iter().flatten().map(String::len);
    let time = if entry.time.is_some() { 14 } else { 0 };
    time + text(&entry.source)
        + text(&entry.detail_type)
        + text(&entry.detail)
        + resources.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, detail: &str) -> PutEventsRequestEntry {
        PutEventsRequestEntry {
            source: Some(source.to_owned()),
            detail_type: Some("order \"x\"".to_owned()),
            detail: Some(detail.to_owned()),
            resources: Some(vec!["r".to_owned()]),
            ..PutEventsRequestEntry::default()
        }
    }

    fn written(entry: &PutEventsRequestEntry, is_service: bool) -> Result<String, Refused> {
        let (account, region) = ("000000000000".parse().unwrap(), "us-east-1".parse().unwrap());
        let trace = TraceHeader::start(0);
        let now = Timestamp::from_epoch_ms(0);
        write(
            "i",
            entry,
            &Origin { account: &account, region: &region, is_service, now, trace: &trace },
        )
    }

    #[test]
    fn an_entry_becomes_an_event_with_its_detail_as_it_was() {
        assert_eq!(
            written(&entry("shop", r#" {"z": 1.50, "a": [ ]} "#), false).unwrap(),
            r#"{"version":"0","id":"i","detail-type":"order \"x\"","source":"shop","account":"000000000000","time":"1970-01-01T00:00:00Z","region":"us-east-1","resources":["r"],"detail":{"z": 1.50, "a": [ ]}}"#
        );
    }

    #[test]
    fn bad_entries_are_refused_with_awss_codes() {
        let code = |entry: PutEventsRequestEntry| written(&entry, false).unwrap_err().code;
        for detail in ["", "x", "[]", "1", "{"] {
            let expected = if detail.is_empty() { "InvalidArgument" } else { "MalformedDetail" };
            assert_eq!(code(entry("shop", detail)), expected, "{detail}");
        }
        assert_eq!(code(entry("aws.s3", "{}")), "NotAuthorizedForSourceException");
        assert!(written(&entry("aws.s3", "{}"), true).is_ok());
        assert_eq!(
            code(PutEventsRequestEntry { source: None, ..entry("", "{}") }),
            "InvalidArgument"
        );
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(code(entry("shop", &deep)), "MalformedDetail");
    }

    #[test]
    fn the_size_of_an_entry_is_what_aws_counts() {
        let entry =
            PutEventsRequestEntry { time: Some(Timestamp::from_epoch_ms(0)), ..entry("ab", "{}") };
        assert_eq!(bytes(&entry), 14 + 2 + 9 + 2 + 1);
    }
}
