# SPDX-License-Identifier: Apache-2.0
"""Asynchronous invocation: what is accepted runs, as often and as long as AWS would try, whatever becomes of the server."""

import contextlib
import json
import re
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from harness import ACCOUNT, REGION, ROLE, Platform, allow, policy, tinderbox, unique, wait_until

# Prints what a test looks for, and fails if the event says so.
SAY = """
import json, os
def handler(event, context):
    print("ran", json.dumps(event), context.aws_request_id, os.environ.get("WHO", "nobody"), flush=True)
    if isinstance(event, dict) and event.get("fail"):
        raise RuntimeError("told to fail")
    return {"got": event}
"""
SLEEP = "import time\ndef handler(event, context):\n    time.sleep(event)\n    print('slept', flush=True)"
BEGIN = SLEEP.replace("time.sleep(event)", "print('began', context.aws_request_id, flush=True); time.sleep(event)")
QUICK = ("--set", "events.first_retry_ms=200", "--set", "events.second_retry_ms=300", "--set", "events.throttled_ms=50")


@pytest.fixture(scope="module")
def quick(binary):
    """A server that tries again soon."""
    platform = Platform(*QUICK).start()
    yield platform
    platform.stop()
    platform.discard()


def send(function, event, **arguments):
    """Sends an event, and returns its request id."""
    answer = function.platform.client().invoke(
        FunctionName=function.name, InvocationType="Event", Payload=json.dumps(event).encode(), **arguments
    )
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    return answer["ResponseMetadata"]["RequestId"]


def runs(function, request_id):
    """How often a function said that it ran this event."""
    text = "".join(event["message"] for event in function.log_events())
    return len(re.findall(rf"ran .* {request_id} ", text))


def ended(platform, request_id):
    """What the server's log says of the end of an event, as soon as it does."""

    def line():
        lines = platform.log_path.read_text(errors="replace").splitlines()
        return next((line for line in lines if "event ended" in line and request_id in line), None)

    return wait_until(line, f"the event {request_id} has ended")


def test_an_event_is_answered_before_it_runs(quick):
    function = quick.python(SAY)
    request_id = send(function, {"a": [1, "ü"]})
    assert "ok" in ended(quick, request_id)
    assert request_id in function.log_with(f"START RequestId: {request_id}")
    wait_until(lambda: runs(function, request_id) == 1, "the event ran")


def test_the_answer_has_no_body_and_no_version(quick):
    function = quick.python(SAY)
    path = f"/2015-03-31/functions/{function.name}/invocations"
    answer = quick.call("POST", path, "1", {"X-Amz-Invocation-Type": "Event"})
    assert (answer.status, answer.body, answer.headers["X-Amz-Executed-Version"]) == (202, b"", None)


def test_the_old_way_to_send_an_event(quick):
    function = quick.python(SAY)
    answer = quick.client().invoke_async(FunctionName=function.name, InvokeArgs=b'{"old": true}')
    assert answer["Status"] == 202
    function.log_with('ran {"old": true}')


def test_a_failing_event_is_tried_three_times_with_one_request_id(quick):
    function = quick.python(SAY)
    request_id = send(function, {"fail": 1})
    line = ended(quick, request_id)
    assert "attempts=3" in line and "function_error" in line
    wait_until(lambda: runs(function, request_id) == 3, "the event ran three times")


def test_as_often_as_its_configuration_says(quick):
    function = quick.python(SAY)
    quick.client().put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=0)
    assert "attempts=1" in ended(quick, send(function, {"fail": 1}))
    # Of the function itself: a version has a configuration of its own, or none.
    version = quick.client().publish_version(FunctionName=function.name)["Version"]
    assert "attempts=3" in ended(quick, send(function, {"fail": 1}, Qualifier=version))


