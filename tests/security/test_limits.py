# SPDX-License-Identifier: Apache-2.0
"""Limits: memory, processes, descriptors, /tmp and CPU. What one function takes, its neighbour does not miss."""

import re
import time
from concurrent.futures import ThreadPoolExecutor


def test_memory_is_limited(new_probe, platform, needs):
    needs("memory limits")
    probe = new_probe(MemorySize=128)

    attempt = probe.attempt("result = len(bytearray(300 * 2**20))")

    assert attempt.error == "Unhandled"
    assert "signal: killed" in attempt.fault()["errorMessage"] or attempt.fault()["errorType"] == "MemoryError"
    assert platform.process.poll() is None
    assert probe.run("result = 1") == 1


def test_memory_of_children_counts_too(new_probe, needs):
    needs("memory limits")
    probe = new_probe(MemorySize=128)

    attempt = probe.attempt(
        """
        children = []
        for _ in range(4):
            pid = os.fork()
            if pid == 0:
                held = bytearray(b"x") * (80 * 2**20)
                signal.pause()
            children.append(pid)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if any(os.waitpid(pid, os.WNOHANG)[0] for pid in children): break
            time.sleep(0.05)
        else:
            raise SystemError("320 MB were had in 128")
        result = "one was killed"
        """
    )

    if attempt.error is None:
        assert attempt.json() == "one was killed"
    else:
        assert attempt.fault()["errorType"] in ("Runtime.ExitError", "Runtime.OutOfMemory")


def test_shared_memory_counts_too(new_probe, needs):
    needs("memory limits")
    probe = new_probe(MemorySize=128)

    attempt = probe.attempt(
        """
        memory = os.memfd_create("ballast")
        for _ in range(300): os.write(memory, bytes(2**20))
        result = os.fstat(memory).st_size
        """
    )

    assert attempt.error == "Unhandled", "300 MB of shared memory were had in 128"


# Fills /tmp.
FILL = """
written = 0
try:
    with open("/tmp/ballast", "wb", buffering=0) as f:
        while written < 700 * 2**20: written += f.write(bytes(2**20))
    result = ["ok", written]
except OSError as error:
    result = [errno.errorcode[error.errno], written]
"""


def test_tmp_is_limited_and_is_not_memory(new_probe, needs):
    """What is in /tmp takes nothing from a function's memory, and gives nothing to it."""
    needs("memory limits")
    probe = new_probe(MemorySize=128, EphemeralStorage={"Size": 512}, Timeout=60)

    result = probe.run(FILL)
    assert result[0] == "ENOSPC"
    assert 400 * 2**20 < result[1] <= 512 * 2**20

    attempt = probe.attempt("held = bytearray(b'x') * (60 * 2**20)\nresult = os.path.getsize('/tmp/ballast')")
    assert attempt.json() == result[1]
    used = int(re.search(r"Max Memory Used: (\d+) MB", attempt.log)[1])
    assert 60 < used < 128

    attempt = probe.attempt("held = bytearray(b'x') * (200 * 2**20)\nresult = 1")
    assert attempt.error == "Unhandled", "200 MB were had in 128"
    assert "signal: killed" in attempt.fault()["errorMessage"]
    assert "Error Type: Runtime.OutOfMemory" in attempt.log
    assert probe.run("result = os.path.getsize('/tmp/ballast')") == result[1], "it is reset, as after any crash"


def test_room_that_tmp_gives_up_is_not_memory(new_probe, needs):
    needs("memory limits")
    probe = new_probe(MemorySize=128, Timeout=60)
    probe.run(FILL)

    attempt = probe.attempt(
        """
        held = []
        for _ in range(40):
            os.truncate("/tmp/ballast", max(0, os.path.getsize("/tmp/ballast") - 10 * 2**20))
            held.append(bytearray(b"x") * (10 * 2**20))
        result = len(held)
        """
    )

    assert attempt.error == "Unhandled", "400 MB were had in 128"


def test_files_in_tmp_are_limited(new_probe):
    """Empty files take room too: their number has an end."""
    probe = new_probe(MemorySize=256, Timeout=60)

    attempt = probe.attempt(
        """
        result = "ok"
        try:
            for n in range(1_000_000): os.close(os.open(f"/tmp/{n}", os.O_CREAT))
        except OSError as error:
            result = errno.errorcode[error.errno]
        """
    )

    assert attempt.error == "Unhandled" or attempt.json() == "ENOSPC"


