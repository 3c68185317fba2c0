# SPDX-License-Identifier: Apache-2.0
"""What deployment tools ask of AWS Lambda: their calls in their order, and of each answer what they read.

The tools themselves either can not be had from a package registry (Terraform's provider) or need other services before
they come to Lambda (IAM, S3, CloudFormation). Their order was taken from their sources or from recordings.
"""

import json

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, POLL, PYTHON, REGION, ROLE, allow, unique, wait_until, zip_bytes

CODE = zip_bytes({"index.py": "def handler(event, context): return 1"})
OTHER_CODE = zip_bytes({"index.py": "def handler(event, context): return 2"})
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"


@pytest.fixture
def client(platform):
    return platform.client()


@pytest.fixture
def function(platform):
    return platform.deploy(CODE, runtime=PYTHON, Publish=True)


@pytest.fixture
def polling_role(platform):
    """The role of a function that is mapped to `QUEUE`, which is there."""
    platform.client("sqs").create_queue(QueueName="queue", Attributes={"VisibilityTimeout": "90"})
    return platform.role(allow("sqs:*"))


def absent(call, code="ResourceNotFoundException", status=404, **arguments):
    """That something is not there, as tools know it: by code and status."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), response
    return response["Error"]["Message"]


def is_gone(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] == "ResourceNotFoundException"
    return False


# -- Terraform's provider ---------------------------------------------------------------------------------------

PLANNED = {
    "Description": "planned",
    "Timeout": 5,
    "MemorySize": 192,
    "Environment": {"Variables": {"STAGE": "test"}},
    "EphemeralStorage": {"Size": 600},
    "TracingConfig": {"Mode": "Active"},
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/own"},
    "DeadLetterConfig": {"TargetArn": QUEUE},
}


def read_function(client, name, qualifier=None):
    """What a plan reads of aws_lambda_function. It needs both parts of GetFunction."""
    arguments = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    got = client.get_function(**arguments)
    configuration = got["Configuration"]
    assert got["Code"]["Location"].startswith("http")
    for member in [
        "CodeSha256",
        "CodeSize",
        "FunctionArn",
        "Handler",
        "LastModified",
        "PackageType",
        "Role",
        "Runtime",
    ]:
        assert configuration[member], member
    assert configuration["Architectures"] in (["x86_64"], ["arm64"])
    assert configuration["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
    # The newest version is the last of the last page.
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    newest = [version for page in pages for version in page["Versions"]][-1]
    signing = client.get_function_code_signing_config(FunctionName=name)
    assert not signing.get("CodeSigningConfigArn")
    return got, newest


def updated(client, name):
    def is_successful():
        configuration = client.get_function(FunctionName=name)["Configuration"]
        assert configuration["LastUpdateStatus"] in ("Successful", "InProgress")
        return configuration["LastUpdateStatus"] == "Successful"

    wait_until(is_successful, f"{name} is updated")


def test_terraform_s_function(platform, client):
    name, role = unique("tf"), platform.role(allow(["xray:PutTraceSegments", "sqs:SendMessage"]))
    absent(client.get_function, FunctionName=name)
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="index.handler", Role=role, Publish=True, PackageType="Zip",
        Architectures=client_architecture(client), Code={"ZipFile": CODE}, Tags={"team": "a"}, **PLANNED,
    )  # fmt: skip
    wait_until(
        lambda: client.get_function(FunctionName=name)["Configuration"]["State"] in ("Active", "ActiveNonInvocable"),
        f"{name} is active",
    )
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)

    # A plan finds what was planned, and nothing else to change.
    got, newest = read_function(client, name)
    configuration = got["Configuration"]
    assert {member: configuration[member] for member in PLANNED} == PLANNED
    assert got["Tags"] == {"team": "a"}
    assert got["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert configuration["Version"] == "$LATEST"
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    assert (configuration["FunctionArn"], newest["FunctionArn"], newest["Version"]) == (arn, f"{arn}:1", "1")
    # What was not planned is not there, or says nothing.
    assert not configuration.get("Layers") and not configuration.get("FileSystemConfigs")
    assert not configuration.get("KMSKeyArn") and not configuration.get("ImageConfigResponse")
    assert not configuration.get("VpcConfig", {}).get("VpcId")

    # An apply with another plan: configuration, code, concurrency, publish.
    client.update_function_configuration(
        FunctionName=name, Timeout=6, Environment={"Variables": {}}, DeadLetterConfig={"TargetArn": ""}, VpcConfig={}
    )
    updated(client, name)
    client.update_function_code(FunctionName=name, ZipFile=OTHER_CODE)
    updated(client, name)
    client.delete_function_concurrency(FunctionName=name)
    client.tag_resource(Resource=arn, Tags={"team": "b"})
    client.untag_resource(Resource=arn, TagKeys=["gone"])
    version = client.publish_version(FunctionName=name)["Version"]
    published = client.get_function_configuration(FunctionName=name, Qualifier=version)
    assert (published["State"], published["LastUpdateStatus"]) == ("Active", "Successful")

    got, newest = read_function(client, name)
    assert (got["Configuration"]["Timeout"], got["Tags"], got.get("Concurrency")) == (6, {"team": "b"}, None)
    assert not got["Configuration"].get("Environment", {}).get("Variables")
    assert "DeadLetterConfig" not in got["Configuration"]
    assert (newest["Version"], newest["CodeSha256"]) == ("2", got["Configuration"]["CodeSha256"])
    qualified, _ = read_function(client, name, qualifier="2")
    assert qualified["Configuration"]["FunctionArn"] == f"{arn}:2"
    assert client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") is None

    client.delete_function(FunctionName=name)
    wait_until(lambda: is_gone(client.get_function, FunctionName=name), f"{name} is gone")


def client_architecture(client):
    """This machine's, as a function that names none gets it."""
    name = unique("tf")
    created = client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="index.handler", Role=ROLE, Code={"ZipFile": CODE}
    )
    client.delete_function(FunctionName=name)
    return created["Architectures"]


