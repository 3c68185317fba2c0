# SPDX-License-Identifier: Apache-2.0
"""The phases of an environment: init, invoke, reset, shutdown; and runtimes that do not keep to the rules."""

import re
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import PYTHON, Platform, processes_with, unique, wait_until

# Says who it is and what it found in /tmp, and leaves something there.
DIARY = """
import os, time, uuid
me = uuid.uuid4().hex
def read():
    try:
        with open("/tmp/diary") as diary: return diary.read().split()
    except OSError: return []
def handler(event, context):
    found = read()
    with open("/tmp/diary", "a") as diary: diary.write(str(event) + " ")
    {act}
    return [me, found]
"""

ENDS = {
    "hang": "time.sleep(60)",
    "exit": "os._exit(1)",
    "fork": "os.fork() == 0 and time.sleep(60) or os.kill(os.getpid(), 9)",
    "threads": "[os.fork() == 0 and os.setsid() and time.sleep(60) for _ in range(5)]; time.sleep(60)",
}


def diary(platform, end, **settings):
    act = f"if event == 'end': {ENDS[end]}"
    return platform.python(DIARY.format(act=act), Timeout=2, **settings)


@pytest.fixture(scope="module")
def single(binary):
    """A server with room for one environment: after a reset there is no other."""
    platform = Platform("--set", "invoke.environments_max=1").start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("path", ["stem", "ordinary"])
def test_a_reset_keeps_tmp_and_nothing_else(single, end, path):
    """As recorded from AWS: after a timeout or a crash files are there, and memory is not."""
    settings = {"Environment": {"Variables": {"PYTHONTIMEOUT": "1"}}} if path == "ordinary" else {}
    function = diary(single, end, **settings)
    me, _ = function.invoke("first").value()

    result = function.invoke("end")
    again = function.invoke("next")

    assert result.fault()["errorType"] in ("Sandbox.Timedout", "Runtime.ExitError")
    other, found = again.value()
    assert found == ["first", "end"]
    assert other != me
    assert "INIT_START" in again.log
    assert "Init Duration" not in again.log, "it is a part of the duration"
    assert again.log.index("INIT_START") < again.log.index("START RequestId")
    assert function.invoke("last").value()[0] == other


@pytest.mark.parametrize("end", ["raise Exception('no')", "os._exit(1)"])
def test_a_failed_init_keeps_tmp(single, end):
    """The first event initialises again, in the same environment. Both tries are in the log, before the START line."""
    function = single.python(
        f"""
import os
count = len(os.listdir("/tmp"))
open(f"/tmp/{{count}}", "w").close()
if count < 3: {end}
def handler(event, context): return count
"""
    )
    assert function.invoke().error == "Unhandled"
    result = function.invoke()
    assert result.error == "Unhandled"
    assert re.search(r"INIT_START[^\n]*\n(.*\n)*INIT_REPORT [^\n]*\tPhase: invoke\tStatus: error", result.log)
    assert result.log.index("INIT_REPORT") < result.log.index("START RequestId")
    assert function.invoke().value() == 3


# Calls of the Runtime API, for runtimes that do not keep to its rules.
BARE = f"""#!/usr/bin/env {PYTHON}
import http.client, json, os, signal, sys, time

def call(method, path, body=None, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    reply = api.getresponse()
    return reply, reply.read()

def next_event():
    reply, body = call("GET", "invocation/next")
    return reply.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(body)

def answer(request_id, value, kind="response"):
    reply, body = call("POST", f"invocation/{{request_id}}/{{kind}}", json.dumps(value))
    return [reply.status, json.loads(body).get("errorType")]

"""


def bare(platform, source, **settings):
    return platform.provided(BARE + textwrap.dedent(source), **{"Timeout": 10, **settings})


def test_an_answer_out_of_turn_is_refused(platform):
    function = bare(
        platform,
        """
        seen, old = None, None
        while True:
            request_id, _ = next_event()
            early = old and answer(old, "old")
            first = answer(request_id, [seen, early])
            seen = [first, answer(request_id, 2), answer(request_id, {}, "error"), answer("no-id", 3)]
            old = request_id
        """,
    )

    assert function.invoke().value() == [None, None]
    twice, unknown = [403, "InvalidStateTransition"], [400, "InvalidRequestID"]
    for _ in range(2):
        assert function.invoke().value() == [[[202, None], twice, twice, unknown], unknown]


def test_a_runtime_may_end_after_its_answer(platform):
    """Its answer counts; the next event finds the environment reset, or another."""
    function = bare(
        platform,
        """
        request_id, event = next_event()
        answer(request_id, event)
        os._exit(event)
        """,
    )

    assert [function.invoke(code).value() for code in [0, 1, 0, 3, 0]] == [0, 1, 0, 3, 0]


