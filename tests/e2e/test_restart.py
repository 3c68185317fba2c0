# SPDX-License-Identifier: Apache-2.0
"""What survives kill -9, and what a second server is told."""

import contextlib
import os
import re
import socket
import subprocess
import threading

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from harness import POLL, PYTHON, ROLE, Function, http_get, processes_with, tinderbox, unique, wait_until, zip_bytes

HELLO = "def handler(event, context): return 'hello'"


def test_a_function_survives_kill_9(new_platform):
    platform = new_platform().start()
    function = platform.python(HELLO, Description="kept", Tags={"a": "b"})
    platform.client().publish_version(FunctionName=function.name)
    before = function.configuration()

    platform.restart()

    after = function.configuration()
    assert after == {**before, "ResponseMetadata": after["ResponseMetadata"]}
    assert function.invoke().value() == "hello"
    assert function.invoke(Qualifier="1").value() == "hello"
    assert platform.client().get_function(FunctionName=function.name)["Tags"] == {"a": "b"}


def test_what_was_answered_is_kept(new_platform):
    """Killed right after each answer: the answer was a promise."""
    platform = new_platform().start()
    for number in range(5):
        name = f"fn-{number}"
        platform.client().create_function(
            FunctionName=name,
            Runtime=PYTHON,
            Handler="index.handler",
            Role=ROLE,
            Code={"ZipFile": zip_bytes({"index.py": HELLO})},
        )
        platform.restart()

        function = Function(platform, name)
        wait_until(lambda function=function: function.configuration()["State"] == "Active", "the function is active")
        assert function.invoke().value() == "hello"
    assert len(platform.client().list_functions()["Functions"]) == 5


def test_a_kill_in_the_middle_of_updates_leaves_one_whole_state(new_platform):
    """Updates run while the server is killed. Each sets three things that belong together: all are before or after."""
    platform = new_platform().start()
    function = platform.python(HELLO)
    for _ in range(4):
        acknowledged = [0]
        client = platform.client()

        def update(client=client, acknowledged=acknowledged):
            number = acknowledged[0] + 1
            with contextlib.suppress(ClientError, EndpointConnectionError, ConnectionClosedError, ReadTimeoutError):
                while True:
                    variables = {"NUMBER": str(number)}
                    client.update_function_configuration(
                        FunctionName=function.name,
                        Description=str(number),
                        Timeout=number,
                        Environment={"Variables": variables},
                    )
                    acknowledged[0] = number
                    number += 1
                    client.get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=POLL)

        thread = threading.Thread(target=update)
        thread.start()
        wait_until(lambda acknowledged=acknowledged: acknowledged[0] >= 3, "some updates were answered")
        platform.kill()
        thread.join()
        platform.start()
        wait_until(lambda: function.configuration()["LastUpdateStatus"] == "Successful", "the update is settled")
        found = function.configuration()
        number = found["Timeout"]
        assert number in (acknowledged[0], acknowledged[0] + 1)
        assert (found["Description"], found["Environment"]["Variables"]) == (str(number), {"NUMBER": str(number)})
        assert function.invoke().value() == "hello"


def test_kills_among_creates_and_deletes_leave_no_orphans(new_platform):
    """Several clients create, publish and delete a few functions while the server is killed. What is left is whole: each
    package that is there belongs to a version, each version runs, and with the last function the last package goes."""
    platform = new_platform().start()
    for round_number in range(3):
        answered = [0] * 4

        def churn(client, caller, answered=answered, stamp=round_number):
            with contextlib.suppress(EndpointConnectionError, ConnectionClosedError, ReadTimeoutError):
                while True:
                    step = answered[caller]
                    name = f"fn-{(caller + step) % 3}"
                    with contextlib.suppress(ClientError):
                        if step % 3 == 2:
                            client.delete_function(FunctionName=name)
                        else:
                            code = zip_bytes({"index.py": f"{HELLO}  # {stamp} {caller} {step}"})
                            client.create_function(
                                FunctionName=name,
                                Runtime=PYTHON,
                                Handler="index.handler",
                                Role=ROLE,
                                Publish=True,
                                Code={"ZipFile": code},
                            )
                    answered[caller] += 1

        client = platform.client()
        threads = [threading.Thread(target=churn, args=(client, caller)) for caller in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda answered=answered: min(answered) >= 6, "each client got some answers")
        platform.kill()
        for thread in threads:
            thread.join()
        platform.start()
        versions = all_versions(platform)
        hashes = {version["CodeSha256"] for version in versions}
        wait_until(lambda hashes=hashes: len(blobs(platform)) == len(hashes), "no package is without a version")
        for version in versions:
            function = Function(platform, version["FunctionName"])
            wait_until(lambda function=function: function.configuration()["State"] == "Active", "it is active")
            assert function.invoke(Qualifier=version["Version"]).value() == "hello"

    for name in {version["FunctionName"] for version in all_versions(platform)}:
        Function(platform, name).delete()
    wait_until(lambda: not blobs(platform), "no package is left")


