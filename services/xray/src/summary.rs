// SPDX-License-Identifier: Apache-2.0
//! What is told of a trace as a whole, and which traces are told.

use crate::filter::{self, Filter};
use crate::get::trace_of;
use crate::internal;
use api::xray::{
    AnnotationValue, GetTraceSummariesInput, GetTraceSummariesOutput, Http, ResourceARNDetail,
    ServiceId, TraceSummary, TraceUser, ValueWithServiceIds, fault,
};
use segments::Owner;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use traces::Traces;
use wire::{Result, Timestamp};

/// Of one page.
const PAGE: usize = 500;
/// Traces that are put together at once: of more, those that began last are left to later pages.
const TRACES_MAX: usize = 20_000;
/// What is told of one trace is no longer than this, however many segments it has.
const THINGS_MAX: usize = 100;
/// Segments may come so long after they ended.
const LATE_MS: i64 = 60 * 60 * 1_000;
/// What AWS says of traces that began here.
const CLIENT: &str = "client";

/// What is known of a trace.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Of its first segment.
    start: Option<f64>,
    end: f64,
    root: Option<Root>,
    pub(crate) has_error: bool,
    pub(crate) has_fault: bool,
    pub(crate) has_throttle: bool,
    pub(crate) is_partial: bool,
    pub(crate) http: HttpFacts,
    pub(crate) users: BTreeSet<String>,
    /// Names, and types where they are known.
    pub(crate) services: BTreeSet<(String, Option<String>)>,
    pub(crate) annotations: BTreeMap<String, Vec<Annotation>>,
    resources: BTreeSet<String>,
    segments: i32,
}

