# SPDX-License-Identifier: Apache-2.0
"""Users, groups, roles and policies, through boto3 and the AWS CLI."""

import json

import harness
import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, allow, unique
from harness import policy as document

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


TRUST = document(harness.TRUST)
READ = document(allow("s3:GetObject", "arn:aws:s3:::b/*"))


@pytest.fixture(scope="module")
def iam(platform):
    return platform.client("iam")


def refused(call, code, status, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return response["Error"]["Message"]


def test_a_role_as_terraform_makes_changes_and_destroys_it(iam):
    name = unique("role")
    made = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=TRUST, Description="d")["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/{name}"
    assert made["RoleId"].startswith("AROA") and len(made["RoleId"]) == 21

    # What it reads before each plan.
    role = iam.get_role(RoleName=name)["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (role["MaxSessionDuration"], role["Description"], role["Path"]) == (3600, "d", "/team/")
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []

    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=READ)
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inline"]
    assert iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"] == json.loads(READ)
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]

    other = document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    )
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)
    iam.update_role(RoleName=name, Description="e", MaxSessionDuration=7200)
    assert iam.update_role_description(RoleName=name, Description="f")["Role"]["Description"] == "f"
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=BASIC)
    iam.tag_role(RoleName=name, Tags=[{"Key": "k", "Value": "v"}, {"Key": "l", "Value": ""}])
    iam.untag_role(RoleName=name, TagKeys=["l"])
    role = iam.get_role(RoleName=name)["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(other)
    assert (role["MaxSessionDuration"], role["Tags"]) == (7200, [{"Key": "k", "Value": "v"}])
    boundary = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": BASIC}
    assert role["PermissionsBoundary"] == boundary
    iam.delete_role_permissions_boundary(RoleName=name)

    assert iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    message = refused(iam.delete_role, "DeleteConflict", 409, RoleName=name)
    assert message == "Cannot delete entity, must detach all policies first."
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC)
    message = refused(iam.delete_role, "DeleteConflict", 409, RoleName=name)
    assert message == "Cannot delete entity, must delete policies first."
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    iam.delete_role(RoleName=name)
    message = refused(iam.get_role, "NoSuchEntity", 404, RoleName=name)
    assert message == f"The role with name {name} cannot be found."


def test_what_a_role_may_not_be(iam):
    name = unique("role")
    message = refused(iam.create_role, "MalformedPolicyDocument", 400, RoleName=name, AssumeRolePolicyDocument="{}")
    assert message
    refused(iam.create_role, "MalformedPolicyDocument", 400, RoleName=name, AssumeRolePolicyDocument=READ)
    refused(iam.create_role, "ValidationError", 400, RoleName="a b", AssumeRolePolicyDocument=TRUST)
    long = document({**json.loads(TRUST)["Statement"][0], "Sid": "a" * 2048})
    message = refused(iam.create_role, "LimitExceeded", 409, RoleName=name, AssumeRolePolicyDocument=long)
    assert message == "Cannot exceed quota for ACLSizePerRole: 2048"
    missing = f"arn:aws:iam::{ACCOUNT}:policy/none"
    settings = {"RoleName": name, "AssumeRolePolicyDocument": TRUST}
    refused(iam.create_role, "NoSuchEntity", 404, PermissionsBoundary=missing, **settings)
    iam.create_role(**settings)
    refused(iam.create_role, "EntityAlreadyExists", 409, **{**settings, "RoleName": name.upper()})
    message = refused(iam.attach_role_policy, "NoSuchEntity", 404, RoleName=name, PolicyArn=missing)
    assert message == f"Policy {missing} does not exist or is not attachable."
    refused(iam.detach_role_policy, "NoSuchEntity", 404, RoleName=name, PolicyArn=BASIC)
    large = document(allow("s3:GetObject", ["arn:aws:s3:::" + "a" * 900] * 12))
    message = refused(iam.put_role_policy, "LimitExceeded", 409, RoleName=name, PolicyName="p", PolicyDocument=large)
    assert message == f"Maximum policy size of 10240 bytes exceeded for role {name}"


