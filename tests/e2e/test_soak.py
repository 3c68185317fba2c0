# SPDX-License-Identifier: Apache-2.0
"""The whole way of a message, under kills: topic, queue, mapping, function, queue. Nothing that was acknowledged is lost."""

import threading

from botocore.exceptions import BotoCoreError, ClientError
from harness import ACCOUNT, REGION, ROOT, Platform, allow, policy, unique, wait_until
from topics import sends

# Sends what it got to another queue. An eighth of the messages fail their batch when they come first.
FORWARD = (ROOT / "bench/functions/forward/index.py").read_text()
HANDLER = "def handler(event, context):\n"
FAIL = """    first = event["Records"][0]
    if first["attributes"]["ApproximateReceiveCount"] == "1" and first["messageId"] < "2":
        raise RuntimeError("told to fail")
"""
VISIBILITY_SECONDS = 6
KILLS = 3
BATCHES = 12


def test_no_message_is_lost_on_its_way_through_topic_queue_and_function(binary):
    platform = Platform().start()
    try:
        name, acknowledged = unique("soak"), set()
        deploy(platform, name)
        for number in range(KILLS):
            publisher = threading.Thread(target=publish, args=(platform.client("sns"), name, number, acknowledged))
            there = count(platform, f"{name}-sink")
            publisher.start()
            some = there + 10
            wait_until(lambda some=some: count(platform, f"{name}-sink") >= some, "messages are forwarded", 120)
            platform.kill()
            publisher.join(120)
            platform.start()
        publish(platform.client("sns"), name, KILLS, acknowledged)
        forwarded = []

        def is_all_there():
            forwarded.extend(drain(platform, f"{name}-sink"))
            return acknowledged <= set(forwarded)

        wait_until(is_all_there, "all that was acknowledged is there", 180)
        assert len(acknowledged) >= 10 * BATCHES
        print(f"{len(acknowledged)} acknowledged, {len(forwarded) - len(set(forwarded))} duplicates")
    finally:
        platform.stop()
        platform.discard()


def deploy(platform, name):
    """A topic that tells a queue, and a function that brings what is in the queue to another."""
    sqs, sns, client = (platform.client(service) for service in ("sqs", "sns", "lambda"))
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS), "Policy": policy(sends(queue))}
    sqs.create_queue(QueueName=name, Attributes=attributes)
    sink = sqs.create_queue(QueueName=f"{name}-sink", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
    assert HANDLER in FORWARD
    function = platform.deploy(
        {"index.py": FORWARD.replace(HANDLER, HANDLER + FAIL)},
        role=platform.role(allow("sqs:*"), allow("logs:*")),
        Timeout=VISIBILITY_SECONDS,
        Environment={"Variables": {"TARGET": sink}},
    )
    client.create_event_source_mapping(FunctionName=function.name, EventSourceArn=queue)


def publish(client, name, number, acknowledged):
    """Until all is acknowledged, or the server is gone."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    for batch in range(BATCHES):
        bodies = {str(place): f"{number}-{batch}-{place}" for place in range(10)}
        entries = [{"Id": place, "Message": body} for place, body in bodies.items()]
        try:
            answer = client.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        except (BotoCoreError, ClientError):
            return
        acknowledged.update(bodies[each["Id"]] for each in answer["Successful"])


def url(platform, name):
    return platform.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]


def count(platform, name):
    """What is there, and was not received."""
    sqs, names = platform.client("sqs"), ["ApproximateNumberOfMessages"]
    found = sqs.get_queue_attributes(QueueUrl=url(platform, name), AttributeNames=names)
    return int(found["Attributes"][names[0]])


def drain(platform, name):
    """The bodies of everything that is there now."""
    sqs, queue, found = platform.client("sqs"), url(platform, name), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
        found.extend(each["Body"] for each in messages)
    return found
