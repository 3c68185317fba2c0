# SPDX-License-Identifier: Apache-2.0
"""LoggingConfig: formats, levels and log groups, as they are answered and as they show in the log."""

import json

import pytest
from botocore.exceptions import ClientError
from harness import node_runtime, unique

LOGGER = """
import logging, os

log = logging.getLogger("app")

def handler(event, context):
    log.debug("details")
    log.info("two\\nlines", extra={"order": 7})
    log.warning({"a": 1})
    try:
        raise ValueError("too blue")
    except ValueError:
        log.exception("caught")
    print("printed")
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_LAMBDA_LOG_")}
"""


def events(function):
    """The function's log, one entry for each event, without the times of arrival."""
    text = function.log_with("platform.report")
    return [line.split(" ", 1)[1] for line in text.splitlines()]


def text_events(function):
    """As `events`, of a text log, whose events may have several lines."""
    function.log_with("REPORT")
    return [event["message"].removesuffix("\n") for event in function.log_events()]


def records(function):
    return [json.loads(event) for event in events(function) if event.startswith("{")]


def platform_records(function):
    return {record["type"]: record["record"] for record in records(function) if "type" in record}


def json_config(**levels):
    return {"LoggingConfig": {"LogFormat": "JSON", **levels}}


def test_the_configuration_comes_back(platform):
    function = platform.python(LOGGER, **json_config())
    assert function.configuration()["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
        "LogGroup": f"/aws/lambda/{function.name}",
    }

    function.update_configuration(LoggingConfig={"ApplicationLogLevel": "ERROR", "LogGroup": "/shared"})
    assert function.configuration()["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "ERROR",
        "SystemLogLevel": "INFO",
        "LogGroup": "/shared",
    }

    with pytest.raises(ClientError, match='LogLevel is not supported when LogFormat is set to "Text"'):
        function.update_configuration(LoggingConfig={"LogFormat": "Text", "SystemLogLevel": "WARN"})


