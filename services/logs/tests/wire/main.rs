// SPDX-License-Identifier: Apache-2.0
//! Request bytes in, response bytes out. AWS's sentences are of its documentation and of recordings of it in the tests of
//! moto and LocalStack; where none was found the service says so beside its own.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

mod filters;
mod policies;

use api::cloudwatch::PutMetricDataInput;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use log_store::GroupKey;
use log_store::{Logs, Options};
use logs::{Metrics, ResourcePolicies};
use names::{RequestId, TraceHeader};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use store::Store;
use targets::{Deliver, NotTaken, Parcel, Sender};
use tokio::task::JoinHandle;
use wire::{BoxFuture, Caller, Context, Endpoint, Response};

struct Service {
    endpoint: Arc<dyn Endpoint>,
    /// What times of events are counted from.
    began: i64,
    subscribers: Arc<Subscribers>,
    metrics: Arc<Measured>,
    running: JoinHandle<()>,
    dir: Arc<tempfile::TempDir>,
}

/// AWS Lambda as far as subscriptions need it: functions whose names begin with `f` take events, once they may.
#[derive(Debug, Default)]
struct Subscribers {
    taken: Mutex<Vec<Taken>>,
    /// How many times a function is to say that it can not now.
    busy: Mutex<u32>,
}

/// Amazon CloudWatch as far as metric filters need it: keeps each value with its metric.
#[derive(Debug, Default)]
struct Measured(Mutex<Vec<String>>);

