# SPDX-License-Identifier: Apache-2.0
"""The same handlers through AWS's own client (`awslambdaric`) and through ours: what is posted must not differ.

The interpreter that runs the tests is used if it has the client (the tests' requirements say so), and those of other
virtual environments that $RIC_PYTHONS lists, separated by colons.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import Process, python_argv
from python_cases import CASES, HELPER, LOADS

PYTHONS = [sys.executable, *(path for path in os.environ.get("RIC_PYTHONS", "").split(":") if path)]


def base_of(path):
    """The interpreter behind a virtual environment, if it has AWS's client."""
    code = "import awslambdaric, sys; print(sys._base_executable)"
    found = subprocess.run([path, "-c", code], capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else None


@pytest.fixture(params=PYTHONS)
def both(request):
    base = base_of(request.param)
    if base is None:
        pytest.skip(f"{request.param} has no awslambdaric: pip install awslambdaric")
    return base, request.param


def outcome(argv, files, handler, events, python):
    """Everything a client or a reader of the log can see, without what differs by nature."""
    minor = Path(python).resolve().name.removeprefix("python")
    env_vars = {"AWS_EXECUTION_ENV": f"AWS_Lambda_python{minor}"}
    with Process(argv, files, handler, env_vars) as process:
        for number, event in enumerate(events or ["{}"]):
            process.api.put(event, request_id=f"{number}1111111-0000-4000-8000-000000000000")
        seen = []
        while len(seen) < max(1, len(events)):
            answer = process.answer()
            if answer is None:
                break
            kind = None if answer.kind == "init/error" else answer.message.headers.get("content-type")
            seen.append((answer.kind, answer.text, kind))
        is_alive = len(seen) == max(1, len(events)) and seen[-1][0] != "init/error"
        status = process.stop() if is_alive else process.exit_status()
        text = (repr((seen, status)) + process.log()).replace(process.task, "/var/task")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>", text)
    # A frame of the runtime itself, when the handler could not be called at all; how deep it is, when it can't recur.
    text = re.sub(r'[^" ]*/bootstrap\.py.{1,4}, line \d+, in \w+.{1,40}?response = \w+\(\w+, \w+\)', "<runtime>", text)
    text = re.sub(r"File .<runtime>|File .<runtime>", "<runtime>", text)
    text = re.sub(r"repeated \d+ more times", "repeated", text)
    return re.sub(r"\[WARNING\]\t<time>\t\tLAMBDA_WARNING[^\n]*\n", "", text)


def compare(both, files, handler, events):
    base, client = both
    ours = outcome(python_argv(base), files, handler, events, base)
    theirs = outcome([client, "-m", "awslambdaric", handler], files, handler, events, base)
    assert ours == theirs


@pytest.mark.parametrize("name, source, events", CASES, ids=[case[0] for case in CASES])
def test_invocations_agree(both, name, source, events):
    compare(both, {"app.py": source, "helper.py": HELPER}, "app.handler", events)


@pytest.mark.parametrize("name, files, handler", LOADS, ids=[case[0] for case in LOADS])
def test_loads_agree(both, name, files, handler):
    compare(both, files, handler, [])
