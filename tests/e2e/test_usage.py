# SPDX-License-Identifier: Apache-2.0
"""What functions used is counted as their REPORT lines say, and is there again after a restart and a kill."""

import csv
import io
import json
import re

import pytest
from harness import ACCOUNT, POLL, REGION, Platform, tinderbox, wait_until

HANDLER = """
import time
def handler(event, context):
    if event.get("fail"):
        raise RuntimeError("told to fail")
    if event.get("sleep"):
        time.sleep(event["sleep"])
    return event
"""
REPORT = re.compile(r"REPORT RequestId: \S+\t.*?Billed Duration: (\d+) ms\tMemory Size: (\d+) MB")


@pytest.fixture(scope="module")
def server(binary):
    platform = Platform("--set", "events.first_retry_ms=100", "--set", "events.second_retry_ms=100").start()
    yield platform
    platform.stop()
    platform.discard()


def usage(platform, *arguments):
    """Rows of `tinderbox usage`, numbers as they are written."""
    done = tinderbox("usage", "--data-dir", platform.data_dir, "--output", "json", *arguments)
    return json.loads(done.stdout, parse_float=str, parse_int=str)


def reported(log):
    """Requests, billed milliseconds and megabyte-milliseconds, by what a log says."""
    lines = [(int(billed), int(memory)) for billed, memory in REPORT.findall(log)]
    return len(lines), sum(billed for billed, _ in lines), sum(billed * memory for billed, memory in lines)


def counted(platform, name):
    """The same, by what `tinderbox usage` says."""
    rows = [row for row in usage(platform, "--by", "function") if row["function"] == name]
    gigabytes = sum(round(float(row["gb_seconds"]) * 1024 * 1000) for row in rows)
    return sum(int(row["requests"]) for row in rows), sum(int(row["billed_ms"]) for row in rows), gigabytes


def agree(function, requests):
    """Waits until as many invocations are reported, and checks that as much is counted."""

    def log():
        text = function.log_with("START")
        return text if reported(text)[0] == requests else None

    text = wait_until(log, f"{requests} reports of {function.name}")
    assert counted(function.platform, function.name) == reported(text)


def test_what_is_printed_is_counted(server):
    function = server.python(HANDLER, MemorySize=192, Timeout=1)
    for event in ({}, {"fail": 1}, {"sleep": 0.01}, {"sleep": 60}, {}):
        function.invoke(event)
    agree(function, 5)
    (row,) = [row for row in usage(server) if row["function"] == function.name]
    assert (row["account"], row["region"], row["errors"]) == (ACCOUNT, REGION, "2")


def test_every_attempt_of_an_event_is_counted(server):
    function = server.python(HANDLER)
    server.client().invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"fail": 1}')
    agree(function, 3)


def test_versions_days_and_forms(server):
    function = server.python(HANDLER)
    client = server.client()
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=function.name, Qualifier=version, WaiterConfig=POLL)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    for qualifier in ("$LATEST", version, "live"):
        client.invoke(FunctionName=function.name, Qualifier=qualifier, Payload=b"{}")
    rows = [row for row in usage(server, "--by", "version,day") if row["function"] == function.name]
    assert sorted((row["version"], row["requests"]) for row in rows) == [("$LATEST", "1"), ("1", "2")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["day"]) for row in rows)
    arguments = ("usage", "--data-dir", server.data_dir, "--by", "account", "--output", "csv")
    (total,) = csv.DictReader(io.StringIO(tinderbox(*arguments).stdout))
    assert total["account"] == ACCOUNT and int(total["requests"]) >= 3
    assert usage(server, "--from", "2020-01-01", "--to", "2020-01-31") == []
    table = tinderbox("usage", "--data-dir", server.data_dir).stdout.splitlines()
    assert table[0].split()[:4] == ["account", "region", "function", "requests"]


def test_provisioned_environments_are_counted_used_or_not(server):
    function = server.python(HANDLER)
    client = server.client()
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=function.name, Qualifier=version, WaiterConfig=POLL)
    client.put_provisioned_concurrency_config(
        FunctionName=function.name, Qualifier=version, ProvisionedConcurrentExecutions=1
    )

    def row():
        rows = [row for row in usage(server) if row["function"] == function.name]
        return rows[0] if rows and float(rows[0]["provisioned_concurrency_gb_seconds"]) > 0 else None

    assert wait_until(row, "provisioned time is counted")["requests"] == "0"
    config = {"FunctionName": function.name, "Qualifier": version}
    ready = lambda: client.get_provisioned_concurrency_config(**config)["Status"] == "READY"  # noqa: E731
    wait_until(ready, "the environment is ready")
    client.invoke(**config, Payload=b"{}")
    wait_until(lambda: row()["provisioned_requests"] == "1", "the invocation is counted")
    client.delete_provisioned_concurrency_config(**config)


def test_restarts_and_kills_lose_nothing_that_was_written(binary):
    platform = Platform().start()
    function = platform.python(HANDLER)
    logs = [function.invoke({}).log for _ in range(3)]
    # A graceful stop writes what the last second counted.
    platform.stop()
    platform.start()
    assert counted(platform, function.name) == reported("".join(logs))

    logs += [function.invoke({}).log for _ in range(3)]
    platform.kill()
    platform.start()
    requests, billed_ms, _ = counted(platform, function.name)
    told = reported("".join(logs))
    assert 3 <= requests <= told[0] and billed_ms <= told[1]
    # It goes on from there.
    function.invoke({})
    assert counted(platform, function.name)[0] == requests + 1
    platform.stop()
    platform.discard()
