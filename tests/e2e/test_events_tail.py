# SPDX-License-Identifier: Apache-2.0
"""`tinderbox events tail`: what flows is shown while it happens, with why something did not arrive."""

import json
import os
import socket
import subprocess
import threading
import time

import pytest
from harness import ACCOUNT, BINARY, REGION, Platform, allow, clean_environment, unique, wait_until
from topics import Queue

SAY = "def handler(event, context): return event"
FAIL = "def handler(event, context): raise RuntimeError('told to fail')"


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform("--set", "events.first_retry_ms=100", "--set", "events.second_retry_ms=100").start()
    yield platform
    platform.stop()
    platform.discard()


class Tail:
    """The command, and the lines that it printed so far."""

    def __init__(self, platform, *options):
        command = [BINARY, "events", "tail", "--data-dir", platform.data_dir, *options]
        self.process = subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
        )
        assert self.process.stderr.readline().startswith("listening"), self.process.stderr.read()
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def facts(self):
        return [json.loads(line) for line in list(self.lines)]

    def until(self, outcome, timeout=60, **wanted):
        """The first fact with this outcome and these members."""

        def found():
            for fact in self.facts():
                if fact["outcome"] == outcome and all(fact[name] == value for name, value in wanted.items()):
                    return fact
            return None

        return wait_until(found, f"{outcome}, {wanted}", timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


def make_queue(platform, **attributes):
    """URL and ARN."""
    name = unique("queue")
    url = platform.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def test_an_asynchronous_event_is_followed_to_its_destination(platform):
    function = platform.python(SAY, role=platform.role(allow("sqs:*"), allow("logs:*")))
    _, queue = make_queue(platform)
    platform.client().put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": queue}}
    )
    arn = function.arn
    with Tail(platform, "--json") as tail:
        request_id = function.invoke({"n": 1}, InvocationType="Event").request_id
        accepted = tail.until("accepted", target=arn)
        delivered = tail.until("delivered", target=arn)
        record = tail.until("delivered", source=arn)
    assert (accepted["source"], accepted["account"], accepted["request_id"]) == ("api", ACCOUNT, request_id)
    assert (delivered["source"], delivered["request_id"]) == ("events", request_id)
    assert (record["target"], record["request_id"], record["reason"]) == (queue, request_id, None)
    assert accepted["trace_id"].startswith("1-")
    assert {accepted["trace_id"]} == {delivered["trace_id"], record["trace_id"]}
    assert accepted["time"] <= delivered["time"] <= record["time"]


def test_why_an_event_failed_is_shown(platform):
    _, queue = make_queue(platform)
    role = platform.role(allow("sqs:*"), allow("logs:*"))
    told = platform.python(FAIL, role=role, DeadLetterConfig={"TargetArn": queue})
    untold, switched_off = platform.python(FAIL), platform.python(SAY)
    for function in (told, untold):
        platform.client().put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=1)
    platform.client().put_function_concurrency(FunctionName=switched_off.name, ReservedConcurrentExecutions=0)
    with Tail(platform, "--json") as tail:
        for function in (told, untold, switched_off):
            function.invoke({}, InvocationType="Event")
        retried = tail.until("retried", target=told.arn)
        failed = tail.until("failed", target=told.arn)
        dead = tail.until("dead-letter", source=told.arn)
        dropped = tail.until("dropped", target=untold.arn)
        off = tail.until("dropped", target=switched_off.arn)
    assert retried["reason"].startswith("function error in attempt 1, again in")
    assert failed["reason"] == dropped["reason"] == "function error in attempt 2"
    assert dead["target"] == queue
    assert off["reason"] == "its reserved concurrency is 0"


