# SPDX-License-Identifier: Apache-2.0
"""What the Python runtime does about the snapshot of a function that has SnapStart.

It waits in one call of the Runtime API while the snapshot is taken, and each environment that is made from it comes back
from that same call. What must not be the same in all of them is renewed there.
"""

import gc
import os
import sys

runtime = None  # the module of bootstrap.py, which sets it


def go_through(connection):
    """Returns in an environment that goes on from the snapshot."""
    hooks = sys.modules.get("snapshot_restore_py")
    if hooks is not None:
        run(reversed(hooks.get_before_snapshot()), connection, "Runtime.BeforeSnapshotError", "/runtime/init/error")
    # What the collector does not look at again stays shared by all environments.
    gc.collect()
    gc.freeze()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(connection.head("GET", "/runtime/restore/next") + b"\r\n")
    status, _, body = connection.receive()
    if status != 200:
        runtime.rare().stop(f"the Runtime API answered {status} to the request to be restored")
    if body:
        os.environ.update(runtime.decode(body))
        runtime.LambdaContext.set_up()
    renew_randomness()
    if hooks is not None:
        run(hooks.get_after_restore(), connection, "Runtime.AfterRestoreError", "/runtime/restore/error")


def run(hooks, connection, kind, path):
    try:
        for func, args, kwargs in hooks:
            func(*args, **kwargs)
    except BaseException as error:
        rare = runtime.rare()
        fault = runtime.Fault(kind, f"{type(error).__name__}: {error}", rare.stack_trace(error.__traceback__))
        document, lines = rare.report(fault, "")
        sys.stdout.flush()
        connection.send(connection.post(path, document, lines))
        connection.receive()
        sys.exit(1)


def renew_randomness():
    """Generators that the interpreter's usual modules keep in memory. What comes from the kernel is new each time."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    ssl = sys.modules.get("_ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(64), 64.0)
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        # A number in place of a network card's, which is drawn once; and the clock that goes with it.
        uuid._node = uuid._last_timestamp = None
        uuid._generate_time_safe = None
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None
