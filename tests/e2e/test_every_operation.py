# SPDX-License-Identifier: Apache-2.0
"""Every operation of AWS Lambda through boto3, and what each answers. Which there are, boto3's own model says."""

import json
import uuid

import harness
import pytest
from botocore.exceptions import ClientError

STREAM = f"arn:aws:kinesis:{harness.REGION}:{harness.ACCOUNT}:stream/s"
PROFILE = f"arn:aws:signer:{harness.REGION}:{harness.ACCOUNT}:/signing-profiles/p"
EXECUTION = f"arn:aws:lambda:{harness.REGION}:{harness.ACCOUNT}:function:f:1/durable-execution/a/b"
NOT_BUILT = "NotImplementedException"
CODE = harness.zip_bytes({"index.py": "def handler(event, context): return event"})
OTHER_CODE = harness.zip_bytes({"index.py": "def handler(event, context): return 2"})


class Sweep:
    """Calls operations in an order that makes sense, and keeps what it saw."""

    def __init__(self, client):
        self.client = client
        self.called = set()

    def ok(self, operation, status, **arguments):
        self.called.add(operation)
        answer = getattr(self.client, method_of(self.client, operation))(**arguments)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, operation
        return answer

    def refused(self, operation, code, status, **arguments):
        self.called.add(operation)
        with pytest.raises(ClientError) as error:
            getattr(self.client, method_of(self.client, operation))(**arguments)
        response = error.value.response
        found = (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), f"{operation}: {response['Error']}"


def method_of(client, operation):
    return {name: method for method, name in client.meta.method_to_api_mapping.items()}[operation]


@pytest.fixture
def sweep(platform):
    return Sweep(platform.client())


def wait(client, name):
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=harness.POLL)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=harness.POLL)


def test_every_operation_has_its_answer(sweep):
    name, layer = harness.unique(), harness.unique("layer")
    functions_and_versions(sweep, name)
    layers(sweep, layer)
    aliases_and_policies(sweep, name)
    concurrency(sweep, name)
    beside_functions(sweep, name)
    code_signing(sweep, name)
    capacity_providers(sweep, name)
    tags(sweep, name)
    not_built(sweep, name)
    sweep.ok("DeleteFunction", 204, FunctionName=name)
    sweep.refused("GetFunction", "ResourceNotFoundException", 404, FunctionName=name)
    assert sweep.called == set(sweep.client.meta.service_model.operation_names)


def functions_and_versions(sweep, name):
    created = sweep.ok(
        "CreateFunction",
        201,
        FunctionName=name,
        Runtime=harness.PYTHON,
        Handler="index.handler",
        Role=harness.ROLE,
        Code={"ZipFile": CODE},
    )
    assert created["State"] == "Pending"
    wait(sweep.client, name)
    assert sweep.ok("GetFunction", 200, FunctionName=name)["Code"]["RepositoryType"] == "S3"
    assert sweep.ok("GetFunctionConfiguration", 200, FunctionName=name)["State"] == "Active"
    assert sweep.ok("ListFunctions", 200)["Functions"]
    assert sweep.ok("GetAccountSettings", 200)["AccountUsage"]["FunctionCount"] >= 1
    assert sweep.ok("PublishVersion", 201, FunctionName=name)["Version"] == "1"
    updated = sweep.ok("UpdateFunctionCode", 200, FunctionName=name, ZipFile=OTHER_CODE)
    assert updated["LastUpdateStatus"] == "InProgress"
    wait(sweep.client, name)
    sweep.ok("UpdateFunctionConfiguration", 200, FunctionName=name, Timeout=9)
    wait(sweep.client, name)
    versions = sweep.ok("ListVersionsByFunction", 200, FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]
    answer = sweep.ok("Invoke", 200, FunctionName=f"{name}:1", Payload=b'"hello"')
    assert (answer["Payload"].read(), answer["ExecutedVersion"]) == (b'"hello"', "1")
    sweep.ok("InvokeAsync", 202, FunctionName=name, InvokeArgs=b"{}")
    stream = sweep.ok("InvokeWithResponseStream", 200, FunctionName=name, Payload=b"{}")
    assert (
        b"".join(event["PayloadChunk"]["Payload"] for event in stream["EventStream"] if "PayloadChunk" in event) == b"2"
    )
    management = sweep.ok("GetRuntimeManagementConfig", 200, FunctionName=name)
    assert management["UpdateRuntimeOn"] == "Auto"
    sweep.ok("PutRuntimeManagementConfig", 200, FunctionName=name, UpdateRuntimeOn="Auto")