#[derive(Debug, Default)]
pub(crate) struct HttpFacts {
    pub(crate) url: Option<String>,
    pub(crate) status: Option<i32>,
    pub(crate) method: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) client_ip: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Annotation {
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// The first segment of a trace.
#[derive(Debug)]
struct Root {
    start: f64,
    duration: f64,
    service: (String, Option<String>),
    has_parent: bool,
}

/// Which traces a call asks for.
pub(crate) struct Asked {
    from: Timestamp,
    until: Timestamp,
    filter: Option<Filter>,
    /// The last trace of the page before: when it began, and its id.
    after: Option<(u64, String)>,
}

impl Asked {
    pub(crate) fn new(input: GetTraceSummariesInput) -> Result<Self> {
        if input.end_time < input.start_time {
            return Err(fault::invalid_request("EndTime must not be before StartTime."));
        }
        let filter = input.filter_expression.as_deref().filter(|text| !text.trim().is_empty());
        let filter = filter.map(filter::parse).transpose().map_err(|reason| {
            fault::invalid_request(format!("The filter expression is not valid: {reason}."))
        })?;
        let after = input.next_token.map(|token| {
            let (start, id) = token.split_once('/')?;
            Some((start.parse().ok()?, id.to_owned()))
        });
        let after = match after {
            Some(None) => return Err(fault::invalid_request("The NextToken is not valid.")),
            Some(after) => after,
            None => None,
        };
        Ok(Self { from: input.start_time, until: input.end_time, filter, after })
    }

    pub(crate) fn answer(
        &self,
        traces: &Traces,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<GetTraceSummariesOutput> {
        let mut known: HashMap<String, Facts> = HashMap::new();
        let mut see = |seen: traces::Seen<'_>| {
            let Some(id) = trace_of(seen.text) else { return };
            if known.len() < TRACES_MAX || known.contains_key(&id) {
                let facts = known.entry(id).or_default();
                if let Ok(Value::Object(members)) = serde_json::from_str(seen.text) {
                    facts.add(&members, true);
                }
            }
        };
        let until_ms = self.until.epoch_ms().saturating_add(LATE_MS);
        traces
            .read(owner, self.from.epoch_ms(), until_ms, &[], &mut see)
            .map_err(|error| internal(&error))?;
        let processed = known.len();
        let began = |facts: &Facts| micros(facts.start());
        let is_asked = |facts: &Facts| {
            let ms = i64::try_from(began(facts) / 1_000).unwrap_or(i64::MAX);
            (self.from.epoch_ms()..=self.until.epoch_ms()).contains(&ms)
                && self.filter.as_ref().is_none_or(|filter| filter.wants(facts))
        };
        let found = known.into_iter().filter(|(_, facts)| is_asked(facts));
        let mut found: Vec<_> = found.map(|(id, facts)| ((began(&facts), id), facts)).collect();
        found.retain(|(place, _)| self.after.as_ref().is_none_or(|after| place > after));
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let next_token = match found.get(PAGE - 1) {
            Some(((start, id), _)) if found.len() > PAGE => Some(format!("{start}/{id}")),
            _ => None,
        };
        let summaries = found.into_iter().take(PAGE);
        Ok(GetTraceSummariesOutput {
            trace_summaries: Some(summaries.map(|((_, id), facts)| facts.summary(id)).collect()),
            approximate_time: Some(now),
            traces_processed_count: i64::try_from(processed).ok(),
            next_token,
        })
    }
}

impl Facts {
    fn start(&self) -> f64 {
        self.start.unwrap_or_default()
    }

    pub(crate) fn duration(&self) -> f64 {
        (self.end - self.start()).max(0.0)
    }

    /// How long whoever asked waited.
    pub(crate) fn response_time(&self) -> Option<f64> {
        Some(self.root.as_ref()?.duration)
    }

    /// Adds a segment, and the parts that are in it.
    fn add(&mut self, members: &Map<String, Value>, is_document: bool) {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| members.get(name).and_then(Value::as_f64);
        let is = |name: &str| members.get(name) == Some(&Value::Bool(true));
        let start = number("start_time").unwrap_or_default();
        let end = number("end_time").unwrap_or(start);
        self.start = Some(self.start.map_or(start, |known| known.min(start)));
        self.end = self.end.max(end);
        self.has_error |= is("error");
        self.has_fault |= is("fault");
        self.has_throttle |= is("throttle");
        let is_segment = is_document && text("type").is_none();
        if is_segment {
            self.segments = self.segments.saturating_add(1);
            self.is_partial |= is("in_progress");
            let service = (text("name").unwrap_or_default(), text("origin"));
            if self.services.len() < THINGS_MAX {
                self.services.insert(service.clone());
            }
            let root = Root {
                start,
                duration: (end - start).max(0.0),
                service,
                has_parent: members.contains_key("parent_id"),
            };
            if self.root.as_ref().is_none_or(|known| root.is_before(known)) {
                self.http = HttpFacts::of(members.get("http"));
                self.root = Some(root);
            }
            self.users.extend(text("user").filter(|_| self.users.len() < THINGS_MAX));
            let aws_arn = members.get("aws").and_then(|aws| aws.get("function_arn")?.as_str());
            let arn = text("resource_arn").or_else(|| aws_arn.map(str::to_owned));
            self.resources.extend(arn.filter(|_| self.resources.len() < THINGS_MAX));
        }
        self.annotate(members.get("annotations"));
        for part in members.get("subsegments").and_then(Value::as_array).into_iter().flatten() {
            if let Value::Object(part) = part {
                self.add(part, false);
            }
        }
    }

    fn annotate(&mut self, annotations: Option<&Value>) {
        for (key, value) in annotations.and_then(Value::as_object).into_iter().flatten() {
            let value = match value {
                Value::String(text) => Annotation::Text(text.clone()),
                Value::Number(number) => Annotation::Number(number.as_f64().unwrap_or_default()),
                Value::Bool(value) => Annotation::Boolean(*value),
                Value::Null | Value::Array(_) | Value::Object(_) => continue,
            };
            if self.annotations.len() >= THINGS_MAX && !self.annotations.contains_key(key) {
                continue;
            }
            let values = self.annotations.entry(key.clone()).or_default();
            if values.len() < THINGS_MAX && !values.contains(&value) {
                values.push(value);
            }
        }
    }

    fn summary(self, id: String) -> TraceSummary {
        let service = |(name, kind): &(String, Option<String>)| ServiceId {
            names: Some(vec![name.clone()]),
            name: Some(name.clone()),
            account_id: None,
            kind: Some(kind.clone().unwrap_or_else(|| CLIENT.to_owned())),
        };
        let annotations = self.annotations.iter().map(|(key, values)| {
            let values = values.iter().map(|value| ValueWithServiceIds {
                annotation_value: Some(value.shown()),
                service_ids: Some(Vec::new()),
            });
            (key.clone(), values.collect())
        });
        let users = self
            .users
            .iter()
            .map(|user| TraceUser { user_name: Some(user.clone()), service_ids: Some(Vec::new()) });
        let resources = self.resources.iter();
        TraceSummary {
            id: Some(id),
            start_time: Some(Timestamp::from_epoch_ms(
                i64::try_from(micros(self.start()) / 1_000).unwrap_or(i64::MAX),
            )),
            duration: Some(self.duration()),
            response_time: self.response_time(),
            has_fault: Some(self.has_fault),
            has_error: Some(self.has_error),
            has_throttle: Some(self.has_throttle),
            is_partial: Some(self.is_partial),
            http: Some(Http {
                http_url: self.http.url.clone(),
                http_status: self.http.status,
                http_method: self.http.method.clone(),
                user_agent: self.http.user_agent.clone(),
                client_ip: self.http.client_ip.clone(),
            }),
            annotations: Some(annotations.collect()),
            users: Some(users.collect()),
            service_ids: Some(self.services.iter().map(service).collect()),
            resource_ar_ns: Some(
                resources.map(|arn| ResourceARNDetail { arn: Some(arn.clone()) }).collect(),
            ),
            instance_ids: None,
            availability_zones: None,
            entry_point: self.root.as_ref().map(|root| service(&root.service)),
            fault_root_causes: None,
            error_root_causes: None,
            response_time_root_causes: None,
            revision: Some(self.segments),
            matched_event_time: None,
        }
    }
}

impl Root {
    /// Whether it comes before another: one that nobody called, or the earlier one.
    fn is_before(&self, other: &Self) -> bool {
        match (self.has_parent, other.has_parent) {
            (false, true) => true,
            (true, false) => false,
            _ => self.start < other.start,
        }
    }
}

impl HttpFacts {
    fn of(http: Option<&Value>) -> Self {
        let request = |name: &str| Some(http?.get("request")?.get(name)?.as_str()?.to_owned());
        let status = http.and_then(|http| http.get("response")?.get("status")?.as_i64());
        Self {
            url: request("url"),
            status: status.and_then(|status| i32::try_from(status).ok()),
            method: request("method"),
            user_agent: request("user_agent"),
            client_ip: request("client_ip"),
        }
    }
}

impl Annotation {
    fn shown(&self) -> AnnotationValue {
        let mut shown =
            AnnotationValue { number_value: None, boolean_value: None, string_value: None };
        match self {
            Self::Text(text) => shown.string_value = Some(text.clone()),
            Self::Number(number) => shown.number_value = Some(*number),
            Self::Boolean(value) => shown.boolean_value = Some(*value),
        }
        shown
    }
}

/// Of seconds since 1970. A document may say any number.
fn micros(seconds: f64) -> u64 {
    let micros = (seconds * 1e6).clamp(0.0, 9e18);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was cut to what fits"
    )]
    let micros = micros as u64;
    micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(documents: &[Value]) -> Facts {
        let mut facts = Facts::default();
        for document in documents {
            facts.add(document.as_object().unwrap(), true);
        }
        facts
    }

    #[test]
    fn filters_choose_by_what_a_trace_is() {
        let facts = facts(&[
            json!({ "name": "f", "start_time": 10, "end_time": 12, "origin": "AWS::Lambda", "fault": true,
                "http": { "request": { "url": "http://x/y", "method": "GET" }, "response": { "status": 500 } } }),
            json!({ "name": "f", "start_time": 10.5, "end_time": 13, "parent_id": "a", "user": "ann",
                "origin": "AWS::Lambda::Function", "subsegments": [
                { "name": "work", "start_time": 10.6, "end_time": 10.7,
                  "annotations": { "color": "red", "size": 3, "is_new": true } } ] }),
        ]);
        for (expression, expected) in [
            ("fault", true),
            ("ok", false),
            ("!ok AND NOT throttle", true),
            ("error OR partial = true", false),
            ("responsetime = 2", true),
            ("duration > 2.5 AND duration <= 3", true),
            ("http.status != 200", true),
            ("http.url CONTAINS \"x/\"", true),
            ("http.url BEGINSWITH \"https\"", false),
            ("http.method = \"GET\" and user = \"ann\"", true),
            ("http.clientip = \"1.2.3.4\"", false),
            ("service(\"f\")", true),
            ("service()", true),
            ("service(\"g\")", false),
            ("service(id(name: \"f\", type: \"AWS::Lambda::Function\"))", true),
            ("service(id(type: \"AWS::EC2::Instance\"))", false),
            ("name ENDSWITH \"f\"", true),
            ("annotation.color", true),
            ("annotation.colour", false),
            ("annotation.color = \"red\" AND (annotation[size] >= 3)", true),
            ("annotation.color CONTAINS \"e\"", true),
            ("annotation.size = \"3\"", false),
            ("annotation.is_new = true", true),
            ("annotation.is_new != true", false),
        ] {
            let filter = filter::parse(expression).unwrap();
            assert_eq!(filter.wants(&facts), expected, "{expression}");
        }
    }

    #[test]
    fn times_that_nobody_can_have_do_no_harm() {
        for seconds in [0.0, -1.0, 1e300, f64::NAN, f64::INFINITY] {
            let _ = micros(seconds);
        }
        assert_eq!(micros(1.5), 1_500_000);
    }
}
