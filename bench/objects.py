# SPDX-License-Identifier: Apache-2.0
"""Objects: how soon and how many come and go, beside nginx; and how soon a function hears of one."""

import contextlib
import dataclasses
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import queues
import targets

INSTALL = "apt-get install nginx-light"
MIB = 1 << 20
# Name, bytes, requests of one caller, callers at once, requests of all.
SIZES = [("64k", 64 << 10, 300, 16, 2_000), ("1m", MIB, 100, 16, 400), ("64m", 64 * MIB, 5, 4, 12)]
ROUNDS = 3
FIGURES = [
    (f"{verb}_{size}_{figure}", unit)
    for size in ("1m", "64k", "64m")
    for verb in ("get", "put")
    for figure, unit in (("to_nginx", "x"), ("mb_per_second", "MB/s"), ("p50_us", "us"))
]
FIGURES += [(f"nginx_{name}", unit) for name, unit in FIGURES if unit != "x"]
FIGURES += [(f"put_{size}_to_fsync", "x") for size in ("64k", "1m", "64m")]
NOTIFY = """<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration>
<CloudFunction>{function}</CloudFunction><Event>s3:ObjectCreated:*</Event></CloudFunctionConfiguration>
</NotificationConfiguration>"""
# Serves a folder with sendfile, and takes files into it. What it takes is not brought to the disk.
CONFIGURATION = """
daemon off; {user} worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
    client_max_body_size 0; client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen {address}; root {folder}/files; location / {{ dav_methods PUT; }} }}
}}
"""


@dataclasses.dataclass
class Nginx:
    address: str
    machine: targets.Machine

    def request(self, method, path, body=b""):
        head = f"{method} {path} HTTP/1.1\r\nhost: {self.address}\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body


@dataclasses.dataclass
class Objects:
    """Those of the server that is measured."""

    target: targets.Target

    @property
    def address(self):
        return self.target.address

    @property
    def machine(self):
        return self.target.machine

    def request(self, method, path, body=b""):
        return targets.signed(method, path, body, self.address, service="s3")


def objects(target, kind, is_quick, load_request):
    """Objects of three sizes: p50 of one caller and bytes a second of several, for GET and PUT. Beside it nginx, which sends files
    with sendfile and takes them without authentication, checksums or fsync; and for PUT a bare write with its fsync. They take
    turns."""
    del kind
    servers = {"": Objects(target)}
    with contextlib.ExitStack() as stack:
        if nginx := find_nginx():
            servers["nginx_"] = stack.enter_context(started(nginx, target.machine))
        else:
            print(f"  without nginx: {INSTALL}", file=sys.stderr)
        bucket = f"/bench-{time.time_ns()}"
        call(servers[""], "PUT", bucket)
        result = {}
        for size, length, one, callers, many in SIZES:
            if is_quick:
                one, many = max(2, one // 20), max(callers, many // 20)
            for verb in ("put", "get"):
                plan = Plan(size, b"x" * length, verb, one, callers, many)
                result |= plan.measure(servers, bucket, 1 if is_quick else ROUNDS, load_request)
            bare = fsynced(target.folder, b"x" * length, one)
            result |= {f"fsync_{size}_us": bare, f"put_{size}_to_fsync": result[f"put_{size}_p50_us"] / bare}
        return result


@dataclasses.dataclass
class Plan:
    size: str
    body: bytes
    verb: str
    one: int
    callers: int
    many: int

    def measure(self, servers, bucket, rounds, load_request):
        found = {prefix: ([], []) for prefix in servers}
        body = self.body if self.verb == "put" else b""
        for _ in range(rounds):
            for prefix, server in servers.items():
                folder = "" if prefix else bucket
                paths = [f"{folder}/{self.size}-{number}" for number in range(self.callers)]
                # One after the other, and once more: there are as many as callers, so that none wait for each other.
                requests = [server.request(self.verb.upper(), path, body) for path in paths]
                alone = load_request(server, requests[0], "", total=self.one)
                all_ = load_request(server, b"\0".join(requests), "", connections=self.callers, total=self.many)
                found[prefix][0].append(alone["p50_us"])
                found[prefix][1].append(all_["count"] * len(self.body) / all_["seconds"] / 1e6)
        result, name = {}, f"{self.verb}_{self.size}"
        for prefix, (times, rates) in found.items():
            result[f"{prefix}{name}_p50_us"] = statistics.median(times)
            result[f"{prefix}{name}_mb_per_second"] = statistics.median(rates)
        if "nginx_" in found:
            pairs = zip(found[""][1], found["nginx_"][1], strict=True)
            result[f"{name}_to_nginx"] = statistics.median(own / its for own, its in pairs)
        return result


def find_nginx():
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.contextmanager
def started(nginx, machine):
    folder = Path(tempfile.mkdtemp(prefix="bench-nginx-"))
    (folder / "files").mkdir()
    server = Nginx(f"127.0.0.1:{targets.free_port()}", machine)
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, address=server.address, user=user))
    process = subprocess.Popen([nginx, "-p", folder, "-c", configuration, "-e", folder / "error.log"])
    try:
        queues.until(lambda: (folder / "pid").exists() or process.poll() is not None, targets.READY_TIMEOUT_S)
        if process.poll() is not None:
            raise RuntimeError(f"nginx does not start: {(folder / 'error.log').read_text()[-300:]}")
        yield server
    finally:
        targets.stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def fsynced(folder, body, count):
    """Microseconds that a file of these bytes takes until it is on the disk, p50."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        with tempfile.NamedTemporaryFile(dir=folder, buffering=0) as file:
            file.write(body)
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


def call(server, method, path, body=b""):
    queues.Client(server.target).send(server.request(method, path, body))


def notified(target, kind, is_quick):
    """From a PUT of an object to the start of the function that its bucket tells, on an idle machine."""
    if "python" not in target.kinds:
        return {}
    del kind
    count, server, client = 20 if is_quick else 300, Objects(target), queues.Client(target)
    client.allow()
    bucket, function = f"/bench-told-{time.time_ns()}", client.function(queues.TELL)
    call(server, "PUT", bucket)
    client.lambda_(
        "POST",
        f"{targets.FUNCTIONS}/{function}/policy",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    call(server, "PUT", f"{bucket}?notification", NOTIFY.format(function=arn).encode())
    for _ in range(count):
        client.send(server.request("PUT", f"{bucket}/{time.time_ns()}", b"x"))
        time.sleep(0.02)
    return {f"started_after_put_{name}": value for name, value in queues.soon(client, function, count).items()}