def layers(sweep, layer):
    published = sweep.ok("PublishLayerVersion", 201, LayerName=layer, Content={"ZipFile": CODE})
    assert published["Version"] == 1
    sweep.ok("GetLayerVersion", 200, LayerName=layer, VersionNumber=1)
    sweep.ok("GetLayerVersionByArn", 200, Arn=published["LayerVersionArn"])
    assert sweep.ok("ListLayers", 200)["Layers"]
    assert sweep.ok("ListLayerVersions", 200, LayerName=layer)["LayerVersions"][0]["Version"] == 1
    version = {"LayerName": layer, "VersionNumber": 1}
    permission = {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    sweep.ok("AddLayerVersionPermission", 201, **version, **permission)
    assert json.loads(sweep.ok("GetLayerVersionPolicy", 200, **version)["Policy"])["Statement"][0]["Sid"] == "s"
    sweep.ok("RemoveLayerVersionPermission", 204, **version, StatementId="s")
    sweep.ok("DeleteLayerVersion", 204, **version)


def aliases_and_policies(sweep, name):
    sweep.ok("CreateAlias", 201, FunctionName=name, Name="live", FunctionVersion="1")
    assert sweep.ok("GetAlias", 200, FunctionName=name, Name="live")["FunctionVersion"] == "1"
    sweep.ok("UpdateAlias", 200, FunctionName=name, Name="live", Description="d")
    assert len(sweep.ok("ListAliases", 200, FunctionName=name)["Aliases"]) == 1
    sweep.ok("DeleteAlias", 204, FunctionName=name, Name="gone")
    permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    sweep.ok("AddPermission", 201, FunctionName=name, **permission)
    policy = sweep.ok("GetPolicy", 200, FunctionName=name)["Policy"]
    arn = f"arn:aws:lambda:{harness.REGION}:{harness.ACCOUNT}:function:{name}"
    assert sweep.ok("GetResourcePolicy", 200, ResourceArn=arn)["Policy"] == policy
    sweep.ok("RemovePermission", 204, FunctionName=name, StatementId="s")
    sweep.ok("PutResourcePolicy", 200, ResourceArn=arn, Policy=policy)
    sweep.ok("DeleteResourcePolicy", 204, ResourceArn=arn)


def concurrency(sweep, name):
    sweep.ok("PutFunctionConcurrency", 200, FunctionName=name, ReservedConcurrentExecutions=2)
    reserved = sweep.ok("GetFunctionConcurrency", 200, FunctionName=name)
    assert reserved["ReservedConcurrentExecutions"] == 2
    sweep.ok("DeleteFunctionConcurrency", 204, FunctionName=name)
    place = {"FunctionName": name, "Qualifier": "1"}
    not_found = ("ProvisionedConcurrencyConfigNotFoundException", 404)
    sweep.refused("GetProvisionedConcurrencyConfig", *not_found, **place)
    sweep.ok("PutProvisionedConcurrencyConfig", 202, **place, ProvisionedConcurrentExecutions=1)
    listed = sweep.ok("ListProvisionedConcurrencyConfigs", 200, FunctionName=name)
    assert len(listed["ProvisionedConcurrencyConfigs"]) == 1
    sweep.ok("DeleteProvisionedConcurrencyConfig", 204, **place)


def beside_functions(sweep, name):
    sweep.ok("PutFunctionEventInvokeConfig", 200, FunctionName=name, MaximumRetryAttempts=1)
    sweep.ok("UpdateFunctionEventInvokeConfig", 200, FunctionName=name, MaximumEventAgeInSeconds=60)
    config = sweep.ok("GetFunctionEventInvokeConfig", 200, FunctionName=name)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 60)
    configs = sweep.ok("ListFunctionEventInvokeConfigs", 200, FunctionName=name)
    assert len(configs["FunctionEventInvokeConfigs"]) == 1
    sweep.ok("DeleteFunctionEventInvokeConfig", 204, FunctionName=name)

    source = {"EventSourceArn": STREAM, "StartingPosition": "LATEST"}
    created = sweep.ok("CreateEventSourceMapping", 202, FunctionName=name, **source)
    assert created["State"] == "Creating"
    settled = sweep.ok("GetEventSourceMapping", 200, UUID=created["UUID"])
    assert settled["State"] == "Disabled" and "No poller" in settled["StateTransitionReason"]
    assert sweep.client.list_tags(Resource=settled["EventSourceMappingArn"])["Tags"] == {}
    assert len(sweep.ok("ListEventSourceMappings", 200, FunctionName=name)["EventSourceMappings"]) == 1
    sweep.ok("UpdateEventSourceMapping", 202, UUID=created["UUID"], BatchSize=5)
    sweep.ok("DeleteEventSourceMapping", 202, UUID=created["UUID"])
    sweep.refused("GetEventSourceMapping", "ResourceNotFoundException", 404, UUID=str(uuid.uuid4()))

    url = sweep.ok("CreateFunctionUrlConfig", 201, FunctionName=name, AuthType="NONE")["FunctionUrl"]
    assert sweep.ok("GetFunctionUrlConfig", 200, FunctionName=name)["FunctionUrl"] == url
    assert len(sweep.ok("ListFunctionUrlConfigs", 200, FunctionName=name)["FunctionUrlConfigs"]) == 1
    sweep.ok("UpdateFunctionUrlConfig", 200, FunctionName=name, AuthType="AWS_IAM")
    sweep.ok("DeleteFunctionUrlConfig", 204, FunctionName=name)

    sweep.ok("PutFunctionRecursionConfig", 200, FunctionName=name, RecursiveLoop="Allow")
    assert sweep.ok("GetFunctionRecursionConfig", 200, FunctionName=name)["RecursiveLoop"] == "Allow"


