// SPDX-License-Identifier: Apache-2.0
//! What sees events as they arrive: subscription filters, metric filters, Live Tail.

#![expect(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    reason = "the whole file is tests"
)]

use super::*;

fn subscription(name: &str, pattern: &str, function: &str) -> Value {
    let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{function}");
    json!({"logGroupName": "/g", "filterName": name, "filterPattern": pattern, "destinationArn": arn})
}

fn subscribed(taken: &Taken) -> Vec<&str> {
    let events = taken.message.get("logEvents").and_then(Value::as_array).unwrap();
    events.iter().map(|event| event.get("message").and_then(Value::as_str).unwrap()).collect()
}

#[tokio::test]
async fn subscribers_get_what_matches() {
    let service = Service::with_stream().await;
    service.put("s", &[(0, "ERROR before")]).await;
    service.ok("PutSubscriptionFilter", subscription("errors", "ERROR", "f:live")).await;
    service.put("s", &[(0, "INFO a"), (1, "ERROR b"), (2, "ERROR c")]).await;
    let taken = service.subscribers.told(1).await.remove(0);
    assert_eq!(subscribed(&taken), ["ERROR b", "ERROR c"]);
    assert_eq!(taken.source, "arn:aws:logs:us-east-1:000000000000:log-group:/g:*");
    let found = service.ok("FilterLogEvents", json!({"logGroupName": "/g"})).await;
    let message = &taken.message;
    assert_eq!(message["logEvents"][0]["id"], found["events"][2]["eventId"]);
    assert_eq!(message["logEvents"][0]["timestamp"], service.began + 1);
    assert_eq!(message["logEvents"][0].get("extractedFields"), None);
    assert_eq!(message["messageType"], "DATA_MESSAGE");
    assert_eq!(message["owner"], "000000000000");
    assert_eq!((&message["logGroup"], &message["logStream"]), (&json!("/g"), &json!("s")));
    assert_eq!(message["subscriptionFilters"], json!(["errors"]));

    let listed = service.ok("DescribeSubscriptionFilters", json!({"logGroupName": "/g"})).await;
    let filter = &listed["subscriptionFilters"][0];
    assert_eq!(
        (&filter["filterName"], &filter["filterPattern"]),
        (&json!("errors"), &json!("ERROR"))
    );
    assert_eq!(
        (&filter["logGroupName"], &filter["distribution"]),
        (&json!("/g"), &json!("ByLogStream"))
    );
    let deleted = json!({"logGroupName": "/g", "filterName": "errors"});
    service.ok("DeleteSubscriptionFilter", deleted).await;
    service.ok("PutSubscriptionFilter", subscription("fields", "[level=LAST, what]", "f")).await;
    service.put("s", &[(3, "ERROR d"), (4, "LAST word")]).await;
    let last = service.subscribers.told(2).await.remove(1);
    assert_eq!(subscribed(&last), ["LAST word"], "one that was deleted is told nothing");
    let fields = &last.message["logEvents"][0]["extractedFields"];
    assert_eq!(*fields, json!({"level": "LAST", "what": "word"}));
}

#[tokio::test]
async fn what_is_long_comes_in_parts_and_what_is_of_one_stream_together() {
    let service = Service::with_stream().await;
    service.ok("CreateLogStream", json!({"logGroupName": "/g", "logStreamName": "t"})).await;
    service.ok("PutSubscriptionFilter", subscription("all", "", "f")).await;
    let long = "x".repeat(300_000);
    service.put("s", &[(0, &long), (1, &long)]).await;
    let parts = service.subscribers.told(2).await;
    assert!(parts.iter().all(|taken| subscribed(taken) == [long.as_str()]));
}

#[tokio::test]
async fn a_subscriber_that_is_busy_gets_everything_once() {
    let service = Service::with_stream().await;
    service.ok("CreateLogStream", json!({"logGroupName": "/g", "logStreamName": "t"})).await;
    service.ok("PutSubscriptionFilter", subscription("all", "", "f")).await;
    service.ok("PutSubscriptionFilter", subscription("lost", "", "fine")).await;
    service
        .ok("DeleteSubscriptionFilter", json!({"logGroupName": "/g", "filterName": "lost"}))
        .await;
    *service.subscribers.busy.lock().unwrap() = 2;
    service.put("s", &[(0, "one")]).await;
    service.put("t", &[(1, "two")]).await;
    service.put("s", &[(2, "three")]).await;
    let mut texts = Vec::new();
    while texts.len() < 3 {
        let taken = service.subscribers.told(1).await;
        texts = taken.iter().flat_map(subscribed).map(str::to_owned).collect();
        tokio::task::yield_now().await;
    }
    texts.sort();
    assert_eq!(texts, ["one", "three", "two"]);
    assert_eq!(*service.subscribers.busy.lock().unwrap(), 0);
}

