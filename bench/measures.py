# SPDX-License-Identifier: Apache-2.0
"""What is measured, and how. Each measure takes a target, a kind of function, and whether to be quick."""

import concurrent.futures
import contextlib
import dataclasses
import html
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import objects
import queues
import targets

PAYLOAD = b'{"hello": "world", "n": 42}'
CONNECTIONS = 16
BURST = 100


def cold(target, kind, is_quick):
    """The first call of functions that were never invoked: from request to response, one after the other."""
    functions = [target.fresh(kind) for _ in range(5 if is_quick else 50)]
    settle(target)
    times = [load(target, function, PAYLOAD, total=1)["p50_us"] / 1e3 for function in functions]
    return {
        "count": len(times),
        "p50_ms": statistics.median(times),
        "p90_ms": quantile(times, 0.9),
        "max_ms": max(times),
    }


def restore(target, kind, is_quick):
    """The first call of published versions that have SnapStart: each goes on from its snapshot."""
    functions = [target.snapped(kind) for _ in range(5 if is_quick else 20)]
    settle(target)
    times = [load(target, function, PAYLOAD, total=1)["p50_us"] / 1e3 for function in functions]
    return {"count": len(times), "p50_ms": statistics.median(times), "max_ms": max(times)}


def warm(target, kind, is_quick):
    """One caller, one call after the other."""
    function = invoked(target, kind)
    load(target, function, PAYLOAD, total=100)
    return load(target, function, PAYLOAD, total=200 if is_quick else 3000)


def throughput(target, kind, is_quick):
    """As many calls as sixteen callers get answered, and the processor time that one of them costs."""
    function = invoked(target, kind)
    load(target, function, PAYLOAD, connections=CONNECTIONS, seconds=1)  # the server adds environments meanwhile
    before = cpu_seconds(target.pid)
    result = load(target, function, PAYLOAD, connections=CONNECTIONS, seconds=1 if is_quick else 10)
    result["cpu_ms"] = (cpu_seconds(target.pid) - before) * 1e3 / max(1, result["count"])
    return result


def memory(target, kind, is_quick):
    """What the processes of one more idle function that was invoked once take, shared pages divided by their users. What waits
    for functions that nobody has invoked yet is none of them."""
    count = 3 if is_quick else 20
    invoked(target, kind)
    time.sleep(1)
    before = busy_family(target)
    for _ in range(count):
        invoked(target, kind)
    time.sleep(1)
    return {"count": count, "mib_each": pss_mib(busy_family(target) - before) / count}


def burst(target, kind, is_quick):
    """A hundred callers at once on a function that has no environment yet and takes 100 ms."""
    function = target.fresh(kind)
    count = 10 if is_quick else BURST
    result = load(target, function, b'{"sleep_ms": 100}', connections=count, total=count)
    result["total_ms"] = result["seconds"] * 1e3
    return result


