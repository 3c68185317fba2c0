# SPDX-License-Identifier: Apache-2.0
"""An interpreter must work when all of it that a sandbox has is its prefix, at /var/lang.

Needs the right to mount: run as root on Linux.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from interpreters import RUNTIMES, Process, nodes, pythons, system_pythons

# Mounts $1 at /var/lang and $2 at /var/runtime in a namespace of its own, hides $1 itself, and runs the rest.
IN_NAMESPACE = """
set -e
mount -t tmpfs none /var
mkdir /var/lang /var/runtime
mount --bind "$1" /var/lang
mount --bind "$2" /var/runtime
[ "$1" = /usr ] || mount -t tmpfs none "$1"
shift 2
exec "$@"
"""


# What a sandbox sets, as AWS does; interpreters that are built with a shared library need it.
LIBRARIES = {
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
}
PYTHONS = {**pythons(), **{f"{path.name.removeprefix('python')} of the system": str(path) for path in system_pythons()}}


def unshare(prefix, runtime, argv):
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_NAMESPACE, "sh", prefix, runtime, *argv]


@pytest.fixture(scope="session", autouse=True)
def mounting():
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if os.geteuid() != 0 or tried.returncode != 0:
        pytest.skip(f"this user can not mount: {tried.stderr.strip() or 'not root'}")


@pytest.mark.parametrize("name", PYTHONS)
def test_python(name):
    version = name.partition(" ")[0]
    prefix = str(Path(PYTHONS[name]).resolve().parent.parent)
    argv = [f"/var/lang/bin/python{version}", "-S", "-B", "/var/runtime/bootstrap.py"]
    source = (
        "import sys, json, ssl, ctypes, zlib, sqlite3, decimal\n"
        "def handler(event, context):\n    return [sys.prefix, sys.executable, json.__file__, sys.path[1:5]]"
    )
    files, env_vars = {"app.py": source}, {"PYTHONPATH": "/var/runtime", **LIBRARIES}
    with Process(unshare(prefix, str(RUNTIMES / "python"), argv), files, "app.handler", env_vars) as process:
        answer = process.invoke()
        assert answer.kind == "response", answer
        opt = [f"/opt/python/lib/python{version}/site-packages", "/opt/python", "/var/runtime"]
        home, executable, module, path = json.loads(answer.text)
        assert (home, executable) == ("/var/lang", f"/var/lang/bin/python{version}")
        assert module == f"/var/lang/lib/python{version}/json/__init__.py"
        assert path[:3] == opt


@pytest.mark.parametrize("major", nodes())
def test_node(major):
    prefix = str(Path(nodes()[major]).resolve().parent.parent)
    source = "exports.handler = async () => [process.execPath, require('crypto').randomUUID().length];"
    argv = unshare(prefix, str(RUNTIMES / "nodejs"), ["/var/lang/bin/node", "/var/runtime/bootstrap.cjs"])
    with Process(argv, {"index.js": source}, "index.handler", LIBRARIES) as process:
        assert process.invoke().json == ["/var/lang/bin/node", 36]
