# SPDX-License-Identifier: Apache-2.0
"""Writes what the functions of this account did on the day before a moment, as CSV."""

import csv
import datetime
import io
import os

import boto3

BUCKET = os.environ["BUCKET"]
DAY = datetime.timedelta(days=1)
HOUR_S = 3600
# Metrics of functions, each summed up over the day: how many, and milliseconds.
COLUMNS = ("Invocations", "Errors", "Throttles", "Duration")
# So many queries CloudWatch takes at once.
QUERIES_MAX = 500
functions, cloudwatch, s3 = (boto3.client(name) for name in ("lambda", "cloudwatch", "s3"))


def handler(event, context):
    """{"until": when the schedule was due, in ISO 8601} -> where the report is"""
    until = datetime.datetime.fromisoformat(event["until"].replace("Z", "+00:00"))
    names = [
        function["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    ]
    # A report that is made twice is written twice, to the same place.
    key = f"{until:%Y/%m/%Y-%m-%d}.csv"
    s3.put_object(Bucket=BUCKET, Key=key, Body=table(names, until).encode(), ContentType="text/csv")
    print(f"wrote s3://{BUCKET}/{key}, {len(names)} functions")
    return key


def table(names, until):
    """A row for each function that ran."""
    values = measured(names, until)
    output = io.StringIO()
    rows = csv.writer(output)
    rows.writerow(["function", *COLUMNS])
    for name in names:
        row = [sum(values.get((name, metric), [])) for metric in COLUMNS]
        if any(row):
            rows.writerow([name, *(round(value) for value in row)])
    return output.getvalue()


def measured(names, until):
    """What CloudWatch knows of the day, by function and metric: a value for each hour."""
    wanted = [(name, metric) for name in names for metric in COLUMNS]
    found = {}
    for start in range(0, len(wanted), QUERIES_MAX):
        part = wanted[start : start + QUERIES_MAX]
        answers = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[query(place, name, metric) for place, (name, metric) in enumerate(part)],
            # A minute that has begun counts.
            StartTime=until - DAY,
            EndTime=until + datetime.timedelta(minutes=1),
        )
        for answer in answers:
            for result in answer["MetricDataResults"]:
                found.setdefault(part[int(result["Id"][1:])], []).extend(result["Values"])
    return found


def query(place, name, metric):
    return {
        "Id": f"q{place}",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": name}],
            },
            "Period": HOUR_S,
            "Stat": "Sum",
        },
    }