def test_terraform_s_permission(client, function):
    """It reads the statement back from the policy, and takes another form of any of it for a change."""
    wanted = {
        "StatementId": "bucket",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::bucket",
        "SourceAccount": ACCOUNT,
    }
    absent(client.get_policy, FunctionName=function.name)
    client.add_permission(FunctionName=function.name, **wanted)
    client.add_permission(
        FunctionName=function.name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*",
        FunctionUrlAuthType="NONE",
    )  # fmt: skip
    client.add_permission(
        FunctionName=function.name, StatementId="by-url", Action="lambda:InvokeFunction", Principal="*",
        InvokedViaFunctionUrl=True,
    )  # fmt: skip
    client.add_permission(
        FunctionName=function.name, StatementId="account", Action="lambda:InvokeFunction", Principal="123456789012"
    )

    statements = json.loads(client.get_policy(FunctionName=function.name)["Policy"])["Statement"]
    assert {statement["Sid"]: statement for statement in statements} == {
        "bucket": {
            "Sid": "bucket",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": function.arn,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
            },
        },
        "url": {
            "Sid": "url",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": function.arn,
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        },
        "by-url": {
            "Sid": "by-url",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "lambda:InvokeFunction",
            "Resource": function.arn,
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        },
        "account": {
            "Sid": "account",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "lambda:InvokeFunction",
            "Resource": function.arn,
        },
    }
    # A permission of a version stands in that version's policy, with its ARN.
    client.add_permission(FunctionName=function.name, Qualifier="1", **wanted)
    of_version = json.loads(client.get_policy(FunctionName=function.name, Qualifier="1")["Policy"])["Statement"]
    assert [statement["Resource"] for statement in of_version] == [f"{function.arn}:1"]

    for sid in ["bucket", "url", "by-url", "account"]:
        client.remove_permission(FunctionName=function.name, StatementId=sid)
    wait_until(lambda: is_gone(client.get_policy, FunctionName=function.name), "the policy is gone")
    absent(client.remove_permission, FunctionName=function.name, StatementId="bucket")


