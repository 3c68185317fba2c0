# SPDX-License-Identifier: Apache-2.0
"""What is measured: servers that are started for a round, and the functions on them."""

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import hmac
import http.client
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "runtimes/tests"))
import image  # noqa: E402
import java_build  # noqa: E402

READY_TIMEOUT_S = 30
FUNCTIONS = "/2015-03-31/functions"
INVOKE = FUNCTIONS + "/{}/invocations"


class DidNotStart(Exception):
    pass


@dataclasses.dataclass
class Machine:
    """The tools, and the interpreters that functions run on: the same ones for every target."""

    tools: Path
    binary: Path
    runtimes: dict
    commands: dict
    # What is in the package of each kind's function.
    folders: dict
    options: list

    @classmethod
    def look(cls, tools, binary, kinds):
        runtimes, commands, options, stand_in = {}, {}, [], {}
        folders = {kind: HERE / "functions" / kind for kind in kinds}
        if "native" in kinds:
            runtimes["native"], commands["native"] = "provided.al2023", [str(tools / "bootstrap")]
            folders["native"] = tools / "native-function"
            folders["native"].mkdir(exist_ok=True)
            shutil.copy(tools / "bootstrap", folders["native"])
        if "image" in kinds:
            layout = image.build(tools / "bootstrap", tools / "image")
            runtimes["image"], commands["image"] = f"oci:{layout}", [str(tools / "bootstrap")]
            folders["image"] = tools / "native-function"
            folders["image"].mkdir(exist_ok=True)
            shutil.copy(tools / "bootstrap", folders["image"])
            options += ["--set", f'images.local=["{layout}"]']
        if "python" in kinds and (python := newest_python()):
            runtimes["python"] = python.name
            commands["python"] = [str(python), "-S", "-B", compiled_bootstrap(python, tools)]
            if int(python.name.partition(".")[2]) < 12:
                # For functions with SnapStart, which AWS has for no older Python.
                stand_in["python3.12"] = python.parent.parent
        node = shutil.which("node")
        if "nodejs" in kinds and node:
            version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
            runtimes["nodejs"] = f"nodejs{version.lstrip('v').split('.')[0]}.x"
            commands["nodejs"] = [node, str(HERE.parent / "runtimes/nodejs/bootstrap.cjs")]
        homes = {major: home for major, home in java_build.jdks().items() if major in (11, 17, 21, 25)}
        if "java" in kinds and homes:
            major = min(homes)
            runtimes["java"] = f"java{major}"
            commands["java"] = java_command(homes[major], tools)
            folders["java"] = java_function(homes[major], tools)
        ruby = shutil.which("ruby")
        if "ruby" in kinds and ruby:
            text = subprocess.run([ruby, "--version"], capture_output=True, text=True, check=True).stdout
            version = re.match(r"ruby (\d+\.\d+)", text)[1]
            runtimes["ruby"] = f"ruby{version}"
            commands["ruby"] = [ruby, str(HERE.parent / "runtimes/ruby/bootstrap.rb")]
            if version not in ("3.2", "3.3", "3.4", "4.0"):
                runtimes["ruby"] = "ruby3.3"
                stand_in["ruby3.3"] = Path(ruby).resolve().parent.parent
        table = ", ".join(f'"{runtime}"="{prefix}"' for runtime, prefix in stand_in.items())
        options += ["--set", f"runtimes.stand_in={{{table}}}"]
        return cls(tools, binary, runtimes, commands, folders, options)


