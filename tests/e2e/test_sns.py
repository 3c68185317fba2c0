# SPDX-License-Identifier: Apache-2.0
"""Topics: what is published reaches queues and functions, filtered and once at least, whatever becomes of the server."""

import json
import subprocess

import pytest
from harness import ACCOUNT, REGION, Platform, allow, policy, unique, wait_until
from topics import Queue, Topic, check_signature, refused, sends, text

SAY = "import json\ndef handler(event, context):\n    print('got', json.dumps(event['Records'][0]), flush=True)"
FAIL = "def handler(event, context): raise RuntimeError('told to fail')"


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


def test_topics_come_are_changed_and_go(platform):
    client = platform.client("sns")
    topic = Topic(platform, Attributes={"DisplayName": "News"}, Tags=[{"Key": "team", "Value": "a"}])
    assert topic.arn == f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic.name}"
    assert client.create_topic(Name=topic.name)["TopicArn"] == topic.arn
    found = topic.attributes()
    assert (found["DisplayName"], found["Owner"], found["SubscriptionsConfirmed"]) == ("News", ACCOUNT, "0")
    assert json.loads(found["Policy"])["Id"] == "__default_policy_ID"
    assert topic.arn in [one["TopicArn"] for one in client.list_topics()["Topics"]]
    client.set_topic_attributes(TopicArn=topic.arn, AttributeName="DisplayName", AttributeValue="Old")
    client.add_permission(TopicArn=topic.arn, Label="x", AWSAccountId=["111111111111"], ActionName=["Publish"])
    assert (topic.attributes()["DisplayName"], len(json.loads(topic.attributes()["Policy"])["Statement"])) == ("Old", 2)
    client.remove_permission(TopicArn=topic.arn, Label="x")
    assert len(json.loads(topic.attributes()["Policy"])["Statement"]) == 1
    client.tag_resource(ResourceArn=topic.arn, Tags=[{"Key": "stage", "Value": "b"}])
    client.untag_resource(ResourceArn=topic.arn, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceArn=topic.arn)["Tags"] == [{"Key": "stage", "Value": "b"}]
    client.delete_topic(TopicArn=topic.arn)
    client.delete_topic(TopicArn=topic.arn)
    assert refused(client.get_topic_attributes, TopicArn=topic.arn) == ("NotFound", "Topic does not exist")


def test_a_queue_gets_a_notification(platform):
    topic, queue = Topic(platform), Queue(platform)
    subscription = topic.subscribe("sqs", queue.arn)
    message_id = topic.publish("hello", Subject="greeting", MessageAttributes={"who": text("me")})
    (message,) = queue.receive()
    body = json.loads(message["Body"])
    check_signature(body)
    assert body.pop("Timestamp").endswith("Z") and body.pop("Signature")
    assert body.pop("UnsubscribeURL").endswith(f"/?Action=Unsubscribe&SubscriptionArn={subscription}")
    assert body.pop("SigningCertURL").startswith(f"{platform.endpoint}/_tinderbox/sns/SimpleNotificationService-")
    assert body == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Subject": "greeting",
        "Message": "hello",
        "SignatureVersion": "1",
        "MessageAttributes": {"who": {"Type": "String", "Value": "me"}},
    }


def test_messages_are_signed_in_either_version_and_for_each_protocol(platform):
    topic, queue, function = Topic(platform), Queue(platform), platform.python(SAY)
    topic.subscribe("sqs", queue.arn)
    topic.subscribe("lambda", function.arn)
    permit(function, topic)
    assert "SignatureVersion" not in topic.attributes()
    topic.client.set_topic_attributes(TopicArn=topic.arn, AttributeName="SignatureVersion", AttributeValue="2")
    assert topic.attributes()["SignatureVersion"] == "2"
    texts = json.dumps({"default": "to all", "lambda": "to functions"})
    message_id = topic.publish(texts, MessageStructure="json")
    to_queue = json.loads(queue.receive()[0]["Body"])
    to_function = got(function, message_id)["Sns"]
    assert (to_queue["Message"], to_function["Message"]) == ("to all", "to functions")
    for message in (to_queue, to_function):
        assert message["SignatureVersion"] == "2"
        check_signature(message)
    with pytest.raises(subprocess.CalledProcessError):
        check_signature({**to_queue, "Message": "to nobody"})
    certificate = platform.call("GET", "/_tinderbox/sns/nothing.pem", sign=False)
    assert certificate.status == 404


