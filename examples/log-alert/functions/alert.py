# SPDX-License-Identifier: Apache-2.0
"""Tells a topic of log events, in words that a person can read."""

import base64
import datetime
import gzip
import json
import os

import boto3

TOPIC_ARN = os.environ["TOPIC_ARN"]
# What SNS takes as a subject.
SUBJECT_MAX = 100
sns = boto3.client("sns")


def handler(event, context):
    """An event of CloudWatch Logs: JSON, compressed, in base64."""
    told = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if told["messageType"] != "DATA_MESSAGE":
        # CloudWatch Logs asks whether anybody is there.
        return
    group, events = told["logGroup"], told["logEvents"]
    lines = [f"{time_of(one)}  {first_line(one)}" for one in events]
    sns.publish(
        TopicArn=TOPIC_ARN,
        Subject=f"{len(events)} x trouble in {group}"[:SUBJECT_MAX],
        Message="\n".join([*lines, "", f"log group:  {group}", f"log stream: {told['logStream']}"]),
    )


def time_of(one):
    return datetime.datetime.fromtimestamp(one["timestamp"] / 1000, datetime.timezone.utc).strftime("%H:%M:%S")


def first_line(one):
    """A stack trace says what happened in its first line, behind the words that the runtime puts before it."""
    return (one["message"].strip().splitlines() or [""])[0].split("\t")[-1]
