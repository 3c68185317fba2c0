# SPDX-License-Identifier: Apache-2.0
"""Invoke: bytes in, bytes out, headers, context and the log."""

import base64
import json
import re

import pytest

ECHO = "def handler(event, context): return event"
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def echo(platform):
    return platform.python(ECHO)


@pytest.mark.parametrize(
    "event",
    [None, True, 0, -1.5, "", "ä€𝄞\u0000", [], {}, {"a": [1, {"b": None}]}, "x" * 200_000],
    ids=lambda event: repr(event)[:20],
)
def test_any_json_comes_back(echo, event):
    assert echo.invoke(event).value() == event


def test_an_empty_payload_is_an_empty_object(echo):
    assert echo.invoke(raw=b"").value() == {}


def test_six_megabytes_pass(echo):
    event = "x" * (6 * 1024 * 1024 - 2)

    assert len(echo.invoke(event).payload) == 6 * 1024 * 1024


def test_the_request_id_is_the_same_everywhere(platform):
    function = platform.python("def handler(event, context): return context.aws_request_id")

    result = function.invoke()

    assert result.value() == result.request_id
    assert f"START RequestId: {result.request_id} Version: $LATEST" in result.log


def test_the_context_is_complete(platform):
    function = platform.python(
        """
def handler(event, context):
    return {
        "name": context.function_name,
        "version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "left": context.get_remaining_time_in_millis(),
        "identity": context.identity.cognito_identity_id if context.identity else None,
        "client": context.client_context.custom if context.client_context else None,
    }
""",
        MemorySize=192,
        Timeout=20,
    )

    value = function.invoke().value()

    left = value.pop("left")
    assert 15_000 < left <= 20_000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", value.pop("stream"))
    assert int(value.pop("memory")) == 192
    assert value == {
        "name": function.name,
        "version": "$LATEST",
        "arn": function.arn,
        "group": f"/aws/lambda/{function.name}",
        "identity": None,
        "client": None,
    }


def test_the_invoked_arn_is_as_addressed(platform):
    function = platform.python("def handler(event, context): return context.invoked_function_arn")
    platform.client().publish_version(FunctionName=function.name)

    assert function.invoke().value() == function.arn
    assert function.invoke(Qualifier="$LATEST").value() == f"{function.arn}:$LATEST"
    assert function.invoke(Qualifier="1").value() == f"{function.arn}:1"


def test_the_client_context_arrives(platform):
    function = platform.python("def handler(event, context): return context.client_context.custom")
    context = base64.b64encode(json.dumps({"custom": {"colour": "red"}}).encode()).decode()

    assert function.invoke(ClientContext=context).value() == {"colour": "red"}


def test_a_dry_run_runs_nothing(platform):
    function = platform.python("raise Exception('this must not run')")

    result = function.invoke(InvocationType="DryRun", LogType="None")

    assert (result.status, result.payload, result.error) == (204, b"", None)


def test_the_log_is_only_there_when_asked_for(echo):
    assert echo.invoke(LogType="None").log is None
    assert "START RequestId" in echo.invoke(LogType="Tail").log


def test_the_log_reads_as_awss(platform):
    function = platform.python("def handler(event, context): print('a line')", MemorySize=256)

    cold, warm = function.invoke(), function.invoke()

    start = rf"START RequestId: ({ID}) Version: \$LATEST\n"
    report = (
        r"REPORT RequestId: \1\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\t"
        r"Memory Size: 256 MB\tMax Memory Used: (\d+) MB\t"
    )
    cold_log = re.fullmatch(
        rf"(?s:.*?){start}a line\nEND RequestId: \1\n{report}Init Duration: (\d+\.\d\d) ms\t\n", cold.log
    )
    warm_log = re.fullmatch(rf"{start}a line\nEND RequestId: \1\n{report}\n", warm.log)
    assert cold_log, cold.log
    assert warm_log, warm.log

    arn = function.configuration()["RuntimeVersionConfig"]["RuntimeVersionArn"]
    version = r"INIT_START Runtime Version: python:3\.\d+\.\w+"
    init = rf"{version}\tRuntime Version ARN: {re.escape(arn)}\n"
    assert re.search(init, function.log_with("INIT_START"))

    _, duration, billed, memory, init = cold_log.groups()
    assert float(init) > 0
    assert int(billed) >= float(duration)
    assert 1 <= int(memory) <= 256
    # What the function used is billed, and nothing else, once it is warm.
    assert int(warm_log[3]) - 1 < float(warm_log[2]) <= int(warm_log[3])


