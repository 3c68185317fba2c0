# SPDX-License-Identifier: Apache-2.0
"""Traces go on through whatever calls a function, and a loop through it is ended. Buckets, mappings, log groups and destinations have
such tests in their own files."""

import json
import re

import pytest
from buses import Rule
from harness import Platform, allow, unique, wait_until
from topics import Topic

TOLD = """
import json, os, boto3
def handler(event, context):
    trace = os.environ['_X_AMZN_TRACE_ID']
    print('round', trace, flush=True)
    again(json.dumps({'again': True}))
    return trace
def again(text):
    pass
"""
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"
TRACE = f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=0"


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def role(platform):
    return platform.role(allow("sns:Publish"), allow("events:PutEvents"), allow("logs:*"))


def with_trace(client):
    """Each call of the client goes on with a trace, as those of a function do."""
    client.meta.events.register(
        "before-sign.*.*", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", TRACE)
    )
    return client


def rounds(function):
    """The traces of all invocations."""
    text = "".join(event["message"] for event in function.log_events())
    return re.findall(r"round (\S+)", text)


def hops(function):
    return sorted({int(hop) for trace in rounds(function) for hop in re.findall(r"Lineage=1:\w+:(\d+)", trace)})


def permit(function, service, arn):
    function.platform.client().add_permission(
        FunctionName=function.name, StatementId=unique("s"), Action="lambda:InvokeFunction", Principal=service,
        SourceArn=arn,
    )  # fmt: skip


def is_ended_after_sixteen(function):
    wait_until(lambda: hops(function) == list(range(16)), "the function was called sixteen times", 180)
    dimensions = [{"Name": "FunctionName", "Value": function.name}]
    cloudwatch = function.platform.client("cloudwatch")

    def is_dropped():
        return cloudwatch.list_metrics(MetricName="RecursiveInvocationsDropped", Dimensions=dimensions)["Metrics"]

    wait_until(is_dropped, "the seventeenth was dropped", 60)
    assert hops(function) == list(range(16))
    assert {trace.split(";")[0] for trace in rounds(function)} == {ROOT}


def test_a_loop_through_a_topic_is_ended_and_keeps_its_trace(platform, role):
    topic = Topic(platform)
    source = TOLD + f"\ndef again(text): boto3.client('sns').publish(TopicArn='{topic.arn}', Message=text)"
    function = platform.python(source, role=role, Timeout=30)
    permit(function, "sns.amazonaws.com", topic.arn)
    topic.subscribe("lambda", function.arn)
    with_trace(platform.client("sns")).publish(TopicArn=topic.arn, Message="first")
    is_ended_after_sixteen(function)


def test_a_loop_through_a_bus_is_ended_and_keeps_its_trace(platform, role):
    rule = Rule(platform)
    put = f"Entries=[{{'Source': '{rule.source}', 'DetailType': 'd', 'Detail': text}}]"
    function = platform.python(
        TOLD + f"\ndef again(text): boto3.client('events').put_events({put})", role=role, Timeout=30
    )
    permit(function, "events.amazonaws.com", rule.arn)
    rule.target(function.arn)
    # The entry says it, and not the call.
    rule.put({}, TraceHeader=TRACE)
    is_ended_after_sixteen(function)


def test_a_loop_through_a_url_is_ended_and_keeps_its_trace(platform):
    function = platform.python(TOLD)
    client, trace = platform.client(), TRACE
    place = {"FunctionName": function.name}
    host = client.create_function_url_config(**place, AuthType="NONE")["FunctionUrl"].split("/")[2]
    everyone = {**place, "Principal": "*"}
    client.add_permission(**everyone, StatementId="a", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    client.add_permission(**everyone, StatementId="b", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    for hop in range(16):
        answer = platform.call("GET", "/", headers={"Host": host, "X-Amzn-Trace-Id": trace}, sign=False)
        assert answer.status == 200, answer.body
        trace = answer.body.decode()
        assert trace.startswith(ROOT) and trace.endswith(f":{hop}")
    answer = platform.call("GET", "/", headers={"Host": host, "X-Amzn-Trace-Id": trace}, sign=False)
    print(answer.status, answer.body, answer.headers)
    assert answer.status >= 400
    assert len(rounds(function)) == 16


def test_a_schedule_begins_a_trace(platform):
    """As on AWS: a function that makes the schedule of its next invocation is no loop."""
    function, name = platform.python(TOLD), unique("schedule")
    role = platform.role(allow("lambda:InvokeFunction"), service="scheduler.amazonaws.com")
    with_trace(platform.client("scheduler")).create_schedule(
        Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function.arn, "RoleArn": role, "Input": json.dumps({})},
    )  # fmt: skip
    (trace,) = wait_until(lambda: rounds(function), "the schedule fired", 60)
    assert trace.startswith("Root=1-") and not trace.startswith(ROOT) and trace.endswith(":0")