def test_an_update_while_an_event_waits_runs_it_on_the_new_code(new_platform):
    platform = new_platform("--set", "events.first_retry_ms=1000").start()
    function = platform.python(SAY)
    request_id = send(function, {"fail": 1})
    wait_until(lambda: runs(function, request_id) == 1, "the event failed once")
    function.update_code({"index.py": "def handler(event, context): print('the new code ran')"})
    line = ended(platform, request_id)
    assert "attempts=2" in line
    function.log_with("the new code ran")


def test_a_failed_event_is_tried_again_after_kill_9(new_platform):
    platform = new_platform("--set", "events.first_retry_ms=2000", "--set", "events.second_retry_ms=100").start()
    function = platform.python(SAY)
    request_id = send(function, {"fail": 1})
    wait_until(lambda: runs(function, request_id) == 1, "the event failed once")
    platform.restart()
    assert "function_error" in ended(platform, request_id)
    wait_until(lambda: runs(function, request_id) >= 2, "the event was tried again")


def test_an_event_that_runs_when_the_server_stops_runs_again(new_platform):
    platform = new_platform("--set", "server.stop_patience_seconds=1").start()
    function = platform.python(BEGIN, Timeout=90)
    request_id = send(function, 80)
    began = f"began {request_id}"
    function.log_with(began)
    platform.stop()
    platform.start()
    wait_until(lambda: function.log_with(began).count(began) == 2, "the event runs again")


def test_a_graceful_stop_lets_what_runs_end(new_platform):
    platform = new_platform().start()
    function = platform.python(BEGIN, Timeout=60)
    request_id = send(function, 1)
    function.log_with("began")
    assert platform.stop() == 0
    assert "ok" in ended(platform, request_id)


def test_throttled_events_are_no_attempts(quick):
    """Ten events on a function that may run one at a time: all run, and none of them is counted twice."""
    function = quick.python(SAY)
    quick.client().put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    ids = [send(function, number) for number in range(10)]
    assert all("attempts=1" in ended(quick, request_id) for request_id in ids)


def test_a_function_that_is_switched_off_runs_nothing(quick):
    told, role = quick.python(SAY), quick.sending_role()
    sqs = quick.client("sqs")
    url = sqs.create_queue(QueueName=unique("dead"))["QueueUrl"]
    dead = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = quick.python(SAY, role=role, DeadLetterConfig={"TargetArn": dead})
    quick.client().put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnFailure": {"Destination": told.arn}}
    )
    quick.client().put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    request_id = send(function, 1)
    assert "switched_off" in ended(quick, request_id)
    # At once, and not when it is too old.
    assert '"condition": "ZeroReservedConcurrency"' in told.log_with(f'"requestId": "{request_id}"')
    (letter,) = wait_until(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), "the dead letter arrived"
    )
    assert letter["Body"] == "1"
    assert runs(function, request_id) == 0


def test_a_backlog_delays_no_other_function(new_platform):
    """A hundred events that sleep for a minute; another function's event runs at once."""
    platform = new_platform("--set", "events.running_max=8").start()
    busy, other = platform.python(SLEEP, Timeout=90), platform.python(SAY)
    for _ in range(100):
        send(busy, 80)
    assert "ok" in ended(platform, send(other, 1))
    assert not any("slept" in event["message"] for event in busy.log_events())


def test_destinations_get_the_record(quick):
    told, function = quick.python(SAY), quick.python(SAY, role=quick.sending_role())
    quick.client().put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnSuccess": {"Destination": told.arn}, "OnFailure": {"Destination": told.arn}},
    )

    def record(event):
        request_id = send(function, event)
        text = told.log_with(f'"requestId": "{request_id}"')
        line = next(line for line in text.splitlines() if request_id in line and " ran " in line)
        return request_id, json.loads(line.split(" ran ", 1)[1].rsplit(" ", 2)[0])

    request_id, success = record({"n": 1})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", success.pop("timestamp"))
    assert success == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"got": {"n": 1}},
    }
    request_id, failure = record({"fail": 1})
    assert (failure["requestContext"]["condition"], failure["requestContext"]["approximateInvokeCount"]) == (
        "RetriesExhausted",
        2,
    )
    assert failure["responseContext"]["functionError"] == "Unhandled"
    assert failure["responsePayload"]["errorMessage"] == "told to fail"