impl Metrics for Measured {
    fn put<'a>(
        &'a self,
        group: &'a GroupKey,
        input: PutMetricDataInput,
    ) -> BoxFuture<'a, wire::Result<()>> {
        for datum in input.metric_data.unwrap() {
            let dimensions = datum
                .dimensions
                .unwrap()
                .into_iter()
                .map(|it| format!(" {}={}", it.name, it.value));
            let dimensions: String = dimensions.collect();
            let (values, counts) = (datum.values.unwrap(), datum.counts.unwrap());
            let (group, namespace, name) = (&group.name, &input.namespace, &datum.metric_name);
            let told = format!("{group} {namespace} {name}{dimensions} {values:?} {counts:?}");
            self.0.lock().unwrap().push(told);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Measured {
    async fn told(&self, count: usize) -> Vec<String> {
        loop {
            let told = self.0.lock().unwrap().clone();
            if told.len() >= count {
                return told;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

#[derive(Debug, Clone)]
struct Taken {
    source: String,
    trace: TraceHeader,
    message: Value,
}

impl Deliver for Subscribers {
    fn check<'a>(
        &'a self,
        _: &'a Sender,
        target_arn: &'a str,
    ) -> BoxFuture<'a, Result<(), NotTaken>> {
        let is_there = target_arn.contains(":function:f");
        let refused = || NotTaken::no_such_target(target_arn);
        Box::pin(std::future::ready(if is_there { Ok(()) } else { Err(refused()) }))
    }

    fn deliver<'a>(
        &'a self,
        sender: &'a Sender,
        trace: TraceHeader,
        parcel: Parcel,
    ) -> BoxFuture<'a, Result<(), NotTaken>> {
        let Parcel::Invocation { function_arn, payload } = parcel else { unreachable!() };
        let Sender::Service { source_arn, .. } = sender else { unreachable!() };
        Box::pin(async move {
            self.check(sender, &function_arn).await?;
            let mut busy = self.busy.lock().unwrap();
            if *busy > 0 {
                *busy -= 1;
                let (code, message) = ("TooManyRequestsException".into(), "it is busy".into());
                return Err(NotTaken::NotNow { code, message });
            }
            let event: Value = serde_json::from_slice(&payload.into_bytes()).unwrap();
            let zipped = STANDARD
                .decode(event.pointer("/awslogs/data").and_then(Value::as_str).unwrap())
                .unwrap();
            let unzipped = flate2::read::GzDecoder::new(&zipped[..]);
            let message = serde_json::from_reader(unzipped).unwrap();
            let source = source_arn.clone();
            self.taken.lock().unwrap().push(Taken { source, trace, message });
            Ok(())
        })
    }
}

impl Subscribers {
    /// The first so many, once they are there.
    async fn told(&self, count: usize) -> Vec<Taken> {
        loop {
            let taken = self.taken.lock().unwrap().clone();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

impl Service {
    async fn new() -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn open(dir: Arc<tempfile::TempDir>) -> Self {
        let logs = Logs::start(&dir.path().join("logs"), Options::default()).unwrap();
        let store = Store::open(dir.path(), store::Options::default()).unwrap();
        let policies = ResourcePolicies::open(&store).await.unwrap();
        let subscribers = Arc::new(Subscribers::default());
        let metrics = Arc::new(Measured::default());
        let service = logs::Service::new(logs, policies, subscribers.clone(), metrics.clone());
        let endpoint = service.clone().endpoint();
        #[expect(clippy::disallowed_methods, reason = "it is ended with the service")]
        let running = tokio::spawn(async move { service.run().await });
        Self { endpoint, began: now(), subscribers, metrics, running, dir }
    }

    /// The same after a restart.
    async fn reopened(self) -> Self {
        let dir = Arc::clone(&self.dir);
        self.running.abort();
        drop(self.endpoint);
        drop(self.running.await);
        Self::open(dir).await
    }

    /// With a group `/g` and a stream `s`.
    async fn with_stream() -> Self {
        let service = Self::new().await;
        service.ok("CreateLogGroup", json!({"logGroupName": "/g"})).await;
        service.ok("CreateLogStream", json!({"logGroupName": "/g", "logStreamName": "s"})).await;
        service
    }

    async fn call(&self, operation: &str, input: Value) -> (u16, Value) {
        self.call_traced(operation, input, TraceHeader::start(0)).await
    }

    async fn call_traced(&self, operation: &str, input: Value, trace: TraceHeader) -> (u16, Value) {
        let response = self.respond(operation, input, trace).await;
        let body = response.body().whole().unwrap();
        (response.status().as_u16(), serde_json::from_slice(body).unwrap())
    }

    async fn respond(&self, operation: &str, input: Value, trace: TraceHeader) -> Response {
        let cx = Context {
            account: "000000000000".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            request_id: RequestId::parse("0a0b0c0d-0000-4000-8000-000000000001").unwrap(),
            trace,
            caller: Caller {
                arn: "arn:aws:iam::000000000000:root".to_owned(),
                user_id: "000000000000".to_owned(),
                access_key_id: "test".to_owned(),
            },
            authority: wire::Authority::Full,
            endpoint: "http://127.0.0.1:4566".to_owned(),
        };
        let request = http::Request::builder()
            .method("POST")
            .uri("/")
            .header("x-amz-target", format!("Logs_20140328.{operation}"))
            .header("content-type", "application/x-amz-json-1.1");
        let (head, ()) = request.body(()).unwrap().into_parts();
        let route = wire::route(self.endpoint.spec(), &head).unwrap();
        let request = http::Request::from_parts(head.clone(), Bytes::from(input.to_string()));
        self.endpoint.call(&cx, route, request).await
    }

    async fn ok(&self, operation: &str, input: Value) -> Value {
        let (status, body) = self.call(operation, input).await;
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    /// Code and message of a refusal.
    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        let (status, body) = self.call(operation, input).await;
        assert_eq!(status, 400, "{operation}: {body}");
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("__type"), text("message"))
    }

    async fn put(&self, stream: &str, events: &[(i64, &str)]) -> Value {
        let events: Vec<Value> = events
            .iter()
            .map(|(time, text)| json!({"timestamp": self.began + time, "message": text}))
            .collect();
        let input = json!({"logGroupName": "/g", "logStreamName": stream, "logEvents": events});
        self.ok("PutLogEvents", input).await
    }

    async fn filter(&self, input: Value) -> Vec<String> {
        let mut all = json!({"logGroupName": "/g"});
        all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        messages(&self.ok("FilterLogEvents", all).await)
    }
}

fn messages(answer: &Value) -> Vec<String> {
    let events = answer["events"].as_array().unwrap();
    events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[expect(clippy::disallowed_methods, reason = "events must be of these days")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn refusal(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

#[tokio::test]
async fn groups_are_made_listed_and_deleted() {
    let service = Service::new().await;
    for name in ["/aws/lambda/one", "/aws/lambda/two", "other"] {
        service.ok("CreateLogGroup", json!({"logGroupName": name, "tags": {"a": "b"}})).await;
    }
    assert_eq!(
        service.refused("CreateLogGroup", json!({"logGroupName": "other"})).await,
        refusal("ResourceAlreadyExistsException", "The specified log group already exists")
    );
    let names = async |input: Value| {
        let answer = service.ok("DescribeLogGroups", input).await;
        let groups = answer["logGroups"].as_array().unwrap().clone();
        let names = groups.iter().map(|group| group["logGroupName"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), answer["nextToken"].as_str().map(str::to_owned))
    };
    let prefix = "/aws/lambda/";
    let (found, next) = names(json!({"logGroupNamePrefix": prefix})).await;
    assert_eq!((found, next), (vec!["/aws/lambda/one".into(), "/aws/lambda/two".into()], None));
    assert_eq!(names(json!({"logGroupNamePattern": "TWO"})).await.0, ["/aws/lambda/two"]);
    let (first, next) = names(json!({"limit": 2})).await;
    assert_eq!(first.len(), 2);
    assert_eq!(
        names(json!({"limit": 2, "nextToken": next.unwrap()})).await,
        (vec!["other".into()], None)
    );

    let answer = service.ok("DescribeLogGroups", json!({"logGroupNamePrefix": "other"})).await;
    let group = &answer["logGroups"][0];
    assert_eq!(group["arn"], "arn:aws:logs:us-east-1:000000000000:log-group:other:*");
    assert_eq!(group["logGroupArn"], "arn:aws:logs:us-east-1:000000000000:log-group:other");
    assert_eq!((&group["logGroupClass"], &group["storedBytes"]), (&json!("STANDARD"), &json!(0)));
    service.ok("DeleteLogGroup", json!({"logGroupName": "other"})).await;
    assert_eq!(
        service.refused("DeleteLogGroup", json!({"logGroupName": "other"})).await,
        refusal("ResourceNotFoundException", "The specified log group does not exist.")
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_awss_words() {
    let service = Service::with_stream().await;
    let refused = async |operation: &str, input: Value, code: &str, message: &str| {
        assert_eq!(service.refused(operation, input).await, refusal(code, message));
    };
    refused(
        "CreateLogGroup",
        json!({"logGroupName": "a b"}),
        "InvalidParameterException",
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    )
    .await;
    refused(
        "DescribeLogGroups",
        json!({"limit": 51}),
        "InvalidParameterException",
        "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50",
    )
    .await;
    refused(
        "DescribeLogStreams",
        json!({"logGroupName": "/g", "orderBy": "LastEventTime", "logStreamNamePrefix": "s"}),
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )
    .await;
    refused(
        "GetLogEvents",
        json!({"logGroupName": "/g", "logStreamName": "s", "nextToken": "x"}),
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )
    .await;
    refused(
        "CreateLogStream",
        json!({"logGroupName": "/g", "logStreamName": "s"}),
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    .await;
    let events = json!([{"timestamp": now(), "message": "x"}]);
    refused(
        "PutLogEvents",
        json!({"logGroupName": "/g", "logStreamName": "t", "logEvents": events}),
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    .await;
    let (code, message) = service
        .refused("PutRetentionPolicy", json!({"logGroupName": "/g", "retentionInDays": 2}))
        .await;
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("Member must satisfy enum value set: [1, 3, 5, 7"), "{message}");
    let (status, body) = service.call("StartQuery", json!({})).await;
    assert_eq!((status, &body["__type"]), (501, &json!("NotImplementedException")));
}

#[tokio::test]
async fn events_are_read_page_by_page_in_both_directions() {
    let service = Service::with_stream().await;
    let answer = service.put("s", &[(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "e")]).await;
    assert_eq!(answer["nextSequenceToken"].as_str().unwrap().len(), 56);
    assert_eq!(answer.get("rejectedLogEventsInfo"), None);
    let get = async |input: Value| {
        let mut all = json!({"logGroupName": "/g", "logStreamName": "s", "limit": 2});
        all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        service.ok("GetLogEvents", all).await
    };
    let last = get(json!({})).await;
    assert_eq!(messages(&last), ["d", "e"], "the end comes first");
    let before = get(json!({"nextToken": last["nextBackwardToken"]})).await;
    assert_eq!(messages(&before), ["b", "c"]);
    let first = get(json!({"nextToken": before["nextBackwardToken"]})).await;
    assert_eq!(messages(&first), ["a"]);
    let none = get(json!({"nextToken": first["nextBackwardToken"]})).await;
    assert_eq!(messages(&none), Vec::<String>::new());
    assert_eq!(none["nextBackwardToken"], first["nextBackwardToken"], "at an end the token stays");

    let head = get(json!({"startFromHead": true})).await;
    assert_eq!(messages(&head), ["a", "b"]);
    let back = get(json!({"nextToken": head["nextForwardToken"]})).await;
    assert_eq!(messages(&back), ["c", "d"]);
    let end = get(json!({"nextToken": back["nextForwardToken"]})).await;
    assert_eq!(messages(&end), ["e"]);
    let waiting = get(json!({"nextToken": end["nextForwardToken"]})).await;
    assert_eq!(waiting["nextForwardToken"], end["nextForwardToken"]);
    service.put("s", &[(5, "f")]).await;
    assert_eq!(messages(&get(json!({"nextToken": waiting["nextForwardToken"]})).await), ["f"]);
    assert_eq!(messages(&get(json!({"nextToken": back["nextBackwardToken"]})).await), ["a", "b"]);
}

#[tokio::test]
async fn a_group_s_streams_are_read_together() {
    let service = Service::with_stream().await;
    service.ok("CreateLogStream", json!({"logGroupName": "/g", "logStreamName": "t"})).await;
    service.put("s", &[(0, "ERROR one"), (20, "INFO three")]).await;
    service.put("t", &[(10, "ERROR two")]).await;
    assert_eq!(service.filter(json!({})).await, ["ERROR one", "ERROR two", "INFO three"]);
    assert_eq!(service.filter(json!({"filterPattern": "ERROR"})).await, ["ERROR one", "ERROR two"]);
    assert_eq!(service.filter(json!({"logStreamNames": ["t", "u"]})).await, ["ERROR two"]);
    assert_eq!(service.filter(json!({"logStreamNamePrefix": "s"})).await.len(), 2);
    let (code, _) = service
        .refused("FilterLogEvents", json!({"logGroupName": "/g", "filterPattern": "{ $.a"}))
        .await;
    assert_eq!(code, "InvalidParameterException");

    let mut all = Vec::new();
    let mut input = json!({"logGroupName": "/g", "limit": 1});
    loop {
        let page = service.ok("FilterLogEvents", input.clone()).await;
        all.extend(page["events"].as_array().unwrap().clone());
        let Some(next) = page.get("nextToken") else { break };
        input["nextToken"] = next.clone();
    }
    let ids: std::collections::BTreeSet<_> =
        all.iter().map(|event| event["eventId"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (3, 3));
    assert_eq!(all[1]["logStreamName"], "t");
    let time = all[1]["timestamp"].as_i64().unwrap();
    assert_eq!(service.filter(json!({"startTime": time, "endTime": time})).await, ["ERROR two"]);
    let streams = service.ok("DescribeLogStreams", json!({"logGroupName": "/g", "orderBy": "LastEventTime", "descending": true, "limit": 1})).await;
    assert_eq!(streams["logStreams"][0]["logStreamName"], "s");
    let token = &streams["nextToken"];
    let input = json!({"logGroupName": "/g", "orderBy": "LastEventTime", "descending": true, "nextToken": token});
    assert_eq!(
        service.ok("DescribeLogStreams", input).await["logStreams"][0]["logStreamName"],
        "t"
    );
}

#[tokio::test]
async fn what_a_group_is_told_is_done() {
    let service = Service::with_stream().await;
    service.put("s", &[(-3 * 24 * 60 * 60 * 1000, "old")]).await;
    service.put("s", &[(0, "new")]).await;
    service.ok("PutRetentionPolicy", json!({"logGroupName": "/g", "retentionInDays": 1})).await;
    assert_eq!(service.filter(json!({})).await, ["new"], "what is too old is gone at once");
    let answer = service.put("s", &[(-2 * 24 * 60 * 60 * 1000, "old too")]).await;
    assert_eq!(answer["rejectedLogEventsInfo"], json!({"expiredLogEventEndIndex": 1}));
    service.ok("DeleteRetentionPolicy", json!({"logGroupName": "/g"})).await;

    let protect =
        |is_on: bool| json!({"logGroupIdentifier": "/g", "deletionProtectionEnabled": is_on});
    service.ok("PutLogGroupDeletionProtection", protect(true)).await;
    let (code, _) = service.refused("DeleteLogGroup", json!({"logGroupName": "/g"})).await;
    assert_eq!(code, "ValidationException");
    service.ok("PutLogGroupDeletionProtection", protect(false)).await;

    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/g";
    service.ok("TagResource", json!({"resourceArn": arn, "tags": {"a": "1", "b": "2"}})).await;
    service.ok("TagLogGroup", json!({"logGroupName": "/g", "tags": {"c": "3"}})).await;
    service.ok("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]})).await;
    service.ok("UntagLogGroup", json!({"logGroupName": "/g", "tags": ["b"]})).await;
    let tags = json!({"tags": {"c": "3"}});
    assert_eq!(service.ok("ListTagsForResource", json!({"resourceArn": arn})).await, tags);
    assert_eq!(service.ok("ListTagsLogGroup", json!({"logGroupName": "/g"})).await, tags);

    service.ok("DeleteLogStream", json!({"logGroupName": "/g", "logStreamName": "s"})).await;
    assert_eq!(service.filter(json!({})).await, Vec::<String>::new());
    service.ok("DeleteLogGroup", json!({"logGroupName": "/g"})).await;
}

#[tokio::test]
async fn a_pattern_is_tested() {
    let service = Service::new().await;
    let input = json!({
        "filterPattern": "[host, ..., status = 4*]",
        "logEventMessages": ["a x 404", "b x 200", "c 400"],
    });
    let answer = service.ok("TestMetricFilter", input).await;
    let numbers: Vec<_> =
        answer["matches"].as_array().unwrap().iter().map(|one| &one["eventNumber"]).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(answer["matches"][0]["extractedValues"], json!({"$host": "a", "$status": "404"}));
}
