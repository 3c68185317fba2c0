# SPDX-License-Identifier: Apache-2.0
"""Throttles: how many at once, how many a second, how many new environments; told before anything is started."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness import wait_until

SLEEP = "import time\ndef handler(event, context):\n    time.sleep(event or 0)\n    return event"


def reserve(function, count):
    function.platform.client().put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=count)


def throttled(function):
    """Why an invocation is throttled, or `None`."""
    path = f"/2015-03-31/functions/{function.name}/invocations"
    answer = function.platform.call("POST", path, "0")
    if answer.status == 200:
        return None
    assert (answer.status, answer.error_type) == (429, "TooManyRequestsException")
    assert answer.json()["message"] == "Rate Exceeded."
    return answer.json()["Reason"]


def insist(function, event):
    """Invokes until it is let in: the other's tries take a place, too."""

    def invoked():
        try:
            return function.invoke(event)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "TooManyRequestsException"
            return None

    return wait_until(invoked, f"{function.name} is let in")


def test_the_account(new_platform):
    """One function takes all there is; another is throttled, and starts nothing."""
    platform = new_platform("--set", "invoke.concurrency_max=3").start()
    greedy, other = platform.python(SLEEP, Timeout=60), platform.python(SLEEP)
    limit = platform.client().get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (3, 3)
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(insist, greedy, 3) for _ in range(3)]
        reason = wait_until(lambda: throttled(other), "the other is throttled")
        assert reason == "ConcurrentInvocationLimitExceeded"
        assert [call.result().value() for call in calls] == [3, 3, 3]

    assert throttled(other) is None


def test_a_function_that_is_switched_off_starts_nothing(platform):
    function = platform.python(SLEEP)
    reserve(function, 0)

    assert throttled(function) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    with pytest.raises(ClientError) as error:
        function.invoke()

    assert error.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert not function.log_events()


def test_ten_a_second_for_each_that_is_reserved(platform):
    function = platform.python(SLEEP)
    function.invoke()
    reserve(function, 1)
    reasons = set()

    def is_throttled():
        reasons.add(throttled(function))
        return len(reasons) > 1

    wait_until(is_throttled, "more than ten a second came")
    assert reasons == {None, "ReservedFunctionInvocationRateLimitExceeded"}
    wait_until(lambda: throttled(function) is None, "the next came in")


def test_all_functions_together(new_platform):
    platform = new_platform("--set", "invoke.requests_per_second_max=2").start()
    function = platform.python(SLEEP)

    reason = wait_until(lambda: throttled(function), "more than two a second came")

    assert reason == "FunctionInvocationRateLimitExceeded"


def test_new_environments(new_platform):
    """Two at once; what comes meanwhile is turned away, and may be tried again."""
    options = ("--set", "invoke.scaling_burst=2", "--set", "invoke.scaling_per_second=1")
    platform = new_platform(*options).start()
    function = platform.python(SLEEP, Timeout=30)
    other = platform.python(SLEEP)

    def call(_):
        try:
            return function.invoke(3).value()
        except ClientError as error:
            return error.response["Reason"]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(call, range(8)))

    assert results.count(3) >= 2
    assert set(results) == {3, "FunctionInvocationRateLimitExceeded"}
    assert other.invoke(0).value() == 0, "each function has a rate of its own"
    wait_until(lambda: throttled(function) is None, "its environments serve on")


def test_memory_is_shared_by_those_used_last(new_platform):
    """Twenty functions where a few have room: each runs when its turn comes, none fails."""
    platform = new_platform("--set", "invoke.memory_mb_max=100").start()
    functions = [platform.python("import uuid\nme = uuid.uuid4().hex\ndef handler(e, c): return me") for _ in range(20)]

    first = [function.invoke().value() for function in functions]
    second = [function.invoke().value() for function in functions]
    last = functions[-1].invoke().value()

    assert len(set(first)) == 20
    assert first[0] != second[0], "the first had to go"
    assert second[-1] == last, "what was used last is still there"


def test_a_start_waits_for_a_place(new_platform):
    """Sandboxes for four, stems included, and six functions, of which some take the way without a stem: none fails."""
    platform = new_platform("--set", "sandbox.sandboxes_max=4").start()
    code = "import uuid\nme = uuid.uuid4().hex\ndef handler(event, context): return me"
    ordinary = {"Environment": {"Variables": {"PYTHONTIMEOUT": "1"}}}
    functions = [platform.python(code, Timeout=30, **(ordinary if number % 2 else {})) for number in range(6)]

    first = [function.invoke().value() for function in functions]
    second = [function.invoke().value() for function in functions]

    assert len(set(first)) == 6
    assert set(first) != set(second), "some had to go"
