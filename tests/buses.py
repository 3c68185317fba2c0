# SPDX-License-Identifier: Apache-2.0
"""Rules of buses, and queues that they may send to, for the tests that have them."""

import json

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, policy, unique, wait_until

EVENTS = "events.amazonaws.com"
SERVICE = {"Service": EVENTS}


class Queue:
    """A queue that rules may send to."""

    def __init__(self, platform, fifo=False, is_open=True):
        self.platform, self.name = platform, unique("queue") + (".fifo" if fifo else "")
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
        if is_open:
            statement = {"Effect": "Allow", "Principal": SERVICE, "Action": "sqs:SendMessage", "Resource": self.arn}
            attributes["Policy"] = policy(statement)
        made = platform.client("sqs").create_queue(QueueName=self.name, Attributes=attributes)
        self.url = made["QueueUrl"]

    def receive(self, count=1, timeout=60):
        """So many messages, in the order of their bodies."""
        found = {}

        def is_there():
            answer = self.platform.client("sqs").receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            found.update({message["MessageId"]: message for message in answer.get("Messages", [])})
            return len(found) >= count

        wait_until(is_there, f"{count} message(s) arrived", timeout)
        return sorted(found.values(), key=lambda message: message["Body"])

    def bodies(self, count=1):
        return [json.loads(message["Body"]) for message in self.receive(count)]


class Rule:
    """A rule for one source, which no other test has, and its targets."""

    def __init__(self, platform, bus="default", pattern=None):
        self.client, self.bus, self.name, self.source = platform.client("events"), bus, unique("rule"), unique("source")
        pattern = json.dumps({"source": [self.source], **(pattern or {})})
        made = self.client.put_rule(Name=self.name, EventBusName=bus, EventPattern=pattern)
        self.arn = made["RuleArn"]

    def target(self, arn, **more):
        target = {"Id": unique("target"), "Arn": arn, **more}
        answer = self.client.put_targets(Rule=self.name, EventBusName=self.bus, Targets=[target])
        assert answer["FailedEntryCount"] == 0
        return target["Id"]

    def put(self, detail, kind="order", **more):
        answer = self.client.put_events(Entries=[entry(self.source, detail, kind, EventBusName=self.bus, **more)])
        assert answer["FailedEntryCount"] == 0, answer
        return answer["Entries"][0]["EventId"]


def entry(source, detail, kind="order", **more):
    return {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), **more}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]
