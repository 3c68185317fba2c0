# SPDX-License-Identifier: Apache-2.0
"""What the Python runtime does when it is started before anybody knows for which function, as a stem.

The first time is slow: code and memory that nobody has touched cost more than all else that a cold start does. So a stem
rehearses: it loads a small module from its source, as it will load the function's, and answers an event that nobody sent.
Nothing of that is left for the function to find.
"""

# Some of this is for the function: what most functions import, as far as none of it looks at the environment meanwhile.
import contextlib
import datetime  # noqa: F401
import gc
import json  # noqa: F401
import logging
import os
import re  # noqa: F401
import sys
import time

runtime = None  # the module of bootstrap.py, which sets it

EVENT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 0\r\n"
    b"Lambda-Runtime-Deadline-Ms: 1\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\nLambda-Runtime-Trace-Id: Root=0\r\n"
    b'Content-Length: 38\r\n\r\n{"key": ["a", 1, 2.5, true, {"b": 0}]}'
)
TAKEN = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
# The modules of functions; what is looked into before they are mounted is forgotten.
FUNCTION_DIRS = ("/var/task", "/opt")


class Over(BaseException):
    """The rehearsal has come to its end."""


def become_a_function(connection):
    """Asks which function this is. When the answer comes, the code is mounted; in it are the function's environment
    variables."""
    rehearse(connection)
    keep_logging()
    connection.send(connection.head("GET", "/runtime/function") + b"\r\n")
    status, _, body = connection.receive()
    if status != 200:
        runtime.rare().stop(f"the Runtime API answered {status} to the question which function this is")
    del os.environ["TINDERBOX_STEM"]
    os.environ.update(runtime.decode(body))
    time.tzset()
    os.chdir(runtime.env("LAMBDA_TASK_ROOT") or "/var/task")
    del sys.modules[__name__]


def rehearse(connection):
    class Stage(type(connection)):
        """A connection to nobody."""

        def __init__(self, rest):
            vars(self).update(vars(connection), socket=self, rest=rest)

        def send(self, message):
            pass

        def more(self):
            raise Over

    environment = dict(os.environ)
    with contextlib.suppress(Over):
        runtime.serve(Stage(EVENT + TAKEN + EVENT + TAKEN), runtime.load("bootstrap_rehearsal.handler"))
    del sys.modules["bootstrap_rehearsal"]
    os.environ.clear()
    os.environ.update(environment)
    runtime.State.request_id = runtime.State.tenant_id = None
    for path in list(sys.path_importer_cache):
        if path.startswith(FUNCTION_DIRS):
            del sys.path_importer_cache[path]
    # So that the function does not wait for it.
    gc.collect()


def keep_logging():
    """Takes `logging` away until the function imports it: then it is set up, with the function's own settings."""
    runtime.LoggingHook.kept = sys.modules.pop(logging.__name__)
