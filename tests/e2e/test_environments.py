# SPDX-License-Identifier: Apache-2.0
"""Execution environments: started, reused, one event at a time, replaced, reaped."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness import processes_with, unique, wait_until

COUNTER = """
import os, uuid
me, count = uuid.uuid4().hex, 0
def handler(event, context):
    global count
    count += 1
    return [me, count]
"""


def test_an_environment_is_used_again(platform):
    function = platform.python(COUNTER)

    results = [function.invoke() for _ in range(5)]

    assert len({result.value()[0] for result in results}) == 1
    assert [result.json()[1] for result in results] == [1, 2, 3, 4, 5]
    assert ["Init Duration" in result.log for result in results] == [True] + [False] * 4


def test_tmp_is_kept_between_invocations(platform):
    function = platform.python(
        "import os\ndef handler(event, context):\n"
        "    existed = os.path.exists('/tmp/seen')\n    open('/tmp/seen', 'w').close()\n    return existed"
    )

    assert [function.invoke().value() for _ in range(3)] == [False, True, True]


def test_environments_share_nothing_in_tmp(platform):
    source = "import os\ndef handler(event, context):\n    open('/tmp/mine', 'a').write('x')\n    return len(open('/tmp/mine').read())"
    one, other = platform.python(source), platform.python(source)

    assert [one.invoke().value(), one.invoke().value(), other.invoke().value()] == [1, 2, 1]


def test_concurrent_events_run_in_environments_of_their_own(platform):
    """Ten sleepers finish together."""
    function = platform.python(
        """
import os, time, uuid
me = uuid.uuid4().hex
def handler(event, context):
    time.sleep(2)
    return me
""",
        Timeout=30,
    )

    started = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        environments = list(pool.map(lambda _: function.invoke().value(), range(10)))
    elapsed = time.monotonic() - started

    assert len(set(environments)) == 10
    # One after the other would take twenty seconds, two at a time ten.
    assert elapsed < 9


def test_one_environment_has_one_event_at_a_time(platform):
    function = platform.python(
        """
import threading, uuid
me, busy = uuid.uuid4().hex, threading.Lock()
def handler(event, context):
    assert busy.acquire(blocking=False), "two events at once"
    try:
        return me if sum(range(200_000)) else None
    finally:
        busy.release()
""",
        Timeout=30,
    )

    with ThreadPoolExecutor(8) as pool:
        environments = list(pool.map(lambda _: function.invoke().value(), range(100)))

    assert 1 <= len(set(environments)) <= 8


def test_an_update_never_serves_old_code_again(platform):
    """Hammered all the while. What a caller sees after an update was answered is at least that new."""
    code = "def handler(event, context): return {0}"
    function = platform.deploy({"index.py": code.format(0)}, Timeout=30)
    current, stop, seen_stale, calls = [0], threading.Event(), [], [0]

    def hammer():
        while not stop.is_set():
            least = current[0]
            answer = function.invoke(LogType="None").value()
            calls[0] += 1
            if answer < least:
                seen_stale.append((answer, least))

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for generation in range(1, 9):
            function.update_code({"index.py": code.format(generation)})
            current[0] = generation
            assert function.invoke().value() == generation
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert seen_stale == []
    assert calls[0] > 8


def test_new_variables_reach_the_next_event(platform):
    function = platform.python(
        "import os\ndef handler(event, context): return os.environ['COLOUR']",
        Environment={"Variables": {"COLOUR": "red"}},
    )
    assert function.invoke().value() == "red"

    function.update_configuration(Environment={"Variables": {"COLOUR": "blue"}})

    assert function.invoke().value() == "blue"


def test_a_new_timeout_and_memory_are_in_force(platform):
    function = platform.python(
        "def handler(event, context): return [context.memory_limit_in_mb, context.get_remaining_time_in_millis()]"
    )
    function.invoke()

    function.update_configuration(MemorySize=320, Timeout=60)

    memory, left = function.invoke().value()
    assert int(memory) == 320
    assert left > 50_000


def test_the_environment_is_lambdas(platform):
    function = platform.python("import os\ndef handler(event, context): return dict(os.environ)", MemorySize=256)

    found = function.invoke().value()

    expected = {
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": "index.handler",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME"):
        assert found[name]
    assert not any(name.startswith("TINDERBOX") for name in found)


def test_the_file_system_is_lambdas(platform):
    function = platform.python(
        """
import os, socket
def handler(event, context):
    return {
        "cwd": os.getcwd(),
        "task": os.path.exists("/var/task/index.py"),
        "opt": os.path.isdir("/opt"),
        "runtime": os.path.isdir("/var/runtime"),
        "tmp": os.stat("/tmp").st_mode & 0o7777,
        "uid": os.getuid(),
        "sandbox": socket.gethostbyname("sandbox.localdomain"),
        "localhost": socket.gethostbyname("localhost"),
    }
"""
    )

    found = function.invoke().value()

    assert found.pop("uid") != 0
    assert found.pop("sandbox").startswith("127.")
    assert found == {
        "cwd": "/var/task",
        "task": True,
        "opt": True,
        "runtime": True,
        "tmp": 0o1777,
        "localhost": "127.0.0.1",
    }


def test_idle_environments_are_reaped(new_platform):
    platform = new_platform("--set", "invoke.idle_max_ms=300").start()
    mark = unique("mark")
    function = platform.python(COUNTER, Environment={"Variables": {"PYTHON_MARK": mark}})
    first = function.invoke().value()[0]

    wait_until(lambda: not processes_with(mark), "the idle environment was stopped")

    assert function.invoke().value()[0] != first


def test_a_frozen_function_does_nothing(platform):
    """Between events an environment stands still: its threads do not run."""
    function = platform.python(
        """
import threading, time
beats = 0
def beat():
    global beats
    while True:
        beats += 1
        time.sleep(0.01)
threading.Thread(target=beat, daemon=True).start()
def handler(event, context):
    return beats
"""
    )
    before = function.invoke().value()
    other = platform.python("import time\ndef handler(event, context): time.sleep(1)")
    other.invoke().value()

    after = function.invoke().value()

    # A second went by, a hundred beats had it not stood still.
    assert after - before < 50