def control(target, kind, is_quick):
    """The control plane while ten thousand functions are there: one caller's latency, and what sixteen get answered."""
    if kind != target.kinds[0]:
        return {}  # what is in the package makes no difference
    count = 200 if is_quick else 10_000
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as callers:
        shares = [count // CONNECTIONS + (caller < count % CONNECTIONS) for caller in range(CONNECTIONS)]
        list(callers.map(lambda share: target.create_many(kind, share), shares))
    result = {"count": count, "create_per_second": count / (time.perf_counter() - begin)}
    times = target.create_many(kind, 20 if is_quick else 200)
    result["create_p50_us"] = statistics.median(times) * 1e6
    requests = {
        "get": target.signed("GET", f"/2015-03-31/functions/{target.newest}"),
        "list": target.signed("GET", "/2015-03-31/functions"),
    }
    for name, request in requests.items():
        one = load_request(target, request, "FunctionArn", total=50 if is_quick else 2000)
        many = load_request(target, request, "FunctionArn", connections=CONNECTIONS, seconds=1 if is_quick else 5)
        result[f"{name}_p50_us"], result[f"{name}_per_second"] = one["p50_us"], many["per_second"]
    return result


def many(target, kind, is_quick):
    """As many calls as sixteen callers get answered, each of one of many functions, drawn by Zipf's law; and what part of
    that one function alone gets."""
    functions = [target.fresh(kind) for _ in range(30 if is_quick else 1000)]
    seconds = 1 if is_quick else 10
    load(target, functions[:1], PAYLOAD, connections=CONNECTIONS, seconds=1)
    one = load(target, functions[:1], PAYLOAD, connections=CONNECTIONS, seconds=seconds)
    begin = time.monotonic()
    load(target, functions, PAYLOAD, connections=CONNECTIONS, total=len(functions))
    first_s = time.monotonic() - begin
    load(target, functions, PAYLOAD, connections=CONNECTIONS, seconds=seconds)  # environments are added meanwhile
    result = load(target, functions, PAYLOAD, connections=CONNECTIONS, seconds=seconds)
    result |= {"functions": len(functions), "first_s": first_s, "one_per_second": one["per_second"]}
    return result | {"part_of_one": result["per_second"] / one["per_second"]}


def defined(target, kind, is_quick):
    """A server that has many functions: how long it takes to be ready, to list a page, and to run one of them."""
    count = 100 if is_quick else 10_000
    folder = Path(tempfile.mkdtemp(prefix="bench-defined-"))
    try:
        with targets.start(target.name, target.machine, folder) as first:
            first.create_many(kind, count)
            newest = first.newest
            first.wait_until_active(newest)
        with targets.start(target.name, target.machine, folder) as second:
            # The first answer that needs the functions waits until they are read, the next one does not.
            list_ms = []
            for _ in range(2):
                begin = time.perf_counter()
                second.call("GET", "/2015-03-31/functions", b"")
                list_ms.append((time.perf_counter() - begin) * 1e3)
            cold = load(second, newest, PAYLOAD, total=1)
            result = load(second, newest, PAYLOAD, total=200 if is_quick else 3000)
            idle_mib = pss_mib(family(second.pid))
            first_ms = second.ready_ms + list_ms[0]
            result |= {
                "ready_ms": second.ready_ms,
                "first_ms": first_ms,
                "list_ms": list_ms[1],
                "first_us": cold["p50_us"],
            }
            return result | {"functions": count, "idle_mib": idle_mib}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def interference(target, kind, is_quick):
    """One caller of a function that has bad neighbours: one that waits, one that burns processor time, one that takes
    memory, and new ones all the time. And what that caller has without them."""
    function = invoked(target, kind)
    bad = invoked(target, "python") if "python" in target.kinds else invoked(target, kind)
    seconds = 2 if is_quick else 10
    load(target, function, PAYLOAD, total=100)
    alone = load(target, function, PAYLOAD, seconds=seconds)
    fresh = [target.fresh(kind) for _ in range(10 if is_quick else 100)]
    plans = [(4, b'{"sleep_ms": 200}'), (2, b'{"spin_ms": 200}'), (2, b'{"fill_mb": 64}')]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = [
            pool.submit(load, target, bad, payload, connections=connections, seconds=seconds + 2)
            for connections, payload in plans
        ]
        running.append(pool.submit(load, target, fresh, PAYLOAD, total=len(fresh)))
        time.sleep(1)
        result = load(target, function, PAYLOAD, seconds=seconds)
        for one in running:
            one.result()
    result |= {"alone_p50_us": alone["p50_us"], "alone_p99_us": alone["p99_us"]}
    return result | {"p99_to_alone": result["p99_us"] / alone["p99_us"]}


def events(target, kind, is_quick):
    """Asynchronous invocations that are accepted: one caller's latency, and what sixteen get accepted in a second. Beside
    it what one fdatasync of an append takes on the same disk, and how many a second there would be with one for each."""
    function = invoked(target, kind)
    request = target.signed("POST", f"/2014-11-13/functions/{function}/invoke-async", PAYLOAD)
    sync_us = appends(target.folder, 100 if is_quick else 1000)
    one = load_request(target, request, "", total=100 if is_quick else 2000)
    many = load_request(target, request, "", connections=CONNECTIONS, total=500 if is_quick else 20_000)
    return {
        "fdatasync_p50_us": sync_us,
        "accept_p50_us": one["p50_us"],
        "accept_to_fdatasync": one["p50_us"] / sync_us,
        "accepted_per_second": many["count"] / many["seconds"],
        "per_second_to_fdatasync": many["count"] / many["seconds"] * sync_us / 1e6,
    }


def logs(target, kind, is_quick):
    """How much a function can print before its invocation takes 5 % longer: p50 of a caller whose function prints so many
    lines of 100 bytes, to that of the same function printing none, in pairs that take turns. What a line costs inside the
    function is part of it, and so is what the floor makes of it."""
    if kind != "python":
        return {}  # it alone can be told to print
    function = invoked(target, kind)
    calls, pairs = (50, 2) if is_quick else (1000, 7)
    payloads = {lines: json.dumps({"log_lines": lines}).encode() for lines in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)}
    load(target, function, payloads[8], total=100)
    before, curve, result = (0, 1.0), {}, {}
    for lines in sorted(payloads)[1:]:
        times = []
        for _ in range(pairs):
            times.append([load(target, function, payloads[n], total=calls)["p50_us"] for n in (0, lines)])
        slowed = statistics.median(printing / silent for silent, printing in times)
        p50_us = statistics.median(printing for _, printing in times)
        curve[lines] = {"slowed": slowed, "p50_us": p50_us, "lines_per_second": lines / p50_us * 1e6}
        if slowed > 1.05:
            share = (1.05 - before[1]) / (slowed - before[1])
            at = before[0] + share * (lines - before[0])
            silent_us = statistics.median(silent for silent, _ in times)
            per_second = at / (silent_us * 1.05) * 1e6
            result = {"lines": at, "lines_per_second": per_second, "mb_per_second": per_second * 100 / 1e6}
            break
        before = (lines, max(1.0, slowed))
    return result | {"curve": curve}