def test_terraform_s_event_source_mapping(client, function, polling_role):
    function.update_configuration(Role=polling_role)
    wanted = {
        "BatchSize": 5,
        "MaximumBatchingWindowInSeconds": 1,
        "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["a"]}}'}]},
        "ScalingConfig": {"MaximumConcurrency": 3},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    created = client.create_event_source_mapping(
        EventSourceArn=QUEUE, FunctionName=function.name, Tags={"team": "a"}, **wanted
    )
    mapping = {"UUID": created["UUID"]}

    def settled():
        found = client.get_event_source_mapping(**mapping)
        return found if found["State"] in ("Enabled", "Disabled") else None

    got = wait_until(settled, "the mapping is settled")
    assert {member: got[member] for member in wanted} == wanted
    assert (got["FunctionArn"], got["EventSourceArn"]) == (function.arn, QUEUE)
    assert client.list_tags(Resource=got["EventSourceMappingArn"])["Tags"] == {"team": "a"}

    # An empty structure takes away what was there.
    client.update_event_source_mapping(**mapping, BatchSize=6, FilterCriteria={}, ScalingConfig={})
    got = wait_until(settled, "the mapping is settled again")
    assert (got["BatchSize"], got["MaximumBatchingWindowInSeconds"]) == (6, 1)
    assert not got.get("FilterCriteria", {}).get("Filters")
    assert not got.get("ScalingConfig", {}).get("MaximumConcurrency")

    assert client.delete_event_source_mapping(**mapping)["State"] == "Deleting"
    wait_until(lambda: is_gone(client.get_event_source_mapping, **mapping), "the mapping is gone")


def test_terraform_s_function_url_and_alias(client, function):
    name = {"FunctionName": function.name}
    created = client.create_alias(**name, Name="live", FunctionVersion="1", Description="d")
    assert created["AliasArn"] == f"{function.arn}:live"
    function.update_code({"index.py": "def handler(event, context): return 2"})
    version = client.publish_version(**name)["Version"]
    weights = {"AdditionalVersionWeights": {version: 0.25}}
    client.update_alias(**name, Name="live", FunctionVersion="1", RoutingConfig=weights)
    got = client.get_alias(**name, Name="live")
    assert (got["RoutingConfig"], got["Description"]) == (weights, "d")
    client.update_alias(**name, Name="live", FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": {}})
    assert not client.get_alias(**name, Name="live").get("RoutingConfig")

    place = {**name, "Qualifier": "live"}
    cors = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET"], "MaxAge": 60, "AllowCredentials": True}
    client.create_function_url_config(**place, AuthType="NONE", Cors=cors)
    client.add_permission(
        **place, StatementId="FunctionURLAllowPublicAccess", Action="lambda:InvokeFunctionUrl", Principal="*",
        FunctionUrlAuthType="NONE",
    )  # fmt: skip
    got = client.get_function_url_config(**place)
    assert (got["AuthType"], got["Cors"], got["InvokeMode"]) == ("NONE", cors, "BUFFERED")
    assert got["FunctionArn"] == f"{function.arn}:live"
    assert f".lambda-url.{REGION}." in got["FunctionUrl"]
    client.update_function_url_config(**place, AuthType="AWS_IAM", Cors={}, InvokeMode="RESPONSE_STREAM")
    got = client.get_function_url_config(**place)
    assert (got["AuthType"], got["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
    assert not got.get("Cors")
    client.delete_function_url_config(**place)
    absent(client.get_function_url_config, **place)

    client.delete_alias(**name, Name="live")
    message = absent(client.get_alias, **name, Name="live")
    assert message == f"Cannot find alias arn: {function.arn}:live"


def test_terraform_s_layer(client):
    layer = unique("tf-layer")
    published = client.publish_layer_version(
        LayerName=layer, Content={"ZipFile": CODE}, CompatibleRuntimes=[PYTHON], Description="d", LicenseInfo="MIT"
    )
    version = {"LayerName": layer, "VersionNumber": published["Version"]}
    got = client.get_layer_version(**version)
    assert (got["Description"], got["LicenseInfo"], got["CompatibleRuntimes"]) == ("d", "MIT", [PYTHON])
    assert got["LayerVersionArn"] == f"{got['LayerArn']}:1" and got["CreatedDate"]
    assert got["Content"]["CodeSha256"] and got["Content"]["CodeSize"] == len(CODE)

    client.add_layer_version_permission(
        **version, StatementId="all", Action="lambda:GetLayerVersion", Principal="*", OrganizationId="o-1234567890"
    )
    policy = json.loads(client.get_layer_version_policy(**version)["Policy"])
    assert policy["Statement"] == [
        {
            "Sid": "all",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "lambda:GetLayerVersion",
            "Resource": got["LayerVersionArn"],
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        }
    ]
    client.remove_layer_version_permission(**version, StatementId="all")
    absent(client.get_layer_version_policy, **version)
    client.delete_layer_version(**version)
    absent(client.get_layer_version, **version)
    client.delete_layer_version(**version)


def test_terraform_s_configurations_beside_a_function(client, function):
    function.update_configuration(Role=function.platform.sending_role())
    name = {"FunctionName": function.name}
    destination = {"OnFailure": {"Destination": TOPIC}}
    client.put_function_event_invoke_config(**name, MaximumRetryAttempts=0, DestinationConfig=destination)
    got = client.get_function_event_invoke_config(**name)
    assert (got["MaximumRetryAttempts"], got["DestinationConfig"]["OnFailure"]) == (0, destination["OnFailure"])
    assert got["FunctionArn"] == f"{function.arn}:$LATEST"
    client.delete_function_event_invoke_config(**name)
    absent(client.get_function_event_invoke_config, **name)

    place = {**name, "Qualifier": "1"}
    client.put_provisioned_concurrency_config(**place, ProvisionedConcurrentExecutions=1)
    wait_until(
        lambda: client.get_provisioned_concurrency_config(**place)["Status"] == "READY", "the environment is ready"
    )
    client.delete_provisioned_concurrency_config(**place)
    absent(client.get_provisioned_concurrency_config, code="ProvisionedConcurrencyConfigNotFoundException", **place)

    client.put_runtime_management_config(**name, UpdateRuntimeOn="FunctionUpdate")
    assert client.get_runtime_management_config(**name)["UpdateRuntimeOn"] == "FunctionUpdate"
    client.put_function_recursion_config(**name, RecursiveLoop="Allow")
    assert client.get_function_recursion_config(**name)["RecursiveLoop"] == "Allow"


# -- other tools ------------------------------------------------------------------------------------------------


def test_chalice_deploys_and_deploys_again(client, polling_role):
    name = unique("chalice")
    absent(client.get_function, FunctionName=name)
    created = client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="index.handler", Role=polling_role, Code={"ZipFile": CODE},
        Environment={"Variables": {}}, Tags={"aws-chalice": "version=1"}, Layers=[],
    )  # fmt: skip
    arn = created["FunctionArn"]
    active = {"State": "Active"}
    wait_until(
        lambda: active.items() <= client.get_function_configuration(FunctionName=name).items(), f"{name} is active"
    )
    client.delete_function_concurrency(FunctionName=name)

    # By its ARN, which arrives percent-encoded in the path.
    absent(client.get_policy, FunctionName=arn)
    client.add_permission(
        FunctionName=arn, StatementId="events", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r",
    )  # fmt: skip
    assert json.loads(client.get_policy(FunctionName=arn)["Policy"])["Statement"][0]["Sid"] == "events"
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=QUEUE, BatchSize=1, Enabled=True)

    client.update_function_code(FunctionName=name, ZipFile=OTHER_CODE)
    client.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig=POLL)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {}}, Timeout=60, Layers=[])
    client.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig=POLL)
    assert client.list_tags(Resource=arn)["Tags"] == {"aws-chalice": "version=1"}
    client.tag_resource(Resource=arn, Tags={"aws-chalice": "version=2"})
    client.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=2)

    client.delete_event_source_mapping(UUID=mapping["UUID"])
    client.remove_permission(FunctionName=arn, StatementId="events")
    client.delete_function(FunctionName=arn)
    absent(client.delete_function, FunctionName=arn)