def test_a_managed_policy_and_its_versions(iam):
    name = unique("policy")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=READ, Description="d")["Policy"]["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    for version in range(2, 6):
        text = document(allow(f"s3:Get{version}"))
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=version == 5)
        assert made["PolicyVersion"]["VersionId"] == f"v{version}"
    refused(iam.create_policy_version, "LimitExceeded", 409, PolicyArn=arn, PolicyDocument=READ)
    refused(iam.delete_policy_version, "DeleteConflict", 409, PolicyArn=arn, VersionId="v5")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [
        ("v5", True), ("v4", False), ("v3", False), ("v1", False),
    ]  # fmt: skip
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert (version["Document"], version["IsDefaultVersion"]) == (json.loads(READ), True)
    refused(iam.get_policy_version, "NoSuchEntity", 404, PolicyArn=arn, VersionId="v2")

    role = unique("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (policy["AttachmentCount"], policy["DefaultVersionId"], policy["Description"]) == (1, "v1", "d")
    holders = iam.list_entities_for_policy(PolicyArn=arn)
    assert [held["RoleName"] for held in holders["PolicyRoles"]] == [role]
    assert iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="User")["PolicyRoles"] == []
    local = iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]
    assert [found["Arn"] for found in local] == [arn]
    refused(iam.delete_policy, "DeleteConflict", 409, PolicyArn=arn)
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    refused(iam.delete_policy, "DeleteConflict", 409, PolicyArn=arn)
    for version in ("v3", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.delete_policy(PolicyArn=arn)
    refused(iam.get_policy, "NoSuchEntity", 404, PolicyArn=arn)


def test_policies_of_aws_are_there_and_stay(iam):
    policies = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 7})
    arns = [policy["Arn"] for page in policies for policy in page["Policies"]]
    assert BASIC in arns and len(arns) == len(set(arns)) and arns == sorted(arns)
    for arn in arns:
        policy = iam.get_policy(PolicyArn=arn)["Policy"]
        version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        # A simulation would refuse what the engine cannot read; to make a policy of it asks the same.
        name = unique("copy")
        copied = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(version["Document"]))
        iam.delete_policy(PolicyArn=copied["Policy"]["Arn"])
    refused(iam.delete_policy, "AccessDenied", 403, PolicyArn=BASIC)


def test_policies_of_aws_are_read_by_who_may(platform, iam):
    user = unique("user")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    own = platform.client("iam", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    refused(own.get_policy, "AccessDenied", 403, PolicyArn=BASIC)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(allow("iam:GetPolicy", "*")))
    assert own.get_policy(PolicyArn=BASIC)["Policy"]["Arn"] == BASIC
    # While some resource's policy denies something, root's calls are looked at, too.
    s3, bucket = platform.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(denied))
    try:
        assert iam.get_policy(PolicyArn=BASIC)["Policy"]["Arn"] == BASIC
    finally:
        s3.delete_bucket_policy(Bucket=bucket)