def java_command(home, tools):
    """As the server starts it for a function of 256 MB."""
    shutil.rmtree(tools / "java-bootstrap", ignore_errors=True)
    bootstrap = java_build.bootstrap(home, tools / "java-bootstrap")
    flags = ["-XX:MaxHeapSize=222822k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
    return [f"{home}/bin/java", *flags, "-jar", str(bootstrap / "bootstrap.jar")]


def java_function(home, tools):
    """Compiled, with AWS's interfaces in its lib."""
    folder = tools / "java-function"
    shutil.rmtree(folder, ignore_errors=True)
    core = java_build.compile_java(home, [java_build.SOURCES / "core"], tools / "java-core")
    java_build.compile_java(home, [HERE / "functions/java"], folder, "-cp", str(core))
    (folder / "lib").mkdir()
    subprocess.run([f"{home}/bin/jar", "cf", folder / "lib/core.jar", "-C", core, "."], check=True)
    return folder


def newest_python():
    """The one that Tinderbox takes for its identifier: the newest patch version of the newest minor one."""
    found = []
    places = [*Path.home().glob(".pyenv/versions/3.*"), Path("/usr/local"), Path("/usr")]
    for place in places:
        for path in place.glob("bin/python3.*"):
            match = re.fullmatch(r"python3\.(9|1\d)", path.name)
            header = place / f"include/{path.name}/patchlevel.h"
            if match:
                text = header.read_text() if header.is_file() else ""
                patch = re.search(r"PY_MICRO_VERSION\s+(\d+)", text)
                found.append((int(match[1]), int(patch[1]) if patch else -1, path))
    return max(found)[2] if found else None


def compiled_bootstrap(python, tools):
    """As the server keeps it, so that the floor does not start slower than it must."""
    source = HERE.parent / "runtimes/python"
    target = tools / f"{python.name}-bootstrap"
    target.mkdir(exist_ok=True)
    for name in ("bootstrap.py", "bootstrap_rare.py"):
        shutil.copy(source / name, target / name)
    code = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"
    compiled = str(target / "bootstrap.pyc")
    subprocess.run([python, "-c", code, str(target / "bootstrap.py"), compiled], check=True)
    return compiled


class Target:
    """A running server. `fresh` makes a function that nobody has invoked yet."""

    name = ""
    measures = ("cold", "warm", "throughput", "memory", "burst", "many", "interference", "logs")

    def __init__(self, machine, folder):
        self.machine, self.folder, self.port, self.serial = machine, folder, free_port(), 0
        self.kinds = list(machine.commands)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def fresh(self, kind):
        self.serial += 1
        return f"{kind}-{self.serial}"

    def has_code(self, pid):
        """Whether a process of its is there for a function."""
        return pid != self.pid

    def is_starting_ahead(self):
        """Whether it starts runtimes that nobody waits for: it may rest for a while meanwhile."""
        return False

    def request(self, function, payload):
        """The bytes of an invocation."""
        return signed("POST", INVOKE.format(function), payload, self.address)


class Tinderbox(Target):
    name = "tinderbox"
    measures = (*Target.measures, "restore", "control", "defined", "events", "authorization")
    measures += ("put_logs", "queue", "mapping", "topic", "objects", "notified")
    newest = ""

    def command(self):
        data = str(self.folder / "data")
        return [str(self.machine.binary), "serve", "--listen", self.address, "--data-dir", data, *self.machine.options]

    ready = "/_tinderbox/health"

    def has_code(self, pid):
        """A function's package, or the root of its image, is mounted where it runs."""
        with contextlib.suppress(OSError):
            return re.search(r"/data/(code|images)/", Path(f"/proc/{pid}/mountinfo").read_text()) is not None
        return False

    def is_starting_ahead(self):
        token = (self.folder / "data/metrics.token").read_text()
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://{self.address}/_tinderbox/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=READY_TIMEOUT_S) as response:
            page = response.read().decode()
        return re.search(r'^tinderbox_stems{state="starting"} 0$', page, re.M) is None

    def fresh(self, kind):
        """Created and active: a start ahead of the first call is allowed to have happened."""
        name = super().fresh(kind)
        self.must("POST", FUNCTIONS, self.document(kind, name, self.package(kind)))
        self.wait_until_active(name)
        return name

    def snapped(self, kind):
        """A version with SnapStart, whose snapshot is there."""
        name = super().fresh(kind)
        document = json.loads(self.document(kind, name, self.package(kind)))
        if document["Runtime"] in ("python3.9", "python3.10", "python3.11"):
            document["Runtime"] = "python3.12"
        document |= {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Publish": True}
        self.must("POST", FUNCTIONS, json.dumps(document).encode())
        version = f"{name}%3A1"
        self.wait_until_active(version)
        return version

    def wait_until_active(self, name):
        answer = b"{}"
        end = time.monotonic() + READY_TIMEOUT_S
        while json.loads(answer).get("State") != "Active":
            if time.monotonic() > end:
                raise RuntimeError(f"{name} does not become active: {answer[:200]}")
            _, answer = self.call("GET", f"/2015-03-31/functions/{name}/configuration", b"")

    def document(self, kind, name, package):
        """The body of a CreateFunction."""
        document = {
            "FunctionName": name,
            "Role": "arn:aws:iam::000000000000:role/lambda-role",
            "MemorySize": 256,
            "Timeout": 30,
        }
        if kind == "image":
            document |= {"PackageType": "Image", "Code": {"ImageUri": self.machine.runtimes[kind]}}
        else:
            code = {"ZipFile": base64.b64encode(package).decode()}
            document |= {"Runtime": self.machine.runtimes[kind], "Handler": "handler.handler", "Code": code}
        return json.dumps(document).encode()

    def create_many(self, kind, count):
        """Creates functions of one package over one connection; answers the seconds that each took."""
        package, times = self.package(kind), []
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_TIMEOUT_S)
        with contextlib.closing(connection):
            connection.connect()
            for _ in range(count):
                name = f"many-{uuid.uuid4().hex}"
                request = signed("POST", FUNCTIONS, self.document(kind, name, package), self.address)
                begin = time.perf_counter()
                connection.sock.sendall(request)
                response = http.client.HTTPResponse(connection.sock)
                response.begin()
                answer = response.read()
                times.append(time.perf_counter() - begin)
                if response.status != 201:
                    raise RuntimeError(f"CreateFunction answered {response.status}: {answer[:200]}")
                self.newest = name
        return times

    def signed(self, method, path, body=b"", host=None, **how):
        return signed(method, path, body, host or self.address, **how)

    def new_url(self, function, auth_type):
        """The host of a new function URL. One without a signature is for everybody."""
        if auth_type == "NONE":
            for more in (
                {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": auth_type},
                {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
            ):
                permission = {"StatementId": more["Action"].split(":")[1], "Principal": "*", **more}
                self.must("POST", f"{FUNCTIONS}/{function}/policy", json.dumps(permission).encode())
        config = json.dumps({"AuthType": auth_type}).encode()
        answer = self.must("POST", f"/2021-10-31/functions/{function}/url", config)
        return urllib.parse.urlsplit(answer["FunctionUrl"]).netloc

    def must(self, method, path, document: bytes):
        """A call that makes something: its answer."""
        status, answer = self.call(method, path, document)
        if status != 201:
            raise RuntimeError(f"{method} {path} answered {status}: {answer[:200]}")
        return json.loads(answer)

    def log_request(self, operation, document):
        """A request for CloudWatch Logs."""
        body = json.dumps(document).encode()
        return signed("POST", "/", body, self.address, "logs", operation=f"Logs_20140328.{operation}")

    def call_logs(self, operation, document):
        with socket.create_connection(("127.0.0.1", self.port), READY_TIMEOUT_S) as connection:
            connection.sendall(self.log_request(operation, document))
            response = http.client.HTTPResponse(connection)
            response.begin()
            answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{operation} answered {response.status}: {answer[:200]}")

    def call_iam(self, operation, **members):
        """Over the protocol that IAM has: the answer's text."""
        body = urllib.parse.urlencode({"Action": operation, "Version": "2010-05-08", **members}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        with socket.create_connection(("127.0.0.1", self.port), READY_TIMEOUT_S) as connection:
            connection.sendall(signed("POST", "/", body, self.address, "iam", more=kind))
            response = http.client.HTTPResponse(connection)
            response.begin()
            answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{operation} answered {response.status}: {answer[:200]}")
        return answer.decode()

    def call(self, method, path, body):
        with socket.create_connection(("127.0.0.1", self.port), READY_TIMEOUT_S) as connection:
            connection.sendall(signed(method, path, body, self.address))
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, response.read()

    def package(self, kind):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in java_build.contents(self.machine.folders[kind]).items():
                info = zipfile.ZipInfo(name)
                info.external_attr, info.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
        return buffer.getvalue()


class Floor(Target):
    name = "floor"
    ready = "/ready"

    def command(self):
        commands = [f"{kind}={','.join(command)}" for kind, command in self.machine.commands.items()]
        for kind in self.machine.commands:
            shutil.copytree(self.machine.folders[kind], self.folder / kind)
        return [str(self.machine.tools / "floor"), str(self.port), str(self.folder), *commands]


class Echo(Floor):
    """One function that is not one: only what an HTTP exchange costs."""

    name = "echo"
    measures = ("warm", "throughput")

    def __init__(self, machine, folder):
        super().__init__(machine, folder)
        self.kinds = self.kinds[:1]

    def request(self, function, payload):
        return signed("POST", "/echo", payload, self.address)


@contextlib.contextmanager
def start(name, machine, keep=None):
    """A server in the folder `keep`, or in one of its own that goes with it."""
    kind = {"tinderbox": Tinderbox, "floor": Floor, "echo": Echo}[name]
    folder = keep or Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    target = kind(machine, folder)
    log = folder / "server.log"
    command = target.command()
    begin = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    target.pid = process.pid
    try:
        while not is_ready(target):
            if process.poll() is not None or time.perf_counter() - begin > READY_TIMEOUT_S:
                raise DidNotStart(f"{' '.join(command[:2])}: {log.read_text()[-300:].strip() or 'no word of why'}")
            time.sleep(0.001)
        target.ready_ms = (time.perf_counter() - begin) * 1e3
        yield target
    finally:
        stop(process)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def is_ready(target):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=5)
        connection.request("GET", target.ready)
        is_good = connection.getresponse().status == 200
        connection.close()
        return is_good
    except OSError:
        return False


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# Root's: an id and its secret.
ROOT = ("test", "test")


def signed(method, path, body, host, service="lambda", region="us-east-1", operation=None, more=None, key=ROOT):
    """A whole request with a SigV4 signature, good for some minutes, or with none where there is no key. `operation` is that of a JSON protocol, `more` are further
    headers: those that AWS reads are signed, too."""
    now = datetime.datetime.now(datetime.timezone.utc)
    headers = {
        "host": host,
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
    }
    if operation:
        headers["x-amz-target"] = operation
    headers |= {name: value for name, value in (more or {}).items() if name.startswith("x-amz-")}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    place, _, query = path.partition("?")
    if service != "s3":
        place = place.replace("%", "%25")
    query = "&".join(part if "=" in part else f"{part}=" for part in sorted(query.split("&"))) if query else ""
    canonical = f"{method}\n{place}\n{query}\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    scope = f"{now:%Y%m%d}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    if key is not None:
        key_id, secret = key
        seal = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            seal = hmac.new(seal, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(seal, text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
    headers["content-type"] = "application/x-amz-json-1.1" if operation else "application/json"
    headers |= more or {}
    headers["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
