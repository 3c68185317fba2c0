# SPDX-License-Identifier: Apache-2.0
"""Managed runtimes that live in a container image: its file system is the root of their functions."""

import pytest
from botocore.exceptions import ClientError
from harness import PYTHON, tinderbox, unique, wait_until

OTHER = "python3.9" if PYTHON != "python3.9" else "python3.10"
SOURCE = """
import os, sys

def handler(event, context):
    with open("/proc/self/environ") as file:
        was_stem = "TINDERBOX_STEM=1" in file.read()
    return {
        "event": event,
        "was_stem": was_stem,
        "root": sorted(os.listdir("/")),
        "mark": open("/mark").read(),
        "program": sys.executable,
        "runtime": os.environ.get("AWS_EXECUTION_ENV"),
        "own": os.environ.get("FROM_IMAGE"),
        "cwd": os.getcwd(),
    }
"""
# AWS's own client for Python, which the image has.
BOOTSTRAP = f"#!/bin/sh\ncat /mark >&2\nexec /usr/local/bin/{PYTHON} -m awslambdaric $_HANDLER\n"


@pytest.fixture(scope="module")
def layout(python_layout):
    layout = python_layout
    layout.configure("python", "runtime", "--config.env", "PATH=/usr/local/bin", "--config.env", "FROM_IMAGE=yes")
    layout.files("runtime", {"mark": "first"})
    layout.configure("runtime", "second")
    layout.files("second", {"mark": "second"})
    return layout


class Server:
    """One whose Python lives in an image, and that finds no other: it has neither a home nor a path."""

    def __init__(self, new_platform, folder, layout, runtimes):
        self.settings = folder / "settings.toml"
        self.write(layout, runtimes)
        environment = {"HOME": str(folder), "PATH": "/usr/sbin:/sbin"}
        self.platform = new_platform("--config", self.settings, environment=environment).start()

    def write(self, layout, runtimes):
        lines = [f'"{name}" = "oci:{layout.path}:{tag}"' for name, tag in runtimes.items()]
        text = f'[images]\nlocal = ["{layout.path.parent}"]\n[runtimes.images]\n'
        self.settings.write_text(text + "\n".join(lines) + "\n")

    def listed(self, runtime):
        """What `tinderbox runtimes` says of one."""
        done = tinderbox("runtimes", "--config", self.settings, "--data-dir", self.platform.data_dir)
        return next(line for line in done.stdout.splitlines() if line.split()[0] == runtime)


@pytest.fixture
def server(new_platform, layout, tmp_path):
    return Server(new_platform, tmp_path, layout, {PYTHON: "runtime", "provided.al2023": "runtime"})


def refusal(function):
    with pytest.raises(ClientError) as caught:
        function.invoke()
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidRuntimeException", error
    return error["Message"]


def test_a_function_has_its_runtime_s_image_as_its_root(server, layout):
    value = server.platform.python(SOURCE).invoke({"a": 1}).value()
    assert value["event"] == {"a": 1} and value["mark"] == "first"
    assert not {"home", "srv", "sys", "run"} & set(value["root"]), value["root"]
    assert value["program"] == f"/var/lang/bin/{PYTHON}" and value["cwd"] == "/var/task"
    assert value["runtime"] == f"AWS_Lambda_{PYTHON}"
    assert value["own"] is None, "a managed runtime's variables are AWS's"
    listed = server.listed(PYTHON)
    assert f"python:{PYTHON.removeprefix('python')}." in listed and layout.digest("runtime") in listed

    function = server.platform.provided(BOOTSTRAP, {"app.py": SOURCE}, handler="app.handler")
    value = function.invoke(2).value()
    assert (value["event"], value["mark"], value["own"]) == (2, "first", None)


def test_functions_grow_from_stems_in_the_image(server):
    platform = server.platform

    def grows():
        value = platform.python(SOURCE).invoke().value()
        assert value["mark"] == "first"
        return value["was_stem"]

    wait_until(grows, "a function grows from a stem", 60)


def test_an_image_that_is_not_there_is_told_and_tried_again(new_platform, layout, tmp_path):
    tag = unique("late")
    server = Server(new_platform, tmp_path, layout, {PYTHON: tag, OTHER: "runtime"})
    function = server.platform.python(SOURCE)
    text = f"the image of the runtime {PYTHON}, oci:{layout.path}:{tag}, is not ready: there is no such image"
    assert text in refusal(function)
    assert "there is no such image" in server.listed(PYTHON)
    text = refusal(server.platform.deploy({"index.py": SOURCE}, runtime=OTHER))
    assert f"the image has no {OTHER} in its PATH, /var/lang, /usr/local or /usr" in text

    layout.configure("runtime", tag)

    def runs():
        try:
            return function.invoke().value()["mark"]
        except ClientError:
            return None

    assert wait_until(runs, "the image is pulled", 60) == "first"


def test_a_restart_takes_what_the_tag_leads_to_or_else_what_it_led_to(new_platform, layout, tmp_path):
    tag = unique("moving")
    layout.configure("runtime", tag)
    server = Server(new_platform, tmp_path, layout, {PYTHON: tag})
    platform = server.platform

    def mark():
        return platform.python(SOURCE).invoke().value()["mark"]

    assert mark() == "first"
    layout.configure("second", tag)
    assert mark() == "first", "as long as the server lives it stays"
    platform.restart()
    assert mark() == "second"
    # What is there needs nobody who has it.
    index = layout.path / "index.json"
    kept = index.rename(index.with_suffix(".kept"))
    try:
        platform.restart()
        assert mark() == "second"
        assert "there is no such image" in platform.log_tail(10**6)
    finally:
        kept.rename(index)
