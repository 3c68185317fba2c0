# SPDX-License-Identifier: Apache-2.0
"""Deploys a function with boto3, uses it, and measures what a caller sees."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import statistics
import time

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from report import Problem, note, shown, step

REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/lambda-role"
KEYS = Credentials("test", "test")


def deploy_and_measure(endpoint, function, work, count):
    """One row of the table."""
    step(f"{function.name}: deploying ({function.runtime}, {len(function.code) / 1e6:.1f} MB)")
    client = boto3.client(
        "lambda",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key,
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.create_function(
        FunctionName=function.name,
        Runtime=function.runtime,
        Handler=function.handler,
        Role=ROLE,
        Code={"ZipFile": function.code},
        MemorySize=function.memory_mb,
        Timeout=30,
    )
    client.get_waiter("function_active_v2").wait(
        FunctionName=function.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
    )

    with contextlib.closing(Caller(endpoint, function)) as caller:
        first = caller.invoke()
        path = work / function.output
        path.write_bytes(function.read(first.payload))
        note(f"wrote {shown(path)}, {path.stat().st_size / 1000:.1f} kB")
        warm = [caller.invoke() for _ in range(count)]

    return {
        "function": function.name,
        "runtime": function.runtime,
        "cold start": milliseconds(first.seconds),
        f"warm median of {count}": milliseconds(statistics.median(call.seconds for call in warm)),
        "billed": f"{statistics.median_low(call.reported('Billed Duration') for call in warm):.0f} ms",
        "max memory": f"{max(call.reported('Max Memory Used') for call in warm):.0f} MB",
    }


class Caller:
    """One kept connection and one signature, so that the client's own work is not measured."""

    def __init__(self, endpoint, function):
        self.connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=90)
        self.path = f"/2015-03-31/functions/{function.name}/invocations"
        self.body = json.dumps(function.event).encode()
        request = AWSRequest("POST", endpoint + self.path, data=self.body, headers={"X-Amz-Log-Type": "Tail"})
        SigV4Auth(KEYS, "lambda", REGION).add_auth(request)
        self.headers = dict(request.headers.items())

    def invoke(self):
        began = time.perf_counter()
        self.connection.request("POST", self.path, self.body, self.headers)
        response = self.connection.getresponse()
        payload = response.read()
        seconds = time.perf_counter() - began
        if response.status != 200 or response.headers.get("X-Amz-Function-Error"):
            raise Problem(f"the function failed ({response.status}): {payload[:2000].decode(errors='replace')}")
        return Call(seconds, payload, base64.b64decode(response.headers["X-Amz-Log-Result"]).decode())

    def close(self):
        self.connection.close()


class Call:
    def __init__(self, seconds, payload, log):
        self.seconds, self.payload, self.log = seconds, payload, log

    def reported(self, name):
        """A number of the REPORT line."""
        return float(re.search(rf"\t{name}: ([\d.]+) ", self.log)[1])


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms"


def table(rows):
    """Rows under a head; numbers to the right."""
    head = list(rows[0])
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in head]

    def line(cells):
        padded = [
            cell.ljust(width) if n < 2 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(head), line(["-" * width for width in widths]), *(line(row.values()) for row in rows)])
