# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of HTTP and HTTPS: endpoints confirm them, get what is published, and may fail."""

import json
import urllib.error
import urllib.request

import pytest
from endpoints import Endpoint
from harness import Platform, unique, wait_until
from oci import Authority
from topics import Queue, Topic, check_signature, refused, require_openssl, text

# Fails quickly, after two more attempts.
IMPATIENT = json.dumps({"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 2}})


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def endpoint():
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def path():
    """A path of the endpoint that no other test has."""
    return f"/{unique('path')}"


def follow(url):
    """Status and body of what a link leads to, for somebody who does not sign."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def counts(topic):
    attributes = topic.attributes()
    return tuple(int(attributes[f"Subscriptions{state}"]) for state in ("Confirmed", "Pending", "Deleted"))


def attributes_of(topic, arn):
    return topic.client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]


def dead_letters(queue):
    return json.dumps({"deadLetterTargetArn": queue.arn})


def test_an_endpoint_confirms_gets_messages_and_ends_it_by_links(platform, endpoint, path):
    topic, url = Topic(platform), endpoint.url(path)
    answer = topic.client.subscribe(TopicArn=topic.arn, Protocol="http", Endpoint=url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    endpoint.wait_for("SubscriptionConfirmation", path)
    arn = topic.subscribe("http", url)
    first, question = endpoint.wait_for("SubscriptionConfirmation", path, 2)
    assert first.json()["Token"] != question.json()["Token"]
    assert follow(first.json()["SubscribeURL"])[0] == 400, "the last one counts"
    listed = topic.client.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"]
    assert [one["SubscriptionArn"] for one in listed] == ["PendingConfirmation"]
    assert counts(topic) == (0, 1, 0)
    assert attributes_of(topic, arn)["PendingConfirmation"] == "true"
    topic.publish("to nobody yet")

    told = question.json()
    check_signature(told)
    assert (told["Type"], told["TopicArn"], question.headers["x-amz-sns-topic-arn"]) == (
        "SubscriptionConfirmation",
        topic.arn,
        topic.arn,
    )
    assert question.headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert "You have chosen to subscribe to the topic" in told["Message"]
    status, body = follow(told["SubscribeURL"])
    assert status == 200 and f"<SubscriptionArn>{arn}</SubscriptionArn>" in body
    assert follow(told["SubscribeURL"])[0] == 200, "once more is no error"
    assert counts(topic) == (1, 0, 0)
    found = attributes_of(topic, arn)
    assert (found["PendingConfirmation"], found["ConfirmationWasAuthenticated"]) == ("false", "false")
    assert json.loads(found["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 3

    message_id = topic.publish("hello", Subject="greeting", MessageAttributes={"who": text("me")})
    (post,) = endpoint.wait_for("Notification", path)
    message = post.json()
    check_signature(message)
    assert (message["MessageId"], message["Message"], message["Subject"]) == (message_id, "hello", "greeting")
    assert message["MessageAttributes"] == {"who": {"Type": "String", "Value": "me"}}
    headers = {name: value for name, value in post.headers.items() if name.startswith(("x-amz", "content-type"))}
    assert headers == {
        "content-type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic.arn,
        "x-amz-sns-subscription-arn": arn,
    }

    assert follow(message["UnsubscribeURL"])[0] == 200
    (farewell,) = endpoint.wait_for("UnsubscribeConfirmation", path)
    check_signature(farewell.json())
    assert counts(topic) == (0, 0, 1)
    assert refused(topic.client.get_subscription_attributes, SubscriptionArn=arn)[0] == "NotFound"
    topic.publish("to nobody any more")
    assert follow(farewell.json()["SubscribeURL"])[0] == 200, "it may come back"
    topic.publish("again")
    posts = endpoint.wait_for("Notification", path, 2)
    assert [post.json()["Message"] for post in posts] == ["hello", "again"]


def test_a_subscription_that_was_confirmed_for_good_ends_by_a_signature(platform, endpoint, path):
    topic = Topic(platform)
    arn = topic.subscribe("http", endpoint.url(path))
    (question,) = endpoint.wait_for("SubscriptionConfirmation", path)
    confirm = {"TopicArn": topic.arn, "AuthenticateOnUnsubscribe": "true"}
    code, message = refused(topic.client.confirm_subscription, Token="0" * 64, **confirm)
    assert (code, message) == ("InvalidParameter", "Invalid parameter: Token")
    status, body = follow(question.json()["SubscribeURL"] + "&AuthenticateOnUnsubscribe=true")
    assert status == 403 and "<Code>AuthorizationError</Code>" in body
    token = question.json()["Token"]
    assert topic.client.confirm_subscription(Token=token, **confirm)["SubscriptionArn"] == arn
    assert attributes_of(topic, arn)["ConfirmationWasAuthenticated"] == "true"
    unsubscribing = f"{platform.endpoint}/_tinderbox/sns/?Action=Unsubscribe&SubscriptionArn={arn}"
    status, body = follow(unsubscribing)
    assert status == 403 and "<Code>AuthorizationError</Code>" in body
    for action in ("DeleteTopic", "Unsubscribe&Action=DeleteTopic", ""):
        follow(f"{platform.endpoint}/_tinderbox/sns/?Action={action}&TopicArn={topic.arn}")
    assert counts(topic) == (1, 0, 0), "a link does nothing else"
    topic.client.unsubscribe(SubscriptionArn=arn)
    assert counts(topic) == (0, 0, 0)
    assert follow(question.json()["SubscribeURL"])[0] == 400, "it does not come back"


def test_raw_messages_types_of_content_and_passwords(platform, endpoint, path):
    topic = Topic(platform)
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    raw = {"RawMessageDelivery": "true", "DeliveryPolicy": policy}
    arn = endpoint.subscribe(topic, path, "me:p4ssw0rd@", **raw)
    topic.publish('{"a": 1}')
    (post,) = endpoint.wait_for("Notification", path)
    assert (post.body, post.headers["content-type"]) == ('{"a": 1}', "application/json")
    assert post.headers["x-amz-sns-rawdelivery"] == "true"
    assert post.headers["authorization"] == "Basic bWU6cDRzc3cwcmQ="
    shown = endpoint.url(path, "me:****@")
    assert attributes_of(topic, arn)["Endpoint"] == shown
    (listed,) = topic.client.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"]
    assert (listed["Endpoint"], listed["SubscriptionArn"]) == (shown, arn)
    assert "p4ssw0rd" not in platform.log_path.read_text()


def test_what_may_pass_is_tried_again_and_what_may_not_is_a_dead_letter(platform, endpoint, path):
    topic, dead = Topic(platform), Queue(platform)
    endpoint.subscribe(topic, path, DeliveryPolicy=IMPATIENT, RedrivePolicy=dead_letters(dead))
    endpoint.answers[:] = [500, 429]
    topic.publish("third time")
    assert len({post.json()["MessageId"] for post in endpoint.wait_for("Notification", path, 3)}) == 1

    elsewhere = f"{path}-elsewhere"
    for answers, posts in [([503, 503, 503], 6), ([404], 7), ([(307, endpoint.url(elsewhere))], 8)]:
        endpoint.answers[:] = answers
        topic.publish(f"until {posts}")
        (letter,) = dead.receive()
        assert json.loads(letter["Body"])["Message"] == f"until {posts}"
        platform.client("sqs").delete_message(QueueUrl=dead.url, ReceiptHandle=letter["ReceiptHandle"])
        assert len(endpoint.wait_for("Notification", path, posts)) == posts
    assert not [post for post in endpoint.posts if post.path == elsewhere], "no redirect is followed"


def test_a_topics_policy_is_for_all_its_endpoints(platform, endpoint, path):
    topic, dead = Topic(platform), Queue(platform)

    def policy_is(**more):
        http = {"defaultHealthyRetryPolicy": json.loads(IMPATIENT)["healthyRetryPolicy"], **more}
        attribute = {"AttributeName": "DeliveryPolicy", "AttributeValue": json.dumps({"http": http})}
        topic.client.set_topic_attributes(TopicArn=topic.arn, **attribute)
        return json.loads(topic.attributes()["EffectiveDeliveryPolicy"])["http"]

    assert policy_is()["defaultHealthyRetryPolicy"]["numRetries"] == 2
    never = json.dumps({"healthyRetryPolicy": {"numRetries": 0}})
    redrive = {"RedrivePolicy": dead_letters(dead), "RawMessageDelivery": "true"}
    arn = endpoint.subscribe(topic, path, DeliveryPolicy=never, **redrive)
    endpoint.answers[:] = [500]
    topic.publish("once")
    assert dead.receive()[0]["Body"] == "once"
    assert policy_is(disableSubscriptionOverrides=True)["disableSubscriptionOverrides"] is True
    assert json.loads(attributes_of(topic, arn)["EffectiveDeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 2
    endpoint.answers[:] = [500, 500]
    topic.publish("three times")
    assert [post.body for post in endpoint.wait_for("Notification", path, 4)] == ["once"] + ["three times"] * 3


def test_endpoints_of_https_are_certified_by_whom_the_operator_says(new_platform, tmp_path):
    require_openssl()
    authority = Authority(tmp_path)
    with Endpoint(*authority.certify(tmp_path)) as endpoint, Endpoint() as plain:
        platform = new_platform("--set", f'sns.ca_file="{authority.certificate}"').start()
        topic = Topic(platform)
        endpoint.subscribe(topic)
        topic.publish("hello")
        assert endpoint.wait_for("Notification")[0].json()["Message"] == "hello"
        platform.stop()
        # Without the authority the endpoint is nobody's.
        platform.options.clear()
        platform.start()
        topic, dead = Topic(platform, topic.name), Queue(platform)
        (one,) = topic.client.list_subscriptions_by_topic(TopicArn=topic.arn)["Subscriptions"]
        for name, value in [("DeliveryPolicy", IMPATIENT), ("RedrivePolicy", dead_letters(dead))]:
            attribute = {"AttributeName": name, "AttributeValue": value}
            topic.client.set_subscription_attributes(SubscriptionArn=one["SubscriptionArn"], **attribute)
        topic.publish("to a stranger")
        assert json.loads(dead.receive()[0]["Body"])["Message"] == "to a stranger"
        assert len(endpoint.posts) == 2
        code = refused(topic.client.subscribe, TopicArn=topic.arn, Protocol="https", Endpoint=plain.url())
        assert code == ("InvalidParameter", "Invalid parameter: Endpoint must match the specified protocol")


def test_what_nobody_confirms_in_time_is_gone(new_platform):
    platform = new_platform("--set", "sns.confirmation_seconds=1").start()
    with Endpoint() as endpoint:
        topic = Topic(platform)
        arn = topic.subscribe("http", endpoint.url())
        (question,) = endpoint.wait_for("SubscriptionConfirmation")
        wait_until(lambda: counts(topic) == (0, 0, 0), "the subscription is gone")
        assert topic.client.list_subscriptions()["Subscriptions"] == []
        confirm = {"TopicArn": topic.arn, "Token": question.json()["Token"]}
        assert refused(topic.client.confirm_subscription, **confirm)[0] == "InvalidParameter"
        assert topic.subscribe("http", endpoint.url()) != arn, "it is another one"


def test_what_is_refused(platform, endpoint):
    topic, fifo = Topic(platform), Topic(platform, f"{unique()}.fifo", Attributes={"FifoTopic": "true"})

    def why(protocol, url, topic=topic, **attributes):
        subscribe = {"TopicArn": topic.arn, "Protocol": protocol, "Endpoint": url, "Attributes": attributes}
        code, message = refused(topic.client.subscribe, **subscribe)
        assert code == "InvalidParameter"
        return message

    for protocol, url in [("http", "https://127.0.0.1/"), ("https", "http://127.0.0.1/"), ("http", "")]:
        assert why(protocol, url) == "Invalid parameter: Endpoint must match the specified protocol"
    for url in ["http://", "http://a b/", "http:///path"]:
        assert why("http", url) == "Invalid parameter: Endpoint"
    assert "in no network" in why("http", "http://169.254.169.254/latest/meta-data/")
    assert "numRetries" in why("http", endpoint.url(), DeliveryPolicy='{"healthyRetryPolicy": {"numRetries": 101}}')
    assert "Protocol" in why("http", endpoint.url(), fifo)
    queue = Queue(platform)
    assert "HTTP/S alone" in why("sqs", queue.arn, DeliveryPolicy=IMPATIENT)
    assert counts(topic) == (0, 0, 0)
