# SPDX-License-Identifier: Apache-2.0
"""Event source mappings of queues: messages reach functions, in batches and in order, and none is lost."""

import datetime
import json
import re
import threading
from collections import Counter

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness import ACCOUNT, REGION, ROLE, ROOT, Platform, allow, unique, wait_until

# Tells what it got. `fail` fails the batch, `bad` the message.
TELL = """
import json, os
def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    told = {"event": event, "trace": os.environ["_X_AMZN_TRACE_ID"], "arn": context.invoked_function_arn}
    print("batch", json.dumps(told), flush=True)
    if any(body.startswith("fail") for body in bodies):
        raise RuntimeError("told to fail")
    bad = [record["messageId"] for record in event["Records"] if record["body"].startswith("bad")]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
"""
# Sends what it got to another queue.
FORWARD = (ROOT / "bench/functions/forward/index.py").read_text()


@pytest.fixture(scope="module")
def sqs(platform):
    return platform.client("sqs")


@pytest.fixture(scope="module")
def role(platform):
    return platform.role(allow("sqs:*"), allow("logs:*"))


def make(sqs, suffix="", **attributes):
    """The URL of a new queue, whose messages are hidden for as long as a function of these tests may take."""
    attributes = {"VisibilityTimeout": "10", **attributes}
    if suffix:
        attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return sqs.create_queue(QueueName=unique("q") + suffix, Attributes=attributes)["QueueUrl"]


def arn(url):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rsplit('/', 1)[1]}"


def redrive(dead, count):
    return json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": count})


def tell(platform, role, **settings):
    return platform.python(TELL, role=role, Timeout=10, **settings)


def connect(function, url, name=None, **settings):
    """The id of a new mapping, once it is enabled."""
    client = function.platform.client()
    created = client.create_event_source_mapping(
        FunctionName=name or function.name, EventSourceArn=arn(url), **settings
    )
    assert created["State"] == "Creating"
    in_state(function, created["UUID"], "Enabled")
    return created["UUID"]


def in_state(function, mapping, state):
    get = function.platform.client().get_event_source_mapping

    def found():
        answer = get(UUID=mapping)
        return answer if answer["State"] == state else None

    return wait_until(found, f"the mapping is {state}")


def batches(function):
    """What the function told of each batch so far."""
    lines = "".join(event["message"] for event in function.log_events()).splitlines()
    return [json.loads(line.split("batch ", 1)[1]) for line in lines if "batch {" in line]


def told(function):
    """The bodies that it got so far."""
    return [record["body"] for batch in batches(function) for record in batch["event"]["Records"]]


def until_told(function, bodies, timeout=60):
    wait_until(lambda: set(bodies) <= set(told(function)), f"{function.name} got {bodies}", timeout)


def counts(sqs, url):
    names = ["", "NotVisible", "Delayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return [int(found["ApproximateNumberOfMessages" + name]) for name in names]


def until_empty(sqs, url, timeout=60):
    wait_until(lambda: counts(sqs, url) == [0, 0, 0], f"{url} is empty", timeout)


def receive(sqs, url, count, timeout=90):
    """So many bodies."""
    found = []

    def more():
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    wait_until(more, f"{count} messages are in {url}", timeout)
    return found


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    assert raised.value.response["Error"]["Code"] == code, raised.value
    return raised.value.response["Error"]["Message"]


def test_messages_reach_their_function_as_awss_event(platform, sqs, role):
    function, url = tell(platform, role), make(sqs)
    mapping = connect(function, url)
    found = platform.client().get_event_source_mapping(UUID=mapping)
    assert (found["BatchSize"], found["StateTransitionReason"]) == (10, "USER_INITIATED")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody='{"a": "b"}',
        MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": trace}},
    )
    until_told(function, ['{"a": "b"}'])
    batch = batches(function)[0]
    [record] = batch["event"]["Records"]
    attributes = record.pop("attributes")
    assert attributes["ApproximateReceiveCount"] == "1" and attributes["AWSTraceHeader"] == trace
    assert {"SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp"} <= attributes.keys()
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": '{"a": "b"}',
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "messageAttributes": {
            "n": {"stringValue": "7", "stringListValues": [], "binaryListValues": [], "dataType": "Number"}
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": arn(url),
        "awsRegion": REGION,
    }
    # The trace goes on, with the function in its lineage.
    assert batch["trace"].startswith(trace.split(";")[0]) and ";Lineage=1:" in batch["trace"]
    until_empty(sqs, url)
    done = wait_until(
        lambda: platform.client().get_event_source_mapping(UUID=mapping).get("LastProcessingResult"), "a result"
    )
    assert done == "OK"


