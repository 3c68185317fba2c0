#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deploys the nightly report with boto3, and prints where it is written."""

import argparse
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from deploying import ACCOUNT, REGION, SESSION, allow, arn, function, is_new, role  # noqa: E402

EVERY_NIGHT = "cron(0 2 * * ? *)"
arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--at", default=EVERY_NIGHT, help=f"when, as EventBridge Scheduler has it: {EVERY_NIGHT}")
arguments.add_argument("--time-zone", default="Europe/Berlin", help="whose clock that is: Europe/Berlin")
asked = arguments.parse_args()

s3, sqs, scheduler = (SESSION.client(name) for name in ("s3", "sqs", "scheduler"))

# A bucket's name is unique in the world.
bucket = f"reports-{ACCOUNT}-{REGION}"
s3.create_bucket(Bucket=bucket)
missed_url = sqs.create_queue(QueueName="reports-missed")["QueueUrl"]
missed = arn("sqs", "reports-missed")

report = function(
    "nightly-report",
    {"report.py": FOLDER / "functions/report.py"},
    # Neither of these is about one function.
    allow(["lambda:ListFunctions", "cloudwatch:GetMetricData"], "*"),
    allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"),
    Handler="report.handler",
    Timeout=60,
    Environment={"Variables": {"BUCKET": bucket}},
)

# What the scheduler does, it does as this role.
schedule_role = role(
    "nightly-report-schedule",
    "scheduler.amazonaws.com",
    allow("lambda:InvokeFunction", report),
    allow("sqs:SendMessage", missed),
)

schedule = {
    "Name": "nightly-report",
    "ScheduleExpression": asked.at,
    "ScheduleExpressionTimezone": asked.time_zone,
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": report,
        "RoleArn": schedule_role,
        "Input": json.dumps({"until": "<aws.scheduler.scheduled-time>"}),
        # A report that can not be asked for within an hour is told of in the queue.
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10},
        "DeadLetterConfig": {"Arn": missed},
    },
}
if not is_new(scheduler.create_schedule, **schedule):
    scheduler.update_schedule(**schedule)

print(f"BUCKET={bucket}\nMISSED={missed_url}")