def put_logs(target, kind, is_quick):
    """PutLogEvents: one caller, a thousand events of 100 bytes each time. Beside it, appends of the same bytes to a file that
    is never told to go to the disk, which those of PutLogEvents are."""
    group = {"logGroupName": "/bench", "logStreamName": "s"}
    with contextlib.suppress(RuntimeError):  # it is there from the round before
        target.call_logs("CreateLogGroup", {"logGroupName": "/bench"})
        target.call_logs("CreateLogStream", group)
    now, message = int(time.time() * 1000), "x" * 100
    events = [{"timestamp": now, "message": message} for _ in range(1000)]
    request = target.log_request("PutLogEvents", group | {"logEvents": events})
    total = 20 if is_quick else 500
    put = load_request(target, request, "nextSequenceToken", total=total)
    text = (message * 1000).encode()
    with tempfile.NamedTemporaryFile(dir=target.folder, buffering=0) as file:
        begin = time.perf_counter()
        for _ in range(total):
            file.write(text)
        append_s = time.perf_counter() - begin
    put_mb, append_mb = (len(text) * total / 1e6 / seconds for seconds in (put["seconds"], append_s))
    return {
        "mb_per_second": put_mb,
        "events_per_second": 1000 * put["count"] / put["seconds"],
        "append_mb_per_second": append_mb,
        "to_append": put_mb / append_mb,
    }


# Of a user whose calls are decided by the last of them.
STATEMENTS = [
    {"Effect": "Allow", "Action": f"{service}:*", "Resource": f"arn:aws:{service}:us-east-1:000000000000:own-*"}
    for service in ("dynamodb", "kinesis", "sns", "sqs", "states", "events", "logs", "ssm", "secretsmanager")
]
STATEMENTS.append({"Effect": "Allow", "Action": ["lambda:Get*", "lambda:Invoke*"], "Resource": "*"})


def authorization(target, kind, is_quick):
    """What it costs to decide whether a call is allowed: the same call of a server that does not look at policies, of root, and
    of a user with ten statements in five policies. And what it costs to find out who calls and to decide, together: the
    function URL that anybody may call, and the one for whom IAM lets. They take turns."""
    option = ["--set", 'identity.mode="off"']
    open_to_all = dataclasses.replace(target.machine, options=[*target.machine.options, *option])
    pairs, total = (2, 200) if is_quick else (15, 1000)
    user = a_user(target)
    with targets.start(target.name, open_to_all) as undecided:
        callers = {"off": (undecided, targets.ROOT), "root": (target, targets.ROOT), "user": (target, user)}
        requests = {"get": [], "invoke": []}
        for who, (server, key) in callers.items():
            function = invoked(server, kind)
            path = f"{targets.FUNCTIONS}/{function}"
            get = server.signed("GET", path, key=key), "FunctionArn"
            invoke = server.signed("POST", targets.INVOKE.format(function), PAYLOAD, key=key), ""
            requests["get"].append((who, server, *get))
            requests["invoke"].append((who, server, *invoke))
        result = {}
        for name, one in requests.items():
            times = {who: [] for who in callers}
            for _ in range(pairs):
                for who, server, request, answer in one:
                    times[who].append(load_request(server, request, answer, total=total)["p50_us"])
            result |= {f"{name}_{who}_us": statistics.median(found) for who, found in times.items()}
            dearer = [user - off for user, off in zip(times["user"], times["off"], strict=True)]
            result[f"{name}_user_costs_us"] = statistics.median(dearer)
    return result | urls(target, kind, user, pairs, total)


