# SPDX-License-Identifier: Apache-2.0
"""Topics and queues, as tests speak of them."""

import base64
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, missing, policy, unique, wait_until


class Topic:
    def __init__(self, platform, name=None, **arguments):
        self.platform, self.name = platform, name or unique("topic")
        self.arn = self.client.create_topic(Name=self.name, **arguments)["TopicArn"]

    @property
    def client(self):
        return self.platform.client("sns")

    def publish(self, message, **arguments):
        return self.client.publish(TopicArn=self.arn, Message=message, **arguments)["MessageId"]

    def subscribe(self, protocol, endpoint, **attributes):
        return self.client.subscribe(
            TopicArn=self.arn, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
        )["SubscriptionArn"]

    def attributes(self):
        return self.client.get_topic_attributes(TopicArn=self.arn)["Attributes"]


def sends(queue_arn, **condition):
    """A statement of a queue's policy: topics may send to it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
    }
    return {**statement, "Condition": condition} if condition else statement


class Queue:
    """A queue that lets all topics send, unless it has a policy of its own."""

    def __init__(self, platform, name=None, **attributes):
        self.platform, self.name = platform, name or unique("queue")
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        attributes.setdefault("Policy", policy(sends(self.arn)))
        self.url = platform.client("sqs").create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]

    def receive(self, count=1):
        """So many messages, in the order of their bodies."""
        found = {}

        def is_there():
            answer = self.platform.client("sqs").receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            )
            found.update({message["MessageId"]: message for message in answer.get("Messages", [])})
            return len(found) >= count

        wait_until(is_there, f"{count} message(s) arrived", 60)
        return sorted(found.values(), key=lambda message: message["Body"])


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def check_signature(message):
    """Has OpenSSL check what a notification or a confirmation says, with the certificate that it names."""
    require_openssl()
    url = message.get("SigningCertURL") or message["SigningCertUrl"]
    certificate = urllib.request.urlopen(url, timeout=60).read()
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("certificate", "key", "signature", "text")]
        pem, key, signature, told = paths
        pem.write_bytes(certificate)
        subprocess.run(["openssl", "verify", "-CAfile", pem, pem], check=True, capture_output=True)
        key.write_bytes(openssl("x509", "-in", pem, "-pubkey", "-noout"))
        signature.write_bytes(base64.b64decode(message["Signature"]))
        told.write_text(signed)
        digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
        assert b"Verified OK" in openssl("dgst", digest, "-verify", key, "-signature", signature, told)


def require_openssl():
    if not shutil.which("openssl"):
        missing("no openssl here; hint: apt-get install openssl")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def text(value):
    return {"DataType": "String", "StringValue": value}
