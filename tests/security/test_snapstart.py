# SPDX-License-Identifier: Apache-2.0
"""The wall between two environments of one version that has SnapStart: they come of one snapshot, and share nothing.

What could lead from one to another was opened before the snapshot was taken: memory, pipes, sockets, files.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import PYTHON_WITH_SNAPSHOTS, SNAPSHOTS, Platform, missing, wait_until

# The user that nothing belongs to.
NOBODY = 65534

CODE = """
import mmap, os, signal, socket, time, uuid
from snapshot_restore_py import register_after_restore

me, others, shared = None, 0, mmap.mmap(-1, 4096)
r, w = os.pipe()
a, b = socket.socketpair()
b.setblocking(False)
os.set_blocking(r, False)
file = open("/tmp/file", "w+b", buffering=0)
code = open("/var/task/index.py", "rb", buffering=0)
line = socket.create_connection(("127.0.0.1", 4566))

@register_after_restore
def begin():
    global me
    me = uuid.uuid4().hex

def read(call):
    try:
        return call().hex()
    except OSError as error:
        return type(error).__name__

def links():
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink("/proc/self/fd/" + name))
        except OSError:
            pass
    return found

def handler(event, context):
    global others
    mark = uuid.UUID(me).bytes
    shared[:16] = mark
    os.write(w, mark)
    a.send(mark)
    file.seek(0)
    file.write(mark)
    code.seek(event["place"])
    if event.get("kill"):
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) > 1:
                others += int(name) != os.getpid()
                os.kill(int(name), signal.SIGKILL)
    hoard = b"x" * (event.get("take_mb", 0) << 20)
    time.sleep(event["sleep"])
    file.seek(0)
    return {
        "me": me,
        "seen": [shared[:16].hex(), read(lambda: os.read(r, 99)), read(lambda: b.recv(99)), file.read(99).hex()],
        "place": code.tell(),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "links": links(),
        "line": read(lambda: line.recv(1)),
        "status": open("/proc/self/status").read(),
        "maps": open("/proc/self/maps").read(),
    }
"""


@pytest.fixture(scope="module", params=[2, 1], ids=["L2", "L1"])
def version(request, binary):
    """A version with a snapshot, at each level that has walls."""
    wanted, is_root = request.param, os.geteuid() == 0
    if wanted == 2 and not is_root:
        missing("level L2 needs root; hint: sudo make security")
    platform = Platform(*SNAPSHOTS, user=NOBODY if wanted == 1 and is_root else None).start()
    found = int(re.search(r"\bL([012])\b", platform.log_path.read_text())[1])
    try:
        if found != wanted:
            missing(f"this machine allows level L{found} only, and not L{wanted}; hint: tinderbox doctor")
        yield invoke_published(platform)
    finally:
        platform.stop()
        platform.discard()


def invoke_published(platform):
    """Publishes a version with a snapshot: how to invoke it."""
    settings = {"MemorySize": 256, "Timeout": 60, "SnapStart": {"ApplyOn": "PublishedVersions"}}
    function = platform.deploy({"index.py": CODE}, runtime=PYTHON_WITH_SNAPSHOTS, **settings)
    number = platform.client().publish_version(FunctionName=function.name)["Version"]

    def is_active():
        found = function.configuration(Qualifier=number)
        assert found["State"] != "Failed", found["StateReason"]
        return found["State"] == "Active"

    wait_until(is_active, "the snapshot is there", 60)
    return lambda event: function.invoke(event, Qualifier=number)


def at_once(version, *events):
    """What came of events that ran in environments of their own, side by side."""

    def run():
        with ThreadPoolExecutor(len(events)) as pool:
            results = list(pool.map(version, events))
        named = {result.json()["me"] for result in results if result.error is None}
        # On a machine under load one may have begun after another's end, in its environment.
        return results if len(named) == sum(result.error is None for result in results) else None

    return wait_until(run, "the events ran side by side", 120)


def test_nothing_passes_from_one_to_another(version):
    results = at_once(version, {"sleep": 3, "place": 5}, {"sleep": 3, "place": 9}, {"sleep": 3, "place": 13})

    for place, result in zip((5, 9, 13), results, strict=True):
        value = result.value()
        # Pipes and pairs lead to oneself, and hold what one wrote.
        assert value["seen"] == [value["me"]] * 4, "memory, pipe, sockets and /tmp are one's own"
        assert value["place"] == place, "and so is the place in a file"
        assert value["processes"] == [1, 2]
        assert value["line"] in ("OSError", "NotConnectedError"), "a connection from before is a dead end"


def test_what_one_does_to_all_processes_it_sees_others_do_not_feel(version):
    killer, other = at_once(version, {"sleep": 0, "place": 0, "kill": True}, {"sleep": 3, "place": 0})
    assert killer.error == "Unhandled"
    assert other.value()["seen"][0] == other.value()["me"]


def test_memory_is_limited_for_each(version):
    results = at_once(version, {"sleep": 3, "place": 0, "take_mb": 120}, {"sleep": 3, "place": 0, "take_mb": 120})
    assert [result.error for result in results] == [None, None], "two together take more than one may"


def test_what_a_restored_process_holds(version):
    value = version({"sleep": 0, "place": 0}).value()
    for link in value["links"]:
        assert re.match(r"(pipe|socket):|/dev/null|/tmp/file|/var/task/index.py|/proc/", link), link
    status = dict(line.split(":\t", 1) for line in value["status"].splitlines() if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and status["TracerPid"] == "0"
    for line in value["maps"].splitlines():
        _, _, name = line.partition("/")
        assert re.match(r"($|usr/|lib|var/(lang|task|runtime)/|tmp/)", name) and "snapshots" not in name, line
    assert {status[name].strip("0 ") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
