# SPDX-License-Identifier: Apache-2.0
"""The platform under test, and the words that tests speak: deploy, invoke, kill, restart.

Every wait is for a condition that stays true once it is; nothing here waits for time to pass.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import itertools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("TINDERBOX_BIN", ROOT / "target/debug/tinderbox"))
REGION = "us-east-1"
ACCOUNT = "000000000000"
# Every server on loopback has it from its first start on.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
# The interpreter that runs the tests is on the machine, so its runtime is too.
PYTHON = f"python3.{sys.version_info.minor}"
# A runtime that AWS has snapshots of, and how a server gets it: a Python that every user may run stands in for it.
PYTHON_WITH_SNAPSHOTS = "python3.12"
_prefix = "/usr" if Path("/usr/bin/python3").exists() else sys.base_prefix
SNAPSHOTS = ["--set", f'runtimes.stand_in={{"{PYTHON_WITH_SNAPSHOTS}"="{_prefix}"}}']
# Who may assume the role of a function.
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
START_TIMEOUT = 30
STOP_TIMEOUT = 15

_names = itertools.count(1)


def first_of_each(count, invoke):
    """The results of the first invocations of `count` environments or more, which tell their `stream` and their `calls`.

    On a machine under load one invocation may begin after another's end, in its environment: then it runs again.
    """
    found = {}

    def run():
        with ThreadPoolExecutor(count) as pool:
            for result in pool.map(lambda _: invoke(), range(count)):
                value = result.value()
                known = found.get(value["stream"])
                if known is None or value["calls"] < known.value()["calls"]:
                    found[value["stream"]] = result
        return len(found) >= count

    wait_until(run, f"{count} environments ran side by side", 120)
    return list(found.values())


def wait_until(condition, what, timeout=30):
    """Returns the first true value of `condition()`. Fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)


def node_runtime():
    """`nodejs20.x`, or `None` on a machine without Node.js."""
    if not shutil.which("node"):
        return None
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return f"nodejs{version.strip().lstrip('v').split('.')[0]}.x"