def test_a_mapping_needs_a_queue_that_the_role_may_poll(platform, sqs, role):
    create, url = platform.client().create_event_source_mapping, make(sqs, VisibilityTimeout="5")

    def refusal(function, url=url):
        return refused("InvalidParameterValueException", create, FunctionName=function.name, EventSourceArn=arn(url))

    denied = "The provided execution role does not have permissions to call {} on SQS"
    assert refusal(tell(platform, ROLE)) == denied.format("ReceiveMessage")
    half = platform.role(allow(["sqs:ReceiveMessage", "sqs:GetQueueAttributes"]))
    assert refusal(tell(platform, half)) == denied.format("DeleteMessage")
    function = tell(platform, role)
    assert refusal(function) == "Queue visibility timeout: 5 seconds is less than Function timeout: 10 seconds"
    assert refusal(function, url + "x") == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist."
    )
    assert platform.client().list_event_source_mappings(EventSourceArn=arn(url))["EventSourceMappings"] == []


def test_a_role_that_may_no_more_is_asked_at_each_poll(platform, sqs):
    own, iam = platform.role(allow("sqs:*")), platform.client("iam")
    function, url = tell(platform, own), make(sqs)
    mapping = connect(function, url)
    name = own.rsplit("/", 1)[1]
    deny = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    iam.put_role_policy(
        RoleName=name, PolicyName="no", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    get = platform.client().get_event_source_mapping
    said = "PROBLEM: The provided execution role does not have permissions to call ReceiveMessage on SQS"
    wait_until(lambda: get(UUID=mapping).get("LastProcessingResult") == said, "the mapping says why")
    assert told(function) == [] and counts(sqs, url) == [1, 0, 0]
    iam.delete_role_policy(RoleName=name, PolicyName="no")
    until_told(function, ["kept"])


def test_what_no_filter_is_for_is_deleted(platform, sqs, role):
    function, url = tell(platform, role), make(sqs)
    patterns = [
        {"body": {"kind": ["order"], "price": [{"numeric": [">", 10]}]}},
        {"body": {"kind": [{"prefix": "re"}]}},
    ]
    connect(function, url, FilterCriteria={"Filters": [{"Pattern": json.dumps(each)} for each in patterns]})
    wanted = ['{"kind": "order", "price": 11}', '{"kind": "refund"}']
    for body in ["text", '{"kind": "order", "price": 10}', '{"kind": "offer"}', *wanted]:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    until_empty(sqs, url)
    until_told(function, wanted)
    assert sorted(set(told(function))) == sorted(wanted)


def test_events_are_counted_as_metrics(platform, sqs, role):
    function, url = tell(platform, role), make(sqs)
    mapping = connect(
        function, url, MetricsConfig={"Metrics": ["EventCount"]}, FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": [{"anything-but": "unwanted"}]})}]},
    )  # fmt: skip
    for body in ["one", "two", "unwanted"]:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    until_empty(sqs, url)
    cloudwatch, now = platform.client("cloudwatch"), datetime.datetime.now(datetime.timezone.utc)

    def total(metric):
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=metric, Statistics=["Sum"], Period=3600,
            Dimensions=[{"Name": "EventSourceMappingUUID", "Value": mapping}],
            StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(hours=1),
        )  # fmt: skip
        return sum(point["Sum"] for point in found["Datapoints"])

    expected = {"FilteredOutEventCount": 1, "DeletedEventCount": 2}
    wait_until(lambda: {metric: total(metric) for metric in expected} == expected, "events are counted")
    assert total("PolledEventCount") >= 3 and total("InvokedEventCount") >= 2


def test_what_fails_comes_again_and_ends_among_the_dead_letters(platform, sqs, role):
    dead = make(sqs)
    function, url = tell(platform, role), make(sqs, RedrivePolicy=redrive(dead, 2))
    connect(function, url, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    bodies = ["good-1", "bad-1", "good-2"]
    sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
    )
    # Its batch has nothing else in it, or the others would fail too.
    until_told(function, bodies)
    wait_until(lambda: counts(sqs, url)[0] == 0 and counts(sqs, url)[1] <= 1, "the good ones are gone")
    sqs.send_message(QueueUrl=url, MessageBody="fail-1")
    assert sorted(receive(sqs, dead, 2)) == ["bad-1", "fail-1"]
    until_empty(sqs, url)
    seen = Counter(told(function))
    assert seen["bad-1"] >= 2 and seen["fail-1"] >= 2


