# SPDX-License-Identifier: Apache-2.0
"""Runs a real interpreter with one of our bootstraps against the fake Runtime API, and finds interpreters to run."""

import json
import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path

from fake_api import FakeApi

RUNTIMES = Path(__file__).resolve().parent.parent
PATIENCE_S = 20


class Answer:
    """What the runtime posted: `kind` is response, error or init/error."""

    def __init__(self, message):
        self.message = message
        self.kind = "init/error" if message.path.endswith("/init/error") else message.path.rpartition("/")[2]
        self.request_id = message.path.split("/")[-2]
        self.text = message.body.decode()
        self.error_type = message.headers.get("lambda-runtime-function-error-type")

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"{self.kind}: {self.text}"


class Process:
    """An interpreter that runs a handler. A context manager: leaving it ends the interpreter."""

    def __init__(self, argv, files, handler, env_vars=None, api=None, pass_fds=()):
        self.argv, self.handler, self.env_vars, self.pass_fds = argv, handler, env_vars or {}, pass_fds
        self.api = api or FakeApi()
        self.folder = tempfile.TemporaryDirectory(prefix="task-")
        self.task = os.path.realpath(self.folder.name)
        for name, text in files.items():
            path = Path(self.task, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def __enter__(self):
        env_vars = {
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "under-test",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/under-test",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
            "LAMBDA_TASK_ROOT": self.task,
            "_HANDLER": self.handler,
            "LANG": "en_US.UTF-8",
            "LC_CTYPE": "C.UTF-8",
            "TZ": ":UTC",
            "PATH": os.environ["PATH"],
            **self.env_vars,
        }
        self.process = subprocess.Popen(
            self.argv,
            env=env_vars,
            cwd=self.task,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=self.pass_fds,
        )
        self.output = {"stdout": b"", "stderr": b""}
        self.readers = [threading.Thread(target=self.read, args=(name,), daemon=True) for name in self.output]
        for reader in self.readers:
            reader.start()
        threading.Thread(target=self.wait, daemon=True).start()
        return self

    def wait(self):
        """Ends `answers` with a None when the process is gone."""
        self.process.wait()
        self.api.wait_until_all_is_read(PATIENCE_S)
        self.api.answers.put(None)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.api.close()
        self.folder.cleanup()

    def read(self, name):
        pipe = getattr(self.process, name)
        while chunk := os.read(pipe.fileno(), 65536):
            self.output[name] += chunk
        pipe.close()

    def invoke(self, event="{}", **headers):
        self.api.put(event, **headers)
        return self.answer()

    def answer(self):
        """The next thing that the runtime posts, or None if it ended."""
        message = self.api.answers.get(timeout=PATIENCE_S)
        return None if message is None else Answer(message)

    def exit_status(self):
        status = self.process.wait(PATIENCE_S)
        for reader in self.readers:
            reader.join(PATIENCE_S)
        return status

    def stop(self):
        self.process.kill()
        self.exit_status()

    def log(self):
        return self.output["stdout"].decode()

    def complaints(self):
        return self.output["stderr"].decode()


def system_pythons():
    return sorted(path for path in Path("/usr/bin").glob("python3.*") if re.fullmatch(r"python3\.(9|1\d)", path.name))


def pythons():
    """Interpreters from 3.9 on, one for each minor version, by version."""
    found = {}
    for prefix in [*Path.home().glob(".pyenv/versions/*"), Path("/usr"), Path("/usr/local")]:
        for path in prefix.glob("bin/python3.*"):
            match = re.fullmatch(r"python3\.(\d+)", path.name)
            if match and int(match[1]) >= 9:
                found.setdefault(int(match[1]), str(path))
    return {f"3.{minor}": path for minor, path in sorted(found.items())}


def nodes():
    """Node from 18 on, by major version: on the path, from nvm, and in the folders that $NODES lists."""
    places = [Path(place, "bin") for place in os.environ.get("NODES", "").split(":") if place]
    places += [Path(place) for place in os.environ.get("PATH", "").split(":") if place]
    places += Path.home().glob(".nvm/versions/node/*/bin")
    found = {}
    for path in (place / "node" for place in places):
        if os.access(path, os.X_OK):
            version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
            major = int(version.lstrip("v").split(".")[0])
            if major >= 18:
                found.setdefault(major, str(path))
    return dict(sorted(found.items()))


def python_argv(path):
    return [path, "-S", "-B", str(RUNTIMES / "python" / "bootstrap.py")]


def node_argv(path):
    return [path, str(RUNTIMES / "nodejs" / "bootstrap.cjs")]


def rubies():
    """Ruby from 3.1 on, by version: on the path and from version managers."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(":") if place]
    places += [*Path.home().glob(".rbenv/versions/*/bin"), *Path("/opt/rubies").glob("*/bin")]
    found = {}
    for path in (place / "ruby" for place in places):
        if os.access(path, os.X_OK):
            version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            match = re.match(r"ruby (\d+)\.(\d+)", version)
            if match and (int(match[1]), int(match[2])) >= (3, 1):
                found.setdefault(f"{match[1]}.{match[2]}", str(path))
    return dict(sorted(found.items()))


def ruby_argv(path):
    return [path, str(RUNTIMES / "ruby" / "bootstrap.rb")]
