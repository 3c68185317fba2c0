# SPDX-License-Identifier: Apache-2.0
"""SnapStart: a published version initialises once, and each of its environments goes on from there."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import harness
import pytest
from botocore.exceptions import ClientError
from harness import ACCOUNT, POLL, PYTHON_WITH_SNAPSHOTS, SNAPSHOTS, Platform, processes_with, unique, wait_until

ON = {"ApplyOn": "PublishedVersions"}

CODE = """
import os, random, secrets, ssl, time, uuid, tempfile
from snapshot_restore_py import register_after_restore, register_before_snapshot

born, kind = os.urandom(8).hex(), os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
random.seed(7)

def draw():
    names = next(tempfile._get_candidate_names())
    return {"random": random.random(), "kernel": os.urandom(8).hex(), "tls": ssl.RAND_bytes(8).hex(), "names": names,
            "secrets": secrets.token_hex(8), "uuid1": uuid.uuid1().hex[:16], "node": uuid.getnode(), "uuid4": uuid.uuid4().hex}

draw()
calls, hooks = 0, []

@register_before_snapshot
def first(): hooks.append("before 1")

@register_before_snapshot
def second(): hooks.append("before 2")

@register_after_restore
def third(): hooks.append("after 1")

register_after_restore(hooks.append, "after 2")
shown = open("/tmp/shown", "w+")
shown.write("abc")
shown.flush()

def handler(event, context):
    global calls
    calls += 1
    event = event or {}
    time.sleep(event.get("sleep", 0))
    if event.get("die"):
        os.kill(os.getpid(), 9)
    if event.get("hang"):
        time.sleep(100)
    shown.seek(0)
    return {"born": born, "kind": kind, "calls": calls, "hooks": hooks, "drawn": draw(),
            "stream": context.log_stream_name, "shown": shown.read(),
            "files": sorted(os.listdir("/tmp")), "keys": [name for name in os.environ if "KEY" in name]}
"""


@pytest.fixture(scope="module")
def snapping(binary):
    """The server that these tests share."""
    platform = Platform(*SNAPSHOTS).start()
    yield platform
    platform.stop()
    platform.discard()


def deploy(platform, code=CODE, **settings):
    return platform.deploy({"index.py": code}, runtime=PYTHON_WITH_SNAPSHOTS, SnapStart=ON, **settings)


def publish(function):
    """Publishes a version and waits until its snapshot is there, or it has failed."""
    client = function.platform.client()
    version = client.publish_version(FunctionName=function.name)["Version"]

    def settled():
        found = function.configuration(Qualifier=version)
        return found if found["State"] != "Pending" else None

    return version, wait_until(settled, f"version {version} of {function.name} is settled", 60)


def test_a_version_initialises_once(snapping):
    function = deploy(snapping)
    assert function.configuration()["SnapStart"] == {**ON, "OptimizationStatus": "Off"}
    version, found = publish(function)
    assert (found["State"], found["SnapStart"]) == ("Active", {**ON, "OptimizationStatus": "On"})

    results = harness.first_of_each(3, lambda: function.invoke({"sleep": 2}, Qualifier=version))
    values = [result.value() for result in results]

    assert {value["born"] for value in values} == {values[0]["born"]}, "they remember one init phase"
    assert {value["calls"] for value in values} == {1}, "and are environments of their own"
    assert {value["kind"] for value in values} == {"snap-start"}
    assert all(value["hooks"] == ["before 2", "before 1", "after 1", "after 2"] for value in values)
    assert all((value["shown"], value["files"]) == ("abc", ["shown"]) for value in values)
    for name in values[0]["drawn"]:
        assert len({value["drawn"][name] for value in values}) == len(values), f"{name} is renewed"
    for result in results:
        assert "Restore Duration: " in result.log and "Billed Restore Duration: " in result.log
        assert "Init Duration" not in result.log
    log = function.log_with("RESTORE_REPORT Restore Duration: ")
    assert "RESTORE_START Runtime Version: python:" in log
    assert function.invoke().value()["kind"] == "on-demand", "$LATEST has no snapshot"


def test_an_environment_that_ends_is_replaced_from_the_snapshot(snapping):
    function = deploy(snapping, Timeout=2)
    version, _ = publish(function)
    born = function.invoke(Qualifier=version).value()["born"]
    assert function.invoke({"die": True}, Qualifier=version).error == "Unhandled"
    after = function.invoke(Qualifier=version).value()
    assert (after["born"], after["calls"]) == (born, 1)
    assert "Task timed out" in function.invoke({"hang": True}, Qualifier=version).fault()["errorMessage"]
    after = function.invoke(Qualifier=version).value()
    assert (after["born"], after["calls"]) == (born, 1)


def test_snapshots_outlive_the_server(new_platform):
    platform = new_platform(*SNAPSHOTS).start()
    function = deploy(platform)
    version, _ = publish(function)
    born = function.invoke(Qualifier=version).value()["born"]

    platform.restart()
    assert function.invoke(Qualifier=version).value()["born"] == born

    snapshots = platform.data_dir / "snapshots"
    (path,) = snapshots.iterdir()
    platform.kill()
    path.unlink()
    platform.start()
    again = function.invoke(Qualifier=version).value()
    assert again["born"] != born, "one that is gone is taken again"
    assert [found.name for found in snapshots.iterdir()] == [path.name]
    function.delete()
    wait_until(lambda: not list(snapshots.iterdir()), "the snapshot goes with its function")


def test_threads_and_connections(snapping):
    code = """