@pytest.mark.parametrize("language", ["python", "node"])
def test_what_was_printed_stands_before_the_end(platform, language, request):
    """Output and answer take different ways out of a sandbox; the log must not show it."""
    if language == "node":
        request.getfixturevalue("node_runtime")
        function = platform.node("export const handler = async (event) => { console.log('line', event) }")
    else:
        function = platform.python("def handler(event, context): print('line', event)")

    for number in range(100):
        log = function.invoke(number).log
        assert 0 < log.find(f"line {number}\n") < log.find("END RequestId"), log


def test_the_log_tail_is_four_kilobytes(platform):
    function = platform.python("def handler(event, context):\n for n in range(1000): print('line', n)")

    log = function.invoke().log

    assert 3000 < len(log) <= 4096
    assert "line 999\n" in log
    assert "line 500\n" not in log
    assert log.rstrip("\n").split("\n")[-1].startswith("REPORT")


def test_logging_and_standard_error_reach_the_log(platform):
    function = platform.python(
        """
import logging, os, sys
logging.getLogger().setLevel(logging.INFO)
def handler(event, context):
    logging.info("by logging")
    print("by stderr", file=sys.stderr)
    os.write(1, b"by descriptor\\n")
    sys.stdout.write("no newline")
"""
    )

    result = function.invoke()

    assert re.search(rf"\[INFO\]\t\d{{4}}-\d\d-\d\dT[\d:.]+Z\t{result.request_id}\tby logging", result.log)
    for line in ("by stderr", "by descriptor", "no newline"):
        assert line in result.log


def test_the_answer_carries_lambdas_headers(platform, echo):
    reply = platform.call(
        "POST", f"/2015-03-31/functions/{echo.name}/invocations", b'{"a":1}', {"X-Amz-Log-Type": "Tail"}
    )

    assert reply.status == 200
    assert reply.body == b'{"a": 1}'
    assert reply.headers["X-Amz-Executed-Version"] == "$LATEST"
    assert reply.headers["Content-Type"] == "application/json"
    assert re.fullmatch(ID, reply.headers["x-amzn-RequestId"])
    assert reply.headers["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert b"REPORT" in base64.b64decode(reply.headers["X-Amz-Log-Result"])
    assert "X-Amz-Function-Error" not in reply.headers


def test_a_trace_id_is_passed_on(platform):
    function = platform.python("import os\ndef handler(e, c): return os.environ['_X_AMZN_TRACE_ID']")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

    reply = platform.call(
        "POST", f"/2015-03-31/functions/{function.name}/invocations", b"{}", {"X-Amzn-Trace-Id": trace}
    )

    assert reply.json().startswith("Root=1-5759e988-bd862e3fe1be46a994272793;")


def test_a_percent_encoded_arn_is_a_name(platform, echo):
    arn = echo.arn.replace(":", "%3A")

    assert platform.call("POST", f"/2015-03-31/functions/{arn}/invocations", b"1").body == b"1"


def test_the_output_is_kept_byte_for_byte(platform):
    """What the Runtime API was given is what the caller gets: the platform does not parse it."""
    function = platform.python("def handler(event, context): return {'b': 1.0, 'a': [1e400, 10**30]}")

    assert function.invoke().payload == b'{"b": 1.0, "a": [Infinity, 1000000000000000000000000000000]}'