def test_what_is_not_accepted(quick):
    function = quick.python(SAY)

    def refused(event, name=function.name):
        with pytest.raises(ClientError) as error:
            quick.client().invoke(FunctionName=name, InvocationType="Event", Payload=event)
        return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]

    code, message = refused(b'"' + b"x" * (1 << 20) + b'"')
    assert code == "RequestTooLargeException"
    assert message == "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    assert refused(b"no json")[0] == "InvalidRequestContentException"
    assert refused(b"1", "nobody")[0] == "ResourceNotFoundException"
    send(function, "x" * ((1 << 20) - 2))


def test_a_full_queue_says_so(new_platform):
    """What one function may have waiting is limited, and the others have room."""
    platform = new_platform("--set", "events.function_events_max=3").start()
    busy, other = platform.python(SLEEP, Timeout=90), platform.python(SAY)
    for _ in range(3):
        send(busy, 80)
    with pytest.raises(ClientError) as error:
        send(busy, 80)
    assert error.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert "ok" in ended(platform, send(other, 1))


def queue(platform, *arguments):
    return platform.tinderbox("queue", *arguments, "--data-dir", platform.data_dir).stdout


def waiting(platform, function):
    return [json.loads(line) for line in queue(platform, "list", function.name).splitlines()]


NOWHERE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere"


def keep_records(function):
    """Has the record of each success wait for a queue that is not there."""
    destinations = {"OnSuccess": {"Destination": NOWHERE}}
    function.update_configuration(Role=function.platform.sending_role())
    client = function.platform.client()
    client.put_function_event_invoke_config(FunctionName=function.name, DestinationConfig=destinations)


def test_the_queue_is_shown_purged_and_redriven(new_platform):
    platform = new_platform("--set", "events.first_retry_ms=600000").start()
    function = platform.python(SAY)
    keep_records(function)
    failed, succeeded = send(function, {"fail": 1}), send(function, 1)
    wait_until(lambda: len(waiting(platform, function)) == 2, "one waits for its retry, one for its destination")
    wait_until(lambda: not any(item["is_running"] for item in waiting(platform, function)), "nothing runs")
    event, record = sorted(waiting(platform, function), key=lambda item: "destination" in item)
    assert (event["request_id"], event["attempts"]) == (failed, 1) and event["due_in_ms"] > 300_000
    assert (record["request_id"], record["destination"]) == (succeeded, NOWHERE)
    table = queue(platform).splitlines()
    assert table[0].split()[:6] == ["FUNCTION", "EVENTS", "RUNNING", "RETRYING", "THROTTLED", "UNDELIVERED"]
    assert table[1].split()[:6] == [function.arn, "1", "0", "1", "0", "1"]

    assert queue(platform, "redrive", function.name) == "redriven 2\n"
    wait_until(lambda: runs(function, failed) == 2, "the failed one was tried again")
    assert queue(platform, "purge", function.name, "--undelivered").startswith("purged ")
    wait_until(lambda: queue(platform, "purge", "--all", "--events") == "purged 1\n", "the event is purged")
    platform.restart()
    assert not [item for item in waiting(platform, function) if "destination" not in item]
    assert platform.tinderbox("queue", "purge", "--data-dir", platform.data_dir, check=False).returncode == 2


def test_the_queue_of_no_server(tmp_path):
    done = tinderbox("queue", "--data-dir", tmp_path, check=False)
    assert done.returncode == 1 and "no server runs" in done.stderr