def test_raw_messages_are_as_they_were_published(platform):
    topic, queue = Topic(platform), Queue(platform)
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true")
    attributes = {"who": text("me"), "data": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}}
    topic.publish("hello", MessageAttributes=attributes)
    (message,) = queue.receive()
    assert message["Body"] == "hello"
    assert message["MessageAttributes"]["data"]["BinaryValue"] == b"\x00\x01"
    assert message["MessageAttributes"]["who"]["StringValue"] == "me"


def permit(function, topic):
    function.platform.client().add_permission(
        FunctionName=function.name,
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic.arn,
    )


def got(function, message_id):
    """The record of a message that a function printed."""
    line = next(line for line in function.log_with(message_id).splitlines() if message_id in line)
    return json.loads(line.split("got ", 1)[1])


def test_a_function_gets_awss_event_if_its_policy_lets_the_topic(platform):
    topic, function, dead = Topic(platform), platform.python(SAY), Queue(platform)
    policy = json.dumps({"deadLetterTargetArn": dead.arn})
    subscription = topic.subscribe("lambda", function.arn, RedrivePolicy=policy)
    topic.publish("not let in")
    assert json.loads(dead.receive()[0]["Body"])["Records"][0]["Sns"]["Message"] == "not let in"
    permit(function, topic)
    message_id = topic.publish("hello")
    record = got(function, message_id)
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["EventSubscriptionArn"] == subscription
    sns = record["Sns"]
    assert (sns["Message"], sns["Subject"], sns["TopicArn"], sns["Type"]) == ("hello", None, topic.arn, "Notification")


def test_a_queues_policy_says_which_topics_may_send(platform):
    topic, queue, dead = Topic(platform), Queue(platform, Policy=""), Queue(platform)
    subscription = topic.subscribe(
        "sqs",
        queue.arn,
        RawMessageDelivery="true",
        RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}),
    )
    topic.publish("let by nobody")
    assert dead.receive()[0]["Body"] == "let by nobody"

    def lets(topic_arn):
        statement = sends(queue.arn, ArnEquals={"aws:SourceArn": topic_arn})
        platform.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy(statement)})

    lets(f"{topic.arn}-of-others")
    topic.publish("another topic may")
    assert {message["Body"] for message in dead.receive(2)} >= {"another topic may"}
    lets(topic.arn)
    topic.publish("hello")
    assert [message["Body"] for message in queue.receive()] == ["hello"]
    # A dead-letter queue has a policy, too: what it does not let in waits.
    topic.client.set_subscription_attributes(
        SubscriptionArn=subscription,
        AttributeName="RedrivePolicy",
        AttributeValue=json.dumps({"deadLetterTargetArn": Queue(platform, Policy="").arn}),
    )
    lets("arn:aws:sns:*:*:nothing")
    topic.publish("nowhere to go")
    wait_until(lambda: "dead letter not taken" in platform.log_path.read_text(), "the dead letter was refused")


def user_of(platform, *statements):
    iam, name = platform.client("iam"), unique("user")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    user = platform.client("sns", key["AccessKeyId"], key["SecretAccessKey"])
    return user, f"arn:aws:iam::{ACCOUNT}:user/{name}"


def test_a_topics_policy_says_who_may_publish(platform):
    topic, (user, arn) = Topic(platform), user_of(platform)
    code, message = refused(user.publish, TopicArn=topic.arn, Message="x")
    assert code == "AuthorizationError" and "sns:Publish" in message

    def policy_is(effect):
        statement = {"Effect": effect, "Principal": {"AWS": arn}, "Action": "SNS:Publish", "Resource": topic.arn}
        topic.client.set_topic_attributes(TopicArn=topic.arn, AttributeName="Policy", AttributeValue=policy(statement))

    policy_is("Allow")
    user.publish(TopicArn=topic.arn, Message="x")
    assert "AuthorizationError" in refused(user.get_topic_attributes, TopicArn=topic.arn)[0]
    policy_is("Deny")
    strong, arn = user_of(platform, allow("sns:*"))
    strong.publish(TopicArn=topic.arn, Message="x")
    policy_is("Deny")
    assert (
        "with an explicit deny in a resource-based policy"
        in refused(strong.publish, TopicArn=topic.arn, Message="x")[1]
    )
    for bad, reason in [
        ("{", "failed to parse"),
        (policy({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}), "out of service"),
    ]:
        attribute = {"AttributeName": "Policy", "AttributeValue": bad}
        assert reason in refused(topic.client.set_topic_attributes, TopicArn=topic.arn, **attribute)[1]