import os, queue, socket, threading
asked, told = queue.Queue(), queue.Queue()
threading.Thread(target=lambda: [told.put(asked.get() + 1) for _ in range(100)], daemon=True).start()
line = socket.create_connection(("127.0.0.1", 4566))
r, w = os.pipe()
a, b = socket.socketpair()

def handler(event, context):
    asked.put(event)
    os.write(w, b"pipe")
    a.send(b"pair")
    try:
        line.send(b"GET / HTTP/1.1")
        sent = "sent"
    except OSError as error:
        sent = type(error).__name__
    return [told.get(timeout=30), os.read(r, 9).decode(), b.recv(9).decode(), sent, threading.active_count()]
"""
    function = deploy(snapping, code, Timeout=60)
    version, _ = publish(function)
    for number in range(2):
        value = function.invoke(number, Qualifier=version).value()
        assert value == [number + 1, "pipe", "pair", "BrokenPipeError", 2]


def test_keys_come_from_the_environments_own_endpoint(snapping):
    """As boto3 asks for them. In the snapshot there are none."""
    code = """
import json, os, time, urllib.error, urllib.request
def ask(token):
    place = os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    return urllib.request.urlopen(urllib.request.Request(place, headers={"Authorization": token}))

def handler(event, context):
    time.sleep(event)
    try:
        ask("wrong")
    except urllib.error.HTTPError as error:
        refused = error.code
    keys = json.load(ask(os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]))
    return [refused, keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"], "AWS_ACCESS_KEY_ID" in os.environ]
"""
    function = deploy(snapping, code, Timeout=60)
    version, _ = publish(function)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(function.invoke, 2, Qualifier=version) for _ in range(2)]
        values = [call.result().value() for call in calls]
    assert [value[0] for value in values] == [403, 403]
    assert values[0][1] != values[1][1], "each environment has keys of its own"
    assert not values[0][4]
    _, key, secret, token, _ = values[0]
    assert snapping.client("sts", key, secret, token).get_caller_identity()["Account"] == ACCOUNT


def test_a_client_of_boto3_from_before(snapping):
    """It was made at init and has asked already; what it asks afterwards is signed with the environment's own keys."""
    snapping.tinderbox("runtimes", "install-sdk", "python", "--data-dir", snapping.data_dir)
    code = """
import boto3
client = boto3.client("sts")
before = client.get_caller_identity()["Arn"]
def handler(event, context):
    return [before, client.get_caller_identity()["Arn"], client.get_caller_identity()["Account"]]
"""
    function = deploy(snapping, code, Timeout=60, MemorySize=512)
    version, found = publish(function)
    assert found["State"] == "Active", found
    before, after, account = function.invoke(Qualifier=version).value()
    assert (before, account) == (after, ACCOUNT)


def test_json_logs_tell_of_the_restore(snapping):
    logging = {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}
    function = deploy(snapping, LoggingConfig=logging)
    version, _ = publish(function)
    function.invoke(Qualifier=version)
    # What is being written has no end yet.
    text = function.log_with('platform.report"').rpartition("\n")[0]
    records = [json.loads(line.split(" ", 1)[1]) for line in text.splitlines()]
    told = {record["type"]: record["record"] for record in records if "type" in record}
    start, done, report = (told[f"platform.{name}"] for name in ("restoreStart", "restoreRuntimeDone", "restoreReport"))
    assert (start["functionName"], start["functionVersion"]) == (function.name, version)
    assert (done["status"], report["status"]) == ("success", "success")
    assert report["metrics"]["durationMs"] > 0
    assert told["platform.report"]["metrics"]["restoreDurationMs"] > 0
    assert told["platform.initStart"]["initializationType"] == "snap-start", "and of the init phase before it"


def test_an_extension_inside_the_runtime_stands_against_it(snapping):
    code = """
import os, urllib.request
place = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension/register"
headers = {"Lambda-Extension-Name": "inside", "Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(place, b'{"events": ["INVOKE"]}', headers)).read()
def handler(event, context): pass
"""
    _, found = publish(deploy(snapping, code))
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "FunctionError")
    assert "extensions" in found["StateReason"]


