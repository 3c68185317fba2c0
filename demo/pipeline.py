# SPDX-License-Identifier: Apache-2.0
"""Deploys the order pipeline of the examples, and measures how long an order takes from its URL to its invoice."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError
from measure import KEYS, REGION, milliseconds
from report import Problem, note, run, step

SCRIPT = Path(__file__).resolve().parent.parent / "examples/order-pipeline/deploy.py"
ORDERS = 20
PATIENCE_S = 60


def deploy_and_measure(server):
    """A line that says what came of it."""
    step("order-pipeline: deploying (a function URL, a FIFO queue, a topic, a bucket, four functions)")
    install = [server.binary, "runtimes", "install-sdk", "python", "--data-dir", server.data_dir]
    run(install, "boto3 for functions was not installed", "is the Python package index reachable from here?")
    account = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEYS.access_key,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_key,
    }
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, env={**os.environ, **account})
    if done.returncode != 0:
        raise Problem(f"the pipeline was not deployed:\n{done.stderr.strip()}")
    made = dict(line.split("=", 1) for line in done.stdout.splitlines())
    keys = {"aws_access_key_id": KEYS.access_key, "aws_secret_access_key": KEYS.secret_key}
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=server.endpoint, **keys)
    first, *more = [seconds_of(server, s3, made, number) for number in range(1 + ORDERS)]
    note(f"ordered {1 + ORDERS} times, and got as many invoices")
    return (
        f"order-pipeline, from the request to its URL through FIFO queue and topic to the invoice in its bucket: "
        f"{milliseconds(first)} the first time, median of {ORDERS} more {milliseconds(statistics.median(more))}"
    )


def seconds_of(server, s3, made, number):
    """From the order to its invoice."""
    order = f"ana-{number}"
    body = json.dumps({"id": order, "customer": "ana", "items": {"candle": 1}})
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("POST", "/", body, {"Host": urlsplit(made["URL"]).netloc})
        response = connection.getresponse()
        answer = response.read().decode(errors="replace")
    if response.status != 202:
        raise Problem(f"the order was not taken ({response.status}): {answer}")
    while not is_there(s3, made["BUCKET"], f"ana/{order}.json"):
        if time.perf_counter() - began > PATIENCE_S:
            raise Problem(f"the order {order} had no invoice after {PATIENCE_S} s")
        time.sleep(0.001)
    return time.perf_counter() - began


def is_there(s3, bucket, key):
    try:
        s3.head_object(Bucket=bucket, Key=key)
        return True
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
