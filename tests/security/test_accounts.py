# SPDX-License-Identifier: Apache-2.0
"""The wall between accounts: nothing crosses but by policy, whoever asks and whatever `identity.mode` is."""

import json

import pytest
from accounts import HELLO, OTHER, ROOT_OF_OTHER, Account, account
from botocore.exceptions import ClientError
from harness import ACCOUNT, PYTHON, REGION, allow, policy, unique, wait_until, zip_bytes
from topics import sends
from tracing import root

KEYS = """
import os
def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""


@pytest.fixture(scope="module")
def function(server, other):
    return server.python(HELLO)


def refused(call, *codes, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    found = error.value.response["Error"]
    assert found["Code"] in codes, found
    return found["Message"]


def test_an_account_has_a_root_of_its_own_and_its_key_is_private(server, other):
    assert other.path.stat().st_mode & 0o777 == 0o600
    who = other.client("sts").get_caller_identity()
    assert (who["Account"], who["Arn"]) == (OTHER, f"arn:aws:iam::{OTHER}:root")
    listed = account(server, "list").stdout
    assert OTHER in listed and ACCOUNT in listed
    assert "is there already" in account(server, "create", OTHER, check=False).stderr
    assert "is not an account id" in account(server, "create", "12", check=False).stderr


def test_nothing_is_seen_of_another_account(server, other, function):
    iam, queues, logs = server.client("iam"), server.client("sqs"), server.client("logs")
    name = unique("mine")
    iam.create_user(UserName=name)
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    logs.create_log_group(logGroupName=f"/{name}")

    assert other.client().list_functions()["Functions"] == []
    assert other.client("iam").list_users()["Users"] == []
    assert other.client("sqs").list_queues().get("QueueUrls", []) == []
    assert other.client("logs").describe_log_groups()["logGroups"] == []
    assert other.client("cloudwatch").list_metrics()["Metrics"] == []
    refused(other.client("iam").get_user, "NoSuchEntity", UserName=name)
    refused(other.client().get_function, "ResourceNotFoundException", FunctionName=function.name)

    denied = ("AccessDeniedException", "AccessDenied")
    for call in (other.client().get_function, other.client().delete_function, other.client().invoke):
        sentence = refused(call, *denied, FunctionName=function.arn)
        assert "because no resource-based policy allows" in sentence
    refused(other.client("sqs").receive_message, *denied, QueueUrl=url)
    refused(other.client("sqs").delete_queue, *denied, QueueUrl=url)
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{name}"
    refused(other.client("logs").filter_log_events, *denied, "ResourceNotFoundException", logGroupIdentifier=group)


def test_names_are_each_accounts_own(server, other, function):
    other.function(function.name, other.role()["Arn"], "def handler(event, context): return 'other'")
    assert json.load(other.client().invoke(FunctionName=function.name)["Payload"]) == "other"
    assert function.invoke().value() == "hello"
    other.client().delete_function(FunctionName=function.name)
    assert function.invoke().value() == "hello"


def test_nothing_is_sent_to_another_account(server, other):
    """Neither what a function ended with nor what was published to a topic, however often it is tried."""
    queues, sns = server.client("sqs"), other.client("sns")
    url = queues.create_queue(QueueName=unique("ours"))["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name, topic = unique("theirs"), sns.create_topic(Name=unique("theirs"))["TopicArn"]
    other.function(name, other.role(allow("sqs:SendMessage"))["Arn"])
    sent = {"OnSuccess": {"Destination": arn}}
    try:
        other.client().put_function_event_invoke_config(FunctionName=name, DestinationConfig=sent)
        other.client().invoke(FunctionName=name, InvocationType="Event")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterValueException", error
        asked = 1
    else:
        asked = 2
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="from afar")

    def refusals():
        lines = server.log_path.read_text().splitlines()
        return [line for line in lines if arn in line and "not delivered" in line]

    wait_until(lambda: len(refusals()) >= asked, "no word of what was not sent")
    assert "Messages" not in queues.receive_message(QueueUrl=url)
    other.client().delete_function(FunctionName=name)


def test_what_failed_goes_into_a_bucket_of_another_account_if_its_policy_lets_the_role(server, other):
    s3, bucket, name = server.client("s3"), unique("ours"), unique("theirs")
    s3.create_bucket(Bucket=bucket)
    role, arn = other.role(allow(["s3:PutObject", "s3:ListBucket"]))["Arn"], f"arn:aws:s3:::{bucket}"
    other.function(name, role, "def handler(event, context): raise ValueError(event)")
    client, sent = other.client(), {"OnFailure": {"Destination": arn}}
    wanted = {"FunctionName": name, "MaximumRetryAttempts": 0, "DestinationConfig": sent}
    refused(client.put_function_event_invoke_config, "InvalidParameterValueException", **wanted)
    lets = [{"Action": "s3:PutObject", "Resource": f"{arn}/*"}, {"Action": "s3:ListBucket", "Resource": arn}]
    lets = [{"Effect": "Allow", "Principal": {"AWS": role}, **what} for what in lets]
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(*lets))
    client.put_function_event_invoke_config(**wanted)

    def records():
        found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        bodies = [s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found]
        return [json.loads(body)["requestPayload"] for body in bodies]

    def is_refused():
        return any(arn in line and "not delivered" in line for line in server.log_path.read_text().splitlines())

    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'"let"')
    assert wait_until(records, "a record is in the bucket") == ["let"]
    s3.delete_bucket_policy(Bucket=bucket)
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'"alone"')
    wait_until(is_refused, "no word of what was not sent")
    assert records() == ["let"]
    client.delete_function(FunctionName=name)


def test_a_topics_policy_lets_another_account_in(server, other):
    """It may publish and subscribe then; what it subscribed is its own, and nothing else of the topic is."""
    sns, theirs = server.client("sns"), other.client("sns")
    topic = sns.create_topic(Name=unique("shared"))["TopicArn"]
    url = other.client("sqs").create_queue(QueueName=unique("theirs"))["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{OTHER}:{url.rsplit('/', 1)[1]}"
    publish, subscribe = {"TopicArn": topic, "Message": "hello"}, {"TopicArn": topic, "Protocol": "sqs"}
    refused(theirs.publish, "AuthorizationError", **publish)
    refused(theirs.subscribe, "AuthorizationError", Endpoint=queue, **subscribe)
    sns.add_permission(TopicArn=topic, Label="x", AWSAccountId=[OTHER], ActionName=["Publish", "Subscribe"])
    lets = sends(queue, ArnEquals={"aws:SourceArn": topic}, StringEquals={"aws:SourceAccount": ACCOUNT})
    other.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(lets)})
    arn = theirs.subscribe(Endpoint=queue, ReturnSubscriptionArn=True, **subscribe)["SubscriptionArn"]
    theirs.publish(**publish)

    def receive():
        return other.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")

    (message,) = wait_until(receive, "the message arrived in the other account")
    assert json.loads(message["Body"])["Message"] == "hello"
    assert theirs.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["Owner"] == OTHER
    refused(theirs.delete_topic, "AuthorizationError", TopicArn=topic)
    ours = server.client("sqs").create_queue(QueueName=unique("ours"))["QueueUrl"]
    ours = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{ours.rsplit('/', 1)[1]}"
    own = sns.subscribe(Endpoint=ours, ReturnSubscriptionArn=True, **subscribe)["SubscriptionArn"]
    refused(theirs.get_subscription_attributes, "NotFound", SubscriptionArn=own)
    theirs.unsubscribe(SubscriptionArn=own)
    assert sns.get_subscription_attributes(SubscriptionArn=own)["Attributes"]["Owner"] == ACCOUNT
    theirs.unsubscribe(SubscriptionArn=arn)
    refused(sns.get_subscription_attributes, "NotFound", SubscriptionArn=arn)


def test_a_functions_policy_lets_another_account_in(server, other, function):
    lambda_ = server.client()
    user, idle = other.user(allow("lambda:InvokeFunction")), other.user()
    statement = {"FunctionName": function.name, "StatementId": "other", "Action": "lambda:InvokeFunction"}
    lambda_.add_permission(Principal=OTHER, **statement)
    try:
        assert other.client().invoke(FunctionName=function.arn)["StatusCode"] == 200
        assert server.client("lambda", *user).invoke(FunctionName=function.arn)["StatusCode"] == 200
        # The account lets nobody in that it does not mean itself.
        sentence = refused(server.client("lambda", *idle).invoke, "AccessDeniedException", FunctionName=function.arn)
        assert sentence.endswith("because no identity-based policy allows the lambda:InvokeFunction action")
        refused(other.client().get_function, "AccessDeniedException", FunctionName=function.arn)
    finally:
        lambda_.remove_permission(FunctionName=function.name, StatementId="other")
    refused(other.client().invoke, "AccessDeniedException", FunctionName=function.arn)


def test_a_role_that_trusts_another_account_is_assumed_from_there(server, other, function):
    iam, name = server.client("iam"), unique("role")
    trust = policy({"Effect": "Allow", "Principal": ROOT_OF_OTHER, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("lambda:GetFunction")))
    session = {"RoleArn": arn, "RoleSessionName": "visitor"}

    made = other.client("sts").assume_role(**session)["Credentials"]
    keys = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    who = server.client("sts", *keys).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/visitor")
    assert server.client("lambda", *keys).get_function(FunctionName=function.name)
    refused(server.client("lambda", *keys).invoke, "AccessDeniedException", FunctionName=function.name)

    # Both sides must: the account has to allow its own users, too.
    idle = other.user()
    refused(server.client("sts", *idle).assume_role, "AccessDenied", **session)
    nobody = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    closed = policy({"Effect": "Allow", "Principal": nobody, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=closed)
    refused(other.client("sts").assume_role, "AccessDenied", **session)
    assert server.client("sts").assume_role(**session)["Credentials"]


def test_a_function_calls_as_its_own_account_and_has_no_role_of_another(server, other):
    role, name = other.role(allow("lambda:ListFunctions")), unique("who")
    other.function(name, role["Arn"], KEYS)
    key, secret, token = json.load(other.client().invoke(FunctionName=name)["Payload"])
    who = server.client("sts", key, secret, token).get_caller_identity()
    assert who["Account"] == OTHER
    assert who["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/{role['RoleName']}/{name}"
    assert who["UserId"] == f"{role['RoleId']}:{name}"
    listed = server.client("lambda", key, secret, token).list_functions()["Functions"]
    assert [found["FunctionName"] for found in listed] == [name]
    group = f"/aws/lambda/{name}"
    wait_until(lambda: other.client("logs").describe_log_streams(logGroupName=group)["logStreams"], "it has logs")

    sentence = refused(
        other.client().create_function,
        "AccessDeniedException",
        FunctionName=unique(),
        Runtime=PYTHON,
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/lambda-role",
        Code={"ZipFile": zip_bytes({"index.py": HELLO})},
    )
    assert "iam:PassRole" in sentence


def test_an_account_goes_when_nothing_is_left_in_it(server):
    leaving = Account(server, "222233334444")

    def stays(what):
        assert f"is not empty: it has {what}" in account(server, "remove", leaving.number, check=False).stderr

    url = leaving.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    stays("queues")
    leaving.client("sqs").delete_queue(QueueUrl=url)
    leaving.client("events").put_rule(Name="r", EventPattern='{"source": ["s"]}')
    stays("event buses or rules")
    leaving.client("events").delete_rule(Name="r")
    role = leaving.role()
    stays("users, groups or roles")
    leaving.function("f", role["Arn"])
    stays("functions")
    leaving.client().delete_function(FunctionName="f")
    leaving.client("iam").delete_role(RoleName=role["RoleName"])
    server.restart()
    account(server, "remove", leaving.number)
    refused(leaving.client("sts").get_caller_identity, "InvalidClientTokenId")
    assert leaving.number not in account(server, "list").stdout
    assert account(server, "remove", ACCOUNT, check=False).returncode != 0


def test_no_mode_lets_anybody_cross(new_platform):
    for mode in ("warn", "off"):
        server = new_platform("--set", f"identity.mode={mode}").start()
        other, mine = Account(server, OTHER), unique("mine")
        user = other.user()
        url = server.client("sqs").create_queue(QueueName=mine)["QueueUrl"]
        for key in (other.key, user):
            send = server.client("sqs", *key).send_message
            refused(send, "AccessDeniedException", QueueUrl=url, MessageBody="m")
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{mine}"
            refused(server.client("lambda", *key).invoke, "AccessDeniedException", FunctionName=arn)
        assert server.client("lambda", *user).list_functions()["Functions"] == []
        server.stop()


def test_a_queues_policy_lets_another_account_in(server, other):
    sqs, name = server.client("sqs"), unique("queue")
    url = sqs.create_queue(QueueName=name, tags={"team": "red"})["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    there, denied = other.client("sqs"), "AccessDeniedException"
    refused(there.send_message, denied, QueueUrl=url, MessageBody="m")
    sqs.add_permission(QueueUrl=url, Label="other", AWSAccountIds=[OTHER], Actions=["SendMessage", "GetQueueUrl"])

    assert there.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    assert there.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"] == url
    assert there.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "n"}])["Successful"]
    refused(there.receive_message, denied, QueueUrl=url)
    idle = other.user()
    refused(server.client("sqs", *idle).send_message, denied, QueueUrl=url, MessageBody="m")
    able = other.user(allow("sqs:SendMessage", arn))
    assert server.client("sqs", *able).send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    # What no policy opens to others is not seen by them, whatever the policy says.
    opened = {"Effect": "Allow", "Principal": ROOT_OF_OTHER, "Action": "sqs:*", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(opened)})
    assert len(there.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])) >= 1
    refused(there.delete_queue, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", QueueUrl=url)


def test_a_queue_of_another_account_is_polled_if_its_policy_lets_the_role(server, other):
    """Whatever the role itself may do; and no longer than the policy lets it."""
    sqs, client, name = server.client("sqs"), other.client(), unique("polled")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn, role = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", other.role(allow("sqs:*"), allow("logs:*"))["Arn"]
    other.function(name, role)
    connect = {"FunctionName": name, "EventSourceArn": arn}
    sentence = refused(client.create_event_source_mapping, "InvalidParameterValueException", **connect)
    assert sentence == "The provided execution role does not have permissions to call ReceiveMessage on SQS"
    needed = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    lets = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": needed, "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(lets)})
    mapping = client.create_event_source_mapping(**connect)["UUID"]

    def left():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

    sqs.send_message(QueueUrl=url, MessageBody="m")
    wait_until(lambda: left() == 0, "the message came to the function of the other account")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    sqs.send_message(QueueUrl=url, MessageBody="n")

    def last_result():
        return client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]

    wait_until(lambda: "permissions to call ReceiveMessage" in last_result(), "the poller is refused")
    assert left() == 1
    client.delete_event_source_mapping(UUID=mapping)


def test_a_queues_policy_and_tags_have_a_say_within_its_account(server):
    sqs, iam, name = server.client("sqs"), server.client("iam"), unique("queue")
    url = sqs.create_queue(QueueName=name, tags={"team": "red"})["QueueUrl"]
    user = iam.create_user(UserName=unique("user"))["User"]
    key = iam.create_access_key(UserName=user["UserName"])["AccessKey"]
    mine = server.client("sqs", key["AccessKeyId"], key["SecretAccessKey"])
    refused(mine.send_message, "AccessDeniedException", QueueUrl=url, MessageBody="m")
    let_in = {"Effect": "Allow", "Principal": {"AWS": user["Arn"]}, "Action": "sqs:SendMessage", "Resource": "*"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(let_in)})
    assert mine.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    keep_out = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(let_in, keep_out)})
    sentence = refused(mine.send_message, "AccessDeniedException", QueueUrl=url, MessageBody="m")
    assert sentence.endswith("with an explicit deny in a resource-based policy")

    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    red = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    allowed = policy(allow("sqs:SendMessage", Condition=red))
    iam.put_user_policy(UserName=user["UserName"], PolicyName="p", PolicyDocument=allowed)
    assert mine.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    sqs.tag_queue(QueueUrl=url, Tags={"team": "blue"})
    refused(mine.send_message, "AccessDeniedException", QueueUrl=url, MessageBody="m")
    bad = {"Policy": '{"Statement": []}'}
    refused(sqs.set_queue_attributes, "InvalidAttributeValue", QueueUrl=url, Attributes=bad)


def test_a_layers_policy_lets_functions_of_another_account_have_it(server, other):
    lambda_, name = server.client(), unique("layer")
    zipped = zip_bytes({"python/shared.py": "WORD = 'shared'"})
    layer = lambda_.publish_layer_version(LayerName=name, Content={"ZipFile": zipped})
    arn, number = layer["LayerVersionArn"], layer["Version"]
    there, user = other.client(), unique("user")
    refused(there.get_layer_version_by_arn, "AccessDeniedException", Arn=arn)
    settings = {
        "Runtime": PYTHON,
        "Handler": "index.handler",
        "Role": other.role()["Arn"],
        "Code": {"ZipFile": zip_bytes({"index.py": "import shared\ndef handler(event, context): return shared.WORD"})},
        "Layers": [arn],
    }
    sentence = refused(there.create_function, "AccessDeniedException", FunctionName=user, **settings)
    assert "lambda:GetLayerVersion" in sentence and sentence.endswith("allows the lambda:GetLayerVersion action")

    lambda_.add_layer_version_permission(
        LayerName=name, VersionNumber=number, StatementId="s", Action="lambda:GetLayerVersion", Principal=OTHER
    )
    assert there.get_layer_version_by_arn(Arn=arn)["LayerVersionArn"] == arn
    there.create_function(FunctionName=user, **settings)
    there.get_waiter("function_active_v2").wait(FunctionName=user, WaiterConfig={"Delay": 0.05, "MaxAttempts": 900})
    assert json.load(there.invoke(FunctionName=user)["Payload"]) == "shared"
    refused(there.delete_layer_version, "AccessDeniedException", LayerName=arn.rpartition(":")[0], VersionNumber=number)


def test_segments_of_a_function_stay_in_its_account(server, other):
    # Whatever trace a function names, its segments are its own account's.
    forge = """