def urls(target, kind, user, pairs, total):
    """The same function by a URL that wants no signature, and by one that wants that of an allowed user."""
    requests = {}
    for auth_type in ("NONE", "AWS_IAM"):
        host = target.new_url(invoked(target, kind), auth_type)
        key = None if auth_type == "NONE" else user
        requests[auth_type] = target.signed("POST", "/", PAYLOAD, host=host, key=key)
    times = {auth_type: [] for auth_type in requests}
    for _ in range(pairs):
        for auth_type, request in requests.items():
            times[auth_type].append(load_request(target, request, "ok", total=total)["p50_us"])
    dearer = [signed - open_to_all for open_to_all, signed in zip(*times.values(), strict=True)]
    return {
        "url_none_us": statistics.median(times["NONE"]),
        "url_iam_us": statistics.median(times["AWS_IAM"]),
        "url_iam_costs_us": statistics.median(dearer),
    }


def a_user(target):
    """A new user with STATEMENTS: its access key."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    target.call_iam("CreateUser", UserName=name)
    for number in range(0, len(STATEMENTS), 2):
        document = {"Version": "2012-10-17", "Statement": STATEMENTS[number : number + 2]}
        policy = {"PolicyName": f"policy-{number}", "PolicyDocument": json.dumps(document)}
        target.call_iam("PutUserPolicy", UserName=name, **policy)
    answer = target.call_iam("CreateAccessKey", UserName=name)
    found = [re.search(f"<{member}>(.*?)</{member}>", answer)[1] for member in ("AccessKeyId", "SecretAccessKey")]
    return tuple(html.unescape(text) for text in found)


def appends(folder, count):
    """Microseconds that a bare append with its fdatasync takes, p50."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(count):
            begin = time.perf_counter()
            os.write(file.fileno(), PAYLOAD * 10)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


ALL = {
    "cold": cold,
    "restore": restore,
    "warm": warm,
    "throughput": throughput,
    "memory": memory,
    "burst": burst,
    "control": control,
    "many": many,
    "defined": defined,
    "interference": interference,
    "events": events,
    "authorization": authorization,
    "logs": logs,
    "put_logs": put_logs,
    "queue": lambda target, kind, is_quick: queues.queue(target, kind, is_quick, load_request),
    "mapping": lambda target, kind, is_quick: queues.mapping(target, kind, is_quick, load_request),
    "topic": lambda target, kind, is_quick: queues.topic(target, kind, is_quick, load_request),
    "objects": lambda target, kind, is_quick: objects.objects(target, kind, is_quick, load_request),
    "notified": objects.notified,
}
# What says nothing about the kind of function is measured for one.
ONCE = {"authorization", "defined", "events", "put_logs", "queue", "mapping", "topic", "objects", "notified"}
# What is measured of a kind, where that is not everything.
OF = {"image": {"cold", "warm", "memory", "burst"}}
OF |= {kind: set(ALL) - {"restore"} for kind in ("nodejs", "native", "ruby")}