def test_processes_are_limited(new_probe):
    """With memory enough for more, so that it is the number that ends it."""
    probe = new_probe(MemorySize=3008)

    result = probe.run(
        """
        children, reason = [], "ok"
        try:
            for _ in range(3000):
                pid = os.fork()
                if pid == 0:
                    signal.pause()
                children.append(pid)
        except OSError as error:
            reason = errno.errorcode[error.errno]
        for pid in children: os.kill(pid, 9)
        for pid in children: os.waitpid(pid, 0)
        result = [reason, len(children)]
        """
    )

    assert result[0] == "EAGAIN"
    assert 50 < result[1] < 1024


def test_a_fork_bomb_burns_only_itself(new_probe, platform):
    bomb, neighbour = new_probe(Timeout=3), new_probe()
    neighbour.run("result = 1")

    with ThreadPoolExecutor(1) as pool:
        burning = pool.submit(
            bomb.attempt,
            """
            while True:
                try: os.fork()
                except OSError: pass
            """,
        )
        assert neighbour.run("result = 'well'") == "well"
        assert burning.result().error == "Unhandled"

    assert platform.process.poll() is None
    assert bomb.run("result = 'well'") == "well"


def test_threads_are_limited(new_probe):
    probe = new_probe(MemorySize=512)

    result = probe.run(
        """
        go, started = threading.Event(), []
        threading.stack_size(32768 * 2)
        try:
            for _ in range(3000):
                thread = threading.Thread(target=go.wait)
                thread.start()
                started.append(thread)
            result = ["ok", len(started)]
        except RuntimeError:
            result = ["refused", len(started)]
        go.set()
        for thread in started: thread.join()
        """
    )

    assert result[0] == "refused"
    assert result[1] < 1024


def test_open_files_are_limited(probe):
    result = probe.run(
        """
        held, reason = [], "ok"
        try:
            while len(held) < 5000: held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as error:
            reason = errno.errorcode[error.errno]
        for fd in held: os.close(fd)
        result = [reason, len(held), resource.getrlimit(resource.RLIMIT_NOFILE)]
        """
    )

    assert result[0] == "EMFILE"
    assert 900 < result[1] <= 1024
    assert result[2] == [1024, 1024]


def test_limits_can_not_be_raised(probe):
    result = probe.run(
        """
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); result = "ok"
        except (ValueError, OSError) as error:
            result = type(error).__name__
        """
    )

    assert result != "ok"


def test_no_core_is_dumped(new_probe, platform):
    new_probe().attempt("os.chdir('/tmp'); os.abort()")

    assert [path for path in platform.data_dir.rglob("core*") if path.is_file() and not path.suffix] == []


def test_a_busy_function_leaves_cpu_to_others(new_probe):
    """Four functions that spin do not keep a fifth from answering."""
    spinners = [new_probe(MemorySize=128, Timeout=10) for _ in range(4)]
    quiet = new_probe(MemorySize=1769)
    quiet.run("result = 1")
    for spinner in spinners:
        spinner.run("result = 1")

    with ThreadPoolExecutor(4) as pool:
        spins = [
            pool.submit(spinner.run, "end = time.monotonic() + 3\nwhile time.monotonic() < end: pass\nresult = 1")
            for spinner in spinners
        ]
        slowest = 0
        while not all(spin.done() for spin in spins):
            began = time.monotonic()
            assert quiet.run("result = 1") == 1
            slowest = max(slowest, time.monotonic() - began)
        assert [spin.result() for spin in spins] == [1] * 4

    assert slowest < 1.5


def test_cpu_goes_by_memory(new_probe, needs):
    """Two that compete for one core share it by their memory: 1769 MB against 256 MB."""
    needs("cpu limits")
    code = """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    end, turns = time.monotonic() + 3, 0
    while time.monotonic() < end: turns += 1
    result = [turns, time.process_time()]
    """
    big, small = new_probe(MemorySize=1769), new_probe(MemorySize=256)
    big.run("result = 1")
    small.run("result = 1")

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda probe: probe.run(code), [big, small]))

    # By weight nearly seven to one; half of that leaves room for a busy machine.
    assert results[0][0] > 2.5 * results[1][0]


def test_output_without_end_is_cut(new_probe, platform):
    """A flood of output neither stops the function nor grows the server."""
    before = resident(platform.process.pid)

    new_probe(Timeout=30).run("for _ in range(60_000): os.write(1, b'x' * 1000 + b'\\n')\nresult = 1")

    assert resident(platform.process.pid) - before < 40 * 2**20


def test_a_line_without_end_is_cut(new_probe, platform):
    before = resident(platform.process.pid)

    new_probe(Timeout=30).run("for _ in range(60): os.write(1, b'x' * 2**20)\nresult = 1")

    assert resident(platform.process.pid) - before < 40 * 2**20


def resident(pid):
    """The memory of its own that a process has; pages of its program come and go."""
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))