def test_acknowledged_events_survive_kills_under_load(new_platform):
    """Each success leaves a record that waits for its destination: after all kills, one for every event that was acknowledged."""
    platform = new_platform(*QUICK).start()
    function = platform.python(SAY)
    keep_records(function)
    acknowledged = set()
    for round_ in range(6):
        stop, client = threading.Event(), platform.client()

        def load(stop=stop, client=client):
            while not stop.is_set():
                with contextlib.suppress(ClientError, BotoCoreError):
                    answer = client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b"1")
                    acknowledged.add(answer["ResponseMetadata"]["RequestId"])

        threads = [threading.Thread(target=load) for _ in range(4)]
        before = len(acknowledged)
        for thread in threads:
            thread.start()
        wait_until(lambda before=before, more=10 + 7 * round_: len(acknowledged) > before + more, "events are accepted")
        platform.kill()
        stop.set()
        for thread in threads:
            thread.join()
        platform.start()

    def lost():
        return acknowledged - {item["request_id"] for item in waiting(platform, function) if "destination" in item}

    assert len(acknowledged) < 1000, "or the list is cut"
    wait_until(lambda: not lost(), "every acknowledged event has ended", 120)


TRACE = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']"


def test_a_chain_that_comes_by_sixteen_times_is_ended(quick):
    """As an SDK would, each call sends along the trace that the function had."""
    function, told = quick.python(TRACE, role=quick.sending_role()), quick.python(SAY)
    path = f"/2015-03-31/functions/{function.name}/invocations"
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793"
    for hops in range(16):
        answer = quick.call("POST", path, "1", {"X-Amzn-Trace-Id": trace})
        assert answer.status == 200, answer.body
        trace = answer.json()
        assert re.search(rf";Lineage=1:[0-9a-f]{{8}}:{hops}$", trace), trace
    ended_loop = quick.call("POST", path, "1", {"X-Amzn-Trace-Id": trace})
    assert (ended_loop.status, ended_loop.error_type) == (400, "RecursiveInvocationException")

    quick.client().put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnFailure": {"Destination": told.arn}}
    )
    headers = {"X-Amzn-Trace-Id": trace, "X-Amz-Invocation-Type": "Event"}
    event = quick.call("POST", path, "1", headers)
    assert event.status == 202
    assert "recursive" in ended(quick, event.headers["x-amzn-RequestId"])
    told.log_with("RecursiveInvocation")

    quick.client().put_function_recursion_config(FunctionName=function.name, RecursiveLoop="Allow")
    assert quick.call("POST", path, "1", {"X-Amzn-Trace-Id": trace}).json().endswith(":16")


def test_a_loop_of_destinations_is_ended(quick):
    # Without an answer: each record has the one before in it.
    source = "def handler(event, context): pass"
    role = quick.sending_role()
    one, other = quick.python(source, role=role), quick.python(source, role=role)
    for function, next_ in [(one, other), (other, one)]:
        quick.client().put_function_event_invoke_config(
            FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": next_.arn}}
        )
    send(one, "x")

    def stopped():
        lines = quick.log_path.read_text(errors="replace").splitlines()
        return any("event ended" in line and "recursive" in line and f":{one.name} " in line for line in lines)

    wait_until(stopped, "the loop is ended")
    wait_until(lambda: one.log_with("START RequestId").count("START RequestId") == 16, "it came by sixteen times")


