# SPDX-License-Identifier: Apache-2.0
"""What Amazon SQS, Amazon EventBridge and EventBridge Scheduler refuse, with AWS's code and status. (Amazon SNS: `test_sns.py`.)"""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, Platform, allow, unique

SQS = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
EVENTS = f"arn:aws:events:{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


def client_of(platform, service):
    """One that sends whatever it is given."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    key = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
    return boto3.client(service, endpoint_url=platform.endpoint, config=config, **key)


def answers(client, table):
    """What is answered otherwise than the table says: rows of an operation, its input, the code and the status."""
    wrong = []
    for operation, arguments, code, status in table:
        try:
            getattr(client, operation)(**arguments)
            answer = ("", 200)
        except ClientError as error:
            answer = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        if answer != (code, status):
            wrong.append((operation, {name: str(value)[:80] for name, value in arguments.items()}, answer))
    return wrong


def rows(code, status, operation, *inputs):
    return [(operation, arguments, code, status) for arguments in inputs]


def test_queues_refuse_with_awss_codes(platform):
    client = client_of(platform, "sqs")
    name = unique("queue")
    url = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "45"})["QueueUrl"]
    fifo = client.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    gone, here, order = {"QueueUrl": f"{url}-gone"}, {"QueueUrl": url}, {"QueueUrl": fifo}
    client.send_message(**here, MessageBody="m")
    handle = client.receive_message(**here)["Messages"][0]["ReceiptHandle"]

    def attributes(**values):
        return {"QueueName": unique("q"), "Attributes": values}

    def told(**value):
        return {**here, "MessageBody": "m", "MessageAttributes": {"a": value}}

    def batch(*entries):
        return {"Entries": [{"Id": id_, "MessageBody": "m"} for id_ in entries]}

    missing, invalid = "MissingParameter", "InvalidParameterValue"
    text = {"DataType": "String", "StringValue": "v"}
    nowhere = "AWS.SimpleQueueService.NonExistentQueue"
    table = [
        *rows(invalid, 400, "create_queue",
            {"QueueName": ""}, {"QueueName": "a b"}, {"QueueName": "q" * 81}, {"QueueName": "a.fifo"}, {"QueueName": "é"},
            {"QueueName": f"{unique('q')}.fifo"},
        ),
        *rows("InvalidAttributeName", 400, "create_queue", attributes(Colour="red")),
        *rows("InvalidAttributeName", 400, "create_queue", attributes(ApproximateNumberOfMessages="1")),
        *rows("InvalidAttributeValue", 400, "create_queue",
            attributes(DelaySeconds="901"), attributes(DelaySeconds="-1"), attributes(DelaySeconds="soon"),
            attributes(MaximumMessageSize="1023"), attributes(MaximumMessageSize="1048577"),
            attributes(MessageRetentionPeriod="59"), attributes(MessageRetentionPeriod="1209601"),
            attributes(VisibilityTimeout="43201"), attributes(ReceiveMessageWaitTimeSeconds="21"),
            attributes(Policy="{"),
        ),
        *rows("QueueAlreadyExists", 400, "create_queue", {"QueueName": name, "Attributes": {"VisibilityTimeout": "46"}}),
        *rows(nowhere, 400, "get_queue_url", {"QueueName": f"{name}-gone"}),
        *rows(nowhere, 400, "get_queue_attributes", {**gone, "AttributeNames": ["All"]}),
        *rows(nowhere, 400, "send_message", {**gone, "MessageBody": "m"}),
        *rows(nowhere, 400, "receive_message", gone),
        *rows(nowhere, 400, "purge_queue", gone),
        *rows(nowhere, 400, "delete_queue", gone),
        *rows("InvalidAttributeName", 400, "get_queue_attributes", {**here, "AttributeNames": ["Colour"]}),
        *rows(invalid, 400, "set_queue_attributes",
            {**here, "Attributes": {"RedrivePolicy": "{"}},
            {**here, "Attributes": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{SQS}:x"})}},
            {**here, "Attributes": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{SQS}:{name}", "maxReceiveCount": 0})}},
            {**here, "Attributes": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{SQS}:{name}", "maxReceiveCount": 1001})}},
        ),
        *rows(missing, 400, "send_message",
            {**here, "MessageBody": ""}, {**order, "MessageBody": "m"},
        ),
        *rows(invalid, 400, "send_message",
            {**here, "MessageBody": "x" * 1_048_577}, {**here, "MessageBody": "m", "DelaySeconds": 901},
            {**here, "MessageBody": "m", "DelaySeconds": -1},
            {**here, "MessageBody": "m", "MessageDeduplicationId": "d"},
            {**order, "MessageBody": "m", "MessageGroupId": "g"},
            {**order, "MessageBody": "m", "MessageGroupId": "a b", "MessageDeduplicationId": "d"},
            {**order, "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d" * 129},
            {**order, "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 5},
            told(DataType="Strange", StringValue="v"), told(DataType="String"),
            told(DataType="String", StringValue=""), told(DataType="Number", StringValue="many"),
            {**here, "MessageBody": "m", "MessageAttributes": {"AWS.x": text}},
            {**here, "MessageBody": "m", "MessageAttributes": {"a..b": text}},
            {**here, "MessageBody": "m", "MessageAttributes": {".a": text}},
            {**here, "MessageBody": "m", "MessageAttributes": {"a b": text}},
            {**here, "MessageBody": "m", "MessageAttributes": {f"a{n}": text for n in range(11)}},
            {**here, "MessageBody": "m", "MessageSystemAttributes": {"Other": text}},
        ),
        *rows("InvalidMessageContents", 400, "send_message", {**here, "MessageBody": "\0"}, {**here, "MessageBody": "\ufffe"}),
        *rows("AWS.SimpleQueueService.EmptyBatchRequest", 400, "send_message_batch", {**here, **batch()}),
        *rows("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400, "send_message_batch", {**here, **batch(*"abcdefghijk")}),
        *rows("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, "send_message_batch", {**here, **batch("a", "a")}),
        *rows("AWS.SimpleQueueService.InvalidBatchEntryId", 400, "send_message_batch",
            {**here, **batch("a b")}, {**here, **batch("x" * 81)}, {**here, **batch("")},
        ),
        *rows("AWS.SimpleQueueService.BatchRequestTooLong", 400, "send_message_batch",
            {**here, "Entries": [{"Id": id_, "MessageBody": "x" * 600_000} for id_ in "ab"]},
        ),
        *rows(invalid, 400, "receive_message",
            {**here, "MaxNumberOfMessages": 0}, {**here, "MaxNumberOfMessages": 11}, {**here, "WaitTimeSeconds": 21},
            {**here, "WaitTimeSeconds": -1}, {**here, "VisibilityTimeout": 43_201},
        ),
        *rows("InvalidAttributeName", 400, "receive_message", {**here, "AttributeNames": ["Colour"]}),
        *rows("ReceiptHandleIsInvalid", 400, "delete_message", {**here, "ReceiptHandle": "x"}, {**order, "ReceiptHandle": handle}),
        *rows("ReceiptHandleIsInvalid", 400, "change_message_visibility", {**here, "ReceiptHandle": "x", "VisibilityTimeout": 1}),
        *rows(invalid, 400, "change_message_visibility", {**here, "ReceiptHandle": handle, "VisibilityTimeout": 43_201}),
        *rows("AWS.SimpleQueueService.EmptyBatchRequest", 400, "delete_message_batch", {**here, "Entries": []}),
        *rows(invalid, 400, "list_queues", {"MaxResults": 0}, {"MaxResults": 1001}),
        *rows(invalid, 400, "add_permission",
            {**here, "Label": "l", "AWSAccountIds": ["x"], "Actions": ["SendMessage"]},
            {**here, "Label": "l", "AWSAccountIds": ["1" * 12], "Actions": ["Fly"]},
            {**here, "Label": "a b", "AWSAccountIds": ["1" * 12], "Actions": ["SendMessage"]},
        ),
        *rows(invalid, 400, "remove_permission", {**here, "Label": "none"}),
        *rows(invalid, 400, "tag_queue", {**here, "Tags": {"": "v"}}, {**here, "Tags": {f"k{n}": "v" for n in range(51)}}),
        *rows("ResourceNotFoundException", 400, "start_message_move_task", {"SourceArn": f"{SQS}:{name}-gone"}),
        *rows(invalid, 400, "cancel_message_move_task", {"TaskHandle": "x"}),
        # No queue has its dead letters there.
        *rows(invalid, 400, "start_message_move_task", {"SourceArn": f"{SQS}:{name}"}),
    ]  # fmt: skip
    assert answers(client, table) == []


def test_buses_and_rules_refuse_with_awss_codes(platform):
    client, name = client_of(platform, "events"), unique("r")
    client.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    bus = unique("bus")
    client.create_event_bus(Name=bus)
    queue = f"{SQS}:{name}"
    platform.client("sqs").create_queue(QueueName=name)
    pattern = {"Name": name, "EventPattern": '{"source": ["a"]}'}
    target = lambda **more: {"Rule": name, "Targets": [{"Id": "t", "Arn": queue, **more}]}  # noqa: E731
    rule = lambda text: {"Name": "x", "EventPattern": text}  # noqa: E731
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    invalid, no = "ValidationException", "ResourceNotFoundException"
    table = [
        *rows(invalid, 400, "create_event_bus",
            {"Name": ""}, {"Name": "a b"}, {"Name": "default/x"}, {"Name": "b" * 257}, {"Name": "aws.partner/x"},
        ),
        *rows("ResourceAlreadyExistsException", 400, "create_event_bus", {"Name": "default"}),
        *rows(no, 400, "describe_event_bus", {"Name": "none"}),
        *rows(invalid, 400, "delete_event_bus", {"Name": "default"}),
        *rows(invalid, 400, "put_rule",
            {**pattern, "Name": ""}, {**pattern, "Name": "a b"}, {**pattern, "Name": "x" * 65}, {"Name": "x"},
            {**pattern, "State": "ASLEEP"}, {**pattern, "Description": "d" * 513}, {**pattern, "RoleArn": "x" * 1601},
            *({"Name": "x", "ScheduleExpression": text} for text in (
                "rate(0 minutes)", "rate(1 minutes)", "rate(2 minute)", "rate(5 seconds)", "rate(-1 days)", "rate(1day)",
                "cron(* * * * *)", "cron(* * * * ? * *)", "cron(0 12 1 * 1 *)", "cron(0 12 ? * ? *)", "cron(60 * * * ? *)",
                "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 ? 13 * *)", "cron(0 0 ? * 8 *)", "cron(0 0 * * ? 1969)",
                "cron(0 0 ? * MON#6 *)", "cron(a b c d e f)", "0 12 * * ? *", "at(2030-01-01T00:00:00)", "x" * 257,
            )),
            {"Name": "x", "ScheduleExpression": "rate(1 day)", "EventBusName": bus}, {"Name": "x", "EventPattern": ""},
            # Longer than the model lets it be.
            rule(json.dumps({"a": ["x" * 4096]})),
        ),
        *rows(no, 400, "put_rule", {**pattern, "EventBusName": "none"}),
        *rows("InvalidEventPatternException", 400, "put_rule",
            *map(rule, (
                "{", "[]", "{}", '"a"', '{"a": "b"}', '{"a": []}', '{"a": [{"b": "c"}]}', '{"a": [{"prefix": 1}]}',
                '{"a": [{"numeric": [">"]}]}', '{"a": [{"numeric": [">", "x"]}]}', '{"a": [{"numeric": ["~", 1]}]}',
                '{"a": [{"exists": "yes"}]}', '{"a": [{"cidr": "10.0.0/33"}]}', '{"a": [{"anything-but": []}]}',
                '{"a": [{"wildcard": "a**b"}]}', '{"a": [{"prefix": "a", "suffix": "b"}]}', '{"$or": []}', '{"a": [[1]]}',
            )),
        ),
        *rows("InvalidEventPatternException", 400, "test_event_pattern", {"EventPattern": "{", "Event": "{}"}),
        *rows(invalid, 400, "test_event_pattern", {"EventPattern": '{"a": ["b"]}', "Event": "{"}, {"EventPattern": '{"a": ["b"]}', "Event": "{}"}),
        *rows(no, 400, "describe_rule", {"Name": "none"}),
        *rows(no, 400, "enable_rule", {"Name": "none"}),
        *rows(no, 400, "list_targets_by_rule", {"Rule": "none"}),
        *rows(no, 400, "put_targets", {**target(), "Rule": "none"}),
        *rows(invalid, 400, "put_targets",
            target(Id="a b"), target(Id="x" * 65), target(Id=""), target(Arn="x"), target(Input="{"), target(InputPath="a"),
            target(Input="{}", InputPath="$.a"), target(RetryPolicy={"MaximumRetryAttempts": 186}),
            target(RetryPolicy={"MaximumEventAgeInSeconds": 59}), target(RetryPolicy={"MaximumEventAgeInSeconds": 86_401}),
            target(InputTransformer={"InputPathsMap": {"a": "b"}, "InputTemplate": '"<a>"'}),
            target(InputTransformer={"InputPathsMap": {f"p{n}": "$.a" for n in range(101)}, "InputTemplate": '"x"'}),
            target(DeadLetterConfig={"Arn": "x"}), {"Rule": name, "Targets": []},
        ),
        *rows(no, 400, "remove_targets", {"Rule": "none", "Ids": ["t"]}),
        *rows(invalid, 400, "remove_targets", {"Rule": name, "Ids": []}),
        *rows(invalid, 400, "put_events", {"Entries": []}, {"Entries": [entry] * 11}, {}),
        *rows(invalid, 400, "list_rules", {"Limit": 0}, {"Limit": 101}),
        *rows(no, 400, "list_rules", {"EventBusName": "none"}),
        *rows(invalid, 400, "put_permission",
            {"StatementId": "a b", "Action": "events:PutEvents", "Principal": "1" * 12},
            {"StatementId": "s", "Action": "events:Fly", "Principal": "1" * 12},
            {"StatementId": "s", "Action": "events:PutEvents", "Principal": "x"},
        ),
        *rows(no, 400, "remove_permission", {"StatementId": "none"}),
        *rows(no, 400, "tag_resource", {"ResourceARN": f"{EVENTS}:rule/none", "Tags": [{"Key": "k", "Value": "v"}]}),
        *rows(invalid, 400, "tag_resource", {"ResourceARN": f"{EVENTS}:rule/{name}", "Tags": [{"Key": "", "Value": "v"}]}),
    ]  # fmt: skip
    assert answers(client, table) == []
    client.put_targets(**target())
    assert answers(client, rows(invalid, 400, "delete_rule", {"Name": name})) == []
    # Of entries each is told of on its own.
    entries = [
        {**entry, "Source": ""}, {**entry, "DetailType": ""}, {**entry, "Detail": "{"}, {**entry, "Detail": "[]"},
        {**entry, "Source": "aws.ec2"}, {**entry, "EventBusName": "none"}, {"Source": "s"}, entry,
    ]  # fmt: skip
    told = [one.get("ErrorCode") for one in client.put_events(Entries=entries)["Entries"]]
    assert told == [
        "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "NotAuthorizedForSourceException",
        "ResourceNotFoundException", "InvalidArgument", None,
    ]  # fmt: skip


def test_schedules_refuse_with_awss_codes(platform):
    client, name = client_of(platform, "scheduler"), unique("s")
    role = platform.role(allow("*"), service="scheduler.amazonaws.com")
    platform.client("sqs").create_queue(QueueName=name)
    target, off = {"Arn": f"{SQS}:{name}", "RoleArn": role}, {"Mode": "OFF"}
    good = {"Name": name, "ScheduleExpression": "rate(1 day)", "Target": target, "FlexibleTimeWindow": off}
    client.create_schedule(**good)
    now = datetime.now(UTC)
    bad = lambda **more: {**good, "Name": "x", **more}  # noqa: E731
    to = lambda **more: bad(Target={**target, **more})  # noqa: E731
    invalid, no = "ValidationException", "ResourceNotFoundException"
    table = [
        *rows("ConflictException", 409, "create_schedule", good),
        *rows(invalid, 400, "create_schedule",
            bad(Name="a b"), bad(Name="x" * 65), bad(GroupName="a/b"), bad(Description="d" * 513), bad(State="ASLEEP"),
            *(bad(ScheduleExpression=text) for text in (
                "rate(0 minutes)", "rate(5 seconds)", "rate(1day)", "cron(* * * * *)", "cron(0 12 1 * 1 *)",
                "cron(60 * * * ? *)", "cron(0 0 ? * MON#6 *)", "at(2030-13-01T00:00:00)", "at(2030-01-01)", "at(tomorrow)",
                "every day", "",
            )),
            bad(ScheduleExpressionTimezone="Moon/Crater"), bad(StartDate=now - timedelta(minutes=6)),
            bad(EndDate=now - timedelta(days=1)), bad(StartDate=now + timedelta(2), EndDate=now + timedelta(1)),
            bad(FlexibleTimeWindow={"Mode": "FLEXIBLE"}), bad(FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}),
            bad(FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 0}),
            bad(FlexibleTimeWindow={"Mode": "OFF", "MaximumWindowInMinutes": 5}), bad(FlexibleTimeWindow={"Mode": "LOOSE"}),
            bad(ActionAfterCompletion="FORGET"), to(Arn="x"), to(Arn=f"{SQS}:{name}.fifo"), to(RoleArn="x"),
            to(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/none"), to(RetryPolicy={"MaximumRetryAttempts": 186}),
            to(RetryPolicy={"MaximumEventAgeInSeconds": 59}), to(RetryPolicy={"MaximumEventAgeInSeconds": 86_401}),
            to(DeadLetterConfig={"Arn": f"{SQS}:{name}.fifo"}), to(DeadLetterConfig={"Arn": "x"}), to(Input=""),
            to(Arn=f"{EVENTS}:event-bus/default"), to(Arn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:x"),
        ),
        *rows(no, 404, "create_schedule", bad(GroupName="none")),
        *rows(no, 404, "get_schedule", {"Name": "none"}, {"Name": name, "GroupName": "none"}),
        *rows(no, 404, "update_schedule", bad(Name="none")),
        *rows(no, 404, "delete_schedule", {"Name": "none"}),
        *rows(invalid, 400, "list_schedules", {"MaxResults": 0}, {"MaxResults": 101}, {"NextToken": "*"}, {"State": "ASLEEP"}),
        *rows(no, 404, "list_schedules", {"GroupName": "none"}),
        *rows("ConflictException", 409, "create_schedule_group", {"Name": "default"}),
        *rows(invalid, 400, "create_schedule_group", {"Name": "a b"}, {"Name": "g" * 65}, {"Name": "g", "Tags": [{"Key": "", "Value": "v"}]}),
        *rows(no, 404, "get_schedule_group", {"Name": "none"}),
        *rows(no, 404, "delete_schedule_group", {"Name": "none"}),
        *rows(invalid, 400, "delete_schedule_group", {"Name": "default"}),
        *rows(no, 404, "tag_resource", {"ResourceArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/none", "Tags": [{"Key": "k", "Value": "v"}]}),
        *rows(invalid, 400, "tag_resource", {"ResourceArn": "x", "Tags": [{"Key": "k", "Value": "v"}]}),
    ]  # fmt: skip
    assert answers(client, table) == []
