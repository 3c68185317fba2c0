# SPDX-License-Identifier: Apache-2.0
"""Sessions of roles and users, and what functions may do with the credentials of their role."""

import uuid

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, TRUST, allow, policy, unique

KEYS = """
import os
def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""


def refused(call, code, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    assert response["Error"]["Code"] == code, response["Error"]
    return response["Error"]["Message"]


def trust(principal, **condition):
    return policy({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **condition})


def client_of(platform, service, credentials):
    return platform.client(
        service, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )


@pytest.fixture(scope="module")
def iam(platform):
    return platform.client("iam")


@pytest.fixture
def user(platform, iam):
    """A user and its key, that may assume any role by its own policy."""
    name = unique("user")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("sts:AssumeRole")))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return name, key["AccessKeyId"], key["SecretAccessKey"]


def role(iam, trusted, *statements, **settings):
    name = unique("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, **settings)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return name, arn


def test_a_session_may_do_what_its_role_may_until_that_is_gone(platform, iam, user):
    _, key, secret = user
    name, arn = role(iam, trust(f"arn:aws:iam::{ACCOUNT}:root"), allow("lambda:ListFunctions"))
    made = platform.client("sts", key, secret).assume_role(RoleArn=arn, RoleSessionName="test")
    credentials = made["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/test"
    identity = client_of(platform, "sts", credentials).get_caller_identity()
    assert identity["Arn"] == made["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]
    functions = client_of(platform, "lambda", credentials)
    functions.list_functions()
    refused(functions.get_account_settings, "AccessDeniedException")

    stolen = {**credentials, "SessionToken": credentials["SessionToken"][:-8] + "AAAAAAA="}
    refused(client_of(platform, "sts", stolen).get_caller_identity, "InvalidClientTokenId")
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    refused(functions.list_functions, "AccessDeniedException")
    iam.delete_role(RoleName=name)
    refused(client_of(platform, "sts", credentials).get_caller_identity, "InvalidClientTokenId")
    # Another of the same name is not the one that was assumed.
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{ACCOUNT}:root"))
    refused(client_of(platform, "sts", credentials).get_caller_identity, "InvalidClientTokenId")


def test_a_role_is_assumed_by_whom_it_trusts_only(platform, iam, user):
    name, key, secret = user
    sts = platform.client("sts", key, secret)
    _, of_lambda = role(iam, policy(TRUST))
    message = refused(sts.assume_role, "AccessDenied", RoleArn=of_lambda, RoleSessionName="test")
    assert message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: sts:AssumeRole")
    refused(platform.client("sts").assume_role, "AccessDenied", RoleArn=of_lambda, RoleSessionName="test")
    missing = f"arn:aws:iam::{ACCOUNT}:role/none"
    refused(sts.assume_role, "AccessDenied", RoleArn=missing, RoleSessionName="test")

    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    _, guarded = role(iam, trust(f"arn:aws:iam::{ACCOUNT}:root", Condition=condition))
    refused(sts.assume_role, "AccessDenied", RoleArn=guarded, RoleSessionName="test")
    refused(sts.assume_role, "AccessDenied", RoleArn=guarded, RoleSessionName="test", ExternalId="other")
    sts.assume_role(RoleArn=guarded, RoleSessionName="test", ExternalId="secret")
    platform.client("sts").assume_role(RoleArn=guarded, RoleSessionName="test", ExternalId="secret")


def test_how_long_a_session_lasts_and_what_is_passed_with_it(platform, iam, user):
    _, key, secret = user
    sts = platform.client("sts", key, secret)
    _, arn = role(iam, trust(f"arn:aws:iam::{ACCOUNT}:root"), allow("lambda:*"))
    asked = {"RoleArn": arn, "RoleSessionName": "test"}
    refused(sts.assume_role, "ValidationError", DurationSeconds=3601, **asked)
    refused(sts.assume_role, "MalformedPolicyDocument", Policy="{}", **asked)
    narrow = policy(allow("lambda:ListFunctions"))
    credentials = sts.assume_role(Policy=narrow, DurationSeconds=900, **asked)["Credentials"]
    functions = client_of(platform, "lambda", credentials)
    functions.list_functions()
    refused(functions.get_account_settings, "AccessDeniedException")


def test_a_session_of_a_user(platform, user):
    name, key, secret = user
    made = platform.client("sts", key, secret).get_session_token(DurationSeconds=900)["Credentials"]
    assert client_of(platform, "sts", made).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    refused(client_of(platform, "sts", made).get_session_token, "AccessDenied")


def test_a_function_may_do_what_its_role_says_and_nothing_else(platform, iam):
    arn = platform.role(allow("lambda:ListFunctions"))
    function = platform.python(KEYS, role=arn)
    key, secret, token = function.invoke().value()
    name = arn.rsplit("/", 1)[1]
    identity = platform.client("sts", key, secret, token).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{function.name}"
    functions = platform.client("lambda", key, secret, token)
    functions.list_functions()
    message = refused(functions.get_function, "AccessDeniedException", FunctionName=function.name)
    assert message == (
        f"User: {identity['Arn']} is not authorized to perform: lambda:GetFunction on resource: {function.arn}"
        " because no identity-based policy allows the lambda:GetFunction action"
    )

    document = policy(allow("lambda:GetFunction", function.arn))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    functions.get_function(FunctionName=function.name)
    refused(functions.list_functions, "AccessDeniedException")
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
    refused(functions.get_function, "AccessDeniedException", FunctionName=function.name)


def test_a_function_needs_a_role_that_lambda_may_assume(platform, iam):
    text = "The role defined for the function cannot be assumed by Lambda."
    function = platform.python("def handler(event, context): return 1")
    update = platform.client().update_function_configuration
    for arn in (f"arn:aws:iam::{ACCOUNT}:role/none", role(iam, trust(f"arn:aws:iam::{ACCOUNT}:root"))[1]):
        message = refused(update, "InvalidParameterValueException", FunctionName=function.name, Role=arn)
        assert message == text
    with pytest.raises(ClientError) as error:
        platform.python("def handler(event, context): return 1", role=f"arn:aws:iam::{ACCOUNT}:role/{uuid.uuid4()}")
    assert error.value.response["Error"]["Message"] == text
    function.update_configuration(Role=platform.role())


def test_in_mode_warn_any_role_will_do(new_platform):
    platform = new_platform("--set", 'identity.mode="warn"').start()
    function = platform.python(KEYS, role=f"arn:aws:iam::{ACCOUNT}:role/made-up")
    key, secret, token = function.invoke().value()
    platform.client("lambda", key, secret, token).list_functions()
