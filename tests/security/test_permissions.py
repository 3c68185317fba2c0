# SPDX-License-Identifier: Apache-2.0
"""The wall of permissions: who is not root does what policies allow, through boto3 on the real server."""

import json

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, Platform, unique

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)
KEYS = """
import os
def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""


@pytest.fixture(scope="module")
def server(binary):
    """One server of its own: what is in its IAM is these tests' business."""
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def function(server):
    return server.python("def handler(event, context): return 'hello'")


def document(effect, action, resource="*"):
    return json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": resource}}
    )


class User:
    def __init__(self, server, *policies, boundary=None):
        self.iam, self.server = server.client("iam"), server
        self.name = unique("user")
        more = {}
        if boundary:
            made = self.iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=boundary)
            more["PermissionsBoundary"] = made["Policy"]["Arn"]
        self.arn = self.iam.create_user(UserName=self.name, **more)["User"]["Arn"]
        self.key = self.iam.create_access_key(UserName=self.name)["AccessKey"]
        for policy in policies:
            self.put(policy)

    def put(self, policy):
        self.iam.put_user_policy(UserName=self.name, PolicyName=unique("policy"), PolicyDocument=policy)

    def client(self, service="lambda"):
        return self.server.client(service, key=self.key["AccessKeyId"], secret=self.key["SecretAccessKey"])


