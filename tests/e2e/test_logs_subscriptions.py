# SPDX-License-Identifier: Apache-2.0
"""Subscription filters of CloudWatch Logs: functions get what is logged, in AWS's form, and nothing that waits is lost."""

import json
import time

import pytest
from harness import ACCOUNT, REGION, allow, unique, wait_until

SAY = "def handler(event, context):\n    print('said', event)"
SUBSCRIBER = """
import base64, gzip, json
def handler(event, context):
    message = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    print("got", json.dumps(message))
"""


@pytest.fixture
def logs(platform):
    return platform.client("logs")


def new_group(logs):
    name = unique("/subscribed/")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def put(logs, group, *messages):
    events = [{"timestamp": int(time.time() * 1000), "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def permit(function, group, principal="logs.amazonaws.com", **arguments):
    function.platform.client().add_permission(
        FunctionName=function.name,
        StatementId="logs",
        Principal=principal,
        Action="lambda:InvokeFunction",
        SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",
        SourceAccount=ACCOUNT,
        **arguments,
    )


def subscribe(function, group, pattern=""):
    function.platform.client("logs").put_subscription_filter(
        logGroupName=group, filterName="all", filterPattern=pattern, destinationArn=function.arn
    )


def messages(subscriber):
    """The messages that it got so far."""
    texts = (event["message"] for event in subscriber.log_events())
    return [json.loads(text.removeprefix("got ")) for text in texts if text.startswith("got ")]


def got(subscriber):
    """The texts in them."""
    return [event["message"] for message in messages(subscriber) for event in message["logEvents"]]


def test_a_function_gets_what_another_prints(platform, logs):
    source, subscriber = platform.python(SAY), platform.python(SUBSCRIBER)
    group = f"/aws/lambda/{source.name}"
    source.invoke("before")
    source.log_with("said before")
    permit(subscriber, group)
    subscribe(subscriber, group, "said")
    source.invoke("after")

    wait_until(lambda: "said after\n" in got(subscriber), "the subscriber is told")
    assert got(subscriber) == ["said after\n"]
    (message,) = messages(subscriber)
    (event,) = message.pop("logEvents")
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    assert message == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": ["all"],
    }
    found = logs.filter_log_events(logGroupName=group, filterPattern="after")["events"]
    assert [(one["eventId"], one["timestamp"]) for one in found] == [(event["id"], event["timestamp"])]


def test_the_policy_of_a_function_says_who_may_have_it_called(platform, logs):
    group, subscriber = new_group(logs), platform.python(SUBSCRIBER)
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Could not execute the lambda function"):
        subscribe(subscriber, group)
    permit(subscriber, "/another")
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Could not execute the lambda function"):
        subscribe(subscriber, group)
    platform.client().remove_permission(FunctionName=subscriber.name, StatementId="logs")
    permit(subscriber, group, f"logs.{REGION}.amazonaws.com")
    subscribe(subscriber, group)
    put(logs, group, "let in")
    wait_until(lambda: got(subscriber) == ["let in"], "the subscriber is told")

    # What arrives while it is not let in is missed, and said so.
    platform.client().remove_permission(FunctionName=subscriber.name, StatementId="logs")
    put(logs, group, "shut out")
    missed = f'log events not sent to a subscriber group="{group}" filter="all" events=1'
    wait_until(lambda: missed in platform.log_path.read_text(), "the server says what is missed")
    permit(subscriber, group)
    put(logs, group, "let in again")
    wait_until(lambda: len(got(subscriber)) == 2, "the subscriber is told again")
    assert got(subscriber) == ["let in", "let in again"]


def test_what_waits_survives_kills(new_platform):
    platform = new_platform().start()
    logs, queue = platform.client("logs"), platform.client("sqs").create_queue(QueueName="got")["QueueUrl"]
    # What functions print in the last moment before a kill is lost, and what queues took is not.
    source = """
import base64, boto3, gzip, json
def handler(event, context):
    message = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    texts = [event["message"] for event in message["logEvents"]]
    boto3.client("sqs").send_message(QueueUrl=QUEUE, MessageBody=json.dumps(texts))
""".replace("QUEUE", repr(queue))
    subscriber = platform.python(source, role=platform.role(allow("sqs:SendMessage")), Timeout=60, MemorySize=512)
    group = new_group(logs)
    permit(subscriber, group)
    subscribe(subscriber, group)
    numbers = {str(number) for number in range(60)}
    for number in range(60):
        put(logs, group, str(number))
        if number % 20 == 19:
            platform.restart()
            logs = platform.client("logs")
    told = set()

    def is_told():
        client = platform.client("sqs")
        url = client.get_queue_url(QueueName="got")["QueueUrl"]
        for message in client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        ):
            told.update(json.loads(message["Body"]))
        return told == numbers

    wait_until(is_told, "the subscriber is told everything", 90)


def test_a_function_that_subscribes_to_itself_is_ended(platform, logs):
    """Each hop prints one line, which leads to the next one. AWS ends such chains at sixteen."""
    function = platform.python("def handler(event, context):\n    print('hop')")
    group = f"/aws/lambda/{function.name}"
    logs.create_log_group(logGroupName=group)
    permit(function, group)
    subscribe(function, group, "hop")
    function.invoke()

    metrics = platform.client("cloudwatch")

    def is_ended():
        now = time.time()
        points = metrics.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="RecursiveInvocationsDropped",
            Dimensions=[{"Name": "FunctionName", "Value": function.name}],
            StartTime=now - 3600,
            EndTime=now + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points) == 1

    wait_until(is_ended, "the chain is ended", 90)
    hops = [event for event in function.log_events() if event["message"] == "hop\n"]
    assert len(hops) == 17


def test_a_chain_through_calls_of_a_function_is_ended(platform, logs):
    """A function that puts events to the group that it subscribes to, by the SDK."""
    group = new_group(logs)
    source = f"""
import boto3, time
def handler(event, context):
    event = {{"timestamp": int(time.time() * 1000), "message": "again"}}
    boto3.client("logs").put_log_events(logGroupName="{group}", logStreamName="s", logEvents=[event])
"""
    function = platform.python(source, role=platform.role(allow("logs:*")), Timeout=60, MemorySize=512)
    permit(function, group)
    subscribe(function, group)
    put(logs, group, "begin")
    ended = f"function={function.arn} attempts=0"

    def is_ended():
        lines = [line for line in platform.log_path.read_text().splitlines() if ended in line]
        return any('result="recursive"' in line for line in lines)

    wait_until(is_ended, "the chain is ended", 120)
    assert len(logs.get_log_events(logGroupName=group, logStreamName="s")["events"]) == 17