def test_users_their_groups_and_keys(platform, iam):
    user, group = unique("user"), unique("group")
    made = iam.create_user(UserName=user, Path="/staff/", Tags=[{"Key": "k", "Value": "v"}])["User"]
    assert made["UserId"].startswith("AIDA")
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.attach_group_policy(GroupName=group, PolicyArn=BASIC)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=READ)
    assert [found["UserName"] for found in iam.get_group(GroupName=group)["Users"]] == [user]

    keys = [iam.create_access_key(UserName=user)["AccessKey"] for _ in range(2)]
    refused(iam.create_access_key, "LimitExceeded", 409, UserName=user)
    key, other = keys
    assert key["AccessKeyId"].startswith("AKIA") and len(key["SecretAccessKey"]) == 40
    own = platform.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    identity = own.get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/staff/{user}"
    assert identity["UserId"] == made["UserId"]

    renamed = unique("user")
    iam.update_user(UserName=user, NewUserName=renamed)
    assert own.get_caller_identity()["Arn"].endswith(f"user/staff/{renamed}")
    assert iam.list_groups_for_user(UserName=renamed)["Groups"][0]["GroupName"] == group
    iam.update_access_key(UserName=renamed, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    refused(own.get_caller_identity, "InvalidClientTokenId", 403)
    iam.update_access_key(UserName=renamed, AccessKeyId=key["AccessKeyId"], Status="Active")
    own.get_caller_identity()

    message = refused(iam.delete_user, "DeleteConflict", 409, UserName=renamed)
    assert message == "Cannot delete entity, must delete access keys first."
    for made in (key, other):
        iam.delete_access_key(UserName=renamed, AccessKeyId=made["AccessKeyId"])
    refused(own.get_caller_identity, "InvalidClientTokenId", 403)
    iam.delete_user_policy(UserName=renamed, PolicyName="p")
    refused(iam.delete_user, "DeleteConflict", 409, UserName=renamed)
    refused(iam.delete_group, "DeleteConflict", 409, GroupName=group)
    iam.remove_user_from_group(GroupName=group, UserName=renamed)
    iam.delete_user(UserName=renamed)
    iam.detach_group_policy(GroupName=group, PolicyArn=BASIC)
    iam.delete_group(GroupName=group)


def test_lists_come_in_pages(iam):
    prefix = f"/{unique('pages')}/"
    names = [unique("paged") for _ in range(5)]
    for name in names:
        iam.create_role(RoleName=name, Path=prefix, AssumeRolePolicyDocument=TRUST)
    first = iam.list_roles(PathPrefix=prefix, MaxItems=2)
    assert first["IsTruncated"] and len(first["Roles"]) == 2
    pages = iam.get_paginator("list_roles").paginate(PathPrefix=prefix, PaginationConfig={"PageSize": 2})
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == sorted(names)
    refused(iam.list_roles, "ValidationError", 400, Marker="no marker")


def test_the_account(iam):
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["RolesQuota"], summary["AccessKeysPerUserQuota"], summary["AccountMFAEnabled"]) == (1000, 2, 0)
    assert summary["Roles"] >= 1
    iam.create_account_alias(AccountAlias="the-alias")
    assert iam.list_account_aliases()["AccountAliases"] == ["the-alias"]
    iam.delete_account_alias(AccountAlias="the-alias")
    assert iam.get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_a_service_linked_role_is_its_services(iam):
    role = iam.create_service_linked_role(AWSServiceName="lambda.amazonaws.com")["Role"]
    assert role["Arn"].endswith(":role/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda")
    refused(iam.delete_role, "UnmodifiableEntity", 400, RoleName=role["RoleName"])
    refused(iam.create_service_linked_role, "InvalidInput", 400, AWSServiceName="lambda.amazonaws.com")
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_the_command_line_of_aws(platform):
    name = unique("role")
    platform.cli("iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUST)
    shown = platform.cli("iam", "get-role", "--role-name", name, "--query", "Role.AssumeRolePolicyDocument")
    assert json.loads(shown.stdout) == json.loads(TRUST)
    platform.cli("iam", "delete-role", "--role-name", name)
    failed = platform.cli("iam", "get-role", "--role-name", name, check=False)
    assert "NoSuchEntity" in failed.stderr


def test_what_was_made_survives_a_kill_and_secrets_are_sealed(tmp_path):
    platform = harness.Platform(home=tmp_path / "p")
    platform.home.mkdir()
    platform.start()
    try:
        iam = platform.client("iam")
        assert iam.get_role(RoleName="lambda-role")["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
        iam.create_user(UserName="u")
        key = iam.create_access_key(UserName="u")["AccessKey"]
        iam.detach_role_policy(RoleName="lambda-role", PolicyArn=BASIC)
        iam.delete_role(RoleName="lambda-role")
        platform.restart()
        arn = platform.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).get_caller_identity()["Arn"]
        assert arn == f"arn:aws:iam::{ACCOUNT}:user/u"
        refused(platform.client("iam").get_role, "NoSuchEntity", 404, RoleName="lambda-role")

        platform.stop()
        secret = key["SecretAccessKey"].encode()
        for path in platform.data_dir.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path
        key_file = platform.data_dir / "key"
        assert key_file.stat().st_mode & 0o777 == 0o600
        key_file.chmod(0o644)
        process = platform.spawn()
        assert process.wait(30) != 0
        assert "its mode is 644, not 600" in platform.log_tail()
    finally:
        platform.stop()
        platform.discard()
