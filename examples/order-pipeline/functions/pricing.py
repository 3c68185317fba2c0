# SPDX-License-Identifier: Apache-2.0
"""Prices orders, in the order of each customer, and tells a topic of them.

An order that fails is tried again, and holds up those behind it. On its last try it does not any more: next it goes to the
dead-letter queue. Without that, orders which came in its batch would have used up their own tries by waiting, and follow it.
"""

import json
import os

import boto3

# In cents.
PRICES = {"candle": 350, "lamp": 4900, "gift-card": 2500}
SENT_BY_MAIL = {"gift-card"}
QUEUE_URL, TOPIC_ARN = os.environ["QUEUE_URL"], os.environ["TOPIC_ARN"]
# What the queue's redrive policy calls maxReceiveCount.
TRIES_MAX = int(os.environ["TRIES_MAX"])
sqs, sns = boto3.client("sqs"), boto3.client("sns")


def handler(event, context):
    """A batch of a FIFO queue -> which messages of it are to be tried again."""
    failed, held_up = [], set()
    for record in event["Records"]:
        customer = record["attributes"]["MessageGroupId"]
        if customer in held_up:
            failed.append(record)
            continue
        order = json.loads(record["body"])
        try:
            publish(priced(order))
            print("priced", customer, order["id"])
        except Exception as error:
            attempt = int(record["attributes"]["ApproximateReceiveCount"])
            print("failed", customer, order["id"], f"on try {attempt} of {TRIES_MAX}: {error}")
            failed.append(record)
            if attempt < TRIES_MAX:
                held_up.add(customer)
    try_soon(failed)
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def priced(order):
    unknown = sorted(order["items"].keys() - PRICES.keys())
    if unknown:
        raise LookupError(f"no such article: {', '.join(unknown)}")
    return {**order, "total": sum(PRICES[article] * count for article, count in order["items"].items())}


def publish(order):
    is_parcel = bool(order["items"].keys() - SENT_BY_MAIL)
    sns.publish(
        TopicArn=TOPIC_ARN,
        Message=json.dumps(order),
        # Subscriptions filter by it.
        MessageAttributes={"delivery": {"DataType": "String", "StringValue": "parcel" if is_parcel else "mail"}},
    )


def try_soon(failed):
    """Shows messages again after a second. The queue itself would hide them for as long as the slowest batch may take."""
    if failed:
        sqs.change_message_visibility_batch(
            QueueUrl=QUEUE_URL,
            Entries=[
                {"Id": str(place), "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": 1}
                for place, record in enumerate(failed)
            ],
        )