def javascript(script, *arguments):
    """Runs a script of the tests with the AWS SDK for JavaScript. It says at its end that every step passed."""
    folder = Path(__file__).resolve().parent / "e2e"
    if node_runtime() is None or not (folder / "node_modules").exists():
        missing("the JavaScript SDK is not installed; hint: make prepare")
    command = ["node", folder / script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "every step passed"


def zip_bytes(files, modes=None):
    """A zip of `files` (path to text or bytes). Files are 0644 unless `modes` says otherwise."""
    modes = modes or {}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, date_time=(2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (modes.get(path, 0o100644)) << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def unique(stem="fn"):
    return f"{stem}-{next(_names)}"


@dataclass
class Reply:
    """An HTTP answer, as it was on the wire."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def error_type(self):
        return self.headers.get("x-amzn-ErrorType")


class Result:
    """How an invocation ended."""

    def __init__(self, response):
        self.status = response["StatusCode"]
        self.error = response.get("FunctionError")
        self.version = response.get("ExecutedVersion")
        self.request_id = response["ResponseMetadata"]["RequestId"]
        self.headers = response["ResponseMetadata"]["HTTPHeaders"]
        self.payload = response["Payload"].read()
        self.log = base64.b64decode(response["LogResult"]).decode() if "LogResult" in response else None

    def json(self):
        return json.loads(self.payload)

    def value(self):
        """What the handler returned; a function error fails the test with all that is known."""
        assert self.error is None, f"{self.error}: {self.payload[:2000]!r}\n{self.log or ''}"
        return self.json()

    def fault(self):
        """The error document of a function that failed."""
        assert self.error == "Unhandled", f"the function did not fail: {self.payload[:2000]!r}"
        return self.json()


class Function:
    def __init__(self, platform, name):
        self.platform = platform
        self.name = name

    @property
    def arn(self):
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    def invoke(self, event=None, *, raw=None, **arguments):
        payload = raw if raw is not None else json.dumps(event).encode()
        arguments.setdefault("LogType", "Tail")
        return Result(self.platform.client().invoke(FunctionName=self.name, Payload=payload, **arguments))

    def configuration(self, **arguments):
        return self.platform.client().get_function_configuration(FunctionName=self.name, **arguments)

    def update_code(self, files, modes=None):
        client = self.platform.client()
        client.update_function_code(FunctionName=self.name, ZipFile=zip_bytes(files, modes))
        client.get_waiter("function_updated_v2").wait(FunctionName=self.name, WaiterConfig=POLL)

    def update_configuration(self, **settings):
        client = self.platform.client()
        client.update_function_configuration(FunctionName=self.name, **settings)
        client.get_waiter("function_updated_v2").wait(FunctionName=self.name, WaiterConfig=POLL)

    def log_with(self, text):
        """What the function logged so far, as soon as `text` is in it: for each event its time and its message."""

        def log():
            found = "".join(f"{event['timestamp']} {event['message']}" for event in self.log_events())
            return found if text in found else None

        return wait_until(log, f"{text!r} is in the log of {self.name}")

    def log_events(self, group=None):
        """The events of its log group so far."""
        client = self.platform.client("logs")
        try:
            pages = client.get_paginator("filter_log_events").paginate(logGroupName=group or f"/aws/lambda/{self.name}")
            return [event for page in pages for event in page["events"]]
        except client.exceptions.ResourceNotFoundException:
            return []

    def delete(self):
        self.platform.client().delete_function(FunctionName=self.name)


# boto3's waiters pause whole seconds unless told otherwise.
POLL = {"Delay": 0.05, "MaxAttempts": 600}


class Platform:
    """A real server with a data directory of its own, on a port that the kernel chose."""

    def __init__(self, *options, home=None, data_dir=None, environment=None, user=None):
        """`user` is the number of whoever runs the server, if not who runs the tests."""
        self.home = Path(home or tempfile.mkdtemp(prefix="tinderbox-test-"))
        self.data_dir = data_dir or self.home / "data"
        self.options = list(options)
        self.environment = environment or {}
        self.binary, self.account = BINARY, {}
        if user is not None:
            self._belong_to(user)
        self.process = None
        self.address = None
        self._clients = {}

    # -- life ---------------------------------------------------------------------------------------------------

    def spawn(self, *options, listen="127.0.0.1:0"):
        """Starts the server without waiting for it. Its output goes to `server.log`."""
        command = [self.binary, "serve", "--listen", listen, "--data-dir", self.data_dir, *self.options, *options]
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**clean_environment(), **self.environment},
                start_new_session=True,
                **self.account,
            )

    def _belong_to(self, user):
        # The binary too: its own folder may be closed to others.
        self.binary = shutil.copy2(BINARY, self.home / "tinderbox")
        self.account = {"user": user, "group": user, "extra_groups": []}
        for path in (self.home, self.binary):
            os.chown(path, user, user)

    def start(self):
        self._clients = {}
        self.address_path.unlink(missing_ok=True)
        self.process = self.spawn()
        self.address = wait_until(self._ready_address, "the server is ready", START_TIMEOUT)
        return self

    def _ready_address(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            address = self.address_path.read_text().strip()
            if address and http_get(address, "/_tinderbox/health").status == 200:
                return address
        return None

    def stop(self):
        """Asks the server to end and waits until it has. Returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop within {STOP_TIMEOUT} s") from None

    def kill(self):
        """kill -9: nothing in the server gets a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        return self.start()

    def discard(self):
        shutil.rmtree(self.home, ignore_errors=True)

    # -- talking to it ------------------------------------------------------------------------------------------

    @property
    def address_path(self):
        return self.data_dir / "address"

    @property
    def log_path(self):
        return self.home / "server.log"

    @property
    def endpoint(self):
        return f"http://{self.address}"

    def log_tail(self, size=4000):
        with contextlib.suppress(OSError):
            return self.log_path.read_text(errors="replace")[-size:]
        return ""

    def client(self, service="lambda", key="test", secret="test", token=None, region=REGION):
        wanted = (service, key, secret, token, region)
        if wanted not in self._clients:
            self._clients[wanted] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(retries={"total_max_attempts": 1}, read_timeout=90, max_pool_connections=64),
            )
        return self._clients[wanted]

    def call(self, method, path, body=b"", headers=None, *, key="test", secret="test", service="lambda", sign=True):
        """One request, as raw as it gets, signed unless `sign` says no."""
        if isinstance(body, str):
            body = body.encode()
        headers = {"Host": self.address, **(headers or {})}
        if sign:
            headers = sign_headers(method, self.endpoint + path, body, headers, key, secret, service)
        connection = http.client.HTTPConnection(self.address, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())

    def cli(self, *arguments, check=True):
        """The AWS CLI of the tests' own environment."""
        environment = {
            **clean_environment(),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_MAX_ATTEMPTS": "1",
            "HOME": str(self.home),
        }
        command = [sys.executable, "-m", "awscli", "--endpoint-url", self.endpoint, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def tinderbox(self, *arguments, check=True):
        return tinderbox(*arguments, check=check)

    # -- functions ----------------------------------------------------------------------------------------------

    def deploy(self, files, *, runtime=PYTHON, handler="index.handler", modes=None, name=None, role=ROLE, **settings):
        """Creates a function and waits until it is active."""
        name = name or unique()
        client = self.client()
        client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler=handler,
            Role=role,
            Code={"ZipFile": files if isinstance(files, bytes) else zip_bytes(files, modes)},
            **settings,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=POLL)
        return Function(self, name)

    def role(self, *statements, service="lambda.amazonaws.com"):
        """The ARN of a new role that the service may assume, and that may do what `statements` say."""
        client, name = self.client("iam"), unique("role")
        trust = policy({**TRUST, "Principal": {"Service": service}})
        made = client.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        if statements:
            client.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        return made["Role"]["Arn"]

    def sending_role(self):
        """The ARN of a new role that may log, and send to everything that takes records of functions."""
        sending = ["sqs:SendMessage", "sns:Publish", "lambda:InvokeFunction", "events:PutEvents"]
        sending += ["s3:PutObject", "s3:ListBucket"]
        return self.role(allow("logs:*"), allow(sending))

    def python(self, source, **settings):
        return self.deploy({"index.py": source}, **settings)

    def node(self, source, file="index.mjs", **settings):
        return self.deploy({file: source}, runtime=node_runtime(), **settings)

    def provided(self, bootstrap, files=None, **settings):
        """A function whose bootstrap is the given script or program."""
        return self.deploy(
            {"bootstrap": bootstrap, **(files or {})},
            runtime="provided.al2023",
            modes={"bootstrap": 0o100755},
            **settings,
        )


def tinderbox(*arguments, check=True, environment=None):
    """Runs the binary to its end."""
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**clean_environment(), **(environment or {})},
        timeout=280,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def clean_environment():
    """This process's environment without what would steer a client or the server elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TINDERBOX_")) and name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }


def sign_headers(method, url, body, headers, key, secret, service):
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(Credentials(key, secret), service, REGION).add_auth(request)
    return dict(request.headers.items())


def http_get(address, path):
    connection = http.client.HTTPConnection(address, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())


def processes_with(mark):
    """Ids of the processes that were started with `mark` in their environment. Give it to a function in a variable that
    begins with PYTHON: such functions are not grown from stems, whose environment /proc shows as it was at their start."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


STEM = "TINDERBOX_STEM=1"


def grown(make, warm, wanted):
    """A function whose first environment grew from a stem. Another start may take the stem that was seen: try again."""
    warm.invoke().value()
    for _ in range(10):
        wait_until(lambda: processes_with(STEM), "a stem is ready")
        function = make()
        value = function.invoke().value()
        if value["was_stem"] == wanted:
            return function, value
    raise AssertionError("no function grew from a stem")


def size_of_jpeg(picture):
    """Width and height, from the frame header."""
    at = 2
    while picture[at + 1] not in (0xC0, 0xC2):
        at += 2 + struct.unpack(">H", picture[at + 2 : at + 4])[0]
    height, width = struct.unpack(">HH", picture[at + 5 : at + 9])
    return width, height


def missing(reason):
    """Skips on a developer's machine; fails where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
