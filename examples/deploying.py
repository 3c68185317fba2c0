# SPDX-License-Identifier: Apache-2.0
"""What the deploy scripts of the examples do with boto3 again and again: functions with roles of their own, and their URLs.

Where to deploy and as whom boto3 learns from its environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on), as always.
What an earlier run has made is used again, or brought up to date.
"""

import io
import json
import sys
import zipfile

import boto3
from botocore.exceptions import ClientError

SESSION = boto3.Session()
REGION = SESSION.region_name
ACCOUNT = SESSION.client("sts").get_caller_identity()["Account"]
# The Python that runs this is on the machine, so functions can have it too.
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# How services say that something is there already.
EXISTS = ("EntityAlreadyExists", "ResourceConflictException", "ConflictException")


def arn(service, resource):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def allow(actions, resource):
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def is_new(create, **arguments):
    """Creates something, unless it is there from an earlier run."""
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in EXISTS:
            raise
        return False
    return True


def role(name, service, *statements):
    """The ARN of a role that `service` may assume, and that may do what `statements` say and nothing else."""
    iam = SESSION.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    is_new(iam.create_role, RoleName=name, AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=name, PolicyName="least-privilege", PolicyDocument=document(*statements))
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def function(name, files, *statements, **settings):
    """The ARN of a function, with a role of its own: it may log, and do what `statements` say.

    `files` are the names in its zip and where they are, or the bytes that they have.
    """
    client = SESSION.client("lambda")
    may_log = [
        allow("logs:CreateLogGroup", arn("logs", "*")),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn("logs", f"log-group:/aws/lambda/{name}:*")),
    ]
    settings = {
        "FunctionName": name,
        "Role": role(name, "lambda.amazonaws.com", *may_log, *statements),
        "Runtime": PYTHON,
        "MemorySize": 256,
        "Timeout": 30,
        **settings,
    }
    code = packed(files)
    if not is_new(client.create_function, Code={"ZipFile": code}, **settings):
        client.update_function_configuration(**settings)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        client.update_function_code(FunctionName=name, ZipFile=code)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    # boto3 asks once a second, and a function is there sooner.
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    return arn("lambda", f"function:{name}")


def packed(files):
    """A zip. Everyone may read what is in it: functions are nobody in particular."""
    archive_bytes = io.BytesIO()
    with zipfile.ZipFile(archive_bytes, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(str(name))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
    return archive_bytes.getvalue()


def let(function_name, service, source_arn):
    """Lets a service invoke a function, on behalf of one source of this account."""
    is_new(
        SESSION.client("lambda").add_permission,
        FunctionName=function_name,
        StatementId=service.split(".")[0],
        Action="lambda:InvokeFunction",
        Principal=service,
        SourceArn=source_arn,
        SourceAccount=ACCOUNT,
    )


def public_url(function_name):
    """The URL of a function. Everyone may call it, and its policy says so twice, as AWS wants it."""
    client = SESSION.client("lambda")
    is_new(client.create_function_url_config, FunctionName=function_name, AuthType="NONE")
    everyone = {"FunctionName": function_name, "Principal": "*"}
    is_new(
        client.add_permission,
        **everyone,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        FunctionUrlAuthType="NONE",
    )
    is_new(
        client.add_permission,
        **everyone,
        StatementId="by-url",
        Action="lambda:InvokeFunction",
        InvokedViaFunctionUrl=True,
    )
    return client.get_function_url_config(FunctionName=function_name)["FunctionUrl"]
