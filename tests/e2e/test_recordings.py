# SPDX-License-Identifier: Apache-2.0
"""Recorded invocations: of functions that ask for it, kept for a while, shown, and played again on any version."""

import base64
import json
import stat

import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, REGION, Platform, allow, unique, wait_until

ECHO = """
import os
def handler(event, context):
    if isinstance(event, dict) and event.get("fail"):
        raise ValueError("told to fail")
    custom = context.client_context.custom if context.client_context else None
    return {"got": event, "custom": custom, "trace": os.environ["_X_AMZN_TRACE_ID"], "version": context.function_version}
"""
FIXED = ECHO.replace("raise ValueError", "str")
ALL = {"tinderbox:record": "all"}
CONTEXT = base64.b64encode(json.dumps({"custom": {"who": "me"}}).encode()).decode()


@pytest.fixture(scope="module")
def platform(binary):
    platform = Platform("--set", "events.first_retry_ms=200", "--set", "events.second_retry_ms=300").start()
    yield platform
    platform.stop()
    platform.discard()


def invoke(function, payload, **arguments):
    """Invokes a function with these bytes, and returns the request id and the answer."""
    answer = function.platform.client().invoke(FunctionName=function.name, Payload=payload, **arguments)
    return answer["ResponseMetadata"]["RequestId"], answer["Payload"].read()


def record(platform, *arguments, check=True):
    return platform.tinderbox("record", *arguments, "--data-dir", platform.data_dir, check=check)


def listed(platform, *arguments):
    return [json.loads(line) for line in record(platform, "list", *arguments, "--output", "json").stdout.splitlines()]


def shown(platform, request_id):
    return [json.loads(line) for line in record(platform, "show", request_id).stdout.splitlines()]


def replay(platform, *arguments, check=True):
    return platform.tinderbox("replay", *arguments, "--data-dir", platform.data_dir, check=check)


def replayed(platform, *arguments):
    return json.loads(replay(platform, *arguments, "--output", "json").stdout)


def test_an_invocation_is_recorded_as_it_was(platform):
    function = platform.python(ECHO, Tags=ALL)
    payload = b'{ "a": [1.50, "\xc3\xbc"],\n "a": 2 }'
    request_id, answer = invoke(function, payload, ClientContext=CONTEXT, Qualifier="$LATEST")
    (one,) = listed(platform, function.name)
    expected = {
        "function": function.arn,
        "request_id": request_id,
        "kind": "RequestResponse",
        "qualifier": "$LATEST",
        "executed_version": "$LATEST",
        "outcome": "answered",
        "payload_bytes": len(payload),
        "answer_bytes": len(answer),
    }
    assert {name: one.get(name) for name in expected} == expected
    assert json.loads(one["client_context"]) == {"custom": {"who": "me"}}
    assert one["duration_us"] > 0 and one["trace"] == json.loads(answer)["trace"]
    (whole,) = shown(platform, request_id)
    assert (whole["payload"].encode(), whole["answer"].encode()) == (payload, answer)
    head, line = record(platform, "list", function.name).stdout.splitlines()
    assert head.split()[:5] == ["TIME", "FUNCTION", "VERSION", "KIND", "OUTCOME"]
    assert f"{function.name}:$LATEST" in line and line.endswith(request_id)


def test_events_and_urls_are_recorded_and_every_attempt_is(platform):
    function = platform.python(ECHO, Tags=ALL)
    request_id, _ = invoke(function, b'{"fail": 1}', InvocationType="Event")
    url = platform.client().create_function_url_config(FunctionName=function.name, AuthType="AWS_IAM")["FunctionUrl"]
    url_id = url.removeprefix("http://").split(".")[0]
    assert platform.call("POST", f"/_tinderbox/url/{url_id}/", b"hello").status == 200
    wait_until(lambda: len(listed(platform, function.name, "--outcome", "failed")) == 3, "three attempts are recorded")
    attempts = listed(platform, function.name, "--outcome", "failed")
    assert {(one["request_id"], one["kind"], one["error_type"]) for one in attempts} == {
        (request_id, "Event", "ValueError")
    }
    assert len(shown(platform, request_id)) == 3
    (by_url,) = listed(platform, function.name, "--outcome", "answered")
    assert by_url["kind"] == "FunctionUrl"
    assert json.loads(shown(platform, by_url["request_id"])[0]["payload"])["requestContext"]["http"]["method"] == "POST"
    times = [one["time_ms"] for one in listed(platform, function.name)]
    assert times == sorted(times, reverse=True)
    assert listed(platform, function.name, "--until", "1h") == []
    assert len(listed(platform, function.name, "--since", "1h", "--count", "2")) == 2


def test_a_batch_of_a_queue_is_recorded_and_replayed(platform):
    function = platform.python(ECHO, role=platform.role(allow("sqs:*"), allow("logs:*")), Tags=ALL)
    sqs, queue = platform.client("sqs"), unique("q")
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
    platform.client().create_event_source_mapping(FunctionName=function.name, EventSourceArn=queue_arn)
    sent = sqs.send_message(QueueUrl=url, MessageBody="of a queue")["MessageId"]
    (one,) = wait_until(lambda: listed(platform, function.name), "the batch is recorded", 60)
    assert (one["outcome"], one.get("qualifier"), one["executed_version"]) == ("answered", None, "$LATEST")
    (whole,) = shown(platform, one["request_id"])
    batch = json.loads(whole["payload"])
    (message,) = batch["Records"]
    assert (message["messageId"], message["body"], message["eventSourceARN"]) == (sent, "of a queue", queue_arn)
    assert json.loads(whole["answer"])["got"] == batch

    played = replayed(platform, one["request_id"])["replay"]
    assert (played["outcome"], json.loads(played["answer"])["got"]) == ("answered", batch)
    # The message was taken once: what comes again is the recording.
    assert [each["kind"] for each in listed(platform, function.name)] == ["Replay", one["kind"]]


