# SPDX-License-Identifier: Apache-2.0
"""Traces: the header in and out, the segments that Lambda makes, and AWS X-Ray's API over them."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from harness import ROLE, allow, unique, wait_until
from tracing import HEADER, SEND, invoke, root


@pytest.fixture(scope="module")
def xray(platform):
    return platform.client("xray")


@pytest.fixture(scope="module")
def role(platform):
    """A role that may log, and send segments."""
    return platform.role(allow("logs:*"), allow(list(SEND)))


@pytest.fixture(scope="module")
def traced(platform, role):
    return platform.python(HEADER, role=role, TracingConfig={"Mode": "Active"})


def fields(header):
    return dict(part.split("=", 1) for part in header.split(";"))


def documents(xray, trace, wanted=1):
    """The documents of a trace, once there are so many."""

    def found():
        traces = xray.batch_get_traces(TraceIds=[trace])["Traces"]
        segments = [json.loads(segment["Document"]) for found in traces for segment in found["Segments"]]
        return segments if len(segments) >= wanted else None

    return wait_until(found, f"{wanted} segments of {trace}")


def of(documents, origin):
    return next(document for document in documents if document.get("origin") == origin)


def parts(document):
    return {part["name"]: part for part in document["subsegments"]}


def test_a_sampled_invocation_has_the_segments_of_aws(platform, xray, traced):
    trace = root()
    answer, given = invoke(platform, traced, f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1")
    service, function = (of(documents(xray, trace, 2), origin) for origin in ("AWS::Lambda", "AWS::Lambda::Function"))
    assert service["trace_id"] == function["trace_id"] == trace
    assert service["name"] == function["name"] == traced.name
    assert service["parent_id"] == "53995c3f42cd8ad8"
    assert function["parent_id"] == service["id"]
    assert service["http"] == {"response": {"status": 200}}
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert service["aws"]["request_id"] == function["aws"]["request_id"] == request_id
    assert service["resource_arn"] == function["aws"]["function_arn"] == traced.arn
    phases = parts(function)
    assert list(phases) == ["Initialization", "Invocation", "Overhead"], "its first invocation was a cold start"
    times = [phases[name][end] for name in phases for end in ("start_time", "end_time")]
    assert times == sorted(times)
    assert service["start_time"] <= phases["Invocation"]["start_time"]
    # What the function calls is a part of its handler's work.
    assert fields(given)["Parent"] == phases["Invocation"]["id"]
    assert fields(given)["Root"] == trace and fields(given)["Sampled"] == "1"
    assert "Lineage" in fields(given)
    assert "Sampled=1" in answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"]
    traced.log_with(f"XRAY TraceId: {trace}\tSegmentId: {function['id']}\tSampled: true\t")

    again = root()
    invoke(platform, traced, f"Root={again};Sampled=1")
    function = of(documents(xray, again, 2), "AWS::Lambda::Function")
    assert list(parts(function)) == ["Invocation", "Overhead"]
    assert "parent_id" not in of(documents(xray, again, 2), "AWS::Lambda")


def test_who_is_upstream_decides(platform, xray, traced, role):
    not_sampled = root()
    _, given = invoke(platform, traced, f"Root={not_sampled};Sampled=0")
    assert fields(given)["Sampled"] == "0"
    passing = platform.python(HEADER, role=role)
    passed = root()
    header = f"Root={passed};Parent=53995c3f42cd8ad8;Sampled=1"
    _, given = invoke(platform, passing, header)
    assert given.startswith(header), "it is passed on as it came"
    _, given = invoke(platform, passing, f"Root={root()}")
    assert fields(given)["Sampled"] == "0", "without active tracing nobody begins to sample"
    # Whatever these had told would have come before this.
    last = root()
    invoke(platform, traced, f"Root={last};Sampled=1")
    documents(xray, last, 2)
    assert xray.batch_get_traces(TraceIds=[not_sampled, passed])["Traces"] == []


def test_without_a_decision_some_are_sampled(platform, traced):
    # At most one each second is the first of it, and one in twenty of the others: a hundred are never all sampled.
    decided = [fields(traced.invoke({}).value())["Sampled"] for _ in range(100)]
    assert "1" in decided, "the first of a second is"
    assert set(decided) <= {"0", "1"}


def test_failures_and_throttles_are_marked(platform, xray, traced, role):
    trace = root()
    invoke(platform, traced, f"Root={trace};Sampled=1", {"fail": True})
    segments = documents(xray, trace, 2)
    function = of(segments, "AWS::Lambda::Function")
    assert function["fault"] is True
    assert parts(function)["Invocation"]["cause"]["exceptions"] == [{"message": "'broken'", "type": "KeyError"}]
    assert of(segments, "AWS::Lambda")["fault"] is True

    throttled = platform.python(HEADER, role=role, TracingConfig={"Mode": "Active"})
    client = platform.client()
    client.put_function_concurrency(FunctionName=throttled.name, ReservedConcurrentExecutions=0)
    trace = root()
    with pytest.raises(ClientError) as error:
        invoke(platform, throttled, f"Root={trace};Sampled=1")
    assert error.value.response["Error"]["Code"] == "TooManyRequestsException"
    (service,) = {document["id"]: document for document in documents(xray, trace)}.values()
    assert service["throttle"] is True and service["error"] is True
    assert service["http"]["response"]["status"] == 429


def test_an_asynchronous_invocation_keeps_its_trace(platform, xray, traced):
    trace = root()
    answer, _ = invoke(platform, traced, f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1", InvocationType="Event")
    assert answer["StatusCode"] == 202

    def both():
        segments = documents(xray, trace)
        complete = len(segments) == 2 and len(of(segments, "AWS::Lambda").get("subsegments", [])) == 2
        return segments if complete else None

    segments = wait_until(both, "the event ran")
    service, function = of(segments, "AWS::Lambda"), of(segments, "AWS::Lambda::Function")
    assert service["http"]["response"]["status"] == 202
    assert service["parent_id"] == "53995c3f42cd8ad8"
    attempts = parts(service)
    assert set(attempts) == {"Dwell Time", "Attempt #1"}
    assert function["parent_id"] == attempts["Attempt #1"]["id"]


def test_active_tracing_needs_a_role_that_may_send_segments(platform, traced):
    told = "The provided execution role does not have permissions to call PutTraceSegments on XRAY"
    with pytest.raises(ClientError) as error:
        platform.python(HEADER, role=ROLE, TracingConfig={"Mode": "Active"})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert told in error.value.response["Error"]["Message"]
    passing = platform.python(HEADER, role=ROLE)
    with pytest.raises(ClientError) as error:
        passing.update_configuration(TracingConfig={"Mode": "Active"})
    assert told in error.value.response["Error"]["Message"]
    with pytest.raises(ClientError) as error:
        traced.update_configuration(Role=ROLE)
    assert told in error.value.response["Error"]["Message"]


def put(xray, *segments):
    return xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment) for segment in segments])


def test_segments_are_put_and_traces_are_found(platform, xray):
    trace, other, now = root(), root(), time.time()
    color = unique("color")
    segment = {"trace_id": trace, "id": "00000000000000a1", "name": "shop", "start_time": now, "end_time": now + 1.5,
               "http": {"request": {"method": "GET", "url": "http://shop/x"}, "response": {"status": 500}},
               "fault": True, "annotations": {"color": color, "size": 3}}  # fmt: skip
    part = {"trace_id": trace, "id": "00000000000000a2", "type": "subsegment", "parent_id": "00000000000000a1",
            "name": "work", "start_time": now, "end_time": now + 1}  # fmt: skip
    answer = put(xray, part, segment, {**segment, "id": "x"}, {"id": "00000000000000a3"})
    assert [refused["ErrorCode"] for refused in answer["UnprocessedTraceSegments"]] == ["InvalidId", "InvalidTraceId"]
    put(xray, {**segment, "trace_id": other, "fault": False, "annotations": {"color": color, "size": 4}})
    answer = xray.batch_get_traces(TraceIds=[trace, "1-00000000-000000000000000000000000"])
    (found,) = answer["Traces"]
    assert found["Id"] == trace and found["Duration"] == pytest.approx(1.5) and found["LimitExceeded"] is False
    (document,) = (json.loads(segment["Document"]) for segment in found["Segments"])
    assert [child["name"] for child in document["subsegments"]] == ["work"]

    def ids(expression):
        pages = xray.get_paginator("get_trace_summaries").paginate(
            StartTime=now - 60, EndTime=now + 60, FilterExpression=f'annotation.color = "{color}" AND ({expression})'
        )
        return [summary["Id"] for page in pages for summary in page["TraceSummaries"]]

    assert set(ids("duration > 1")) == {trace, other}
    assert ids('fault AND http.status = 500 AND service("shop")') == [trace]
    assert ids("annotation.size >= 4") == [other]
    assert ids("responsetime < 1") == []
    with pytest.raises(ClientError) as error:
        ids('edge("a", "b")')
    assert error.value.response["Error"]["Code"] == "InvalidRequestException"
    assert "edge is not understood" in error.value.response["Error"]["Message"]


def test_sdks_learn_how_to_sample(xray):
    (record,) = xray.get_sampling_rules()["SamplingRuleRecords"]
    rule = record["SamplingRule"]
    assert (rule["RuleName"], rule["FixedRate"], rule["ReservoirSize"]) == ("Default", 0.05, 1)
    statistics = {"ClientID": "0" * 24, "Timestamp": time.time(), "RequestCount": 1, "SampledCount": 1}
    answer = xray.get_sampling_targets(
        SamplingStatisticsDocuments=[{"RuleName": name, **statistics} for name in ("Default", "other")]
    )
    assert [target["RuleName"] for target in answer["SamplingTargetDocuments"]] == ["Default"]
    assert [refused["RuleName"] for refused in answer["UnprocessedStatistics"]] == ["other"]
    xray.put_telemetry_records(TelemetryRecords=[{"Timestamp": time.time(), "SegmentsSentCount": 1}])