def test_filters_say_who_gets_what(platform):
    topic, cheap, dear, body = Topic(platform), Queue(platform), Queue(platform), Queue(platform)
    raw = {"RawMessageDelivery": "true"}
    topic.subscribe("sqs", cheap.arn, FilterPolicy=json.dumps({"price": [{"numeric": ["<", 10]}]}), **raw)
    arn = topic.subscribe("sqs", dear.arn, FilterPolicy=json.dumps({"kind": ["x"]}), **raw)
    topic.subscribe(
        "sqs",
        body.arn,
        FilterPolicyScope="MessageBody",
        FilterPolicy=json.dumps({"order": {"id": [{"prefix": "a-"}]}}),
        **raw,
    )
    topic.client.set_subscription_attributes(
        SubscriptionArn=arn,
        AttributeName="FilterPolicy",
        AttributeValue=json.dumps({"price": [{"numeric": [">", 10]}]}),
    )
    first, second = json.dumps({"order": {"id": "a-1"}}), json.dumps({"order": {"id": "b-2"}})
    topic.publish(first, MessageAttributes={"price": {"DataType": "Number", "StringValue": "5"}})
    topic.publish(second, MessageAttributes={"price": {"DataType": "Number", "StringValue": "50"}})
    topic.publish("nobody's")
    assert [message["Body"] for message in cheap.receive()] == [first]
    assert [message["Body"] for message in dear.receive()] == [second]
    assert [message["Body"] for message in body.receive()] == [first]
    code, message = refused(
        topic.client.set_subscription_attributes,
        SubscriptionArn=arn,
        AttributeName="FilterPolicy",
        AttributeValue='{"a": "b"}',
    )
    assert code == "InvalidParameter" and "FilterPolicy" in message


def test_subscriptions_are_listed_changed_and_ended(platform):
    topic, queue = Topic(platform), Queue(platform)
    client, arn = topic.client, topic.subscribe("sqs", queue.arn)
    assert topic.subscribe("sqs", queue.arn) == arn, "once"
    expected = {
        "SubscriptionArn": arn,
        "Owner": ACCOUNT,
        "Protocol": "sqs",
        "Endpoint": queue.arn,
        "TopicArn": topic.arn,
    }
    assert client.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"] == [expected]
    pages = client.get_paginator("list_subscriptions").paginate()
    assert expected in [one for page in pages for one in page["Subscriptions"]]
    found = client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (found["PendingConfirmation"], found["RawMessageDelivery"]) == ("false", "false")
    client.unsubscribe(SubscriptionArn=arn)
    client.unsubscribe(SubscriptionArn=arn)
    assert refused(client.get_subscription_attributes, SubscriptionArn=arn)[0] == "NotFound"
    topic.publish("to nobody")


def test_batches_and_messages_by_protocol(platform):
    topic, queue = Topic(platform), Queue(platform)
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true")
    structured = json.dumps({"default": "for all", "sqs": "for queues"})
    answer = topic.client.publish_batch(
        TopicArn=topic.arn,
        PublishBatchRequestEntries=[
            {"Id": "a", "Message": "plain"},
            {"Id": "b", "Message": structured, "MessageStructure": "json"},
            {"Id": "c", "Message": ""},
        ],
    )
    assert [one["Id"] for one in answer["Successful"]] == ["a", "b"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in answer["Failed"]] == [
        ("c", "InvalidParameter", True)
    ]
    assert [message["Body"] for message in queue.receive(2)] == ["for queues", "plain"]