def test_only_who_asks_is_recorded(platform):
    function = platform.python(ECHO, Tags={"other": "tag"})
    invoke(function, b"1")
    client = platform.client()
    client.tag_resource(Resource=function.arn, Tags={"tinderbox:record": "failures"})
    invoke(function, b"2")
    failed, _ = invoke(function, b'{"fail": 1}')
    assert [one["request_id"] for one in listed(platform, function.name)] == [failed]
    client.untag_resource(Resource=function.arn, TagKeys=["tinderbox:record"])
    invoke(function, b'{"fail": 1}')
    assert [one["request_id"] for one in listed(platform, function.name)] == [failed]
    with pytest.raises(ClientError) as error:
        client.tag_resource(Resource=function.arn, Tags={"tinderbox:record": "some"})
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_replay_is_shown_beside_what_was_recorded(platform):
    function = platform.python(ECHO, Tags=ALL)
    client = platform.client()
    first = client.publish_version(FunctionName=function.name)["Version"]
    request_id, failure = invoke(function, b'{"fail": 1}', ClientContext=CONTEXT)
    function.update_code({"index.py": FIXED})

    compared = replayed(platform, request_id)
    recorded, played = compared["recorded"], compared["replay"]
    assert (recorded["request_id"], recorded["outcome"], recorded["error_type"]) == (request_id, "failed", "ValueError")
    assert recorded["answer"].encode() == failure
    assert (played["outcome"], played["executed_version"], played["error_type"]) == ("answered", "$LATEST", None)
    answer = json.loads(played["answer"])
    assert (answer["got"], answer["custom"]) == ({"fail": 1}, {"who": "me"})
    assert answer["trace"] == shown(platform, request_id)[0]["trace"]

    table = replay(platform, request_id, "--qualifier", first).stdout
    assert table.splitlines()[0].split() == ["RECORDED", "REPLAY"]
    assert table.count("failed: ValueError") == 2
    kinds = [one["kind"] for one in listed(platform, function.name)]
    assert kinds == ["Replay", "Replay", "RequestResponse"]


def test_a_replay_can_be_queued(platform):
    function = platform.python(ECHO, Tags=ALL)
    request_id, _ = invoke(function, b'"again"')
    queued = replayed(platform, request_id, "--type", "Event")["replay"]
    assert queued["outcome"] is None
    wait_until(
        lambda: [one for one in listed(platform, function.name) if one["request_id"] == queued["request_id"]],
        "the queued event has run",
    )
    (whole,) = shown(platform, queued["request_id"])
    assert (whole["payload"], whole["kind"]) == ('"again"', "Event")


def test_what_can_not_be_replayed(platform):
    function = platform.python(ECHO, Tags=ALL)
    request_id, _ = invoke(function, b"1")
    nobody = replay(platform, "00000000-0000-0000-0000-000000000000", check=False)
    assert nobody.returncode == 1 and "is recorded" in nobody.stderr
    gone = replay(platform, request_id, "--qualifier", "17", check=False)
    assert gone.returncode == 1 and "ResourceNotFoundException" in gone.stderr
    assert record(platform, "show", "nothing", check=False).returncode == 1


def test_recordings_survive_kill_9_and_can_be_thrown_away(new_platform):
    platform = new_platform().start()
    recorded, other = platform.python(ECHO, Tags=ALL), platform.python(ECHO, Tags=ALL)
    plain = platform.python(ECHO)
    invoke(plain, b"0")
    assert not (platform.data_dir / "recordings").exists(), "nothing is made for who does not ask"
    ids = [invoke(recorded, str(number).encode())[0] for number in range(5)]
    invoke(other, b"1")
    # To list waits for what was recorded before.
    before = listed(platform)
    assert sorted(one["request_id"] for one in before if one["function"] == recorded.arn) == sorted(ids)
    platform.kill()
    platform.start()
    assert listed(platform) == before
    assert json.loads(replayed(platform, ids[3])["replay"]["answer"])["got"] == 3

    root = platform.data_dir / "recordings"
    files = [path for path in root.rglob("*") if path.suffix in (".raw", ".log")]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert files and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert record(platform, "purge", recorded.name).stdout == "purged 1 function(s)\n"
    assert {one["function"] for one in listed(platform)} == {other.arn}
    assert record(platform, "purge", "--all").stdout == "purged 1 function(s)\n"
    assert listed(platform) == []


def test_what_is_too_much_is_not_recorded_and_told(new_platform):
    platform = new_platform("--set", "recordings.waiting_bytes_max=2000").start()
    function = platform.python(ECHO, Tags=ALL)
    invoke(function, json.dumps("x" * 3_000).encode())
    small, _ = invoke(function, b"1")
    done = record(platform, "list", function.name, "--output", "json")
    assert [json.loads(line)["request_id"] for line in done.stdout.splitlines()] == [small]
    assert f"1 invocation(s) of {function.name} were not recorded" in done.stderr


def test_a_server_that_records_nothing_says_so(new_platform):
    platform = new_platform("--set", "recordings.bytes_max=0").start()
    with pytest.raises(ClientError) as error:
        platform.python(ECHO, Tags=ALL)
    assert "this server records nothing" in error.value.response["Error"]["Message"]