def test_python_in_json(platform):
    function = platform.python(LOGGER, **json_config(ApplicationLogLevel="DEBUG"))

    result = function.invoke()

    assert result.value()["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert result.value()["AWS_LAMBDA_LOG_LEVEL"] == "DEBUG"
    said = [record for record in records(function) if "level" in record]
    assert [record["level"] for record in said] == ["DEBUG", "INFO", "WARNING", "ERROR"]
    for record in said:
        assert record.pop("timestamp").endswith("Z")
        assert record.pop("requestId") == result.request_id
        assert record.pop("logger") == "app"
        record.pop("taskName", None)
    assert said[0] == {"level": "DEBUG", "message": "details"}
    assert said[1] == {"level": "INFO", "message": "two\nlines", "order": 7}
    assert said[2] == {"level": "WARNING", "message": {"a": 1}}
    caught = said[3]
    assert "raise ValueError" in caught.pop("stackTrace")[0]
    assert caught.pop("location").startswith("/var/task/index.py:handler:")
    assert caught == {"level": "ERROR", "message": "caught", "errorType": "ValueError", "errorMessage": "too blue"}
    assert "printed" in events(function)


def test_platform_records(platform):
    function = platform.python(LOGGER, **json_config(SystemLogLevel="DEBUG"), MemorySize=256)

    result = function.invoke()

    tail = [json.loads(line) for line in result.log.splitlines() if line.startswith("{")]
    assert [record["type"] for record in tail if "type" in record][-2:] == ["platform.runtimeDone", "platform.report"]
    told = platform_records(function)
    assert list(told) == [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ]
    start = told["platform.initStart"]
    assert start.pop("runtimeVersion").startswith("python:")
    arn = function.configuration()["RuntimeVersionConfig"]["RuntimeVersionArn"]
    assert start.pop("runtimeVersionArn") == arn
    assert start.pop("instanceId").startswith("20")
    assert start == {
        "initializationType": "on-demand",
        "phase": "init",
        "functionName": function.name,
        "functionVersion": "$LATEST",
        "instanceMaxMemory": 256 << 20,
    }
    assert told["platform.initRuntimeDone"]["status"] == "success"
    assert told["platform.initReport"]["metrics"]["durationMs"] > 0
    assert told["platform.start"] == {
        "requestId": result.request_id,
        "functionArn": function.arn,
        "version": "$LATEST",
    }
    done = told["platform.runtimeDone"]
    assert done["status"] == "success"
    assert done["metrics"]["producedBytes"] == len(result.payload)
    spans = ["responseLatency", "responseDuration", "runtimeOverhead"]
    assert [span["name"] for span in done["spans"]] == spans
    metrics = told["platform.report"]["metrics"]
    assert metrics["memorySizeMB"] == 256
    assert metrics["billedDurationMs"] >= metrics["durationMs"] + metrics["initDurationMs"]


def test_levels_keep_out_what_is_below(platform):
    """What says no level counts as INFO, and reports of success do too."""
    function = platform.python(LOGGER, **json_config(ApplicationLogLevel="WARN", SystemLogLevel="WARN"))
    result = function.invoke()
    result.value()

    lines = result.log.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["WARNING", "ERROR"]


def test_a_line_may_say_its_level_itself(platform):
    line = '{"timestamp":"2026-11-23T07:00:00Z","level":"%s","message":"m"}'
    source = f"def handler(event, context):\n    print('{line % 'debug'}')\n    print('{line % 'error'}')"
    function = platform.python(source, **json_config(ApplicationLogLevel="WARN", SystemLogLevel="WARN"))

    assert function.invoke().log == line % "error" + "\n"


def test_node_in_json(platform):
    if node_runtime() is None:
        pytest.skip("there is no Node.js")
    source = """
export const handler = async () => {
  console.debug('details');
  console.log('a %s', 'b');
  console.info({ order: 7 });
  console.warn(new TypeError('too blue'));
  console.error('failed', new RangeError('far'));
  process.stdout.write('printed\\n');
};
"""
    function = platform.node(source, **json_config())

    result = function.invoke()

    said = [json.loads(line) for line in result.log.splitlines() if '"level"' in line]
    for record in said:
        assert record.pop("timestamp").endswith("Z")
        assert record.pop("requestId") == result.request_id
    assert [record["level"] for record in said] == ["INFO", "INFO", "WARN", "ERROR"]
    assert [record["message"] for record in said[:2]] == ["a b", {"order": 7}]
    error = said[2]["message"]
    assert (error["errorType"], error["errorMessage"]) == ("TypeError", "too blue")
    assert error["stackTrace"][0] == "TypeError: too blue"
    assert said[3]["message"].startswith("failed RangeError: far\n")
    assert (said[3]["errorType"], said[3]["errorMessage"]) == ("RangeError", "far")
    assert "printed" in result.log.splitlines()


@pytest.mark.parametrize(
    ("source", "status", "kind"),
    [
        ("import time\ndef handler(event, context):\n    time.sleep(30)", "timeout", None),
        ("import os\ndef handler(event, context):\n    os._exit(3)", "error", "Runtime.ExitError"),
        ("def handler(event, context):\n    raise ValueError('too blue')", "error", "Runtime.Unknown"),
    ],
)
def test_failures_are_in_the_report(platform, source, status, kind):
    function = platform.python(source, **json_config(), Timeout=2)
    function.invoke().fault()

    told = platform_records(function)

    for name in ["platform.runtimeDone", "platform.report"]:
        assert told[name]["status"] == status
        assert told[name].get("errorType") == kind
    assert all(event.startswith("{") for event in events(function)), "no line of text among them"


def test_an_error_of_the_handler_is_one_record(platform):
    function = platform.python("def handler(event, context):\n    raise ValueError('too blue')", **json_config())
    result = function.invoke()

    error = next(record for record in records(function) if record.get("level") == "ERROR")
    assert error.pop("timestamp")
    assert error == {"level": "ERROR", **result.fault()}


def test_a_record_of_several_lines_is_one_event_in_text(platform):
    function = platform.python(LOGGER)
    function.invoke().value()

    event = next(event for event in text_events(function) if "caught" in event)
    assert event.startswith("[ERROR]\t")
    assert "\nTraceback (most recent call last):\n" in event
    assert event.endswith("\nValueError: too blue")


def test_a_log_group_of_one_s_own(platform):
    group = f"/teams/{unique('blue')}"
    source = "import os\ndef handler(event, context):\n    print('here')\n    return dict(os.environ)"
    functions = [platform.python(source, LoggingConfig={"LogGroup": group}) for _ in range(2)]

    for function in functions:
        environment = function.invoke().value()
        assert environment["AWS_LAMBDA_LOG_GROUP_NAME"] == group
        assert f"/{function.name}[$LATEST]" in environment["AWS_LAMBDA_LOG_STREAM_NAME"]

    client, name = platform.client("logs"), functions[0].name
    assert len(client.describe_log_streams(logGroupName=group)["logStreams"]) == 2
    assert not client.describe_log_groups(logGroupNamePattern=name)["logGroups"]
    shown = platform.tinderbox("logs", name, "--data-dir", platform.data_dir).stdout
    assert shown.count("here") == 1, "the command shows what is the function's"


def test_awss_interface_client_writes_frames(platform, interface_client):
    function = platform.provided(
        "#!/bin/sh\nexec /usr/bin/python3 -m awslambdaric index.handler\n",
        {**interface_client, "index.py": LOGGER},
        Environment={"Variables": {"PYTHONPATH": "/var/task"}},
        Timeout=20,
        MemorySize=256,
        **json_config(),
    )

    result = function.invoke()

    result.value()
    said = [record for record in records(function) if record.get("logger") == "app"]
    assert [record["level"] for record in said] == ["INFO", "WARNING", "ERROR"]
    assert said[0]["message"] == "two\nlines"
    function.update_configuration(LoggingConfig={"LogFormat": "Text"})
    function.invoke().value()
    event = next(event for event in text_events(function) if event.startswith("[ERROR]"))
    assert event.endswith("\nValueError: too blue"), "one event of several lines"
