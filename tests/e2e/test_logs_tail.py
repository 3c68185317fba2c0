# SPDX-License-Identifier: Apache-2.0
"""Events as they arrive: Live Tail with boto3 and the AWS CLI, and the calls that `sam logs` makes."""

import subprocess
import sys
import time

import boto3
import pytest
from botocore.config import Config
from harness import ACCOUNT, REGION, clean_environment, unique, wait_until

SAY = "def handler(event, context):\n    print('said', event)"


@pytest.fixture
def group(platform):
    logs, name = platform.client("logs"), unique("/tailed/")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def put(platform, group, *messages):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    platform.client("logs").put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def arn(group):
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"


def start_live_tail(platform, group, **arguments):
    # AWS's clients put a label before the host, which an address has no room for.
    logs = boto3.client(
        "logs",
        region_name=REGION,
        endpoint_url=platform.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(inject_host_prefix=False, read_timeout=60),
    )
    return logs.start_live_tail(logGroupIdentifiers=[arn(group)], **arguments)["responseStream"]


def test_a_live_tail_tells_what_a_function_prints(platform):
    function = platform.python(SAY)
    function.invoke("before")
    function.log_with("said before")
    stream = start_live_tail(platform, f"/aws/lambda/{function.name}", logEventFilterPattern="said")
    events = iter(stream)
    start = next(events)["sessionStart"]
    assert start["logGroupIdentifiers"] == [arn(f"/aws/lambda/{function.name}")]
    function.invoke("after")
    results = []
    while not results:
        update = next(events)["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}
        results = update["sessionResults"]
    assert [one["message"] for one in results] == ["said after\n"]
    assert results[0]["logStreamName"].endswith(function.log_events()[-1]["logStreamName"])
    stream.close()


def test_a_stop_of_the_server_ends_a_live_tail(new_platform):
    platform = new_platform().start()
    platform.client("logs").create_log_group(logGroupName="/tailed")
    stream = start_live_tail(platform, "/tailed")
    events = iter(stream)
    assert "sessionStart" in next(events)
    assert platform.stop() == 0
    assert all("sessionUpdate" in event for event in events)


def test_the_aws_cli_tails(platform, group):
    environment = {
        **clean_environment(),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "HOME": str(platform.home),
        "PYTHONUNBUFFERED": "1",
    }
    options = ["--log-group-identifiers", arn(group), "--log-event-filter-pattern", "said"]
    command = [sys.executable, "-m", "awscli", "--endpoint-url", platform.endpoint, "logs", "start-live-tail", *options]
    output = platform.home / f"tail-{unique()}"
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:

        def is_tailing():
            assert process.poll() is None, output.read_text()
            put(platform, group, "said so", "and more")
            return "said so" in output.read_text()

        wait_until(is_tailing, "the CLI shows a line", 60)
        assert "and more" not in output.read_text()
    finally:
        process.kill()
        process.wait()


def test_sam_finds_and_follows_the_log_of_a_function(platform):
    """`sam logs --tail`, which is not installed for tests: the group of the function, then FilterLogEvents from the time of the last
    event on, again and again. A group that is not there yet is waited for."""
    function, logs = platform.python(SAY), platform.client("logs")
    config = function.configuration().get("LoggingConfig", {})
    name = config.get("LogGroup") or f"/aws/lambda/{function.name}"
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName=name, startTime=0, interleaved=True)
    start, seen = int(time.time() * 1000) - 60_000, []

    def poll():
        nonlocal start
        arguments = {"logGroupName": name, "startTime": start, "interleaved": True, "filterPattern": "said"}
        while True:
            page = logs.filter_log_events(**arguments)
            for event in page["events"]:
                seen.append(event["message"])
                start = max(start, event["timestamp"] + 1)
            if "nextToken" not in page:
                return seen
            arguments["nextToken"] = page["nextToken"]

    function.invoke(1)
    wait_until(lambda: poll() == ["said 1\n"], "the first line is shown")
    function.invoke(2)
    wait_until(lambda: poll() == ["said 1\n", "said 2\n"], "the second line is shown")
