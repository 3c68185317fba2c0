# SPDX-License-Identifier: Apache-2.0
"""Writes an invoice for each order that was priced. One that is told twice is written twice, to the same place."""

import json
import os

import boto3

BUCKET = os.environ["BUCKET"]
s3 = boto3.client("s3")


def handler(event, context):
    """An event of SNS."""
    for record in event["Records"]:
        order = json.loads(record["Sns"]["Message"])
        invoice = {**order, "total": f"{order['total'] / 100:.2f} EUR"}
        s3.put_object(
            Bucket=BUCKET,
            Key=f"{order['customer']}/{order['id']}.json",
            Body=json.dumps(invoice),
            ContentType="application/json",
        )
