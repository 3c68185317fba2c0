# SPDX-License-Identifier: Apache-2.0
"""CloudWatch Logs through boto3 and the AWS CLI: what functions print, and what clients put."""

import re
import time

import harness
import pytest
from harness import unique, wait_until

SAY = "def handler(event, context):\n    print('said', event)\n    return context.log_stream_name"


@pytest.fixture
def logs(platform):
    return platform.client("logs")


@pytest.fixture
def group(logs):
    name = unique("/mine/")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def put(logs, group, *messages, stream="s"):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_a_function_s_environment_has_a_stream(platform, logs):
    function = platform.python(SAY)
    name = f"/aws/lambda/{function.name}"
    result = function.invoke("hello")
    stream = result.value()

    streams = logs.describe_log_streams(logGroupName=name)["logStreams"]
    assert [one["logStreamName"] for one in streams] == [stream]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    events = logs.get_log_events(logGroupName=name, logStreamName=stream, startFromHead=True)["events"]
    texts = [event["message"] for event in events]
    assert [text.split()[0] for text in texts] == ["INIT_START", "START", "said", "END", "REPORT"]
    assert texts[1] == f"START RequestId: {result.request_id} Version: $LATEST\n"
    assert texts[2] == "said hello\n"
    assert streams[0]["lastEventTimestamp"] == events[-1]["timestamp"]
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    assert found["arn"] == f"arn:aws:logs:{harness.REGION}:{harness.ACCOUNT}:log-group:{name}:*"
    assert found["storedBytes"] > 0


def test_a_function_begins_its_group_anew(platform, logs):
    function = platform.python(SAY)
    function.invoke(1)
    function.log_with("said 1")
    logs.delete_log_group(logGroupName=f"/aws/lambda/{function.name}")
    function.invoke(2)
    assert "said 1" not in function.log_with("said 2")


def test_pages_are_followed_to_their_end(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="t")
    for number in range(10):
        put(logs, group, f"event {number}", stream="st"[number % 2])
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, PaginationConfig={"PageSize": 3})
    texts = [event["message"] for page in pages for event in page["events"]]
    assert sorted(texts) == [f"event {number}" for number in range(10)]
    one_each = {"PageSize": 1}
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, PaginationConfig=one_each)
    assert [stream["logStreamName"] for page in pages for stream in page["logStreams"]] == ["s", "t"]
    logs.create_log_group(logGroupName=group + "/too")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group, PaginationConfig=one_each)
    assert [one["logGroupName"] for page in pages for one in page["logGroups"]] == [group, group + "/too"]


def test_what_was_put_survives_a_kill(new_platform):
    platform = new_platform().start()
    logs, name = platform.client("logs"), "/kept"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    put(logs, name, "one", "two")
    platform.kill()
    platform.start()
    logs = platform.client("logs")
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    events = logs.get_log_events(logGroupName=name, logStreamName="s")["events"]
    assert [event["message"] for event in events] == ["one", "two"]


def test_the_aws_cli_filters(platform, logs, group):
    put(logs, group, "ERROR one", "INFO two")
    options = ["--filter-pattern", "ERROR", "--query", "events[].message", "--output", "text"]
    done = platform.cli("logs", "filter-log-events", "--log-group-name", group, *options)
    assert done.stdout.strip() == "ERROR one"


def test_a_group_is_polled_as_tail_follows_it(logs, group):
    """What `aws logs tail --follow` and `sam logs --tail` do, which are not on PyPI in this version: they ask again from the
    last time they have seen, and leave out the ids that they know."""
    seen, start = {}, int(time.time() * 1000) - 60_000

    def poll():
        last = max([start, *(event["timestamp"] for event in seen.values())])
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=last, interleaved=True)
        new = [event for page in pages for event in page["events"] if event["eventId"] not in seen]
        seen.update({event["eventId"]: event for event in new})
        return [event["message"] for event in new]

    put(logs, group, "one", "two")
    assert poll() == ["one", "two"]
    assert poll() == []
    put(logs, group, "three")
    assert wait_until(poll, "the third is seen") == ["three"]