import json, socket
def handler(event, context):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    document = {"id": "00000000000000a1", "trace_id": event["trace"], "name": "forged", "start_time": 1, "end_time": 2}
    sender.sendto(b'{"format": "json", "version": 1}\\n' + json.dumps(document).encode(), ("169.254.100.1", 2000))
"""
    trace, name = root(), unique("forge")
    own = {"id": "00000000000000a2", "trace_id": trace, "name": "own", "start_time": 1, "end_time": 2}
    server.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(own)])
    role = other.role(allow(["logs:*", "xray:PutTraceSegments"]))
    other.function(name, role["Arn"], forge)
    client = other.client()
    header = f"Root={trace};Sampled=1"
    client.meta.events.register(
        "before-sign.lambda.Invoke", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", header)
    )
    assert "FunctionError" not in client.invoke(FunctionName=name, Payload=json.dumps({"trace": trace}))

    def names(xray):
        traces = xray.batch_get_traces(TraceIds=[trace])["Traces"]
        return [json.loads(segment["Document"])["name"] for found in traces for segment in found["Segments"]]

    assert names(other.client("xray")) == ["forged"]
    assert names(server.client("xray")) == ["own"]


def test_a_buss_policy_lets_another_account_put_events(server, other):
    events, sqs, name = server.client("events"), server.client("sqs"), unique("bus")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    letting = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    made = sqs.create_queue(QueueName=name, Attributes={"Policy": policy({**letting, "Resource": queue})})
    events.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="r", EventBusName=name, Targets=[{"Id": "q", "Arn": queue}])
    entry = {"EventBusName": bus, "Source": "shop", "DetailType": "order", "Detail": "{}"}
    there, denied = other.client("events"), "AccessDeniedException"

    sentence = refused(there.put_events, denied, Entries=[entry])
    assert "events:PutEvents" in sentence and bus in sentence
    # One entry that may not is enough.
    refused(there.put_events, denied, Entries=[{**entry, "EventBusName": "default"}, entry])
    events.put_permission(EventBusName=name, Action="events:PutEvents", Principal=OTHER, StatementId="other")
    assert there.put_events(Entries=[entry])["FailedEntryCount"] == 0
    (message,) = wait_until(
        lambda: sqs.receive_message(QueueUrl=made["QueueUrl"], WaitTimeSeconds=1).get("Messages"), "it arrived", 60
    )
    assert json.loads(message["Body"])["account"] == OTHER
    # It lets it put events, and no more.
    for call in (there.describe_event_bus, there.delete_event_bus):
        refused(call, denied, "ResourceNotFoundException", "ValidationException", Name=bus)
    refused(there.put_rule, denied, Name="r", EventBusName=bus, EventPattern='{"source": ["shop"]}')
    refused(there.list_rules, denied, "ResourceNotFoundException", EventBusName=bus)
    events.remove_permission(EventBusName=name, StatementId="other")
    refused(there.put_events, denied, Entries=[entry])


def test_a_rule_reaches_nothing_of_another_account_that_does_not_let_it(server, other):
    there, sqs, name = other.client("events"), server.client("sqs"), unique("queue")
    sqs.create_queue(QueueName=name)
    own = other.client("sqs")
    url = own.create_queue(QueueName="dead")["QueueUrl"]
    dead = f"arn:aws:sqs:{REGION}:{OTHER}:dead"
    letting = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    own.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy({**letting, "Resource": dead})})
    rule = there.put_rule(Name="r", EventPattern='{"source": ["shop"]}')["RuleArn"]
    target = {"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "DeadLetterConfig": {"Arn": dead}}
    there.put_targets(Rule="r", Targets=[target])
    there.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
    (letter,) = wait_until(
        lambda: own.receive_message(QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"]).get("Messages"),
        "the dead letter arrived",
        60,
    )
    told = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert (told["ERROR_CODE"], told["RULE_ARN"]) == ("NO_PERMISSIONS", rule)
