# SPDX-License-Identifier: Apache-2.0
"""What the server tells Prometheus of itself, read with Prometheus' own parser."""

import json
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness import wait_until
from prometheus_client.parser import text_string_to_metric_families

PATH = "/_tinderbox/metrics"
CATALOGUE = Path(__file__).parents[2] / "docs" / "metrics.md"
# What a function finds at the port of the server, with what it has.
ASK = """
import os, urllib.error, urllib.request
def handler(event, context):
    if event.get("fail"):
        raise RuntimeError("told to")
    try:
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + event["path"]).status
    except urllib.error.HTTPError as error:
        return error.code
"""


def get(platform, path=PATH, **headers):
    return platform.call("GET", path, headers=headers, sign=False)


def scrape(platform):
    token = (platform.data_dir / "metrics.token").read_text()
    reply = get(platform, Authorization=f"Bearer {token}")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {family.name: family for family in text_string_to_metric_families(reply.body.decode())}


def value(families, family, suffix="", **labels):
    """The sum of the samples that have these labels."""
    found = [
        sample.value
        for sample in families[family].samples
        if sample.name.endswith(suffix) and labels.items() <= sample.labels.items()
    ]
    assert found, f"{family}{labels} is not told"
    return sum(found)


def test_the_page_is_what_the_catalogue_says(platform):
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| \w* \| ([^|]*) \|", CATALOGUE.read_text(), re.MULTILINE)
    declared = {name.removesuffix("_total"): (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows}
    told = scrape(platform)
    assert {name: family.type for name, family in told.items()} == {name: kind for name, (kind, _) in declared.items()}
    for name, family in told.items():
        assert family.documentation, name
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == declared[name][1], sample


def test_what_happens_is_counted(platform):
    function = platform.python(ASK)
    before = scrape(platform)
    function.invoke({"path": "/_tinderbox/health"})
    function.invoke({"fail": True})
    with pytest.raises(ClientError):
        platform.client().get_function(FunctionName="nobody")

    def more(family, suffix="_total", **labels):
        told = scrape(platform)
        had = [sample for sample in before[family].samples if labels.items() <= sample.labels.items()]
        return value(told, family, suffix, **labels) - (value(before, family, suffix, **labels) if had else 0)

    wait_until(lambda: more("tinderbox_invocations", result="success") >= 1, "the invocation is counted")
    wait_until(lambda: more("tinderbox_invocations", result="error") >= 1, "the failed one is, too")
    assert more("tinderbox_invocation_duration_seconds", "_count") >= 2
    assert more("tinderbox_invocation_duration_seconds", "_sum") > 0
    assert more("tinderbox_environment_starts") >= 1
    invoke = {"service": "lambda", "operation": "Invoke", "status": "200"}
    assert more("tinderbox_http_requests", **invoke) >= 2
    assert more("tinderbox_http_requests", service="lambda", operation="GetFunction", status="404") >= 1
    told = scrape(platform)
    assert value(told, "tinderbox_environments", kind="on_demand") >= 1
    for part in ("records", "logs"):
        assert value(told, "tinderbox_store_bytes", part=part) >= 0
    for family in ("process_resident_memory_bytes", "process_open_fds", "tinderbox_store_commits"):
        assert value(told, family) > 0
    buckets = [sample for sample in told["tinderbox_invocation_duration_seconds"].samples if "le" in sample.labels]
    counts = [sample.value for sample in buckets]
    assert counts == sorted(counts) and buckets[-1].labels["le"] == "+Inf"


def test_a_throttle_and_an_event_are_counted(platform):
    client, function = platform.client(), platform.python(ASK)
    before = scrape(platform)
    had = {name: value(before, name) for name in ("tinderbox_throttles", "tinderbox_journal_fsyncs")}
    received = value(before, "tinderbox_async_events", what="received")
    client.invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps({"path": "/x"}))
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError):
        client.invoke(FunctionName=function.name, Payload=b"{}")
    wait_until(lambda: value(scrape(platform), "tinderbox_throttles") > had["tinderbox_throttles"], "the throttle")
    client.delete_function_concurrency(FunctionName=function.name)
    assert value(scrape(platform), "tinderbox_async_events", what="received") > received
    assert value(scrape(platform), "tinderbox_journal_fsyncs") > had["tinderbox_journal_fsyncs"]


def test_nobody_reads_it_without_the_token(platform):
    token_file = platform.data_dir / "metrics.token"
    assert token_file.stat().st_mode & 0o777 == 0o600
    token = token_file.read_text()
    for headers in ({}, {"Authorization": f"Bearer {token}x"}, {"Authorization": f"Basic {token}"}):
        reply = get(platform, **headers)
        assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert b"metrics.token" in reply.body and token.encode() not in reply.body
    assert platform.call("GET", PATH).status == 401, "root's signature is no token"
    assert get(platform, PATH + "/x", Authorization=f"Bearer {token}").status == 404
    assert platform.python(ASK).invoke({"path": PATH}).value() == 401
