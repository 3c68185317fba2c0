# SPDX-License-Identifier: Apache-2.0
"""Extensions: programs in a layer, and threads of the runtime, that are told of invocations and of the end."""

import json
import re
import time
from collections import defaultdict

import pytest
from harness import ACCOUNT, PYTHON, processes_with, unique, wait_until, zip_bytes

# Prints what it is told. `act` is what it does with each event.
EXTENSION = f"""#!/usr/bin/env {PYTHON}
import http.client, json, os, sys, time

NAME = os.path.basename(__file__)
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, **headers):
    headers = {{"Lambda-Extension-" + name.replace("_", "-"): value for name, value in headers.items()}}
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer, json.loads(answer.read())

def say(*words):
    print(NAME, *words, flush=True)

answer, function = call("POST", "register", json.dumps({{"events": EVENTS}}), Name=NAME, Accept_Feature="accountId")
me = answer.headers["Lambda-Extension-Identifier"]
say("registered", json.dumps(function, sort_keys=True))
while True:
    _, event = call("GET", "event/next", Identifier=me)
    say("got", json.dumps(event, sort_keys=True))
    act(event)
    if event["eventType"] == "SHUTDOWN":
        say("gone")
        sys.exit()
"""

HELLO = "def handler(event, context):\n    return 'hello'"
BOTH = ["INVOKE", "SHUTDOWN"]


def extension(act="pass", events=BOTH):
    head, rest = EXTENSION.split("\n", 1)
    body = act.replace("\n", "\n    ")
    return f"{head}\nEVENTS = {events!r}\ndef act(event):\n    {body}\n{rest}"


def layer(platform, programs):
    """The version ARN of a layer with these extensions."""
    files = {f"extensions/{name}": program for name, program in programs.items()}
    published = platform.client().publish_layer_version(
        LayerName=unique("extensions"),
        Content={"ZipFile": zip_bytes(files, dict.fromkeys(files, 0o100755))},
    )
    return published["LayerVersionArn"]


def function_with(platform, source=HELLO, **settings):
    programs = settings.pop("extensions", {"watcher": extension()})
    return platform.python(source, Layers=[layer(platform, programs)], **settings)


def retire(function):
    """Ends the function's environments: its code changed."""
    function.update_code({"index.py": f"# {time.monotonic()}\n{HELLO}"})


def test_an_extension_lives_with_its_function(platform):
    function = function_with(platform)

    result = function.invoke()
    assert result.value() == "hello"
    assert "Init Duration" in result.log
    log = function.log_with("got")
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in log
    registered = json.loads(re.search("registered (.*)", log)[1])
    assert registered == {
        "accountId": ACCOUNT,
        "functionName": function.name,
        "functionVersion": "$LATEST",
        "handler": "index.handler",
    }
    assert f'"eventType": "INVOKE", "invokedFunctionArn": "{function.arn}"' in log
    assert f'"requestId": "{result.request_id}"' in log

    retire(function)

    log = function.log_with("watcher gone")
    assert '"eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN"' in log


def test_the_answer_does_not_wait_for_extensions_and_the_next_event_does(platform):
    """While the extension is busy the environment takes no event; whoever gets the next one, it is told first."""
    slow = extension("if event['eventType'] == 'INVOKE': time.sleep(3); say('done')")
    function = function_with(platform, extensions={"slow": slow}, Timeout=20)
    function.invoke().value()
    function.log_with("slow done")

    started = time.monotonic()
    function.invoke().value()
    assert time.monotonic() - started < 2.5, "the answer came before the extension was done"
    result = function.invoke()

    assert result.value() == "hello"
    log = function.log_with(result.request_id)
    streams = defaultdict(list)
    for event in function.log_events():
        streams[event["logStreamName"]] += re.findall("slow (got|done)", event["message"])
    for told in streams.values():
        assert "gotgot" not in "".join(told), log


def test_an_extension_that_ends_takes_its_environment_with_it(platform):
    crash = extension("if event['eventType'] == 'INVOKE': os._exit(3)")
    source = "import time\ndef handler(event, context):\n    time.sleep(10)"
    function = function_with(platform, source, extensions={"crash": crash, "other": extension()}, Timeout=20)

    result = function.invoke()

    fault = result.fault()
    assert fault["errorType"] == "Extension.Crash"
    assert fault["errorMessage"] == f"RequestId: {result.request_id} Error: exit status 3"
    assert '"shutdownReason": "FAILURE"' in function.log_with("other gone")