def test_messages_of_a_mapping_are_followed(platform):
    _, dead = make_queue(platform)
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})
    url, queue = make_queue(platform, VisibilityTimeout="5", RedrivePolicy=redrive)
    role = platform.role(allow("sqs:*"), allow("logs:*"))
    function = platform.python(
        "def handler(event, context):\n    if 'bad' in event['Records'][0]['body']: raise RuntimeError('told to fail')",
        role=role,
        Timeout=5,
    )
    arn = function.arn
    of_function, of_queue = ("--json", "--function", function.name), ("--json", "--source", queue)
    with Tail(platform, *of_function) as tail, Tail(platform, *of_queue) as queue_tail:
        platform.client().create_event_source_mapping(
            FunctionName=function.name,
            EventSourceArn=queue,
            BatchSize=1,
            FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": [{"anything-but": "unwanted"}]})}]},
        )
        for body in ("unwanted", "good", "bad"):
            platform.client("sqs").send_message(QueueUrl=url, MessageBody=body)
        found = {outcome: tail.until(outcome) for outcome in ("polled", "filtered", "delivered", "deleted", "retried")}
        letter = queue_tail.until("dead-letter")
    assert {(fact["source"], fact["target"], fact["count"]) for fact in found.values()} == {(queue, arn, 1)}
    assert found["retried"]["reason"] == "function error"
    assert found["delivered"]["request_id"] == found["deleted"]["request_id"] != found["retried"]["request_id"]
    assert found["delivered"]["trace_id"] != found["retried"]["trace_id"]
    assert (letter["target"], letter["reason"]) == (dead, "received too often")


def test_what_a_topic_sends_or_does_not_is_shown(platform):
    client = platform.client("sns")
    topic = client.create_topic(Name=unique("topic"))["TopicArn"]
    wanting, unwanting = Queue(platform).arn, Queue(platform).arn
    function = platform.python(SAY)
    filtered = {"FilterPolicy": json.dumps({"kind": ["other"]})}
    client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=wanting)
    client.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=unwanting, Attributes=filtered)
    client.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn)
    with Tail(platform, "--json", "--source", "topic") as tail:
        client.publish(TopicArn=topic, Message="hello")
        delivered = tail.until("delivered", target=wanting)
        tail.until("filtered", target=unwanting, source=topic)
        # Nobody let it call the function.
        refused = tail.until("not-allowed", target=function.arn)
        tail.until("dropped", target=function.arn)
        platform.client().add_permission(
            FunctionName=function.name,
            StatementId="topic",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
        )
        client.publish(
            TopicArn=topic, Message="hello", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}}
        )
        tail.until("delivered", target=function.arn)
    assert {fact["source"] for fact in tail.facts()} == {topic}
    assert delivered["trace_id"].startswith("1-")
    assert "lambda:InvokeFunction" in refused["reason"]


def test_lines_are_for_people_unless_json_is_asked_for(platform):
    function, other = platform.python(SAY), platform.python(SAY)
    with Tail(platform, "--function", function.name, "--of-account", ACCOUNT) as tail:
        other.invoke({}, InvocationType="Event")
        function.invoke({}, InvocationType="Event")
        wait_until(lambda: len(tail.lines) >= 2, "both lines are there", 60)
        lines = list(tail.lines)
    assert f"Z api -> function {function.name}: accepted request=" in lines[0]
    assert f"Z events -> function {function.name}: delivered request=" in lines[1]
    assert not any(other.name in line for line in lines)