def test_the_order_of_a_group_holds_and_groups_do_not_wait_for_each_other(platform, sqs, role):
    dead = make(sqs, ".fifo")
    function, url = tell(platform, role), make(sqs, ".fifo", RedrivePolicy=redrive(dead, 2))
    bodies = [f"{'bad' if (group, n) == ('a', 2) else 'good'}-{group}-{n}" for n in range(5) for group in "abc"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body.split("-")[1])
    connect(function, url, BatchSize=1, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert receive(sqs, dead, 1) == ["bad-a-2"]
    until_empty(sqs, url)
    until_told(function, bodies)
    seen = told(function)
    for group in "abc":
        first = [body for place, body in enumerate(seen) if body.endswith(tuple(f"{group}-{n}" for n in range(5)))]
        order = list(dict.fromkeys(first))
        assert order == [body for body in bodies if f"-{group}-" in body]


def test_a_window_gathers_a_batch(platform, sqs, role):
    function, url = tell(platform, role), make(sqs, VisibilityTimeout="300")
    for start in range(0, 50, 10):
        entries = [{"Id": str(n), "MessageBody": f"m-{n}"} for n in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    connect(function, url, BatchSize=25, MaximumBatchingWindowInSeconds=250)
    # Full batches do not wait for their window.
    until_empty(sqs, url)
    assert [len(batch["event"]["Records"]) for batch in batches(function)] == [25, 25]


def test_a_mapping_is_disabled_changed_and_deleted(platform, sqs, role):
    function, url = tell(platform, role), make(sqs)
    client = platform.client()
    client.publish_version(FunctionName=function.name)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    mapping = connect(function, url, name=f"{function.name}:live", Enabled=True)
    sqs.send_message(QueueUrl=url, MessageBody="one")
    until_told(function, ["one"])
    assert batches(function)[0]["arn"] == f"{function.arn}:live"

    assert client.update_event_source_mapping(UUID=mapping, Enabled=False)["State"] == "Disabling"
    in_state(function, mapping, "Disabled")
    sqs.send_message(QueueUrl=url, MessageBody="two")
    assert receive(sqs, url, 1) == ["two"]
    sqs.send_message(QueueUrl=url, MessageBody="three")
    assert client.update_event_source_mapping(UUID=mapping, Enabled=True, BatchSize=1)["State"] == "Enabling"
    until_told(function, ["three"])
    assert in_state(function, mapping, "Enabled")["BatchSize"] == 1
    assert client.update_event_source_mapping(UUID=mapping, FunctionName=function.name)["State"] == "Updating"
    in_state(function, mapping, "Enabled")
    sqs.send_message(QueueUrl=url, MessageBody="four")
    until_told(function, ["four"])
    assert batches(function)[-1]["arn"] == function.arn

    assert client.delete_event_source_mapping(UUID=mapping)["State"] == "Deleting"

    def is_gone():
        try:
            assert client.get_event_source_mapping(UUID=mapping)["State"] == "Deleting"
        except client.exceptions.ResourceNotFoundException:
            return True
        return False

    wait_until(is_gone, "the mapping is gone")
    sqs.send_message(QueueUrl=url, MessageBody="five")
    assert receive(sqs, url, 1) == ["five"]
    assert "two" not in told(function) and "five" not in told(function)


def test_a_throttled_function_gets_its_messages_later(platform, sqs, role):
    function, url = tell(platform, role), make(sqs, VisibilityTimeout="60")
    client = platform.client()
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    mapping = connect(function, url)
    sqs.send_message(QueueUrl=url, MessageBody="patient")
    wait_until(
        lambda: client.get_event_source_mapping(UUID=mapping).get("LastProcessingResult", "").startswith("PROBLEM"),
        "the function was throttled",
    )
    client.delete_function_concurrency(FunctionName=function.name)
    until_told(function, ["patient"], 120)
    until_empty(sqs, url)


def test_no_more_run_at_once_than_a_mapping_lets(platform, sqs, role):
    function = platform.python("import time\ndef handler(event, context): time.sleep(0.3)", role=role, Timeout=10)
    bounded, provisioned = make(sqs, VisibilityTimeout="60"), make(sqs)
    entries = [{"Id": str(number), "MessageBody": "m"} for number in range(10)]
    for _ in range(2):
        sqs.send_message_batch(QueueUrl=bounded, Entries=entries)
    mapping = connect(function, bounded, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    until_empty(sqs, bounded)
    now, cloudwatch = datetime.datetime.now(datetime.timezone.utc), platform.client("cloudwatch")

    def most(metric, **dimensions):
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=metric, Statistics=["Maximum"], Period=3600,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - datetime.timedelta(hours=1), EndTime=now + datetime.timedelta(hours=2),
        )  # fmt: skip
        return max((point["Maximum"] for point in found["Datapoints"]), default=None)

    wait_until(lambda: most("ConcurrentExecutions", FunctionName=function.name) == 2, "two at once are told")
    assert most("ProvisionedPollers", EventSourceMappingUUID=mapping) is None
    # Provisioned pollers are there before there is anything to poll.
    mapping = connect(function, provisioned, ProvisionedPollerConfig={"MinimumPollers": 3, "MaximumPollers": 4})
    wait_until(lambda: most("ProvisionedPollers", EventSourceMappingUUID=mapping) == 3, "pollers are told")


def test_a_loop_through_a_queue_is_ended(platform, sqs, role):
    dead = make(sqs)
    url = make(sqs, RedrivePolicy=redrive(dead, 1))
    looped = 'print("round", os.environ["_X_AMZN_TRACE_ID"], flush=True)\n    entries = ['
    source = FORWARD.replace("entries = [", looped, 1)
    function = platform.python(source, role=role, Timeout=10, Environment={"Variables": {"TARGET": url}})
    connect(function, url)
    sqs.send_message(QueueUrl=url, MessageBody="again")
    # The function is called sixteen times; the message that it sent then is not given to it.
    assert receive(sqs, dead, 1) == ["again"]
    text = "".join(event["message"] for event in function.log_events())
    hops = [int(hop) for hop in re.findall(r"round .*Lineage=1:\w+:(\d+)", text)]
    assert sorted(set(hops)) == list(range(16))


def send_all(sqs, url, bodies, acknowledged):
    """Sends until all are sent or the server is gone."""
    try:
        for start in range(0, len(bodies), 10):
            some = bodies[start : start + 10]
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(some)]
            sent = sqs.send_message_batch(QueueUrl=url, Entries=entries)
            acknowledged.update(some[int(done["Id"])] for done in sent["Successful"])
    except (BotoCoreError, ClientError):
        return


def kill_under_load(platform, names, number, each, acknowledged):
    """A round: messages are sent and forwarded, and in the middle of that the server is killed."""
    sqs = platform.client("sqs")
    url, target = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in names)
    before, there = len(acknowledged), sum(counts(sqs, target))
    workers = [
        threading.Thread(
            target=send_all, args=(sqs, url, [f"{number}-{worker}-{n}" for n in range(each)], acknowledged)
        )
        for worker in range(2)
    ]
    for worker in workers:
        worker.start()
    wait_until(lambda: len(acknowledged) >= before + each, "messages were sent", 120)
    wait_until(lambda: sum(counts(sqs, target)) >= there + each // 4, "messages are forwarded", 120)
    platform.kill()
    for worker in workers:
        worker.join(120)


def test_nothing_is_lost_when_the_server_is_killed_under_load(binary):
    """Senders go on while the server is killed again and again. What was acknowledged reaches the function; what it got twice
    is counted, and allowed."""
    platform = Platform().start()
    try:
        sqs = platform.client("sqs")
        role = platform.role(allow("sqs:*"), allow("logs:*"))
        url, target = make(sqs, VisibilityTimeout="60"), make(sqs, VisibilityTimeout="600")
        settings = {"Variables": {"TARGET": target}}
        function = platform.deploy({"index.py": FORWARD}, role=role, Timeout=60, Environment=settings)
        connect(function, url)
        names, acknowledged, forwarded = [each.rsplit("/", 1)[1] for each in (url, target)], set(), Counter()
        for number in range(4):
            kill_under_load(platform, names, number, 300, acknowledged)
            platform.start()
        sqs = platform.client("sqs")
        url, target = (sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in names)
        until_empty(sqs, url, 180)
        forwarded.update(drain(sqs, target))
        assert acknowledged - set(forwarded) == set()
        assert len(acknowledged) >= 4 * 300
        print(f"{len(acknowledged)} acknowledged, {forwarded.total() - len(forwarded)} duplicates")
    finally:
        platform.stop()
        platform.discard()


def drain(sqs, url):
    """The bodies of everything that is there now."""
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        found.extend(each["Body"] for each in messages)
    return found


def test_a_graceful_stop_lets_batches_end(binary):
    platform = Platform().start()
    try:
        sqs = platform.client("sqs")
        slow = TELL.replace("import json, os", "import json, os, time").replace(
            "    if any(", "    time.sleep(3)\n    if any("
        )
        function = platform.python(slow, role=platform.role(allow("sqs:*"), allow("logs:*")), Timeout=30)
        url = make(sqs, VisibilityTimeout="600")
        mapping = connect(function, url)
        sqs.send_message(QueueUrl=url, MessageBody="slow")
        until_told(function, ["slow"])
        assert platform.stop() == 0
        platform.start()
        sqs = platform.client("sqs")
        url = sqs.get_queue_url(QueueName=url.rsplit("/", 1)[1])["QueueUrl"]
        assert counts(sqs, url) == [0, 0, 0]
        assert told(function) == ["slow"]
        # It is polled again.
        in_state(function, mapping, "Enabled")
        sqs.send_message(QueueUrl=url, MessageBody="next")
        until_told(function, ["slow", "next"])
    finally:
        platform.stop()
        platform.discard()
