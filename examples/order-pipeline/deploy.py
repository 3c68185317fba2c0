#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deploys the order pipeline with boto3, and prints where its ends are."""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from deploying import ACCOUNT, REGION, SESSION, allow, arn, function, is_new, let, public_url  # noqa: E402

TRIES_MAX = 3
BATCH_TIMEOUT_S = 30

sqs, sns, s3 = (SESSION.client(name) for name in ("sqs", "sns", "s3"))


def deploy(name, *statements, **variables):
    code = {f"{name}.py": FOLDER / f"functions/{name}.py"}
    handler, environment = f"{name}.handler", {"Variables": variables}
    return function(
        f"order-{name}", code, *statements, Handler=handler, Environment=environment, Timeout=BATCH_TIMEOUT_S
    )


# Orders wait here; one that was tried often enough goes to the other queue.
fifo = {"FifoQueue": "true"}
dead_url = sqs.create_queue(QueueName="orders-dead.fifo", Attributes=fifo)["QueueUrl"]
redrive = {"deadLetterTargetArn": arn("sqs", "orders-dead.fifo"), "maxReceiveCount": TRIES_MAX}
orders = arn("sqs", "orders.fifo")
orders_url = sqs.create_queue(
    QueueName="orders.fifo",
    # Six times the function's timeout, as AWS advises: so long nobody else gets what the function has.
    Attributes={**fifo, "RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": str(6 * BATCH_TIMEOUT_S)},
)["QueueUrl"]

intake = deploy("intake", allow("sqs:SendMessage", orders), QUEUE_URL=orders_url)
url = public_url("order-intake")

topic = sns.create_topic(Name="orders-priced")["TopicArn"]
pricing = deploy(
    "pricing",
    allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"], orders),
    allow("sns:Publish", topic),
    QUEUE_URL=orders_url,
    TOPIC_ARN=topic,
    TRIES_MAX=str(TRIES_MAX),
)

# A bucket's name is unique in the world.
bucket = f"invoices-{ACCOUNT}-{REGION}"
s3.create_bucket(Bucket=bucket)
billing = deploy("billing", allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"), BUCKET=bucket)
shipping = deploy("shipping")

for name, target, wanted in (
    ("order-billing", billing, {}),
    ("order-shipping", shipping, {"FilterPolicy": json.dumps({"delivery": ["parcel"]})}),
):
    let(name, "sns.amazonaws.com", topic)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=target, Attributes=wanted)

# Last, when all that an order meets on its way is there.
is_new(
    SESSION.client("lambda").create_event_source_mapping,
    FunctionName="order-pricing",
    EventSourceArn=orders,
    BatchSize=10,
    FunctionResponseTypes=["ReportBatchItemFailures"],
)

print(f"URL={url}\nORDERS={orders_url}\nDEAD={dead_url}\nBUCKET={bucket}")