def denied(call, **arguments):
    """The sentence of a denial."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    # Protocols of JSON alone say it so.
    is_json = call.__self__.meta.service_model.metadata["protocol"] == "json"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == (400 if is_json else 403), response
    codes = ("AccessDeniedException", "AccessDenied", "AuthorizationError")
    assert response["Error"]["Code"] in codes, response
    return response["Error"]["Message"]


def test_who_has_no_policy_may_nothing(server, function):
    user = User(server)

    sentence = denied(user.client().invoke, FunctionName=function.name)

    assert sentence == (
        f"User: {user.arn} is not authorized to perform: lambda:InvokeFunction on resource: {function.arn} "
        "because no identity-based policy allows the lambda:InvokeFunction action"
    )
    assert denied(user.client("iam").list_users).startswith(
        f"User: {user.arn} is not authorized to perform: iam:ListUsers"
    )
    # Everyone may ask who they are.
    assert user.client("sts").get_caller_identity()["Arn"] == user.arn


def test_a_policy_allows_what_it_names_and_no_more_and_a_deny_wins(server, function):
    user = User(server, document("Allow", "lambda:InvokeFunction", f"{function.arn}*"))

    assert user.client().invoke(FunctionName=function.name)["StatusCode"] == 200
    denied(user.client().get_function, FunctionName=function.name)
    denied(user.client().list_functions)

    user.put(document("Deny", "lambda:Invoke*"))
    sentence = denied(user.client().invoke, FunctionName=function.name)
    assert sentence.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_bounds(server, function):
    user = User(server, document("Allow", "lambda:*"), boundary=document("Allow", "lambda:Get*"))

    user.client().get_function(FunctionName=function.name)
    sentence = denied(user.client().invoke, FunctionName=function.name)

    assert sentence.endswith("because no permissions boundary allows the lambda:InvokeFunction action")


def test_a_functions_policy_lets_in_and_keeps_out(server, function):
    user, lambda_ = User(server), server.client()
    statement = {"FunctionName": function.name, "Action": "lambda:InvokeFunction", "Principal": user.arn}
    lambda_.add_permission(StatementId="let-in", **statement)
    try:
        assert user.client().invoke(FunctionName=function.name)["StatusCode"] == 200
    finally:
        lambda_.remove_permission(FunctionName=function.name, StatementId="let-in")
    denied(user.client().invoke, FunctionName=function.name)


def test_who_deploys_must_be_allowed_to_pass_the_role(server):
    role = server.client("iam").create_role(RoleName=unique("role"), AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    user = User(server, document("Allow", "lambda:*"))
    settings = {
        "FunctionName": unique(),
        "Runtime": "provided.al2023",
        "Handler": "h",
        "Role": role,
        "Code": {"ZipFile": b"not a zip"},
    }

    sentence = denied(user.client().create_function, **settings)

    assert sentence == (
        f"User: {user.arn} is not authorized to perform: iam:PassRole on resource: {role} "
        "because no identity-based policy allows the iam:PassRole action"
    )
    user.put(document("Allow", "iam:PassRole", role))
    with pytest.raises(ClientError) as error:
        user.client().create_function(**settings)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_function_does_what_its_role_says_and_nothing_else(server, function):
    iam, name = server.client("iam"), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document("Allow", "lambda:GetFunction"))
    held = server.python(KEYS)
    held.update_configuration(Role=role)
    key, secret, token = held.invoke().value()
    client = server.client(key=key, secret=secret, token=token)

    assert client.get_function(FunctionName=function.name)["Configuration"]["FunctionName"] == function.name
    sentence = denied(client.invoke, FunctionName=function.name)

    assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}/" in sentence
    assert sentence.endswith("because no identity-based policy allows the lambda:InvokeFunction action")


def test_root_is_bound_by_what_policies_of_resources_deny_and_can_change_them(server):
    """It is not locked out for ever: it reads and changes such a policy whatever that says."""
    sqs, sns, events, s3 = (server.client(service) for service in ("sqs", "sns", "events", "s3"))
    name = unique("denied")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    s3.create_bucket(Bucket=name)
    bucket = f"arn:aws:s3:::{name}"

    def everything(service, *resources):
        deny = {"Effect": "Deny", "Principal": "*", "Action": f"{service}:*", "Resource": list(resources)}
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "no", **deny}]})

    def use():
        yield sqs.send_message, {"QueueUrl": url, "MessageBody": "m"}
        yield sns.publish, {"TopicArn": topic, "Message": "m"}
        entry = {"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": bus}
        yield events.put_events, {"Entries": [entry]}
        yield s3.put_object, {"Bucket": name, "Key": "k"}

    for call, arguments in use():
        call(**arguments)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": everything("sqs", queue)})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=everything("sns", topic))
    events.put_permission(EventBusName=name, Policy=everything("events", bus))
    s3.put_bucket_policy(Bucket=name, Policy=everything("s3", bucket, f"{bucket}/*"))
    for call, arguments in use():
        assert "with an explicit deny in a resource-based policy" in denied(call, **arguments)
    denied(sqs.delete_queue, QueueUrl=url)
    assert not explained(server, f"arn:aws:iam::{ACCOUNT}:root", "sqs:SendMessage", queue)["is_allowed"]
    assert explained(server, f"arn:aws:iam::{ACCOUNT}:root", "sqs:SetQueueAttributes", queue)["is_allowed"]

    # What has no such policy is its own as before.
    other = sqs.create_queue(QueueName=unique("free"))["QueueUrl"]
    sqs.send_message(QueueUrl=other, MessageBody="m")

    assert "Deny" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    sns.remove_permission(TopicArn=topic, Label="no")
    events.remove_permission(EventBusName=name, StatementId="no")
    s3.delete_bucket_policy(Bucket=name)
    for call, arguments in use():
        call(**arguments)


def test_modes(new_platform):
    server = new_platform("--set", "identity.mode=warn").start()
    user = User(server, document("Deny", "*"))
    user.client().list_functions()
    log = server.log_path.read_text()
    assert "would be denied" in log and "lambda:ListFunctions" in log

    off = new_platform("--set", "identity.mode=off").start()
    User(off, document("Deny", "*")).client().list_functions()

    reachable = new_platform("--set", "identity.mode=off")
    assert reachable.spawn(listen="0.0.0.0:0").wait(60) != 0
    assert "identity.mode: off is for loopback only" in reachable.log_tail()


def explained(server, *arguments):
    """What `tinderbox iam explain` answers."""
    done = server.tinderbox("iam", "explain", "--data-dir", server.data_dir, "--output", "json", *arguments)
    return json.loads(done.stdout)


def test_a_denial_is_explained_by_its_statements(server, function):
    user = User(server)
    allow = {"Sid": "Read", "Effect": "Allow", "Action": "lambda:Get*", "Resource": "*"}
    here = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*", "Condition": here}
    user.put(json.dumps({"Version": "2012-10-17", "Statement": [allow, invoke]}))
    sentence = denied(user.client().invoke, FunctionName=function.name)

    why = explained(server, "--message", sentence)

    assert not why["is_allowed"] and why["sentence"] == sentence
    assert [(found["number"], found["sid"], found["outcome"]) for found in why["statements"]] == [
        (1, "Read", "is for other actions"),
        (2, None, "its condition on aws:SourceIp does not hold: the request has none"),
    ]
    assert why["missing_context"] == ["aws:SourceIp"]
    key = user.key["AccessKeyId"]
    asked = [key, "lambda:InvokeFunction", function.arn]
    there = explained(server, *asked, "--context", "aws:SourceIp=10.0.0.7")
    assert there["is_allowed"]
    assert (
        f"statement 2 of inline policy {user.iam.list_user_policies(UserName=user.name)['PolicyNames'][0]}"
        in (there["sentence"])
    )

    user.put(document("Deny", "lambda:*"))
    now = explained(server, *asked, "--context", "aws:SourceIp=10.0.0.7")
    assert "with an explicit deny in an identity-based policy: statement 1 of" in now["sentence"]
    assert now["sentence"].startswith(denied(user.client().invoke, FunctionName=function.name))


def test_what_a_functions_policy_decides_is_explained(server, function):
    user, lambda_ = User(server), server.client()
    statement = {"FunctionName": function.name, "Action": "lambda:InvokeFunction", "Principal": user.arn}
    lambda_.add_permission(StatementId="let-in", **statement)
    try:
        why = explained(server, user.arn, "lambda:InvokeFunction", function.arn)
    finally:
        lambda_.remove_permission(FunctionName=function.name, StatementId="let-in")
    assert why["is_allowed"] and "statement 1 (Sid let-in) of default, a resource-based policy" in why["sentence"]
    assert not explained(server, user.arn, "lambda:InvokeFunction", function.arn)["is_allowed"]
    nobody = server.tinderbox(
        *["iam", "explain", "--data-dir", server.data_dir, f"{user.arn}x", "lambda:X", "*"], check=False
    )
    assert nobody.returncode != 0 and "there is no user" in nobody.stderr
