# SPDX-License-Identifier: Apache-2.0
"""Provisioned concurrency: environments that are ready before the first event, kept, replaced, given back."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness import processes_with, unique, wait_until

CODE = """
import os, time, uuid
me, kind, born = uuid.uuid4().hex, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], time.time()
def handler(event, context):
    if isinstance(event, dict):
        time.sleep(event.get("sleep", 0))
        if event.get("die"):
            os._exit(1)
    return [me, kind, born]
"""


def publish(function):
    return function.platform.client().publish_version(FunctionName=function.name)["Version"]


def put(function, qualifier, count):
    return function.platform.client().put_provisioned_concurrency_config(
        FunctionName=function.name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )


def progress(function, qualifier):
    found = function.platform.client().get_provisioned_concurrency_config(
        FunctionName=function.name, Qualifier=qualifier
    )
    return [
        found["Status"],
        found["AllocatedProvisionedConcurrentExecutions"],
        found["AvailableProvisionedConcurrentExecutions"],
    ]


def ready(function, qualifier, count):
    wait_until(lambda: progress(function, qualifier) == ["READY", count, count], f"{count} are ready for {qualifier}")


def give_back(function, qualifier):
    function.platform.client().delete_provisioned_concurrency_config(FunctionName=function.name, Qualifier=qualifier)


def marked(platform, **settings):
    """A function whose processes can be found in /proc."""
    mark = unique("mark")
    return platform.python(CODE, Environment={"Variables": {"PYTHON_MARK": mark}}, **settings), mark


def test_environments_are_ready_before_the_first_event(platform):
    function, mark = marked(platform)
    version = publish(function)
    first = put(function, version, 2)
    assert first["Status"] == "IN_PROGRESS"
    assert first["RequestedProvisionedConcurrentExecutions"] == 2
    ready(function, version, 2)
    assert processes_with(mark)

    result = function.invoke(Qualifier=version)

    assert result.value()[1] == "provisioned-concurrency"
    assert "Init Duration" in result.log
    assert function.invoke().value()[1] == "on-demand", "$LATEST has environments of its own"
    listed = platform.client().list_provisioned_concurrency_configs(FunctionName=function.name)
    assert [item["FunctionArn"] for item in listed["ProvisionedConcurrencyConfigs"]] == [f"{function.arn}:{version}"]


def test_what_is_more_runs_on_demand(platform):
    function = platform.python(CODE, Timeout=30)
    version = publish(function)
    put(function, version, 1)
    ready(function, version, 1)

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(function.invoke, {"sleep": 2}, Qualifier=version) for _ in range(3)]
        kinds = sorted(call.result().value()[1] for call in calls)

    assert kinds == ["on-demand", "on-demand", "provisioned-concurrency"]
    ready(function, version, 1)


def test_they_are_kept_and_replaced(new_platform):
    platform = new_platform("--set", "invoke.idle_max_ms=200").start()
    function, mark = marked(platform)
    version = publish(function)
    put(function, version, 1)
    ready(function, version, 1)
    other, other_mark = marked(platform)
    other.invoke()
    wait_until(lambda: not processes_with(other_mark), "what is not provisioned was reaped")

    first = function.invoke(Qualifier=version).value()
    assert first[1] == "provisioned-concurrency", "and what is, was not"
    assert function.invoke({"die": True}, Qualifier=version).error == "Unhandled"
    ready(function, version, 1)
    second = function.invoke(Qualifier=version).value()
    assert second[1] == "provisioned-concurrency"
    assert second[0] != first[0]

    for process in processes_with(mark):
        os.kill(process, signal.SIGKILL)

    def third():
        # The kernel may still be ending the one that was killed, and the event reach it: that is an error of the function.
        answer = function.invoke(Qualifier=version)
        if answer.error:
            return False
        found = answer.value()
        return found[1] == "provisioned-concurrency" and found[0] != second[0]

    wait_until(third, "one that was killed while it was idle is replaced")


def test_they_come_back_after_a_restart(new_platform):
    platform = new_platform().start()
    function = platform.python(CODE)
    version = publish(function)
    put(function, version, 1)
    ready(function, version, 1)

    platform.restart()

    ready(function, version, 1)
    assert function.invoke(Qualifier=version).value()[1] == "provisioned-concurrency"


def test_they_follow_an_alias(platform):
    function, mark = marked(platform)
    client = platform.client()
    one = publish(function)
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=one)
    put(function, "live", 1)
    ready(function, "live", 1)
    first = function.invoke(Qualifier="live")
    assert (first.version, first.value()[1]) == (one, "provisioned-concurrency")
    assert function.invoke(Qualifier=one).value()[1] == "on-demand", "a version is not its alias"

    function.update_configuration(Timeout=9)
    two = publish(function)
    client.update_alias(FunctionName=function.name, Name="live", FunctionVersion=two)
    ready(function, "live", 1)
    moved = function.invoke(Qualifier="live")
    assert (moved.version, moved.value()[1]) == (two, "provisioned-concurrency")

    client.update_alias(FunctionName=function.name, Name="live", RoutingConfig={"AdditionalVersionWeights": {one: 0.5}})
    put_back = [function.invoke(Qualifier="live") for _ in range(20)]
    assert {result.version for result in put_back} == {one, two}
    client.delete_alias(FunctionName=function.name, Name="live")
    with pytest.raises(ClientError) as gone:
        progress(function, "live")
    assert gone.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_they_are_given_back(platform):
    function, mark = marked(platform)
    version = publish(function)
    put(function, version, 3)
    ready(function, version, 3)

    give_back(function, version)

    wait_until(lambda: not processes_with(mark), "all were stopped")
    with pytest.raises(ClientError) as none:
        progress(function, version)
    assert none.value.response["Error"]["Code"] == "ProvisionedConcurrencyConfigNotFoundException"
    put(function, version, 1)
    ready(function, version, 1)
    function.delete()
    wait_until(lambda: not processes_with(mark), "a deleted function keeps none")


def test_a_function_that_cannot_initialise(platform):
    """It is tried a few times, then given up until it is asked for anew."""
    function = platform.python("raise RuntimeError('no')", Timeout=5)
    version = publish(function)
    put(function, version, 2)

    def failed():
        found = platform.client().get_provisioned_concurrency_config(FunctionName=function.name, Qualifier=version)
        return found if found["Status"] == "FAILED" else None

    found = wait_until(failed, "the provision failed")

    assert found["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert (found["AvailableProvisionedConcurrentExecutions"], found["RequestedProvisionedConcurrentExecutions"]) == (
        0,
        2,
    )
    assert "RuntimeError" in function.log_with("INIT_REPORT")
    put(function, version, 1)
    wait_until(failed, "it failed again")


def test_a_slow_init_phase_has_more_time_than_on_demand(platform):
    """On demand it would have been cut off after ten seconds, and done again."""
    function = platform.python("import time\ntime.sleep(11)\n" + CODE, Timeout=60)
    version = publish(function)
    put(function, version, 1)
    ready(function, version, 1)

    result = function.invoke(Qualifier=version)

    assert result.value()[1] == "provisioned-concurrency"
    assert "timeout" not in function.log_with("Init Duration")
