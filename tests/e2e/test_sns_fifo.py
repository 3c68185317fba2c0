# SPDX-License-Identifier: Apache-2.0
"""FIFO topics: each group in its order, and nothing twice, whatever becomes of the server."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import Platform, policy, unique, wait_until
from topics import Queue, Topic, refused, sends, text


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


def fifo_topic(platform, **attributes):
    return Topic(platform, unique("topic") + ".fifo", Attributes={"FifoTopic": "true", **attributes})


def fifo_queue(platform, **attributes):
    return Queue(platform, unique("queue") + ".fifo", FifoQueue="true", **attributes)


def publish(topic, message, group="g", **arguments):
    answer = topic.client.publish(TopicArn=topic.arn, Message=message, MessageGroupId=group, **arguments)
    return answer["MessageId"], answer["SequenceNumber"]


def take(queue, count):
    """The next messages of a FIFO queue in the order in which it gives them, which are deleted."""
    found, client = [], queue.platform.client("sqs")

    def is_there():
        answer = client.receive_message(
            QueueUrl=queue.url, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            found.append(message)
            client.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    wait_until(is_there, f"{count} message(s) arrived", 60)
    assert len(found) == count
    return found


def test_each_group_keeps_its_order_in_each_queue(platform):
    topic = fifo_topic(platform, ContentBasedDeduplication="true")
    queues = [fifo_queue(platform), fifo_queue(platform)]
    for queue in queues:
        topic.subscribe("sqs", queue.arn, RawMessageDelivery="true")
    groups = ["a", "b/c:d", "e"]

    def publish_all(group):
        return [publish(topic, f"{group} {number:02}", group)[1] for number in range(12)]

    with ThreadPoolExecutor(3) as pool:
        sequences = dict(zip(groups, pool.map(publish_all, groups), strict=True))
    for queue in queues:
        found = take(queue, 36)
        for group in groups:
            of_group = [one for one in found if one["Attributes"]["MessageGroupId"] == group]
            assert [one["Body"] for one in of_group] == [f"{group} {number:02}" for number in range(12)]
            assert sequences[group] == sorted(sequences[group]) and len(sequences[group][0]) == 20


def test_what_was_published_already_is_published_once(platform):
    topic = fifo_topic(platform, ContentBasedDeduplication="true")
    queue = fifo_queue(platform, DeduplicationScope="messageGroup")
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true")
    first = publish(topic, "one")
    assert publish(topic, "one") == first
    assert publish(topic, "one", "another-group") == first, "of the whole topic"
    assert publish(topic, "one", MessageDeduplicationId="own-id") != first
    assert publish(topic, "two", MessageDeduplicationId="own-id") != publish(topic, "two")
    assert [one["Body"] for one in take(queue, 3)] == ["one", "one", "two"]
    topic.client.set_topic_attributes(
        TopicArn=topic.arn, AttributeName="FifoThroughputScope", AttributeValue="MessageGroup"
    )
    assert publish(topic, "three") != publish(topic, "three", "another-group")
    assert sorted(one["Body"] for one in take(queue, 2)) == ["three", "three"]


def test_what_was_published_is_known_after_kill_9(new_platform):
    platform = new_platform().start()
    topic, queue = fifo_topic(platform), fifo_queue(platform)
    topic.subscribe("sqs", queue.arn)
    answers = {}
    for round_ in range(3):
        for number in range(6):
            id_ = f"{round_}.{number}"
            answers[id_] = publish(topic, id_, MessageDeduplicationId=id_)
        platform.kill()
        platform.start()
        for id_, answer in answers.items():
            assert publish(topic, "again", MessageDeduplicationId=id_) == answer
    found = [json.loads(one["Body"]) for one in take(queue, 18)]
    assert [one["Message"] for one in found] == list(answers)
    assert [(one["MessageId"], one["SequenceNumber"]) for one in found] == list(answers.values())
    assert all("Signature" not in one for one in found), "as on AWS"


def test_a_group_goes_on_when_neither_its_queue_nor_the_dead_letters_take_a_message(platform):
    topic = fifo_topic(platform, ContentBasedDeduplication="true")
    queue, dead = fifo_queue(platform, Policy=""), fifo_queue(platform, Policy="")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn})
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true", RedrivePolicy=redrive)
    publish(topic, "refused by both")
    log = platform.log_path
    wait_until(lambda: "dead letter not taken" in log.read_text(), "the dead letter was refused", 60)
    attributes = {"Policy": policy(sends(queue.arn))}
    platform.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes=attributes)
    publish(topic, "taken")
    assert [one["Body"] for one in take(queue, 1)] == ["taken"]


def test_batches_are_in_order_and_standard_queues_get_no_group(platform):
    topic, queue, standard = fifo_topic(platform), fifo_queue(platform), Queue(platform)
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true", FilterPolicy=json.dumps({"kind": ["x"]}))
    topic.subscribe("sqs", standard.arn, RawMessageDelivery="true")

    def entry(number, **more):
        kind = {"kind": text("x" if number % 2 else "y")}
        return {
            "Id": str(number),
            "Message": str(number),
            "MessageGroupId": "g",
            "MessageDeduplicationId": f"d{number}",
            "MessageAttributes": kind,
            **more,
        }

    client = topic.client
    answer = client.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=[entry(n) for n in range(10)])
    sequences = [one["SequenceNumber"] for one in answer["Successful"]]
    assert len(sequences) == 10 and sequences == sorted(sequences)
    assert [one["Body"] for one in take(queue, 5)] == ["1", "3", "5", "7", "9"]
    found = take(standard, 10)
    assert sorted(one["Body"] for one in found) == [str(number) for number in range(10)]
    assert not any("MessageGroupId" in one["Attributes"] for one in found)
    incomplete = entry(11)
    del incomplete["MessageGroupId"]
    entries = [entry(10), incomplete]
    assert refused(client.publish_batch, TopicArn=topic.arn, PublishBatchRequestEntries=entries) == (
        "InvalidParameter",
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
    )


def test_standard_topics_tell_standard_queues_the_group(platform):
    topic, queue = Topic(platform), Queue(platform)
    topic.subscribe("sqs", queue.arn)
    topic.publish("hello", MessageGroupId="tenant")
    (message,) = take(queue, 1)
    assert message["Attributes"]["MessageGroupId"] == "tenant"


def test_what_is_refused(platform):
    client, topic = platform.client("sns"), fifo_topic(platform)
    fifo = {"FifoTopic": "true"}
    assert refused(client.create_topic, Name="t.fifo")[1] == "Invalid parameter: Topic Name"
    assert "Fifo Topic names must end with .fifo" in refused(client.create_topic, Name="t", Attributes=fifo)[1]
    assert "FifoTopic" in refused(client.create_topic, Name="t.fifo", Attributes={"FifoTopic": "yes"})[1]
    content = {"ContentBasedDeduplication": "true"}
    assert "Content-based" in refused(client.create_topic, Name="t", Attributes=content)[1]
    archive = {**fifo, "ArchivePolicy": json.dumps({"MessageRetentionPeriod": 30})}
    assert "ArchivePolicy" in refused(client.create_topic, Name="t.fifo", Attributes=archive)[1]
    again = {"Name": topic.name, "Attributes": fifo}
    assert client.create_topic(**again)["TopicArn"] == topic.arn
    assert "different attributes" in refused(client.create_topic, **{**again, "Attributes": {**fifo, **content}})[1]
    found = topic.attributes()
    assert [found[name] for name in ("FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope")] == [
        "true",
        "false",
        "Topic",
    ]
    publish_ = {"TopicArn": topic.arn, "Message": "x"}
    assert "MessageGroupId parameter is required" in refused(client.publish, **publish_)[1]
    assert "MessageDeduplicationId provided explicitly" in refused(client.publish, MessageGroupId="g", **publish_)[1]
    ids = {"MessageGroupId": "a b", "MessageDeduplicationId": "d"}
    assert refused(client.publish, **ids, **publish_)[0] == "InvalidParameter"
    standard = {"TopicArn": Topic(platform).arn, "Message": "x", "MessageDeduplicationId": "d"}
    assert "not valid for this topic type" in refused(client.publish, **standard)[1]
    function = f"arn:aws:lambda:us-east-1:{'0' * 12}:function:f"
    assert refused(client.subscribe, TopicArn=topic.arn, Protocol="lambda", Endpoint=function)[0] == "InvalidParameter"
    assert (
        refused(client.set_topic_attributes, TopicArn=topic.arn, AttributeName="FifoTopic", AttributeValue="false")[1]
        == "Invalid parameter: AttributeName"
    )
