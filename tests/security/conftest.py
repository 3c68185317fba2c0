# SPDX-License-Identifier: Apache-2.0
"""Attempts to break out, each run inside a function, with the privileges a customer's code has.

The walls are those of level L1 and up, and each is tried at both: on a server of root, and on one of an ordinary user.
A machine that allows only one of them skips the other, and says so; CI must have both.
"""

import os
import re
import subprocess
import textwrap

import pytest
from accounts import OTHER, Account
from harness import Platform, clean_environment, missing

# The user that nothing belongs to.
NOBODY = 65534

# Runs the code it is sent. What the code leaves in `result` is the answer.
PROBE = '''
import ctypes, errno, json, os, platform, resource, signal, socket, stat, struct, subprocess, sys, threading, time
from pathlib import Path

libc = ctypes.CDLL(None, use_errno=True)

def outcome(call, *arguments):
    """`ok` or the name of the error."""
    try:
        call(*arguments)
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))

def syscall(number, *arguments):
    """`ok` or the name of the error, for a raw system call."""
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(number), *arguments) >= 0:
        return "ok"
    return errno.errorcode.get(ctypes.get_errno(), "?")

def text(path):
    """The text of a file, or the name of the error."""
    try:
        return Path(path).read_text()
    except OSError as error:
        return errno.errorcode.get(error.errno, "?")

def handler(event, context):
    scope = dict(globals(), context=context, event=event)
    exec(event["code"], scope)
    return scope["result"]
'''


class Probe:
    def __init__(self, function):
        self.function = function

    def run(self, code, **event):
        """What `code` left in `result`."""
        return self.attempt(code, **event).value()

    def attempt(self, code, **event):
        """How the invocation ended, for code that may not come back."""
        return self.function.invoke({"code": textwrap.dedent(code), **event})


@pytest.fixture(scope="session", params=[2, 1], ids=["L2", "L1"])
def platform(request, binary):
    """A server at each level that has walls."""
    wanted, is_root = request.param, os.geteuid() == 0
    if wanted == 2 and not is_root:
        missing("level L2 needs root; hint: sudo make security")
    platform = Platform(user=NOBODY if wanted == 1 and is_root else None).start()
    found = int(re.search(r"\bL([012])\b", platform.log_path.read_text())[1])
    if found == wanted:
        yield platform
    platform.stop()
    platform.discard()
    if found != wanted:
        missing(f"this machine allows level L{found} only, and not L{wanted}; hint: tinderbox doctor")


@pytest.fixture(scope="session")
def isolated(platform):
    """The level in force, as the server said at its start."""
    return int(re.search(r"\bL([012])\b", platform.log_path.read_text())[1])


@pytest.fixture(scope="session")
def needs(platform, isolated):
    """Skips what this server cannot limit: without root that takes a cgroup that is delegated to it (SECURITY.md)."""
    found = subprocess.run(
        [platform.binary, "doctor"],
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        **platform.account,
    ).stdout

    def check(capability):
        if not re.search(rf"^found +{capability}\b", found, re.MULTILINE):
            (missing if isolated == 2 else pytest.skip)(f"no {capability} at L{isolated} here; hint: tinderbox doctor")

    return check


@pytest.fixture(scope="session")
def new_probe(platform, isolated):
    def make(**settings):
        settings = {"MemorySize": 256, "Timeout": 20, **settings}
        return Probe(platform.python(PROBE, **settings))

    return make


@pytest.fixture(scope="module")
def probe(new_probe):
    return new_probe()


@pytest.fixture(scope="session")
def secret(platform):
    """A file of the host that everybody there may read, and whose name is known to the attacker."""
    path = platform.home / "secret"
    path.write_text("the crown jewels")
    path.chmod(0o644)
    return str(path)


@pytest.fixture(scope="module")
def server(binary):
    """Of the tests that are about accounts and not about sandboxes."""
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def other(server):
    """Another account on it."""
    return Account(server, OTHER)