#[tokio::test]
async fn what_a_subscriber_did_not_get_before_a_restart_it_gets_after_it() {
    let service = Service::with_stream().await;
    service.ok("PutSubscriptionFilter", subscription("all", "", "f")).await;
    service.put("s", &[(0, "before")]).await;
    service.subscribers.told(1).await;
    *service.subscribers.busy.lock().unwrap() = u32::MAX;
    service.put("s", &[(1, "waits")]).await;
    let service = service.reopened().await;
    let told = service.subscribers.told(1).await;
    // The kill may have come between a message and its bookmark.
    assert_eq!(told.iter().flat_map(subscribed).last(), Some("waits"));
}

#[tokio::test]
async fn a_chain_goes_on_with_what_subscribers_are_told() {
    let service = Service::with_stream().await;
    service.ok("PutSubscriptionFilter", subscription("all", "", "f")).await;
    service.put("s", &[(0, "of nobody")]).await;
    let first = service.subscribers.told(1).await.remove(0).trace;
    assert!(first.to_string().ends_with(";Lineage=1:logs:0"), "{first}");
    let (hop, _) = first.hop("aaaa");
    let trace = TraceHeader::parse(&hop).unwrap();
    let events = json!([{"timestamp": service.began, "message": "of a call"}]);
    let input = json!({"logGroupName": "/g", "logStreamName": "s", "logEvents": events});
    let (status, _) = service.call_traced("PutLogEvents", input, trace.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(service.subscribers.told(2).await[1].trace.to_string(), trace.to_string());
}

/// Which members of an event stream's messages are where is `wire`'s; here only their JSON is looked at.
fn told(frame: &[u8]) -> Value {
    let (_, rest) = frame.split_first_chunk::<4>().unwrap();
    let (headers, _) = rest.split_first_chunk::<4>().unwrap();
    let begin = 12 + usize::try_from(u32::from_be_bytes(*headers)).unwrap();
    serde_json::from_slice(frame.get(begin..frame.len() - 4).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_live_tail_tells_what_arrives() {
    let service = Service::with_stream().await;
    service.ok("CreateLogStream", json!({"logGroupName": "/g", "logStreamName": "other"})).await;
    service.put("s", &[(0, "ERROR before")]).await;
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/g";
    let input = json!({"logGroupIdentifiers": [arn], "logStreamNamePrefixes": ["s"],
        "logEventFilterPattern": "ERROR"});
    let response = service.respond("StartLiveTail", input, TraceHeader::start(0)).await;
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    let mut body = response.into_body();
    let mut next = async || {
        let frame = std::future::poll_fn(|cx| {
            let body = std::pin::Pin::new(&mut body);
            http_body::Body::poll_frame(body, cx)
        });
        frame.await.map(|frame| frame.unwrap().into_data().unwrap())
    };
    let first = next().await.unwrap();
    assert!(first.windows(16).any(|part| part == b"initial-response"));
    let start = told(&next().await.unwrap());
    assert_eq!(start["logGroupIdentifiers"], json!([arn]));
    assert_eq!(start["logEventFilterPattern"], "ERROR");

    service.put("s", &[(0, "INFO a"), (1, "ERROR b")]).await;
    service.put("other", &[(2, "ERROR elsewhere")]).await;
    let update = told(&next().await.unwrap());
    assert_eq!(update["sessionMetadata"], json!({"sampled": false}));
    let results = update["sessionResults"].as_array().unwrap();
    assert_eq!(results.len(), 1, "{update}");
    assert_eq!(
        (&results[0]["message"], &results[0]["logStreamName"]),
        (&json!("ERROR b"), &json!("s"))
    );
    assert_eq!(results[0]["timestamp"], service.began + 1);
    assert_eq!(told(&next().await.unwrap())["sessionResults"], json!([]));
    let many: Vec<(i64, &str)> = (0..501).map(|time| (time, "ERROR")).collect();
    service.put("s", &many).await;
    let update = told(&next().await.unwrap());
    assert_eq!(update["sessionMetadata"], json!({"sampled": true}));
    assert_eq!(update["sessionResults"].as_array().unwrap().len(), 500);

    tokio::time::advance(std::time::Duration::from_secs(3 * 3600)).await;
    let last = next().await.unwrap();
    assert!(last.windows(23).any(|part| part == b"SessionTimeoutException"));
    assert_eq!(next().await, None);
}

#[tokio::test]
async fn live_tails_have_limits() {
    let service = Service::with_stream().await;
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/g";
    let all = json!({"logGroupIdentifiers": [arn]});
    for input in [
        json!({"logGroupIdentifiers": ["/g"]}),
        json!({"logGroupIdentifiers": [format!("{arn}:*")]}),
        json!({"logGroupIdentifiers": [arn, arn], "logStreamNames": ["s"]}),
        json!({"logGroupIdentifiers": [arn], "logStreamNames": ["s"], "logStreamNamePrefixes": ["s"]}),
        json!({"logGroupIdentifiers": [arn], "logEventFilterPattern": "{ $.a = "}),
    ] {
        assert_eq!(service.refused("StartLiveTail", input).await.0, "InvalidParameterException");
    }
    let none = json!({"logGroupIdentifiers": [format!("{arn}/none")]});
    assert_eq!(service.refused("StartLiveTail", none).await.0, "ResourceNotFoundException");
    let mut open = Vec::new();
    for _ in 0..15 {
        open.push(service.respond("StartLiveTail", all.clone(), TraceHeader::start(0)).await);
    }
    assert_eq!(service.refused("StartLiveTail", all.clone()).await.0, "LimitExceededException");
    open.pop();
    let again = service.respond("StartLiveTail", all, TraceHeader::start(0)).await;
    assert_eq!(again.status(), 200, "who is gone makes room");
}

#[tokio::test]
async fn subscriptions_are_refused_as_on_aws() {
    let service = Service::with_stream().await;
    assert_eq!(
        service.refused("PutSubscriptionFilter", subscription("a", "", "none")).await,
        refusal(
            "InvalidParameterException",
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."
        )
    );
    for name in ["a", "b", "b"] {
        service.ok("PutSubscriptionFilter", subscription(name, "", "f")).await;
    }
    assert_eq!(
        service.refused("PutSubscriptionFilter", subscription("c", "", "f")).await,
        refusal("LimitExceededException", "Resource limit exceeded.")
    );
    let but = |name: &str, value: Value| {
        let mut input = subscription("a", "", "f");
        input[name] = value;
        input
    };
    for input in [
        but("destinationArn", json!("arn:aws:kinesis:us-east-1:000000000000:stream/s")),
        but("destinationArn", json!("arn:aws:lambda:us-east-1:111111111111:function:f")),
        but("destinationArn", json!("arn:aws:lambda:eu-west-1:000000000000:function:f")),
        but("roleArn", json!("arn:aws:iam::000000000000:role/r")),
        but("emitSystemFields", json!(["@aws.account"])),
        but("applyOnTransformedLogs", json!(true)),
        but("filterPattern", json!("{ $.a = ")),
    ] {
        let (code, _) = service.refused("PutSubscriptionFilter", input).await;
        assert_eq!(code, "InvalidParameterException");
    }
    let none = json!({"logGroupName": "/g", "filterName": "z"});
    let missing = "The specified subscription filter does not exist.";
    assert_eq!(
        service.refused("DeleteSubscriptionFilter", none).await,
        refusal("ResourceNotFoundException", missing)
    );
    let mut elsewhere = subscription("a", "", "f");
    elsewhere["logGroupName"] = json!("/none");
    let (code, _) = service.refused("PutSubscriptionFilter", elsewhere).await;
    assert_eq!(code, "ResourceNotFoundException");
    let class = json!({"logGroupName": "/rare", "logGroupClass": "INFREQUENT_ACCESS"});
    service.ok("CreateLogGroup", class).await;
    let mut rare = subscription("a", "", "f");
    rare["logGroupName"] = json!("/rare");
    let (code, _) = service.refused("PutSubscriptionFilter", rare).await;
    assert_eq!(code, "InvalidOperationException");
}

fn metric_filter(name: &str, pattern: &str, transformation: Value) -> Value {
    let mut whole = json!({"metricName": "m", "metricNamespace": "n", "metricValue": "1"});
    whole.as_object_mut().unwrap().extend(transformation.as_object().unwrap().clone());
    json!({"logGroupName": "/g", "filterName": name, "filterPattern": pattern,
        "metricTransformations": [whole]})
}

#[tokio::test]
async fn metric_filters_make_metrics_of_what_matches() {
    let service = Service::with_stream().await;
    service.put("s", &[(0, "ERROR before")]).await;
    let took = json!({"metricValue": "$.took", "metricName": "took", "unit": "Milliseconds",
        "dimensions": {"path": "$.path"}});
    let lost = json!({"metricValue": "$bytes", "metricName": "bytes"});
    for filter in [
        metric_filter("errors", "ERROR", json!({})),
        metric_filter("took", "{ $.took = * }", took),
        metric_filter("bytes", "[host, bytes > 10]", lost),
    ] {
        service.ok("PutMetricFilter", filter).await;
    }
    let a = r#"{"took": 5, "path": "/a"}"#;
    let b = r#"{"took": 7.5, "path": "/b"}"#;
    let without = r#"{"took": 9}"#;
    service
        .put(
            "s",
            &[
                (0, "ERROR"),
                (0, "an ERROR or two"),
                (0, a),
                (0, b),
                (0, a),
                (0, without),
                (0, "h 12"),
            ],
        )
        .await;
    let mut told = service.metrics.told(4).await;
    told.sort();
    assert_eq!(
        told,
        [
            "/g n bytes [12.0] [1.0]",
            "/g n m [1.0] [2.0]",
            "/g n took path=/a [5.0] [2.0]",
            "/g n took path=/b [7.5] [1.0]",
        ]
    );
    let found = service
        .ok("DescribeMetricFilters", json!({"metricName": "took", "metricNamespace": "n"}))
        .await;
    let found = found["metricFilters"].as_array().unwrap();
    assert_eq!((found.len(), &found[0]["filterName"]), (1, &json!("took")));
    let transformation = &found[0]["metricTransformations"][0];
    assert_eq!(
        (&transformation["unit"], &transformation["dimensions"]["path"]),
        (&json!("Milliseconds"), &json!("$.path"))
    );
    let mut names = Vec::new();
    let mut input = json!({"logGroupName": "/g", "limit": 2});
    loop {
        let page = service.ok("DescribeMetricFilters", input.clone()).await;
        let filters = page["metricFilters"].as_array().unwrap();
        names
            .extend(filters.iter().map(|filter| filter["filterName"].as_str().unwrap().to_owned()));
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(names, ["bytes", "errors", "took"]);
    let groups = service.ok("DescribeLogGroups", json!({})).await;
    assert_eq!(groups["logGroups"][0]["metricFilterCount"], 3);
}

#[tokio::test]
async fn metric_filters_are_refused_as_on_aws() {
    let service = Service::with_stream().await;
    let both = json!({"metricValue": "1", "defaultValue": 0.0, "dimensions": {"a": "$.a"}});
    assert_eq!(
        service.refused("PutMetricFilter", metric_filter("f", "{ $.a = * }", both)).await.1,
        "Invalid metric transformation: dimensions and default value are mutually exclusive properties."
    );
    for filter in [
        metric_filter("f", "ERROR", json!({"metricValue": "much"})),
        metric_filter("f", "ERROR", json!({"metricValue": "$.took"})),
        metric_filter("f", "[a, b]", json!({"metricValue": "$c"})),
        metric_filter("f", "ERROR", json!({"metricNamespace": "AWS/Lambda"})),
        metric_filter("f", "ERROR", json!({"metricName": ""})),
        metric_filter("f", "{ $.a = ", json!({})),
        metric_filter("f", "ERROR", json!({"dimensions": {"a": "$.a"}})),
    ] {
        assert_eq!(service.refused("PutMetricFilter", filter).await.0, "InvalidParameterException");
    }
    for number in 0..100 {
        service.ok("PutMetricFilter", metric_filter(&format!("f{number}"), "", json!({}))).await;
    }
    assert_eq!(
        service.refused("PutMetricFilter", metric_filter("f", "", json!({}))).await,
        refusal("LimitExceededException", "Resource limit exceeded.")
    );
    let gone = json!({"logGroupName": "/g", "filterName": "f0"});
    service.ok("DeleteMetricFilter", gone.clone()).await;
    assert_eq!(
        service.refused("DeleteMetricFilter", gone).await,
        refusal("ResourceNotFoundException", "The specified metric filter does not exist.")
    );
}