def test_zappa_asks_for_versions_of_what_is_not_there(client):
    absent(client.list_versions_by_function, FunctionName=unique("zappa"))


def test_cargo_lambda_deploys_and_deploys_again(client):
    name = unique("cargo")
    absent(client.get_function, FunctionName=name)
    program = zip_bytes({"bootstrap": "#!/bin/sh\nexit 1\n"}, {"bootstrap": 0o100755})
    client.create_function(
        FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Role=ROLE, Code={"ZipFile": program},
        Publish=True, TracingConfig={"Mode": "PassThrough"}, MemorySize=128,
    )  # fmt: skip
    client.get_waiter("function_active").wait(FunctionName=name, WaiterConfig=POLL)

    assert client.get_function(FunctionName=name)["Configuration"]["Runtime"] == "provided.al2023"
    assert client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful"
    client.update_function_configuration(FunctionName=name, MemorySize=256)
    wait_until(
        lambda: client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful",
        "the configuration is updated",
    )
    assert client.update_function_code(FunctionName=name, ZipFile=program, Publish=True)["Version"] == "2"

    absent(client.get_function_url_config, FunctionName=name)
    for sid, action in [("url", "lambda:InvokeFunctionUrl"), ("by-url", "lambda:InvokeFunction")]:
        client.add_permission(FunctionName=name, StatementId=sid, Action=action, Principal="*")
    assert client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]


