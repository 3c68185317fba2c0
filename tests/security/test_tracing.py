# SPDX-License-Identifier: Apache-2.0
"""The wall around the X-Ray daemon: a function reaches its own, says nothing for others, and no flood gets far."""

import json
import time

import pytest
from harness import allow, wait_until
from tracing import SEND, invoke, root

# Sends documents to the daemon, as often as it is told to.
SENDER = """
import json, socket
ADDRESS = ("169.254.100.1", 2000)
def handler(event, context):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    told = []
    for number in range(event.get("times", 1)):
        for message in event["messages"]:
            message = message.replace("NUMBER", f"{number + 1:016x}").encode("latin-1")
            try:
                sender.sendto(message, tuple(event.get("to", ADDRESS)))
            except OSError as error:
                told.append(error.errno)
    return sorted(set(told))
"""


@pytest.fixture(scope="module")
def role(platform):
    return platform.role(allow("logs:*"), allow(list(SEND)))


@pytest.fixture(scope="module")
def sender(platform, role):
    return platform.python(SENDER, role=role, Timeout=60)


def message(trace, name="forged", **more):
    document = {"id": "NUMBER", "trace_id": trace, "name": name, "start_time": 1, "end_time": 2, **more}
    return '{"format": "json", "version": 1}\n' + json.dumps(document)


def send(platform, function, *messages, **event):
    answer, value = invoke(platform, function, f"Root={root()};Sampled=1", {"messages": messages, **event})
    assert "FunctionError" not in answer, value
    return value


def names(platform, trace):
    traces = platform.client("xray").batch_get_traces(TraceIds=[trace])["Traces"]
    return [json.loads(segment["Document"])["name"] for found in traces for segment in found["Segments"]]


def test_a_role_that_may_not_send_sends_nothing(platform, sender):
    mute = platform.python(SENDER)
    trace = root()
    for _ in range(2):
        send(platform, mute, message(trace))
    # The same of a function whose role may, so that there is something to be seen.
    send(platform, sender, message(trace, "allowed"))
    assert names(platform, trace) == ["allowed"]


def test_who_may_no_longer_send_is_not_heard_any_more(platform):
    role = platform.role(allow("logs:*"), allow(list(SEND)))
    function, trace = platform.python(SENDER, role=role), root()
    send(platform, function, message(trace, "before"))
    iam, name = platform.client("iam"), role.rsplit("/", 1)[1]
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)

    def is_mute():
        other = root()
        send(platform, function, message(other, "after"))
        return names(platform, other) == []

    wait_until(is_mute, "the role's policies are asked anew")
    assert names(platform, trace) == ["before"]


def test_what_is_no_segment_is_dropped(platform, sender):
    trace = root()
    junk = ["", "x", "\xff\xfe\n\x00", '{"format": "json", "version": 1}', '{"format":"json","version":1}\n' + "[" * 30_000,
            message("1-x"), message(trace, "x" * 201), '{"format":"json","version":2}\n' + message(trace)]  # fmt: skip
    send(platform, sender, *junk, message(trace, "good"))
    assert names(platform, trace) == ["good"]


def test_no_other_sandbox_hears_or_is_heard(platform, sender, role):
    # Each has the same address, which leads to its own daemon and nowhere else.
    neighbour, trace = platform.python(SENDER, role=role), root()
    send(platform, neighbour, message(trace, "neighbour"))
    mute, host = platform.python(SENDER), platform.address.rsplit(":", 1)[0]
    for address in ("169.254.100.1", "127.0.0.1", host, "169.254.79.129"):
        send(platform, mute, message(trace), to=[address, 2000])
    assert names(platform, trace) == ["neighbour"]


def test_a_flood_is_contained(platform, sender):
    trace, times = root(), 30_000
    begun = time.monotonic()
    send(platform, sender, message(trace, "x"), times=times)
    taken = len(names(platform, trace))
    # A burst, and a rate: each document counts for 512 bytes at least.
    limit = ((1 << 20) + (time.monotonic() - begun + 1) * (256 << 10)) / 512
    assert 0 < taken <= min(limit + 1, times - 1)

    # The server and the others go on, and so does the function when it is quiet again.
    quiet = root()

    def is_heard():
        send(platform, sender, message(quiet, "quiet"))
        return "quiet" in names(platform, quiet)

    wait_until(is_heard, "the function is heard again")