def test_a_runtime_that_reported_a_failed_init_gets_no_event(platform):
    """Whether it goes on or ends: the caller has its report."""
    function = bare(
        platform,
        """
        report = {"errorType": "Mine", "errorMessage": "not today"}
        kind = {"Lambda-Runtime-Function-Error-Type": "Runtime.NotToday"}
        call("POST", "init/error", json.dumps(report), **kind)
        while True:
            request_id, event = next_event()
            answer(request_id, "served all the same")
        """,
    )

    result = function.invoke()

    assert result.fault() == {"errorType": "Mine", "errorMessage": "not today"}
    assert "Phase: invoke\tStatus: error\tError Type: Runtime.NotToday" in result.log
    assert function.invoke().fault()["errorMessage"] == "not today"


def test_a_runtime_that_ends_before_its_first_event(platform):
    function = bare(platform, "sys.exit(0)")

    result = function.invoke()

    assert result.fault() == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited without providing a reason",
    }
    assert "Error Type: Runtime.ExitError" in result.log


# Prints when it is asked to end, and is an extension itself if `is_extension`.
TOLD = """
import http.client, os, signal, sys
is_extension, is_stubborn = {}, {}
def end(*_):
    print("runtime told", flush=True)
    if not is_stubborn: sys.exit(0)
signal.signal(signal.SIGTERM, end)
if is_extension:
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    headers = {{"Lambda-Extension-Name": "inside"}}
    api.request("POST", "/2020-01-01/extension/register", '{{"events":[]}}', headers)
    reply = api.getresponse()
    reply.read()
    import threading
    headers = {{"Lambda-Extension-Identifier": reply.headers["Lambda-Extension-Identifier"]}}
    wait = lambda: (api.request("GET", "/2020-01-01/extension/event/next", headers=headers), api.getresponse())
    threading.Thread(target=wait, daemon=True).start()
def handler(event, context): return "hello"
"""


@pytest.mark.parametrize(
    ("is_extension", "is_stubborn", "is_told"), [(True, False, True), (True, True, True), (False, False, False)]
)
def test_only_a_runtime_with_extensions_is_told_of_the_end(platform, is_extension, is_stubborn, is_told):
    """One that is an extension itself has 500 ms; one without extensions is killed at once."""
    mark = unique("mark")
    function = platform.python(TOLD.format(is_extension, is_stubborn), Environment={"Variables": {"PYTHON_MARK": mark}})
    assert function.invoke().value() == "hello"
    assert processes_with(mark)

    function.delete()

    wait_until(lambda: not processes_with(mark), "it has ended", timeout=10)
    if is_told:
        function.log_with("runtime told")
    else:
        assert "runtime told" not in function.log_with("REPORT")


def test_a_reset_is_not_told_to_a_runtime(single):
    """After a timeout even a runtime that is an extension is killed at once."""
    source = TOLD.format(True, False).replace('return "hello"', "import time; time.sleep(event); return 'hello'")
    function = single.python(source, Timeout=1)

    assert function.invoke(60).fault()["errorType"] == "Sandbox.Timedout"

    assert function.invoke(0).value() == "hello"
    assert "runtime told" not in function.log_with("REPORT")


def test_a_tmp_that_leaves_no_room_to_initialise_is_given_up(single):
    """While /tmp is memory: what a crash leaves there may be all there is. The environment is replaced then."""
    function = single.python(
        """
import os
ballast = bytes(b"x" * (60 << 20))
def handler(event, context):
    if event == "fill":
        with open("/tmp/fill", "wb") as file: file.write(bytes(45 << 20))
        os._exit(1)
    return os.listdir("/tmp")
""",
        MemorySize=128,
        Timeout=10,
    )
    assert function.invoke("look").value() == []

    assert function.invoke("fill").error == "Unhandled"

    looks = [function.invoke("look") for _ in range(3)]
    assert looks[-1].error is None, looks[-1].log


def test_a_storm_of_crashes_costs_nobody_an_answer(platform):
    """Events that end their runtime among events that do not, eight at a time: each has its own answer, and nothing stays."""
    mark = unique("mark")
    function = platform.python(
        """
import os
def handler(event, context):
    act, number = event
    if act == "exit": os._exit(3)
    if act == "kill": os.kill(os.getpid(), 9)
    if act == "leave" and os.fork() == 0: os.execv("/bin/sleep", ["sleep", "1000"])
    return number
""",
        Timeout=20,
        Environment={"Variables": {"PYTHON_MARK": mark}},
    )
    events = [(("ok", "exit", "ok", "kill", "ok", "leave")[number % 6], number) for number in range(150)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda event: function.invoke(event, LogType="None"), events))

    for (act, number), result in zip(events, results, strict=True):
        if act in ("exit", "kill"):
            assert result.fault()["errorType"] == "Runtime.ExitError"
        else:
            assert result.value() == number
    function.delete()
    wait_until(lambda: not processes_with(mark), "every process is gone", timeout=10)
