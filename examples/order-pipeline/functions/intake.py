# SPDX-License-Identifier: Apache-2.0
"""Takes orders over HTTP, and puts each in line behind the earlier ones of its customer."""

import base64
import json
import os
import re

import boto3

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
QUEUE_URL = os.environ["QUEUE_URL"]
sqs = boto3.client("sqs")


def handler(event, context):
    """An event of a function URL -> 202 once the order is in the queue, or 400 and why it is none."""
    if event["requestContext"]["http"]["method"] != "POST":
        return answer(405, error="POST an order")
    try:
        order = order_of(event)
    except ValueError as error:
        return answer(400, error=str(error))
    sent = sqs.send_message(
        QueueUrl=QUEUE_URL,
        MessageBody=json.dumps(order),
        # Orders of one customer keep their order; those of others do not wait for them.
        MessageGroupId=order["customer"],
        # A client that tries again within five minutes orders once.
        MessageDeduplicationId=order["id"],
    )
    return answer(202, order=order["id"], place=sent["SequenceNumber"])


def order_of(event):
    """What was posted, if it looks like an order. Whether there are such articles is not known here."""
    body = event.get("body", "")
    order = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    if not isinstance(order, dict):
        raise ValueError("an order is an object")
    for name in ("id", "customer"):
        if not isinstance(order.get(name), str) or not NAME.fullmatch(order[name]):
            raise ValueError(f"{name} must be 1 to 64 letters, digits, - or _")
    items = order.get("items")
    if not isinstance(items, dict) or not items:
        raise ValueError("items must say how many of which article")
    if not all(type(count) is int and 1 <= count <= 1000 for count in items.values()):
        raise ValueError("of each article there must be 1 to 1000")
    return {"id": order["id"], "customer": order["customer"], "items": items}


def answer(status, **body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
