# SPDX-License-Identifier: Apache-2.0
"""Sends the messages that it got to another queue: what comes through a mapping, and how often, can be counted there.

Without an SDK, which takes long to import.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import os
import urllib.parse


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def call(target, body):
    env, now = os.environ, datetime.datetime.now(datetime.timezone.utc)
    host = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"]).netloc
    at, day, region = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d"), env["AWS_REGION"]
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": host,
        "x-amz-date": at,
        "x-amz-security-token": env["AWS_SESSION_TOKEN"],
        "x-amz-target": "AmazonSQS." + target,
        "x-amzn-trace-id": env["_X_AMZN_TRACE_ID"],
    }
    signed, scope = ";".join(headers), f"{day}/{region}/sqs/aws4_request"
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(["POST", "/", "", lines, signed, hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = ("AWS4" + env["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (day, region, "sqs", "aws4_request"):
        key = sign(key, part)
    signature = sign(key, text).hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={env['AWS_ACCESS_KEY_ID']}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("POST", "/", body=body, headers=headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(answer)
    return json.loads(answer)


def handler(event, context):
    entries = [{"Id": str(place), "MessageBody": record["body"]} for place, record in enumerate(event["Records"])]
    request = {"QueueUrl": os.environ["TARGET"], "Entries": entries}
    assert not call("SendMessageBatch", json.dumps(request).encode()).get("Failed")