# The figures of each measure that the table and the plot show, the main one first.
FIGURES = {
    "start": [("ready_ms", "ms"), ("idle_mib", "MiB")],
    "cold": [("p50_ms", "ms"), ("p90_ms", "ms")],
    "restore": [("p50_ms", "ms"), ("max_ms", "ms")],
    "warm": [("p50_us", "us"), ("p99_us", "us")],
    "throughput": [("per_second", "1/s"), ("cpu_ms", "ms")],
    "memory": [("mib_each", "MiB")],
    "burst": [("total_ms", "ms")],
    "control": [
        ("get_p50_us", "us"),
        ("get_per_second", "1/s"),
        ("list_p50_us", "us"),
        ("list_per_second", "1/s"),
        ("create_p50_us", "us"),
        ("create_per_second", "1/s"),
    ],
    "many": [("part_of_one", "x"), ("per_second", "1/s"), ("p99_us", "us")],
    "defined": [("ready_ms", "ms"), ("first_ms", "ms"), ("list_ms", "ms"), ("p50_us", "us"), ("idle_mib", "MiB")],
    "interference": [("p99_to_alone", "x"), ("p99_us", "us")],
    "events": [
        ("accept_to_fdatasync", "x"),
        ("accept_p50_us", "us"),
        ("fdatasync_p50_us", "us"),
        ("accepted_per_second", "1/s"),
        ("per_second_to_fdatasync", "x"),
    ],
    "authorization": [
        ("get_user_costs_us", "us"),
        ("get_user_us", "us"),
        ("get_root_us", "us"),
        ("get_off_us", "us"),
        ("invoke_user_costs_us", "us"),
        ("invoke_user_us", "us"),
        ("invoke_root_us", "us"),
        ("invoke_off_us", "us"),
        ("url_iam_costs_us", "us"),
        ("url_iam_us", "us"),
        ("url_none_us", "us"),
    ],
    "logs": [("lines_per_second", "1/s"), ("mb_per_second", "MB/s"), ("lines", "")],
    "put_logs": [("mb_per_second", "MB/s"), ("events_per_second", "1/s"), ("to_append", "x")],
    "queue": [
        ("cycle_per_second", "1/s"),
        ("sqlite_cycle_per_second", "1/s"),
        ("send_p50_us", "us"),
        ("sqlite_send_p50_us", "us"),
        ("send_per_second", "1/s"),
        ("sqlite_send_per_second", "1/s"),
    ],
    "mapping": [
        ("started_after_send_p50_ms", "ms"),
        ("started_after_send_p99_ms", "ms"),
        ("per_second", "1/s"),
        ("crashed_per_second", "1/s"),
        ("lost", ""),
        ("duplicates", ""),
    ],
    "topic": [
        ("delivered_to_send", "x"),
        ("delivered_per_second", "1/s"),
        ("send_per_second", "1/s"),
        ("publish_per_second", "1/s"),
        ("publish_p50_us", "us"),
    ],
    "objects": objects.FIGURES,
    "notified": [("started_after_put_p50_ms", "ms"), ("started_after_put_p99_ms", "ms")],
}


def settle(target):
    """Waits until the server has done whatever it does ahead of time."""
    for _ in range(60):
        before = cpu_seconds(target.pid)
        time.sleep(1)
        # Less than before: a process has ended, and others follow.
        is_at_rest = abs(cpu_seconds(target.pid) - before) < 0.05
        if is_at_rest and not target.is_starting_ahead():
            return


def invoked(target, kind):
    function = target.fresh(kind)
    load(target, function, PAYLOAD, total=1)
    return function


def load(target, functions, payload, connections=1, total=0, seconds=0):
    """Runs the load client on one function or several. An answer that is not the function's own is an error, and an error
    ends the measure."""
    functions = [functions] if isinstance(functions, str) else functions
    expected = "" if target.name == "echo" else '"ok"'
    request = b"\0".join(target.request(function, payload) for function in functions)
    return load_request(target, request, expected, connections, total, seconds)


def load_request(target, request, expected, connections=1, total=0, seconds=0):
    with tempfile.NamedTemporaryFile() as file:
        file.write(request)
        file.flush()
        arguments = [target.address, file.name, connections, total, seconds, expected]
        command = [target.machine.tools / "load", *map(str, arguments)]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)
    if result["errors"] or not result["count"]:
        raise RuntimeError(f"{result['errors']} of {result['errors'] + result['count']} calls failed: {request[:80]!r}")
    return result


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


# --- what the kernel says about a process and all that it started ----------------------------------------------------


def family(pid):
    children = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(path.name))
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        left += children.get(one, [])
    return found


def busy_family(target):
    """Those of its family that have a function's code: stems and empty sandboxes have none."""
    return {one for one in family(target.pid) if target.has_code(one)}


def cpu_seconds(pid):
    ticks = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def kib(path, field):
    with contextlib.suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


def pss_mib(pids):
    """Of all these processes: pages that several share are divided among them."""
    return sum(kib(f"/proc/{one}/smaps_rollup", "Pss:") for one in pids) / 1024