def test_what_is_refused(platform):
    topic, client = Topic(platform), platform.client("sns")
    assert refused(client.create_topic, Name="a b")[1] == "Invalid parameter: Topic Name"
    assert refused(client.publish, TopicArn=topic.arn, Message="")[1] == "Invalid parameter: Empty message"
    assert (
        refused(client.publish, TopicArn=topic.arn, Message="x" * 262_145)[1] == "Invalid parameter: Message too long"
    )
    assert refused(client.publish, TopicArn=f"{topic.arn}x", Message="x") == ("NotFound", "Topic does not exist")
    assert "6 elements, not 1" in refused(client.publish, TopicArn="x", Message="x")[1]
    assert "email" in refused(client.subscribe, TopicArn=topic.arn, Protocol="email", Endpoint="a@example.com")[1]
    assert refused(client.subscribe, TopicArn=topic.arn, Protocol="sqs", Endpoint="x")[0] == "InvalidParameter"
    assert refused(client.publish_batch, TopicArn=topic.arn, PublishBatchRequestEntries=[])[0] == "EmptyBatchRequest"
    bad = {"DataType": "Strange", "StringValue": "x"}
    assert refused(client.publish, TopicArn=topic.arn, Message="x", MessageAttributes={"a": bad})[0] == (
        "ParameterValueInvalid"
    )


def test_bad_input_gets_an_error_that_awss_model_declares_for_the_operation(platform):
    client, topic, queue = platform.client("sns"), Topic(platform), Queue(platform)
    subscription, gone = topic.subscribe("sqs", queue.arn), f"{topic.arn}-gone"
    here, there, bad = {"TopicArn": topic.arn}, {"TopicArn": gone}, {"TopicArn": "x"}
    attribute = lambda name, value: {"AttributeName": name, "AttributeValue": value}  # noqa: E731
    entries = lambda *ids, size=1: {  # noqa: E731
        "PublishBatchRequestEntries": [{"Id": id_, "Message": "x" * size} for id_ in ids]
    }
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(51)]
    to_queue, name = {"Protocol": "sqs", "Endpoint": queue.arn}, unique("bad")
    told = {"who": {"DataType": "Number", "StringValue": "not one"}}
    permission = {"Label": "l", "AWSAccountId": ["111111111111"], "ActionName": ["Publish"]}
    table = {
        "create_topic": [
            {"Name": ""},
            {"Name": "a" * 257},
            {"Name": "a/b"},
            {"Name": name, "Attributes": {"Nothing": "x"}},
            {"Name": name, "Attributes": {"FifoTopic": "true"}},
            {"Name": f"{name}.fifo"},
            {"Name": name, "Attributes": {"Policy": "{"}},
            {"Name": name, "Tags": tags},
            {"Name": name, "Tags": [{"Key": "aws:x", "Value": "v"}]},
            {"Name": topic.name, "Attributes": {"DisplayName": "another"}},
        ],
        "get_topic_attributes": [bad, there, {"TopicArn": topic.arn.replace(REGION, "eu-west-1")}],
        "set_topic_attributes": [
            {**there, **attribute("DisplayName", "x")},
            {**here, **attribute("Nothing", "x")},
            {**here, **attribute("DisplayName", "x" * 101)},
            {**here, **attribute("SignatureVersion", "3")},
            {**here, **attribute("DeliveryPolicy", "{")},
            {**here, **attribute("DeliveryPolicy", '{"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": 0}}}')},
            {**here, **attribute("FifoThroughputScope", "Topic")},
        ],
        "delete_topic": [bad],
        "list_topics": [{"NextToken": "*"}],
        "subscribe": [
            {**there, **to_queue},
            {**here, "Protocol": "carrier-pigeon", "Endpoint": "x"},
            {**here, "Protocol": "sqs", "Endpoint": "x"},
            {**here, "Protocol": "lambda", "Endpoint": queue.arn},
            {**here, **to_queue, "Attributes": {"FilterPolicy": "{"}},
            {**here, **to_queue, "Attributes": {"FilterPolicy": json.dumps({f"k{n}": ["v"] for n in range(6)})}},
            {**here, **to_queue, "Attributes": {"FilterPolicyScope": "Nowhere"}},
            {**here, **to_queue, "Attributes": {"RedrivePolicy": "{}"}},
            {**here, **to_queue, "Attributes": {"RawMessageDelivery": "maybe"}},
            {**here, **to_queue, "Attributes": {"Nothing": "x"}},
        ],
        "confirm_subscription": [
            {**here, "Token": "x"},
            {**there, "Token": "x"},
            {**here, "Token": "x", "AuthenticateOnUnsubscribe": "maybe"},
        ],
        "unsubscribe": [{"SubscriptionArn": "x"}, {"SubscriptionArn": topic.arn}],
        "get_subscription_attributes": [{"SubscriptionArn": "x"}, {"SubscriptionArn": f"{topic.arn}:x"}],
        "set_subscription_attributes": [
            {"SubscriptionArn": f"{topic.arn}:x", **attribute("RawMessageDelivery", "true")},
            {"SubscriptionArn": subscription, **attribute("Nothing", "x")},
            {"SubscriptionArn": subscription, **attribute("RawMessageDelivery", "maybe")},
            {"SubscriptionArn": subscription, **attribute("DeliveryPolicy", "{}")},
        ],
        "list_subscriptions": [{"NextToken": "*"}],
        "list_subscriptions_by_topic": [there, {**here, "NextToken": "*"}],
        "publish": [
            {**there, "Message": "x"},
            {**bad, "Message": "x"},
            {"Message": "x"},
            {**here, "Message": ""},
            {**here, "Message": "x" * 262_145},
            {**here, "Message": "x", "Subject": "two\nlines"},
            {**here, "Message": "x", "MessageStructure": "json"},
            {**here, "Message": '{"sqs": "x"}', "MessageStructure": "json"},
            {**here, "Message": "x", "MessageAttributes": told},
            {**here, "Message": "x", "MessageDeduplicationId": "d"},
        ],
        "publish_batch": [
            {**there, **entries("a")},
            {**here, **entries()},
            {**here, **entries(*"abcdefghijk")},
            {**here, **entries("a", "a")},
            {**here, **entries("a b")},
            {**here, **entries("a", "b", size=200_000)},
        ],
        "add_permission": [
            {**there, **permission},
            {**here, **permission, "ActionName": ["Fly"]},
            {**here, **permission, "AWSAccountId": ["x"]},
        ],
        "remove_permission": [{**there, "Label": "l"}],
        "tag_resource": [{"ResourceArn": gone, "Tags": tags[:1]}, {"ResourceArn": topic.arn, "Tags": tags}],
        "untag_resource": [{"ResourceArn": gone, "TagKeys": ["k"]}],
        "list_tags_for_resource": [{"ResourceArn": gone}],
    }
    wrong = []
    for operation, inputs in table.items():
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        declared = {shape.metadata["error"].get("code", shape.name) for shape in model.error_shapes}
        for arguments in inputs:
            code, message = refused(getattr(client, operation), **arguments)
            if code not in declared:
                wrong.append((operation, {name: str(value)[:80] for name, value in arguments.items()}, code, message))
    assert wrong == []