def test_sam_and_cdk_replace_code_in_place(client, function):
    """`sam sync --code` and `cdk deploy --hotswap`, and what `sam remote invoke` and `sam logs` ask Lambda for."""
    name = {"FunctionName": function.name}
    before = client.get_function(**name)["Configuration"]
    client.create_alias(**name, Name="live", FunctionVersion="1")
    answer = client.update_function_code(**name, ZipFile=OTHER_CODE)
    assert (answer["LastUpdateStatus"], answer["CodeSha256"] != before["CodeSha256"]) == ("InProgress", True)
    updated(client, function.name)
    assert client.get_function_configuration(**name)["LastUpdateStatus"] == "Successful"
    assert client.list_layer_versions(LayerName=unique("nobodys-layer"))["LayerVersions"] == []
    version = client.publish_version(**name)["Version"]
    client.update_alias(**name, Name="live", FunctionVersion=version)
    assert function.invoke(Qualifier="live").value() == 2

    configuration = client.get_function_configuration(**name)
    assert configuration["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{function.name}"
    absent(client.get_function_url_config, **name)
    invoked = function.invoke()
    assert invoked.value() == 2 and "REPORT RequestId:" in invoked.log


@pytest.mark.parametrize(
    "waiter",
    [
        ["function-exists"],
        ["function-active"],
        ["function-active-v2"],
        ["function-updated"],
        ["function-updated-v2"],
        ["published-version-active", "--qualifier", "1"],
    ],
    ids=lambda waiter: waiter[0],
)
def test_the_cli_waits(platform, function, waiter):
    platform.cli("lambda", "wait", waiter[0], "--function-name", function.name, *waiter[1:])


def test_a_tool_of_another_region_is_told(platform, function):
    """Tools that were told another region than the ARN says."""
    elsewhere = platform.client(region="eu-west-1")
    message = absent(elsewhere.get_function, FunctionName=function.arn)
    assert message == f"Functions from '{REGION}' are not reachable in this region ('eu-west-1')"