def test_an_init_phase_that_fails(snapping):
    function = deploy(snapping, "raise ValueError('not today')")
    version, found = publish(function)
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "FunctionError.RuntimeInitError")
    assert "not today" in found["StateReason"]
    with pytest.raises(ClientError) as failed:
        function.invoke(Qualifier=version)
    assert failed.value.response["Error"]["Code"] == "ResourceConflictException"


def test_what_cannot_be_written_down_is_named(snapping):
    code = "import subprocess\nchild = subprocess.Popen(['/bin/sleep', '1000'])\ndef handler(event, context): pass"
    _, found = publish(deploy(snapping, code))
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "FunctionError")
    assert "other processes" in found["StateReason"]


def test_hooks_that_fail(snapping):
    before = "from snapshot_restore_py import *\nregister_before_snapshot(lambda: 1 / 0)\ndef handler(e, c): pass"
    _, found = publish(deploy(snapping, before))
    assert found["State"] == "Failed" and "Runtime.BeforeSnapshotError" in found["StateReason"]

    after = before.replace("before_snapshot", "after_restore")
    function = deploy(snapping, after)
    version, found = publish(function)
    assert found["State"] == "Active"
    with pytest.raises(ClientError) as failed:
        function.invoke(Qualifier=version)
    error = failed.value.response["Error"]
    assert error["Code"] == "SnapStartException" and "hook encountered an error" in error["Message"]
    assert "ZeroDivisionError" in function.log_with("ZeroDivisionError")


def test_a_version_is_not_ready_before_its_snapshot(snapping):
    code = "import time\ntime.sleep(4)\ndef handler(event, context): return 1"
    function = deploy(snapping, code)
    client = snapping.client()
    answer = client.publish_version(FunctionName=function.name)
    assert answer["State"] == "Pending"
    try:
        function.invoke(Qualifier=answer["Version"])
    except ClientError as error:
        assert error.response["Error"]["Code"] == "SnapStartNotReadyException"
    # A machine under load may come this late: then it is active, and answers.
    waiter = client.get_waiter("function_active_v2")
    waiter.wait(FunctionName=function.name, Qualifier=answer["Version"], WaiterConfig=POLL)
    assert function.invoke(Qualifier=answer["Version"]).value() == 1


@pytest.mark.parametrize(
    ("runtime", "settings", "message"),
    [
        ("python3.11", {}, "python3.11 is not supported for SnapStart enabled functions."),
        ("nodejs22.x", {}, "nodejs22.x is not supported for SnapStart enabled functions."),
        (PYTHON_WITH_SNAPSHOTS, {"EphemeralStorage": {"Size": 513}}, "EphemeralStorage larger than 512 MB"),
        (PYTHON_WITH_SNAPSHOTS, {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}, "tenant isolation"),
    ],
)
def test_what_has_no_snapshots(snapping, runtime, settings, message):
    with pytest.raises(ClientError) as refused:
        snapping.deploy({"index.py": CODE}, runtime=runtime, SnapStart=ON, **settings)
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException" and message in error["Message"]


def test_a_snapshot_and_provisioned_concurrency_exclude_each_other(snapping):
    function = deploy(snapping)
    version, _ = publish(function)
    with pytest.raises(ClientError) as refused:
        snapping.client().put_provisioned_concurrency_config(
            FunctionName=function.name, Qualifier=version, ProvisionedConcurrentExecutions=1
        )
    assert "SnapStart" in refused.value.response["Error"]["Message"]


def test_no_process_is_left_of_a_snapshot(snapping):
    mark = unique("mark")
    function = deploy(snapping, Environment={"Variables": {"PYTHON_MARK": mark}})
    version, _ = publish(function)
    wait_until(lambda: not processes_with(mark), "what was written down has ended")
    function.invoke(Qualifier=version)
    (process,) = processes_with(mark)
    os.kill(process, signal.SIGKILL)
    assert json.loads(wait_until(lambda: alive(function, version), "another takes its place"))["calls"] >= 1


def alive(function, version):
    answer = function.invoke(Qualifier=version)
    return None if answer.error else answer.payload