def code_signing(sweep, name):
    publishers = {"SigningProfileVersionArns": [PROFILE]}
    created = sweep.ok("CreateCodeSigningConfig", 201, AllowedPublishers=publishers)
    arn = created["CodeSigningConfig"]["CodeSigningConfigArn"]
    policies = {"UntrustedArtifactOnDeployment": "Enforce"}
    sweep.ok("UpdateCodeSigningConfig", 200, CodeSigningConfigArn=arn, CodeSigningPolicies=policies)
    got = sweep.ok("GetCodeSigningConfig", 200, CodeSigningConfigArn=arn)
    assert got["CodeSigningConfig"]["CodeSigningPolicies"] == policies
    assert sweep.ok("ListCodeSigningConfigs", 200)["CodeSigningConfigs"]
    sweep.ok("PutFunctionCodeSigningConfig", 200, FunctionName=name, CodeSigningConfigArn=arn)
    functions = sweep.ok("ListFunctionsByCodeSigningConfig", 200, CodeSigningConfigArn=arn)
    assert functions["FunctionArns"] == [f"arn:aws:lambda:{harness.REGION}:{harness.ACCOUNT}:function:{name}"]
    code = {"FunctionName": name, "ZipFile": CODE}
    sweep.refused("UpdateFunctionCode", "CodeVerificationFailedException", 400, **code)
    assert sweep.ok("GetFunctionCodeSigningConfig", 200, FunctionName=name)["CodeSigningConfigArn"] == arn
    sweep.ok("DeleteFunctionCodeSigningConfig", 204, FunctionName=name)
    sweep.ok("DeleteCodeSigningConfig", 204, CodeSigningConfigArn=arn)


def tags(sweep, name):
    arn = f"arn:aws:lambda:{harness.REGION}:{harness.ACCOUNT}:function:{name}"
    sweep.ok("TagResource", 204, Resource=arn, Tags={"a": "1", "b": "2"})
    sweep.ok("UntagResource", 204, Resource=arn, TagKeys=["a"])
    assert sweep.ok("ListTags", 200, Resource=arn)["Tags"] == {"b": "2"}


def capacity_providers(sweep, name):
    provider = {"CapacityProviderName": "p"}
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    role = {"CapacityProviderOperatorRoleArn": harness.ROLE}
    sweep.ok("CreateCapacityProvider", 202, **provider, VpcConfig=vpc, PermissionsConfig=role)
    assert sweep.ok("GetCapacityProvider", 200, **provider)["CapacityProvider"]["State"] == "Active"
    assert len(sweep.ok("ListCapacityProviders", 200)["CapacityProviders"]) == 1
    scaling = {"MaxVCpuCount": 8}
    sweep.ok("UpdateCapacityProvider", 202, **provider, CapacityProviderScalingConfig=scaling)
    assert sweep.ok("ListFunctionVersionsByCapacityProvider", 200, **provider)["FunctionVersions"] == []
    sweep.ok("DeleteCapacityProvider", 202, **provider)
    scaled = {"FunctionName": name, "Qualifier": "1"}
    for operation in ["PutFunctionScalingConfig", "GetFunctionScalingConfig"]:
        sweep.refused(operation, "AccessDeniedException", 403, **scaled)


def not_built(sweep, name):
    """Known, checked, and refused: never a success that is none."""
    execution, callback = {"DurableExecutionArn": EXECUTION}, {"CallbackId": "YQ=="}
    for operation, arguments in {
        "CheckpointDurableExecution": {**execution, "CheckpointToken": "YQ=="},
        "GetDurableExecutionState": {**execution, "CheckpointToken": "YQ=="},
        "GetDurableExecution": execution,
        "GetDurableExecutionHistory": execution,
        "ListDurableExecutionsByFunction": {"FunctionName": name},
        "StopDurableExecution": {**execution, "Error": {"ErrorMessage": "m"}},
        "SendDurableExecutionCallbackSuccess": {**callback, "Result": b"1"},
        "SendDurableExecutionCallbackFailure": {**callback, "Error": {"ErrorMessage": "m"}},
        "SendDurableExecutionCallbackHeartbeat": callback,
        "PauseDurableExecution": execution,
        "ResumeDurableExecution": execution,
        "DeleteDurableExecution": execution,
    }.items():
        sweep.refused(operation, NOT_BUILT, 501, **arguments)
    sweep.refused("GetDurableExecution", "ValidationException", 400, DurableExecutionArn="a b")


def test_the_api_families_beside_it_answer_by_name(platform):
    calls = [
        ("lambda-web", "list_web_functions", {}, "ListWebFunctions"),
        ("lambda-core", "list_runtimes", {}, "ListRuntimes"),
        ("lambda-microvms", "list_microvms", {}, "ListMicrovms"),
    ]
    for service, method, arguments, operation in calls:
        with pytest.raises(ClientError) as error:
            getattr(platform.client(service), method)(**arguments)
        found = error.value.response["Error"]
        assert found["Code"] == NOT_BUILT and found["Message"].startswith(operation), found