def all_versions(platform):
    pages = platform.client().get_paginator("list_functions").paginate(FunctionVersion="ALL")
    return [version for page in pages for version in page["Functions"]]


def blobs(platform):
    return list(platform.data_dir.glob("blobs/*/*"))


def test_a_deleted_function_stays_deleted(new_platform):
    platform = new_platform().start()
    platform.python(HELLO).delete()

    platform.restart()

    assert platform.client().list_functions()["Functions"] == []


def test_no_sandbox_outlives_the_server(new_platform):
    platform = new_platform().start()
    function = platform.python(
        "import os\ndef handler(event, context): return os.environ['PYTHON_MARK']",
        Environment={"Variables": {"PYTHON_MARK": unique("mark")}},
    )
    mark = function.invoke().value()
    assert processes_with(mark)

    platform.kill()

    wait_until(lambda: not processes_with(mark), "the sandboxes of a killed server are gone")


def test_a_polite_stop_ends_well(new_platform):
    platform = new_platform().start()
    platform.python(HELLO).invoke()

    assert platform.stop() == 0


def test_two_servers_on_one_data_directory(new_platform):
    platform = new_platform().start()
    function = platform.python(HELLO)

    second = platform.spawn()
    code = second.wait(20)

    assert code != 0
    said = platform.log_tail()
    assert re.search(rf"data directory .* in use by process {platform.process.pid}", said), said
    assert function.invoke().value() == "hello"


def test_a_port_in_use(new_platform):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        platform = new_platform()

        code = platform.spawn(listen=f"127.0.0.1:{port}").wait(20)

    assert code != 0
    said = platform.log_tail()
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said.lower()


def test_a_data_directory_that_can_not_be_made():
    done = tinderbox("serve", "--listen", "127.0.0.1:0", "--data-dir", "/proc/no/such/place", check=False)

    assert done.returncode != 0
    assert "/proc/no/such/place" in done.stderr


def test_a_data_directory_from_the_future(new_platform):
    platform = new_platform().start()
    platform.stop()
    (platform.data_dir / "VERSION").write_text("999\n")

    assert platform.spawn().wait(20) != 0
    assert "999" in platform.log_tail()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB, where this user may mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk(new_platform, small_disk):
    """Work that can not be kept is refused; what was kept stays; with room again, work goes on."""
    platform = new_platform(data_dir=small_disk / "data").start()
    kept = platform.python(HELLO)
    ballast = small_disk / "ballast"
    fill(ballast)

    with pytest.raises(ClientError) as refused:
        for _ in range(20):
            platform.python(f"{HELLO} # {os.urandom(200_000).hex()}")
    assert refused.value.response["Error"]["Code"] == "CodeStorageExceededException"
    assert refused.value.response["Error"]["Message"] == "No space is left on the disk of this server."
    assert http_get(platform.address, "/_tinderbox/health").status == 200
    assert kept.invoke().value() == "hello"

    ballast.unlink()
    assert platform.python(HELLO).invoke().value() == "hello"
    platform.restart()
    assert kept.invoke().value() == "hello"


def fill(path):
    # Without a buffer: what does not fit would be tried once more when the file is closed.
    with path.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(65536))
        except OSError:
            pass