def test_the_role_is_asked_for_destinations_and_dead_letters(quick):
    client, queues = quick.client(), quick.client("sqs")
    url = queues.create_queue(QueueName=unique("asked"))["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told, role = quick.python(SAY), quick.sending_role()
    denied = "The provided execution role does not have permissions to call"
    with pytest.raises(ClientError) as error:
        quick.python(SAY, DeadLetterConfig={"TargetArn": queue})
    assert f"{denied} SendMessage on SQS" in error.value.response["Error"]["Message"]
    function = quick.python(SAY)
    for arn, what in ((queue, "SendMessage on SQS"), (told.arn, "InvokeFunction on Lambda")):
        with pytest.raises(ClientError) as error:
            client.put_function_event_invoke_config(
                FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": arn}}
            )
        assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
        assert f"{denied} {what}" in error.value.response["Error"]["Message"]
    # What the role may no longer do when it is done is not done.
    function.update_configuration(Role=role)
    config = {"OnSuccess": {"Destination": queue}}
    client.put_function_event_invoke_config(FunctionName=function.name, DestinationConfig=config)
    function.update_configuration(Role=ROLE)
    send(function, 1)

    def refused():
        lines = quick.log_path.read_text(errors="replace").splitlines()
        return any("record not delivered" in line and queue in line and "is_dropped=true" in line for line in lines)

    wait_until(refused, "the record was dropped")
    assert "Messages" not in queues.receive_message(QueueUrl=url)


def test_records_reach_buses(quick):
    events, queues = quick.client("events"), quick.client("sqs")
    url = queues.create_queue(QueueName=unique("bus"))["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    letting = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy({**letting, "Resource": queue})})
    name = unique("records")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "q", "Arn": queue}])
    function = quick.python(SAY, role=quick.sending_role())
    quick.client().put_function_event_invoke_config(
        FunctionName=function.name, DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    request_id = send(function, 1)
    (message,) = wait_until(
        lambda: queues.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), "the event"
    )
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["resources"] == [bus, function.arn]
    assert event["detail"]["requestContext"]["requestId"] == request_id


def test_records_of_failures_reach_buckets(quick):
    client, objects, bucket = quick.client(), quick.client("s3"), unique("records")
    objects.create_bucket(Bucket=bucket)
    arn, function = f"arn:aws:s3:::{bucket}", quick.python(SAY, Environment={"Variables": {"WHO": "bucket"}})

    def put(config):
        return client.put_function_event_invoke_config(
            FunctionName=function.name, MaximumRetryAttempts=0, DestinationConfig=config
        )

    def refused(config):
        with pytest.raises(ClientError) as error:
            put(config)
        assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
        return error.value.response["Error"]["Message"]

    # Those of successes, and parts of a bucket, are no destinations.
    assert "is invalid" in refused({"OnSuccess": {"Destination": arn}})
    assert "is invalid" in refused({"OnFailure": {"Destination": f"{arn}/prefix"}})
    denied = "The provided execution role does not have permissions to call PutObject on S3"
    prefix = f"aws/lambda/async/{function.name}/"
    writes, lists = allow("s3:PutObject", f"{arn}/{prefix}*"), allow("s3:ListBucket", arn)
    for short in ((writes,), (lists,), (allow("s3:PutObject", f"{arn}/elsewhere/*"), lists)):
        function.update_configuration(Role=quick.role(allow("logs:*"), *short))
        assert denied in refused({"OnFailure": {"Destination": arn}})
    function.update_configuration(Role=quick.role(allow("logs:*"), writes, lists))
    assert put({"OnFailure": {"Destination": arn}})["DestinationConfig"]["OnFailure"] == {"Destination": arn}

    assert "ok" in ended(quick, send(function, {"n": 1}))
    request_id = send(function, {"fail": 1})
    (found,) = wait_until(lambda: objects.list_objects_v2(Bucket=bucket).get("Contents"), "the record")
    form = (
        rf"{prefix}(\d{{4}})/(\d\d)/(\d\d)/\1-\2-\3T\d\d\.\d\d\.\d\d-[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"
    )
    assert re.fullmatch(form, found["Key"])
    record = json.loads(objects.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    assert record.pop("timestamp").startswith(found["Key"].split("/")[-1].split("T")[0])
    assert record.pop("responsePayload")["errorMessage"] == "told to fail"
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"fail": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }


def test_the_role_of_the_version_that_ran_sends(quick):
    client, queues = quick.client(), quick.client("sqs")
    url = queues.create_queue(QueueName=unique("version"))["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = quick.python(SAY, role=quick.sending_role())
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=function.name, Qualifier=version)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    client.put_function_event_invoke_config(
        FunctionName=function.name, Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": queue}}
    )
    function.update_configuration(Role=ROLE)
    request_id = send(function, 1, Qualifier="live")
    (message,) = wait_until(
        lambda: queues.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"), "the record"
    )
    assert json.loads(message["Body"])["requestContext"]["requestId"] == request_id
