# SPDX-License-Identifier: Apache-2.0
"""Several invocations in one environment, each in a process of its own.

The first process loads nothing of the function. It forks as many workers as invocations may run at once, and each of them
initialises for itself, as on AWS. A worker that dies is replaced; the invocation it ran is answered in its name. When
workers can not even begin, the first process ends, and the environment with it.
"""

import fcntl
import mmap
import posix
import sys

runtime = None  # the module of bootstrap.py, which sets it

ID_BYTES = 36
# So many workers may end one after the other without having asked for an event.
FAILURES_MAX = 3


class Shared:
    """Memory that all processes see: for each worker the invocation it runs, and whether it has begun to serve."""

    size = ID_BYTES + 1

    def __init__(self, count):
        self.memory = mmap.mmap(-1, count * self.size)

    def note(self, worker, request_id):
        start = worker * self.size
        self.memory[start : start + ID_BYTES] = request_id.encode()[:ID_BYTES].ljust(ID_BYTES, b"\0")

    def begin(self, worker):
        self.memory[worker * self.size + ID_BYTES] = 1

    def take(self, worker):
        start = worker * self.size
        request_id, has_begun = self.memory[start : start + ID_BYTES], self.memory[start + ID_BYTES]
        self.memory[start : start + self.size] = bytes(self.size)
        return request_id.rstrip(b"\0").decode("latin-1"), bool(has_begun)


class LogTurn:
    """One process at a time writes a record to the pipe that all share. Such a lock belongs to a process, and dies with it."""

    def __init__(self):
        self.fd = posix.memfd_create("log-turn")

    def __enter__(self):
        fcntl.lockf(self.fd, fcntl.LOCK_EX)

    def __exit__(self, *_):
        fcntl.lockf(self.fd, fcntl.LOCK_UN)


def run_workers(count, work):
    """Keeps `count` workers. `work` is what each of them does, and never returns."""
    shared, workers, failures = Shared(count), {}, 0
    runtime.State.log_turn = LogTurn()
    for worker in range(count):
        workers[start(shared, worker, work)] = worker
    while True:
        pid, status = posix.wait()
        worker = workers.pop(pid, None)
        if worker is None:
            continue  # a process that somebody left behind
        request_id, has_begun = shared.take(worker)
        if request_id:
            answer(request_id, status)
        failures = 0 if has_begun else failures + 1
        if failures >= FAILURES_MAX:
            sys.exit(1)
        workers[start(shared, worker, work)] = worker


def start(shared, worker, work):
    sys.stdout.flush()
    pid = posix.fork()
    if pid:
        return pid

    class LambdaContext(runtime.LambdaContext):
        def __init__(self, headers):
            shared.note(worker, runtime.State.request_id)
            super().__init__(headers)

    runtime.LambdaContext = LambdaContext
    try:
        work(lambda: shared.begin(worker))
    except SystemExit as error:
        code = error.code
        sys.stdout.flush()
        posix._exit(code if isinstance(code, int) else int(code is not None))
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stdout.flush()
    posix._exit(1)


def answer(request_id, status):
    """Says for a worker that died how it came out. One that had its answer already is refused, which changes nothing."""
    error = runtime.Fault("Runtime.ExitError", f"RequestId: {request_id} Error: {reason(status)}")
    document, lines = runtime.rare().report(error, request_id)
    connection = runtime.Connection(runtime.env("AWS_LAMBDA_RUNTIME_API") or "127.0.0.1:9001")
    connection.send(connection.post(f"/runtime/invocation/{request_id}/error", document, lines))
    connection.receive()
    connection.socket.close()


def reason(status):
    if posix.WIFSIGNALED(status):
        from signal import strsignal

        name = strsignal(posix.WTERMSIG(status)) or "unknown"
        return f"Runtime exited with error: signal: {name.lower()}"
    code = posix.WEXITSTATUS(status)
    if code:
        return f"Runtime exited with error: exit status {code}"
    return "Runtime exited without providing a reason"
