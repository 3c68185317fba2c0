# SPDX-License-Identifier: Apache-2.0
"""The official clients, unchanged: the AWS CLI and the SDK for JavaScript. (boto3 drives every other test.)"""

import json

from harness import PYTHON, ROLE, javascript, unique, zip_bytes


def test_a_day_with_the_aws_cli(platform, tmp_path):
    name, package, answer = unique("cli"), tmp_path / "code.zip", tmp_path / "answer.json"
    package.write_bytes(zip_bytes({"index.py": "def handler(event, context): return {'got': event}"}))

    created = json.loads(
        platform.cli(
            "lambda", "create-function", "--function-name", name, "--runtime", PYTHON, "--handler", "index.handler",
            "--role", ROLE, "--zip-file", f"fileb://{package}", "--tags", "team=a",
        ).stdout
    )  # fmt: skip
    assert created["State"] == "Pending"
    platform.cli("lambda", "wait", "function-active-v2", "--function-name", name)

    invoked = platform.cli(
        "lambda", "invoke", "--function-name", name, "--payload", '{"a": 1}', "--log-type", "Tail", str(answer)
    )
    assert json.loads(answer.read_text()) == {"got": {"a": 1}}
    assert json.loads(invoked.stdout)["StatusCode"] == 200

    package.write_bytes(zip_bytes({"index.py": "def handler(event, context): return 2"}))
    platform.cli("lambda", "update-function-code", "--function-name", name, "--zip-file", f"fileb://{package}")
    platform.cli("lambda", "wait", "function-updated-v2", "--function-name", name)
    platform.cli("lambda", "update-function-configuration", "--function-name", name, "--memory-size", "256")
    platform.cli("lambda", "wait", "function-updated-v2", "--function-name", name)
    version = json.loads(platform.cli("lambda", "publish-version", "--function-name", name).stdout)["Version"]
    platform.cli("lambda", "invoke", "--function-name", name, "--qualifier", version, str(answer))
    assert answer.read_text() == "2"

    listed = json.loads(platform.cli("lambda", "list-functions").stdout)["Functions"]
    assert name in [function["FunctionName"] for function in listed]
    platform.cli("lambda", "delete-function", "--function-name", name)
    gone = platform.cli("lambda", "get-function", "--function-name", name, check=False)
    assert gone.returncode in (254, 255)
    assert "(ResourceNotFoundException)" in gone.stderr


def test_who_am_i(platform):
    answer = json.loads(platform.cli("sts", "get-caller-identity").stdout)

    assert answer == {"UserId": "000000000000", "Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root"}


def test_the_sdk_for_javascript(platform, tmp_path):
    package = tmp_path / "code.zip"
    package.write_bytes(
        zip_bytes({"index.py": "def handler(event, context): return {'got': event, 'by': context.function_name}"})
    )
    javascript("client.mjs", platform.endpoint, unique("js"), PYTHON, package)