def test_records_and_dead_letters_of_functions_reach_topics(new_platform):
    platform = new_platform("--set", "events.first_retry_ms=50", "--set", "events.second_retry_ms=50").start()
    topic, queue = Topic(platform), Queue(platform)
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true")
    role = platform.sending_role()
    function = platform.python(FAIL, role=role, DeadLetterConfig={"TargetArn": topic.arn})
    client = platform.client()
    client.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": topic.arn}},
    )
    client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'"the event"')
    dead_letter, record = queue.receive(2)
    assert dead_letter["Body"] == '"the event"'
    assert dead_letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "told to fail"
    assert json.loads(record["Body"])["requestContext"]["condition"] == "RetriesExhausted"


def test_what_was_published_arrives_after_kill_9(new_platform):
    platform = new_platform().start()
    topic, queue = Topic(platform), Queue(platform)
    topic.subscribe("sqs", queue.arn, RawMessageDelivery="true")
    expected = set()
    for round_ in range(3):
        for number in range(10):
            message = f"{round_}.{number}"
            topic.publish(message)
            expected.add(message)
        platform.restart()
    seen = set()

    def all_arrived():
        seen.update(message["Body"] for message in queue.receive())
        return seen >= expected

    wait_until(all_arrived, "all that was published has arrived", 60)
    assert [one["Endpoint"] for one in topic.client.list_subscriptions()["Subscriptions"]] == [queue.arn]
