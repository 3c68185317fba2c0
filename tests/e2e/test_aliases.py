# SPDX-License-Identifier: Apache-2.0
"""Aliases and reserved concurrency: which version runs, and how many at once."""

import collections
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import POLL

WHO = "import os\ndef handler(event, context): return [os.environ['WHO'], context.invoked_function_arn.split(':')[-1]]"


@pytest.fixture
def two_versions(platform):
    """A function with two published versions that say which they are."""
    function = platform.python(WHO, Environment={"Variables": {"WHO": "first"}})
    client = platform.client()
    assert client.publish_version(FunctionName=function.name)["Version"] == "1"
    client.update_function_configuration(FunctionName=function.name, Environment={"Variables": {"WHO": "second"}})
    client.get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=POLL)
    assert client.publish_version(FunctionName=function.name)["Version"] == "2"
    return function


def test_an_alias_leads_to_its_version(platform, two_versions):
    client = platform.client()
    client.create_alias(FunctionName=two_versions.name, Name="live", FunctionVersion="1")
    first = two_versions.invoke(Qualifier="live").value()

    client.update_alias(FunctionName=two_versions.name, Name="live", FunctionVersion="2")

    assert [first, two_versions.invoke(Qualifier="live").value()] == [["first", "live"], ["second", "live"]]


def test_weights_are_routed(platform, two_versions):
    client = platform.client()
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    client.create_alias(FunctionName=two_versions.name, Name="half", FunctionVersion="1", RoutingConfig=routing)

    answers = [client.invoke(FunctionName=two_versions.name, Qualifier="half") for _ in range(200)]

    counts = collections.Counter(answer["ExecutedVersion"] for answer in answers)
    # Fewer than 50 of 200 at even odds: once in 10^13 runs.
    assert set(counts) == {"1", "2"}
    assert min(counts.values()) >= 50


def test_a_version_that_an_alias_uses_is_kept(platform, two_versions):
    client = platform.client()
    client.create_alias(FunctionName=two_versions.name, Name="live", FunctionVersion="1")

    with pytest.raises(client.exceptions.ResourceConflictException):
        client.delete_function(FunctionName=two_versions.name, Qualifier="1")


def test_a_missing_alias(platform, two_versions):
    client = platform.client()

    with pytest.raises(client.exceptions.ResourceNotFoundException, match=":nope"):
        client.invoke(FunctionName=two_versions.name, Qualifier="nope")


def test_no_reserved_concurrency_is_none_at_all(platform, two_versions):
    client = platform.client()
    client.put_function_concurrency(FunctionName=two_versions.name, ReservedConcurrentExecutions=0)

    with pytest.raises(client.exceptions.TooManyRequestsException) as raised:
        client.invoke(FunctionName=two_versions.name)

    assert raised.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=two_versions.name)
    assert two_versions.invoke().value()[0] == "second"


def test_reserved_concurrency_holds(platform):
    """With one place, one of two events at once is throttled."""
    function = platform.python("import time\ndef handler(event, context): time.sleep(2)", Timeout=10)
    client = platform.client()
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    together = threading.Barrier(2)

    def invoke(_):
        together.wait()
        try:
            return client.invoke(FunctionName=function.name)["StatusCode"]
        except client.exceptions.TooManyRequestsException as error:
            return error.response["Reason"]

    with ThreadPoolExecutor(2) as pool:
        results = set(pool.map(invoke, range(2)))

    assert results == {200, "ReservedFunctionConcurrentInvocationLimitExceeded"}
