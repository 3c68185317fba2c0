# SPDX-License-Identifier: Apache-2.0
"""Buckets and objects, as tests speak of them."""

import http.client

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from harness import REGION, Reply

MIB = 1 << 20


def refused(call, **arguments):
    """The code, the status and the whole error of a call that must fail."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def body_of(s3, bucket, key, **arguments):
    return s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()


def raw(platform, method, path, body=b"", headers=None, key="test", secret="test", payload=None, sign=True, host=None):
    """One request as it is, signed as S3 wants it unless `sign` says no. A body can be made of the headers, once they are signed."""
    headers = dict(headers or {})
    url = f"http://{host or platform.address}{path}"
    request = AWSRequest(method=method, url=url, data=b"" if callable(body) else body, headers=headers)
    if sign:
        auth = S3SigV4Auth(Credentials(key, secret), "s3", REGION)
        if payload is not None:
            auth.payload = lambda request: payload
        auth.add_auth(request)
    if callable(body):
        body = body(request.headers)
    connection = http.client.HTTPConnection(platform.address, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": host or platform.address, **dict(request.headers.items())}.items():
            connection.putheader(name, value)
        if "Content-Length" not in request.headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()