def test_a_timeout_is_told(platform):
    source = "import time\ndef handler(event, context):\n    time.sleep(30)"
    function = function_with(platform, source, Timeout=1)

    assert function.invoke().fault()["errorType"] == "Sandbox.Timedout"
    assert '"shutdownReason": "TIMEOUT"' in function.log_with("watcher gone")


def test_the_timeout_is_the_extensions_too(platform):
    slow = extension("if event['eventType'] == 'INVOKE': time.sleep(30)")
    function = function_with(platform, extensions={"slow": slow, "watcher": extension()}, Timeout=1)

    assert function.invoke().value() == "hello"
    log = function.log_with("watcher gone")
    assert "Task timed out after 1.00 seconds" in log
    assert '"shutdownReason": "TIMEOUT"' in log
    assert function.invoke().value() == "hello", "after the reset"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("os._exit(5)", "Runtime exited with error: exit status 5"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
    ],
)
def test_the_end_of_a_runtime_is_told(platform, act, message):
    function = function_with(platform, f"import os\ndef handler(event, context):\n    {act}")

    result = function.invoke()

    assert result.fault() == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: {message}",
    }
    assert '"shutdownReason": "FAILURE"' in function.log_with("watcher gone")


def test_a_runtime_with_extensions_is_told_by_a_signal(platform):
    source = """
import signal, sys
def end(*_):
    print("runtime told", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
def handler(event, context):
    return "hello"
"""
    function = function_with(platform, source, extensions={"quiet": extension(events=[])})
    assert function.invoke().value() == "hello"

    retire(function)

    function.log_with("runtime told")


def test_an_extension_that_does_not_end_is_ended(platform):
    stubborn = extension("time.sleep(1000 if event['eventType'] == 'SHUTDOWN' else 0)")
    mark = unique("mark")
    settings = {"extensions": {"stubborn": stubborn}, "Environment": {"Variables": {"MARK": mark}}}
    function = function_with(platform, **settings)
    function.invoke().value()
    assert processes_with(mark)

    retire(function)

    wait_until(lambda: not processes_with(mark), "its time was up", timeout=10)
    assert "stubborn gone" not in function.log_with("SPINDOWN")


