# SPDX-License-Identifier: Apache-2.0
"""What tests of traces begin with: a function, a new trace, and an invocation that is a part of it."""

import json
import time
import uuid

HEADER = """
import os
def handler(event, context):
    if event.get("fail"):
        raise KeyError("broken")
    return os.environ["_X_AMZN_TRACE_ID"]
"""
SEND = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")


def root():
    """The id of a new trace."""
    return f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"


def invoke(platform, function, header, event=None, **arguments):
    """The answer to an invocation with a trace header, and what the function was given."""
    client = platform.client()

    def add(request, **_):
        request.headers.add_header("X-Amzn-Trace-Id", header)

    # Others have the same client.
    client.meta.events.register("before-sign.lambda.Invoke", add)
    try:
        answer = client.invoke(FunctionName=function.name, Payload=json.dumps(event or {}), **arguments)
    finally:
        client.meta.events.unregister("before-sign.lambda.Invoke", add)
    return answer, json.loads(answer["Payload"].read() or b"null")
