# SPDX-License-Identifier: Apache-2.0
"""The phases of an environment: init, invoke, reset, shutdown; and runtimes that do not keep to the rules."""

import pytest
from harness import Platform

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
