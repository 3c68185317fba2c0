# SPDX-License-Identifier: Apache-2.0
"""Create, get, list, update, delete: what every deployment tool does first."""

import base64
import hashlib
import re
import urllib.request
from datetime import datetime

import pytest
from botocore.exceptions import ClientError
from harness import POLL, PYTHON, ROLE, unique, zip_bytes

HELLO = {"index.py": "def handler(event, context): return 'hello'"}


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def create(platform, name, **settings):
    arguments = {"Runtime": PYTHON, "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": zip_bytes(HELLO)}}
    return platform.client().create_function(FunctionName=name, **{**arguments, **settings})


def test_create_answers_as_aws_does(platform):
    name, code = unique(), zip_bytes(HELLO)

    answer = create(
        platform,
        name,
        Code={"ZipFile": code},
        Description="says hello",
        Timeout=7,
        MemorySize=256,
        Environment={"Variables": {"COLOUR": "red"}},
        Tags={"team": "a"},
    )

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["FunctionName"] == name
    assert answer["FunctionArn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert answer["Version"] == "$LATEST"
    assert answer["State"] == "Pending"
    assert answer["StateReasonCode"] == "Creating"
    assert answer["CodeSize"] == len(code)
    assert answer["CodeSha256"] == sha256(code)
    assert (answer["Timeout"], answer["MemorySize"], answer["Description"]) == (7, 256, "says hello")
    assert answer["Environment"] == {"Variables": {"COLOUR": "red"}}
    assert answer["PackageType"] == "Zip"
    assert answer["Architectures"] in (["x86_64"], ["arm64"])
    assert answer["EphemeralStorage"] == {"Size": 512}
    assert answer["TracingConfig"] == {"Mode": "PassThrough"}
    assert answer["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer["RevisionId"])
    assert datetime.strptime(answer["LastModified"], "%Y-%m-%dT%H:%M:%S.%f%z")


def test_defaults_are_awss(platform):
    answer = create(platform, unique())

    assert (answer["Timeout"], answer["MemorySize"], answer["Description"]) == (3, 128, "")
    assert answer["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
    assert "Environment" not in answer


def test_the_waiter_sees_the_function_become_active(platform):
    name = unique()
    create(platform, name)

    platform.client().get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=POLL)

    configuration = platform.client().get_function_configuration(FunctionName=name)
    assert configuration["State"] == "Active"
    assert configuration["LastUpdateStatus"] == "Successful"
    assert "StateReason" not in configuration


def test_the_code_can_be_downloaded(platform):
    code = zip_bytes(HELLO)
    function = platform.deploy(code, Tags={"team": "a", "stage": "test"})

    answer = platform.client().get_function(FunctionName=function.name)

    assert answer["Code"]["RepositoryType"] == "S3"
    assert answer["Tags"] == {"team": "a", "stage": "test"}
    with urllib.request.urlopen(answer["Code"]["Location"], timeout=10) as download:
        assert download.read() == code


def test_a_download_link_can_not_be_bent(platform):
    function = platform.deploy(HELLO)
    location = platform.client().get_function(FunctionName=function.name)["Code"]["Location"]
    other = platform.deploy({"index.py": "SECRET = 1"})
    digest = platform.client().get_function_configuration(FunctionName=other.name)["CodeSha256"]

    path = location.removeprefix(platform.endpoint)
    changed = re.sub(r"[0-9a-f]{64}", base64.b64decode(digest).hex(), path.split("?")[0], count=1)
    changed += "?" + path.partition("?")[2]

    assert platform.call("GET", path, sign=False).status == 200
    if changed != path:
        assert platform.call("GET", changed, sign=False).status == 403
    assert platform.call("GET", path.split("?")[0], sign=False).status == 403


@pytest.mark.parametrize("spelling", ["{name}", "{arn}", "000000000000:function:{name}"])
def test_a_function_answers_to_each_spelling_of_its_name(platform, spelling):
    function = platform.deploy(HELLO)

    found = platform.client().get_function_configuration(
        FunctionName=spelling.format(name=function.name, arn=function.arn)
    )

    assert found["FunctionArn"] == function.arn


def test_functions_are_listed_in_pages(new_platform):
    platform = new_platform().start()
    for name in ["c", "a", "b", "e", "d"]:
        create(platform, name)

    pages = platform.client().get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    pages = [[function["FunctionName"] for function in page["Functions"]] for page in pages]

    assert pages == [["a", "b"], ["c", "d"], ["e"]]


def test_new_code_is_another_revision(platform):
    function = platform.deploy(HELLO)
    before = function.configuration()
    code = zip_bytes({"index.py": "def handler(event, context): return 'bye'"})

    answer = platform.client().update_function_code(FunctionName=function.name, ZipFile=code)
    platform.client().get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=POLL)

    assert answer["CodeSha256"] == sha256(code) != before["CodeSha256"]
    assert function.configuration()["RevisionId"] != before["RevisionId"]
    assert function.invoke().value() == "bye"


def test_a_dry_run_changes_nothing(platform):
    function = platform.deploy(HELLO)
    before = function.configuration()

    answer = platform.client().update_function_code(
        FunctionName=function.name, ZipFile=zip_bytes({"index.py": "x = 1"}), DryRun=True
    )

    assert answer["CodeSha256"] != before["CodeSha256"]
    assert function.configuration()["CodeSha256"] == before["CodeSha256"]


def test_a_setting_that_is_not_sent_stays(platform):
    function = platform.deploy(HELLO, Timeout=9, Description="first", Environment={"Variables": {"COLOUR": "red"}})

    function.update_configuration(MemorySize=512)

    after = function.configuration()
    assert (after["Timeout"], after["Description"], after["MemorySize"]) == (9, "first", 512)
    assert after["Environment"] == {"Variables": {"COLOUR": "red"}}


def test_an_empty_environment_takes_the_variables_away(platform):
    function = platform.deploy(HELLO, Environment={"Variables": {"COLOUR": "red"}})

    function.update_configuration(Environment={"Variables": {}})

    assert not function.configuration().get("Environment", {}).get("Variables")


def test_a_stale_revision_is_refused(platform):
    function = platform.deploy(HELLO)
    stale = function.configuration()["RevisionId"]
    function.update_configuration(Description="newer")

    with pytest.raises(ClientError) as refused:
        platform.client().update_function_configuration(
            FunctionName=function.name, Description="older", RevisionId=stale
        )

    assert refused.value.response["Error"]["Code"] == "PreconditionFailedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert function.configuration()["Description"] == "newer"


def test_a_deleted_function_is_gone(platform):
    function = platform.deploy(HELLO)
    assert function.invoke().value() == "hello"

    answer = platform.client().delete_function(FunctionName=function.name)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    with pytest.raises(platform.client().exceptions.ResourceNotFoundException):
        function.configuration()
    with pytest.raises(platform.client().exceptions.ResourceNotFoundException):
        function.invoke()


def test_a_name_can_be_used_again(platform):
    function = platform.deploy(HELLO)
    function.invoke()
    function.delete()

    again = platform.python("def handler(event, context): return 'again'", name=function.name)

    assert again.invoke().value() == "again"


def test_a_name_is_taken_once(platform):
    function = platform.deploy(HELLO)

    with pytest.raises(ClientError) as refused:
        create(platform, function.name)

    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    assert refused.value.response["Error"]["Message"] == f"Function already exist: {function.name}"


def test_file_modes_survive(platform):
    """A program in the package can be run."""
    function = platform.deploy(
        {
            "index.py": "import subprocess\ndef handler(e, c): return subprocess.check_output(['./tool']).decode()",
            "tool": "#!/bin/sh\necho works\n",
        },
        modes={"tool": 0o100755},
    )

    assert function.invoke().value() == "works\n"