def test_extensions_see_the_function_s_variables_and_not_the_runtime_s(platform):
    program = extension("say('sees', sorted(os.environ))")
    function = function_with(platform, extensions={"nosy": program}, Environment={"Variables": {"MINE": "1"}})
    function.invoke().value()

    log = function.log_with("nosy sees")
    seen = next(line for line in log.splitlines() if "nosy sees" in line)
    for name in ["MINE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_LAMBDA_RUNTIME_API"]:
        assert f"'{name}'" in seen
    for name in ["_HANDLER", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME"]:
        assert f"'{name}'" not in seen


def test_an_extension_that_never_registers_fails_the_init_phase(platform):
    function = function_with(platform, extensions={"mute": "#!/bin/sh\nexec tail -f /dev/null\n"}, Timeout=1)

    assert function.invoke().fault()["errorType"] == "Sandbox.Timedout"
    log = function.log_with("Phase: invoke")
    assert "Phase: init\tStatus: timeout" in log
    assert "EXTENSION\tName: mute\tState: Started\tEvents: []" in log


@pytest.mark.parametrize(
    ("program", "kind", "message"),
    [
        ("#!/no/such/program\n", "Extension.LaunchError", "fork/exec /opt/extensions/bad: no such file or directory"),
        ("#!/bin/sh\nexit 9\n", "Extension.Crash", "exit status 9"),
    ],
)
def test_an_extension_that_does_not_start_fails_the_init_phase(platform, program, kind, message):
    function = function_with(platform, extensions={"bad": program})

    result = function.invoke()

    assert result.fault() == {
        "errorType": kind,
        "errorMessage": f"RequestId: {result.request_id} Error: {message}",
    }
    assert f"Phase: init\tStatus: error\tError Type: {kind}" in function.log_with("Phase: invoke")


def test_a_thread_of_the_runtime_may_be_an_extension(platform):
    source = """
import http.client, json, os, threading

def call(api, method, path, body=None, **headers):
    headers = {"Lambda-Extension-" + name: value for name, value in headers.items()}
    api.request(method, "/2020-01-01/extension/" + path, body, headers)
    answer = api.getresponse()
    return answer, json.loads(answer.read())

def live():
    while True:
        print("internal got", call(api, "GET", "event/next", Identifier=me)[1]["eventType"], flush=True)

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
refused = call(api, "POST", "register", '{"events":["SHUTDOWN"]}', Name="inside")[1]
answer, _ = call(api, "POST", "register", '{"events":["INVOKE"]}', Name="inside")
me = answer.headers["Lambda-Extension-Identifier"]
threading.Thread(target=live, daemon=True).start()

def handler(event, context):
    late = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    return [refused["errorType"], call(late, "POST", "register", "{}", Name="late")[1]["errorType"]]
"""
    function = platform.python(source)

    refusals = ["Extension.InvalidEventType", "Extension.RegistrationClosed"]
    assert [function.invoke().value() for _ in range(3)] == [refusals] * 3
    log = function.log_with("internal got INVOKE")
    assert "EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]" in log
    wait_until(lambda: function.log_with("got").count("internal got INVOKE") == 3, "it was told three times")


def test_an_environment_with_a_busy_extension_is_not_given_an_event(platform):
    """The next event runs in another environment, at once."""
    slow = extension("if event['eventType'] == 'INVOKE': time.sleep(5)")
    source = "import uuid\nme = uuid.uuid4().hex\ndef handler(event, context):\n    return me"
    function = function_with(platform, source, extensions={"slow": slow}, Timeout=20)

    started = time.monotonic()
    results = [function.invoke().value() for _ in range(2)]

    assert len(set(results)) == 2
    assert time.monotonic() - started < 5


def test_extensions_are_told_of_the_server_s_end(new_platform):
    platform = new_platform().start()
    function = function_with(platform)
    function.invoke().value()

    platform.stop()

    log = platform.tinderbox("logs", function.name, "--data-dir", platform.data_dir).stdout
    assert "watcher gone" in log and '"shutdownReason": "SPINDOWN"' in log


def test_an_extension_that_ends_between_events_costs_nobody_an_event(platform):
    """It posts `next` and ends at once: the environment is reset, or replaced, before it gets another event."""
    fickle = extension(
        "if event['eventType'] == 'INVOKE': import threading; threading.Timer(0.02, os._exit, [3]).start()"
    )
    function = function_with(platform, extensions={"fickle": fickle})

    for _ in range(4):
        assert function.invoke().value() == "hello"


def test_an_extension_that_ends_badly_at_the_end_holds_up_nothing(platform):
    rude = extension("if event['eventType'] == 'SHUTDOWN': os._exit(9)")
    mark = unique("mark")
    settings = {"extensions": {"rude": rude}, "Environment": {"Variables": {"MARK": mark}}}
    function = function_with(platform, **settings)
    function.invoke().value()

    function.delete()

    wait_until(lambda: not processes_with(mark), "all have ended", timeout=10)


def test_more_than_ten_extensions_fail_the_init_phase(platform):
    programs = {f"e{number:02}": "#!/bin/sh\n" for number in range(11)}
    function = function_with(platform, extensions=programs)

    result = function.invoke()

    assert result.fault()["errorType"] == "Extension.LaunchError"
    assert "Extension limit (10) reached" in result.fault()["errorMessage"]


def test_a_reset_starts_extensions_anew(new_platform):
    """In the same sandbox: what an extension left in /tmp is there, what it was told is not told again."""
    platform = new_platform("--set", "invoke.environments_max=1").start()
    act = "open('/tmp/told', 'a').write(event['eventType'][0]); say('has', open('/tmp/told').read())"
    source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return open('/tmp/told').read()"
    function = function_with(platform, source, extensions={"diary": extension(act)}, Timeout=1)

    assert function.invoke(0.1).value() == "I"
    assert function.invoke(60).fault()["errorType"] == "Sandbox.Timedout"

    # Invoked twice, told of the end; then started again, and told of this event.
    assert function.invoke(0.1).value() == "IISI"
    assert function.log_with("diary has IISI").count("diary registered") == 2
