# SPDX-License-Identifier: Apache-2.0
"""Who a caller is, and what a function sees of the platform from inside its sandbox."""

import re

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, allow


def test_the_root_of_the_account(platform):
    answer = platform.client("sts").get_caller_identity()

    assert answer["Account"] == ACCOUNT
    assert answer["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert re.fullmatch(r"[0-9a-f-]{36}", answer["ResponseMetadata"]["RequestId"])


def test_an_error_in_the_query_protocol(platform):
    reply = platform.call(
        "POST",
        "/",
        "Action=GetCallerIdentity&Version=2011-06-15",
        {"Content-Type": "application/x-www-form-urlencoded"},
        service="sts",
        secret="wrong",
    )

    assert reply.status == 403
    assert (
        b"<Code>SignatureDoesNotMatch</Code>" in reply.body or b"<Code>InvalidSignatureException</Code>" in reply.body
    )
    assert b"<RequestId>" in reply.body


def test_an_sts_operation_that_is_not_built(platform):
    with pytest.raises(ClientError) as refused:
        platform.client("sts").get_federation_token(Name="somebody")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.usefixtures("sdks")
@pytest.mark.timeout(300)
def test_boto3_inside_a_function_reaches_the_platform(platform):
    """No endpoint, key or region in the code: all of it comes from the environment, as on AWS."""
    function = platform.python(
        """
import boto3
def handler(event, context):
    identity = boto3.client("sts").get_caller_identity()
    found = boto3.client("lambda").get_function_configuration(FunctionName=context.function_name)
    return {"account": identity["Account"], "state": found["State"], "from": boto3.__file__}
""",
        Timeout=60,
        MemorySize=512,
        role=platform.role(allow("lambda:GetFunctionConfiguration")),
    )

    value = function.invoke().value()
    assert value.pop("from").startswith("/var/runtime/")
    assert value == {"account": ACCOUNT, "state": "Active"}


@pytest.mark.usefixtures("sdks")
@pytest.mark.timeout(300)
def test_a_function_invokes_a_function(platform):
    inner = platform.python("def handler(event, context): return event * 2")
    outer = platform.python(
        f"""
import boto3, json
def handler(event, context):
    answer = boto3.client("lambda").invoke(FunctionName={inner.name!r}, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())
""",
        Timeout=60,
        MemorySize=512,
        role=platform.role(allow("lambda:InvokeFunction", inner.arn)),
    )

    assert outer.invoke(21).value() == 42


@pytest.mark.usefixtures("sdks")
@pytest.mark.timeout(300)
def test_the_sdk_for_javascript_is_importable(platform, node_runtime):
    function = platform.deploy(
        {
            "index.mjs": """
import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
export const handler = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Account;
"""
        },
        runtime=node_runtime,
        Timeout=60,
        MemorySize=512,
    )

    assert function.invoke().value() == ACCOUNT


def test_each_environment_has_keys_of_its_own(platform):
    """The well-known pair is the operator's: it is not handed to functions."""
    function = platform.python(
        "import os\ndef handler(event, context): return [os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY']]"
    )

    key, secret = function.invoke().value()

    assert (key, secret) != ("test", "test")
    assert len(key) >= 16
    assert len(secret) >= 30