def test_a_log_group_that_tells_a_function_is_shown(platform):
    logs, group = platform.client("logs"), f"/test/{unique('group')}"
    function = platform.python(SAY)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
    platform.client().add_permission(
        FunctionName=function.name,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
        SourceArn=arn,
    )
    logs.put_subscription_filter(logGroupName=group, filterName="f", filterPattern="", destinationArn=function.arn)
    with Tail(platform, "--json", "--source", group) as tail:
        events = [{"timestamp": 1_000 * int(time.time()), "message": f"line {n}"} for n in range(3)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        fact = tail.until("delivered")
    assert (fact["source"], fact["target"]) == (arn, function.arn)


def test_who_does_not_read_hinders_nobody_and_learns_what_was_missed(platform):
    function = platform.python(SAY)
    topic = platform.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    nobody = {"FilterPolicy": json.dumps({"kind": ["none"]})}
    for _ in range(60):
        _, queue = make_queue(platform)
        platform.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=nobody)
    directory = os.open(platform.data_dir, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as connection, Tail(platform, "--json", "--source", "api") as other:
        connection.settimeout(60)
        connection.connect(f"/proc/self/fd/{directory}/control")
        everything = {"account": None, "function": None, "source": None}
        connection.sendall(json.dumps({"Tail": everything}).encode() + b"\n")
        lines = connection.makefile()
        assert json.loads(lines.readline()) == "Listening"
        # More than the connection takes and the server keeps: some 300 bytes for each.
        entries = [{"Id": str(n), "Message": "m"} for n in range(10)]
        for _ in range(25):
            platform.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        function.invoke({}, InvocationType="Event")
        other.until("accepted", target=function.arn)
        missed, last = 0, {}
        while (last.get("target"), last.get("outcome")) != (function.arn, "delivered"):
            told = json.loads(lines.readline())
            missed += told.get("Missed", 0)
            last = told.get("Fact", {})
    os.close(directory)
    assert missed > 0


def test_only_so_many_listen_and_other_commands_get_through(platform):
    tails = [Tail(platform) for _ in range(8)]
    try:
        done = platform.tinderbox("events", "tail", "--data-dir", platform.data_dir, check=False)
        assert done.returncode == 1
        assert "8 commands listen already" in done.stderr
        assert "FUNCTION" in platform.tinderbox("queue", "--data-dir", platform.data_dir).stdout
    finally:
        for tail in tails:
            tail.__exit__()

    def again():
        try:
            return Tail(platform)
        except AssertionError:
            return None

    wait_until(again, "their places are free again").__exit__()


def test_it_ends_with_the_server(new_platform):
    platform = new_platform().start()
    with Tail(platform) as tail:
        platform.stop()
        assert tail.process.wait(60) == 0


def test_rules_say_which_events_they_want_and_what_became_of_them(platform):
    events, name = platform.client("events"), unique("rule")
    (wanting, other), (_, queue) = (f"{name}-wants", f"{name}-other"), make_queue(platform)
    arns = {}
    for rule in (wanting, other):
        pattern = json.dumps({"source": [rule]})
        arns[rule] = events.put_rule(Name=rule, EventPattern=pattern)["RuleArn"]
        events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": queue}])
    with Tail(platform, "--json") as tail:
        events.put_events(Entries=[{"Source": wanting, "DetailType": "t", "Detail": "{}"}])
        accepted = tail.until("accepted", target=arns[wanting])
        tail.until("filtered", target=arns[other])
        # The queue's policy says nothing of rules.
        refused = tail.until("not-allowed", source=arns[wanting], target=queue)
        dropped = tail.until("dropped", source=arns[wanting], target=queue)
    assert accepted["source"].endswith(":event-bus/default")
    assert "sqs:SendMessage" in refused["reason"] and dropped["trace_id"] == accepted["trace_id"]


def test_what_schedules_and_buckets_send_and_what_becomes_of_it_is_shown(platform):
    role = platform.role(allow("*"), service="scheduler.amazonaws.com")
    (_, queue), (_, letters) = make_queue(platform), make_queue(platform)
    scheduler, name, nowhere = platform.client("scheduler"), unique("schedule"), f"{queue}-gone"
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
    targets = {
        "": {"Arn": queue},
        "-dead": {"Arn": nowhere, "DeadLetterConfig": {"Arn": letters}},
        "-dropped": {"Arn": nowhere},
    }
    bucket = unique("bucket")
    platform.client("s3").create_bucket(Bucket=bucket)
    platform.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    with Tail(platform, "--json") as tail:
        for suffix, target in targets.items():
            scheduler.create_schedule(
                Name=name + suffix, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
                Target={**target, "RoleArn": role, "Input": "{}"},
            )  # fmt: skip
        tail.until("delivered", source=arn, target=queue)
        tail.until("failed", source=f"{arn}-dead", target=nowhere)
        dead = tail.until("dead-letter", source=f"{arn}-dead", target=letters)
        dropped = tail.until("dropped", source=f"{arn}-dropped", target="nobody")
        assert all("QueueDoesNotExist" in fact["reason"] for fact in (dead, dropped))
        platform.client("s3").put_object(Bucket=bucket, Key="k", Body=b"")
        tail.until("delivered", source=f"arn:aws:s3:::{bucket}")
