#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: three functions, one photograph, a pipeline, one table. `make demo`.

Needs Python 3.10 or newer and Rust; installs the rest into .demo, where everything it makes stays.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from report import Problem, note, run, shown, step

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".demo"
VENV = WORK / "venv"
REQUIREMENTS = ROOT / "demo/requirements.txt"
PYTHON_MIN = (3, 10)
STARTED = time.monotonic()


def enter_environment():
    """Goes on inside a virtual environment that has boto3, and makes it first where needed."""
    if sys.version_info < PYTHON_MIN:
        raise Problem(
            f"Python {sys.version_info.major}.{sys.version_info.minor} is too old for boto3",
            "run demo/demo.py with Python 3.10 or newer",
        )
    if sys.prefix != sys.base_prefix and Path(sys.prefix) == VENV:
        return
    stamp, want = VENV / ".stamp", hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != want:
        step("Installing boto3 into .demo/venv")
        try:
            import ensurepip  # noqa: F401
            import venv
        except ImportError:
            raise Problem("this Python can not make virtual environments", "apt-get install python3-venv") from None
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
        run(
            [VENV / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", REQUIREMENTS],
            "pip failed",
            "is the Python package index reachable from here?",
        )
        stamp.write_text(want)
    python = VENV / "bin/python"
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


def check_tools():
    """Everything that the demo does not bring itself, before anything takes long."""
    fixes = {
        "cargo": "install Rust from https://rustup.rs",
        # For SQLite, which is compiled in.
        "cc": "apt-get install gcc libc6-dev",
        "node": "apt-get install nodejs npm",
        "npm": "apt-get install npm",
    }
    missing = [tool for tool in fixes if shutil.which(tool) is None]
    if missing:
        raise Problem(f"there is no {', '.join(missing)} here", "; ".join(fixes[tool] for tool in missing))
    if sys.platform != "linux":
        raise Problem("the demo runs functions in sandboxes, and those need Linux")


def build_server():
    step("Building tinderbox (release; a few minutes the first time)")
    run(
        ["cargo", "build", "--release", "--locked", "--package", "tinderbox"],
        "the build failed",
        cwd=ROOT,
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release/tinderbox"


class Server:
    """`tinderbox serve` for as long as the demo runs, or longer with --keep."""

    def __init__(self, binary, port):
        self.binary, self.port = binary, port
        self.data_dir, self.log = WORK / "data", WORK / "server.log"
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        step(f"Starting tinderbox on 127.0.0.1:{self.port}")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise Problem(
                    f"127.0.0.1:{self.port} is in use, perhaps by a demo that was kept running",
                    "stop what listens there, or take another port: make demo FLAGS='--port 4567'",
                ) from None
        WORK.mkdir(exist_ok=True)
        began = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--data-dir", self.data_dir],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not self.is_ready():
            if self.process.poll() is not None:
                raise Problem(f"the server did not start; it said:\n{self.log.read_text().strip()}")
            if time.monotonic() - began > 60:
                raise Problem(f"the server was not ready within a minute; see {shown(self.log)}")
            time.sleep(0.005)
        note(f"ready after {(time.monotonic() - began) * 1000:.0f} ms")
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith(("isolation:", "network", "WARNING")):
                note(line)

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/_tinderbox/health")
            return connection.getresponse().status == 200
        return False

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def parse_arguments():
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave the server running")
    parser.add_argument("--port", type=int, default=4566, help="port on 127.0.0.1 (default: 4566)")
    parser.add_argument("--count", type=int, default=200, help="warm invocations per function (default: 200)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    check_tools()
    enter_environment()
    # These import boto3, which is only there inside the environment.
    import functions
    import measure
    import pipeline

    server = Server(build_server(), arguments.port)
    photo = functions.photograph(WORK)
    refuse_if_held(server)
    shutil.rmtree(server.data_dir, ignore_errors=True)
    server.start()
    is_done = False
    try:
        rows = []
        for function in functions.all_of_them(server.binary, WORK, photo):
            rows.append(measure.deploy_and_measure(server.endpoint, function, WORK, arguments.count))
        of_pipeline = pipeline.deploy_and_measure(server)
        print()
        print(measure.table(rows))
        print()
        print(of_pipeline)
        print()
        is_done = True
    finally:
        if not (arguments.keep and is_done):
            server.stop()
    if arguments.keep:
        print(f"The server runs on as process {server.process.pid}: kill {server.process.pid} ends it. Try:")
        print(f"  export AWS_ENDPOINT_URL={server.endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test")
        print("  export AWS_DEFAULT_REGION=us-east-1; aws lambda list-functions")
    else:
        print("The server was stopped. `make demo FLAGS=--keep` leaves it running.")
    note(f"all of it took {time.monotonic() - STARTED:.0f} s; the server's log is {shown(server.log)}")


def refuse_if_held(server):
    """The demo starts from nothing, but never under the feet of a server that was kept."""
    lock = server.data_dir / "LOCK"
    if not lock.exists():
        return
    with lock.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = lock.read_text(errors="replace").strip()
            fix = f"kill {pid}" if pid.isdigit() else None
            raise Problem(f"a demo that was kept still runs in {shown(server.data_dir)}", fix) from None


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        print(f"\nerror: {problem}", file=sys.stderr)
        if problem.fix:
            print(f"hint: {problem.fix}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
