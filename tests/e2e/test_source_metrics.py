# SPDX-License-Identifier: Apache-2.0
"""AWS's metrics of queues, topics, rules and schedules; and what becomes of deliveries while queues have no room."""

import json
from datetime import UTC, datetime, timedelta

import buses
import pytest
import topics
from harness import ACCOUNT, REGION, Platform, allow, unique, wait_until

NOWHERE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:there-is-none"


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


def statistic(platform, namespace, name, which="Sum", **dimensions):
    now, client = datetime.now(UTC), platform.client("cloudwatch")
    points = client.get_metric_statistics(
        Namespace=namespace, MetricName=name, Period=86400, Statistics=[which],
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=2), EndTime=now + timedelta(hours=2),
    )["Datapoints"]  # fmt: skip
    told = [point[which] for point in points]
    return max(told, default=None) if which == "Maximum" else sum(told) if told else None


def becomes(platform, namespace, expected, which="Sum", **dimensions):
    """Waits until the metrics say this. `None` is of a metric that is not there."""

    def told():
        return {name: statistic(platform, namespace, name, which, **dimensions) for name in expected}

    try:
        wait_until(lambda: told() == expected, f"{namespace} has its values", 60)
    except AssertionError:
        assert told() == expected
        raise


def test_queues_have_awss_metrics(platform):
    client, name = platform.client("sqs"), unique("queue")
    url = client.create_queue(QueueName=name)["QueueUrl"]
    attributes = {"kind": {"DataType": "String", "StringValue": "ab"}}
    client.send_message(QueueUrl=url, MessageBody="x" * 100, MessageAttributes=attributes)
    for seconds in (0, 0, 900):
        client.send_message(QueueUrl=url, MessageBody="y" * 50, DelaySeconds=seconds)
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=600)["Messages"]
    levels = {
        "ApproximateNumberOfMessagesVisible": 2,
        "ApproximateNumberOfMessagesNotVisible": 1,
        "ApproximateNumberOfMessagesDelayed": 1,
    }
    becomes(platform, "AWS/SQS", levels, "Maximum", QueueName=name)
    assert statistic(platform, "AWS/SQS", "ApproximateAgeOfOldestMessage", "Minimum", QueueName=name) >= 0
    client.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    more = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)["Messages"]
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(more)]
    assert len(client.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 2
    assert "Messages" not in client.receive_message(QueueUrl=url)
    counted = {
        "NumberOfMessagesSent": 4,
        # Names, types and values of attributes count.
        "SentMessageSize": 250 + len("kind") + len("String") + len("ab"),
        "NumberOfMessagesReceived": 3,
        "NumberOfEmptyReceives": 1,
        "NumberOfMessagesDeleted": 3,
        "NumberOfDeduplicatedSentMessages": None,
    }
    becomes(platform, "AWS/SQS", counted, QueueName=name)
    assert statistic(platform, "AWS/SQS", "SentMessageSize", "Maximum", QueueName=name) == 112

    # The same message twice is one.
    fifo = unique("queue") + ".fifo"
    url = client.create_queue(QueueName=fifo, Attributes={"FifoQueue": "true"})["QueueUrl"]
    for _ in range(2):
        client.send_message(QueueUrl=url, MessageBody="b", MessageGroupId="g", MessageDeduplicationId="d")
    twice = {"NumberOfMessagesSent": 1, "NumberOfDeduplicatedSentMessages": 1}
    becomes(platform, "AWS/SQS", twice, QueueName=fifo)


def test_topics_have_awss_metrics(platform):
    topic, queue, dead = topics.Topic(platform), topics.Queue(platform), topics.Queue(platform)
    letters = json.dumps({"deadLetterTargetArn": dead.arn})
    topic.subscribe("sqs", queue.arn, FilterPolicy=json.dumps({"kind": ["wanted"]}))
    topic.subscribe(
        "sqs", NOWHERE, RedrivePolicy=letters, FilterPolicy=json.dumps({"is": ["bad"]}), FilterPolicyScope="MessageBody"
    )
    topic.publish("no json", MessageAttributes={"kind": {"DataType": "String", "StringValue": "wanted"}})
    topic.publish("{}", MessageAttributes={"kind": {"DataType": "String", "StringValue": "other"}})
    topic.publish('{"is": "bad"}')
    queue.receive()
    dead.receive()
    topic.subscribe("sqs", NOWHERE + "2", RedrivePolicy=json.dumps({"deadLetterTargetArn": NOWHERE}))
    topic.publish("nobody")
    counted = {
        "NumberOfMessagesPublished": 4,
        # The two attributes: a name, a type and a value each.
        "PublishSize": 7 + 2 + 13 + 6 + 2 * len("kind" + "String") + len("wanted" + "other"),
        "NumberOfNotificationsDelivered": 1,
        "NumberOfNotificationsFailed": 2,
        "NumberOfNotificationsRedrivenToDlq": 1,
        "NumberOfNotificationsFailedToRedriveToDlq": 1,
        "NumberOfNotificationsFilteredOut": 6,
        "NumberOfNotificationsFilteredOut-MessageAttributes": 1,
        "NumberOfNotificationsFilteredOut-NoMessageAttributes": 2,
        "NumberOfNotificationsFilteredOut-InvalidMessageBody": 2,
        "NumberOfNotificationsFilteredOut-MessageBody": 1,
    }
    becomes(platform, "AWS/SNS", counted, TopicName=topic.name)


def test_rules_have_awss_metrics(platform):
    bus, other = unique("bus"), unique("bus")
    arns = {name: platform.client("events").create_event_bus(Name=name)["EventBusArn"] for name in (bus, other)}
    role = platform.role(allow("events:PutEvents"), service=buses.EVENTS)
    rule, queue, dead = buses.Rule(platform, bus), buses.Queue(platform), buses.Queue(platform)
    rule.target(queue.arn)
    rule.target(NOWHERE, DeadLetterConfig={"Arn": dead.arn})
    rule.target(NOWHERE + "2")
    rule.target(NOWHERE + "3", DeadLetterConfig={"Arn": NOWHERE})
    # What goes to another bus and would come back from there.
    rule.target(arns[other], RoleArn=role)
    back = unique("rule")
    events = platform.client("events")
    events.put_rule(Name=back, EventBusName=other, EventPattern=json.dumps({"source": [rule.source]}))
    events.put_targets(Rule=back, EventBusName=other, Targets=[{"Id": "t", "Arn": arns[bus], "RoleArn": role}])
    for number in range(2):
        rule.put({"n": number})
    platform.client("events").put_events(Entries=[buses.entry("another", {}, EventBusName=bus)])
    queue.receive(2)
    dead.receive(2)
    counted = {
        "MatchedEvents": 2,
        "TriggeredRules": 2,
        "InvocationsCreated": 10,
        "InvocationAttempts": 10,
        "SuccessfulInvocationAttempts": 4,
        "RetryInvocationAttempts": None,
        "Invocations": 10,
        "FailedInvocations": 6,
        "DeadLetterInvocations": None,
        "InvocationsSentToDlq": 2,
        "InvocationsFailedToBeSentToDlq": 2,
    }
    becomes(platform, "AWS/Events", counted, EventBusName=bus, RuleName=rule.name)
    becomes(platform, "AWS/Events", counted, EventBusName=bus)
    looping = {"DeadLetterInvocations": 2, "Invocations": None, "FailedInvocations": None}
    becomes(platform, "AWS/Events", looping, EventBusName=other, RuleName=back)
    # Rules of the default bus are told by their names alone.
    default = buses.Rule(platform)
    default.target(queue.arn)
    default.put({})
    becomes(platform, "AWS/Events", {"Invocations": 1, "FailedInvocations": None}, RuleName=default.name)
    latency = statistic(
        platform, "AWS/Events", "IngestionToInvocationCompleteLatency", "Maximum", RuleName=default.name
    )
    assert latency >= 0
    # The account has all of it, and what was put.
    all_entries = {
        "PutEventsEntriesCount": 4,
        "PutEventsApproximateCallCount": 4,
        "Invocations": 11,
        "MatchedEvents": 5,
    }
    becomes(platform, "AWS/Events", all_entries)


def test_schedules_have_awss_metrics(platform):
    client, group = platform.client("scheduler"), unique("group")
    client.create_schedule_group(Name=group)
    role = platform.role(allow("*"), service="scheduler.amazonaws.com")
    queue, dead = buses.Queue(platform), buses.Queue(platform)
    for target in ({"Arn": queue.arn}, {"Arn": NOWHERE, "DeadLetterConfig": {"Arn": dead.arn}}, {"Arn": NOWHERE}):
        client.create_schedule(
            Name=unique("schedule"), GroupName=group, ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"}, Target={**target, "RoleArn": role, "Input": "{}"},
        )  # fmt: skip
    queue.receive()
    dead.receive()
    counted = {
        "InvocationAttemptCount": 3,
        "TargetErrorCount": 2,
        "InvocationDroppedCount": 2,
        "InvocationsSentToDeadLetterCount": 1,
        "InvocationsFailedToBeSentToDeadLetterCount": None,
    }
    becomes(platform, "AWS/Scheduler", counted, ScheduleGroup=group)


def test_what_queues_have_no_room_for_is_delivered_later(new_platform, tmp_path):
    """A throttled target is no reason to drop anything, whoever sends."""
    config = tmp_path / "tinderbox.toml"
    config.write_text("[sqs]\nmessages_max = 1\n")
    platform = new_platform("--config", config).start()
    client, filler = platform.client("sqs"), unique("filler")
    full = client.create_queue(QueueName=filler)["QueueUrl"]
    client.send_message(QueueUrl=full, MessageBody="it has all the room there is")
    assert topics.refused(client.send_message, QueueUrl=full, MessageBody="b")[0] == "RequestThrottled"

    topic, from_topic = topics.Topic(platform), topics.Queue(platform)
    topic.subscribe("sqs", from_topic.arn)
    rule, from_rule = buses.Rule(platform), buses.Queue(platform)
    rule.target(from_rule.arn)
    role = platform.role(allow("*"), service="scheduler.amazonaws.com")
    from_schedule = buses.Queue(platform)
    topic.publish("published")
    rule.put({})
    platform.client("scheduler").create_schedule(
        Name=unique("schedule"), ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": from_schedule.arn, "RoleArn": role, "Input": "{}"},
    )  # fmt: skip

    def is_throttled():
        retried = statistic(platform, "AWS/Events", "RetryInvocationAttempts", RuleName=rule.name)
        throttled = statistic(platform, "AWS/Scheduler", "TargetErrorThrottledCount", ScheduleGroup="default")
        return retried and throttled

    wait_until(is_throttled, "rule and schedule were told that there is no room", 60)
    client.purge_queue(QueueUrl=full)
    # What is deleted makes room for the next.
    missing = {queue.name for queue in (from_topic, from_rule, from_schedule)}

    def all_arrived():
        for url in client.list_queues()["QueueUrls"]:
            for message in client.receive_message(QueueUrl=url).get("Messages", []):
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                missing.discard(url.rsplit("/", 1)[1])
        return not missing

    wait_until(all_arrived, "everything arrived", 120)
