# SPDX-License-Identifier: Apache-2.0
"""Container images for tests, built with Debian's own tools (umoci, skopeo) from files of this machine, and a real registry."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import http.server
import io
import json
import shutil
import socket
import ssl
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from harness import missing, wait_until

TOOLS = ["umoci", "skopeo", "docker-registry", "openssl"]
USER, PASSWORD = "robot", "open sesame"
# What `htpasswd -B` makes of it; the registry knows no other kind.
HTPASSWD = "robot:$2b$04$mxAB6xXsQkQCdfVjfszzzeOUkWb7bUuvziEYvbat0LPXaAoku5mTu\n"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
INTERPRETER = f"/usr/local/bin/python{VERSION}"
# Parts of the standard library that no function here imports, and that are most of it.
NOT_NEEDED = [
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "site-packages",
    "config-*",
    "__pycache__",
]
NOT_NEEDED += ["pydoc_data", "unittest", "distutils", "_test*", "_ctypes_test*", "_tkinter*", "dist-packages"]


def need_tools():
    lacking = [tool for tool in TOOLS if not shutil.which(tool)]
    if lacking:
        missing(f"no {', '.join(lacking)} here; hint: apt-get install umoci skopeo docker-registry openssl")


def run(*command, **settings):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def libraries(program):
    """What the dynamic loader loads for a program, and the loader itself."""
    words = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout.split()
    return [Path(word) for word in words if word.startswith("/")]


class Layout:
    """An OCI layout on this machine. Each change is a new layer or a new configuration under a tag."""

    def __init__(self, folder):
        self.path = Path(folder)
        if not self.path.exists():
            run("umoci", "init", "--layout", self.path)

    def new(self, tag):
        run("umoci", "new", "--image", f"{self.path}:{tag}")

    def insert(self, tag, source, target="/"):
        run("umoci", "insert", "--image", f"{self.path}:{tag}", source, target)

    def whiteout(self, tag, target):
        run("umoci", "insert", "--image", f"{self.path}:{tag}", "--whiteout", target)

    def files(self, tag, files, modes=None):
        """A layer of these files: path to text."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode() if isinstance(text, str) else text)
                path.chmod((modes or {}).get(name, 0o644))
            self.insert(tag, folder)

    def configure(self, tag, new_tag, *settings):
        run("umoci", "config", "--image", f"{self.path}:{tag}", "--tag", new_tag, *settings)

    def digest(self, tag):
        """Of the manifest."""
        index = json.loads((self.path / "index.json").read_text())
        named = {m["annotations"]["org.opencontainers.image.ref.name"]: m["digest"] for m in index["manifests"]}
        return named[tag]

    def blob(self, digest):
        return self.path / "blobs" / digest.replace(":", "/")

    def manifest(self, tag):
        return json.loads(self.blob(self.digest(tag)).read_text())

    # What no tool makes.

    def raw(self, tag, layers, **config):
        """An image of tar files as they are: each a list of (TarInfo, bytes)."""
        packed = [self._tar(members) for members in layers]
        document = {
            "architecture": "amd64" if sysconfig.get_platform().endswith("x86_64") else "arm64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in packed]},
        }
        layers = [self._put("application/vnd.oci.image.layer.v1.tar", data) for data in packed]
        self._image(tag, document, layers)

    def combine(self, tag, base, extra):
        """The layers of two manifests as one image, run as the first says. Returns its tag."""
        document = json.loads(self.blob(base["config"]["digest"]).read_text())
        more = json.loads(self.blob(extra["config"]["digest"]).read_text())
        document["rootfs"]["diff_ids"] += more["rootfs"]["diff_ids"]
        self._image(f"{tag}-whole", document, base["layers"] + extra["layers"])
        return f"{tag}-whole"

    def _image(self, tag, document, layers):
        config = self._put("application/vnd.oci.image.config.v1+json", json.dumps(document).encode())
        manifest = {"schemaVersion": 2, "config": config, "layers": layers}
        listed = self._put("application/vnd.oci.image.manifest.v1+json", json.dumps(manifest).encode())
        listed["annotations"] = {"org.opencontainers.image.ref.name": tag}
        index = json.loads((self.path / "index.json").read_text())
        others = [one for one in index.get("manifests") or [] if one.get("annotations") != listed["annotations"]]
        index["manifests"] = [*others, listed]
        (self.path / "index.json").write_text(json.dumps(index))

    @staticmethod
    def _tar(members):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for info, content in members:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return packed.getvalue()

    def _put(self, media_type, data):
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blob(digest).parent.mkdir(parents=True, exist_ok=True)
        self.blob(digest).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}


def entry(name, content=b"", kind=tarfile.REGTYPE, link="", mode=0o644, **device):
    """A member of a tar file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    for key, value in device.items():
        setattr(info, key, value)
    return info, content


def python_root(folder):
    """This machine's Python, AWS's runtime client, a shell, and what they load, as a file system."""
    root = Path(folder)
    programs = [Path(sys.executable).resolve()]
    target = root / INTERPRETER.lstrip("/")
    target.parent.mkdir(parents=True)
    shutil.copy2(programs[0], target)
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    library = root / f"usr/local/lib/python{VERSION}"
    shutil.copytree(stdlib, library, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    site = library / "site-packages"
    site.mkdir()
    # Of AWS's runtime client: packages, a module and an extension module.
    installed = Path(sysconfig.get_paths()["purelib"])
    for name in ["awslambdaric", "simplejson"]:
        shutil.copytree(installed / name, site / name, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    for module in [*installed.glob("snapshot_restore_py*.py"), *installed.glob("runtime_client*.so")]:
        shutil.copy2(module, site)
        programs.append(module)
    for name in ["sh", "sleep", "cat"]:
        program = Path(shutil.which(name)).resolve()
        (root / "bin").mkdir(exist_ok=True)
        shutil.copy2(program, root / "bin" / name)
        programs.append(program)
    programs += library.glob("lib-dynload/*.so")
    for library in {path for program in programs for path in libraries(program)}:
        target = root / str(library).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, target)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    for name in ["tmp", "var/task"]:
        (root / name).mkdir(parents=True)


class Registry:
    """A registry of Docker's, on a port of this machine's loopback; with HTTPS if it gets an `Authority`."""

    def __init__(self, folder, auth=None, port=None, authority=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.auth, self.authority = auth, authority
        self.port = port or free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        config = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder)}, "delete": {"enabled": True}},
            "http": {"addr": self.host},
        }
        if self.auth:
            config["auth"] = self.auth
        if self.authority:
            certificate, key = self.authority.certify(self.folder)
            config["http"]["tls"] = {"certificate": str(certificate), "key": str(key)}
        path = self.folder / "config.yml"
        # YAML is a superset.
        path.write_text(json.dumps(config))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(path)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        wait_until(self._answers, "the registry answers")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(self.host, timeout=5)
            if self.authority:
                trusted = ssl.create_default_context(cafile=self.authority.certificate)
                connection = http.client.HTTPSConnection(self.host, timeout=5, context=trusted)
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def push(self, layout, tag, name, credentials=None, options=()):
        """Puts an image of a layout under `name`, such as `app:v1`. Returns its digest."""
        login = ["--dest-creds", ":".join(credentials)] if credentials else ["--dest-no-creds"]
        command = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", *options, *login]
        run(*command, f"oci:{layout.path}:{tag}", f"docker://{self.host}/{name}")
        return layout.digest(tag)

    def put_manifest(self, name, tag, body, media_type):
        connection = http.client.HTTPConnection(self.host)
        connection.request("PUT", f"/v2/{name}/manifests/{tag}", body, {"Content-Type": media_type})
        response = connection.getresponse()
        assert response.status == 201, response.read()

    def delete(self, name, digest):
        connection = http.client.HTTPConnection(self.host)
        connection.request("DELETE", f"/v2/{name}/manifests/{digest}")
        assert connection.getresponse().status == 202

    def blob(self, digest):
        """The file in which the registry keeps a blob."""
        digits = digest.removeprefix("sha256:")
        return self.folder / "docker/registry/v2/blobs/sha256" / digits[:2] / digits / "data"


class Authority:
    """Certifies servers on 127.0.0.1. Who trusts `certificate` trusts them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.certificate = self.folder / "authority.pem"
        self._make("/CN=authority", self.certificate, self.folder / "authority.key")

    def certify(self, folder):
        """The files of a certificate and its key."""
        certificate, key = folder / "server.pem", folder / "server.key"
        signed = ["-CA", self.certificate, "-CAkey", self.folder / "authority.key"]
        signed += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
        self._make("/CN=server", certificate, key, *signed)
        return certificate, key

    @staticmethod
    def _make(name, certificate, key, *more):
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run("openssl", "req", "-x509", *kind, "-subj", name, "-days", "2", "-keyout", key, "-out", certificate, *more)


class Front:
    """What stands before a registry and sends everybody who asks for a blob to another host, as large registries do."""

    def __init__(self, registry):
        front = self
        self.registry, self.redirected, self.leaked = registry, [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                front.pass_on(self)

            def log_message(self, *_):
                pass

        class Store(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                front.serve(self)

            def log_message(self, *_):
                pass

        self.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Handler, Store)]
        self.host, self.store = (f"127.0.0.1:{server.server_address[1]}" for server in self.servers)
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def pass_on(self, request):
        connection = http.client.HTTPConnection(self.registry.host)
        wanted = ("Accept", "Authorization")
        connection.request(
            "GET", request.path, headers={name: request.headers[name] for name in wanted if request.headers[name]}
        )
        response = connection.getresponse()
        body = response.read()
        if "/blobs/" in request.path and response.status == 200:
            self.redirected.append(request.path.rsplit("/", 1)[1])
            request.send_response(307)
            request.send_header("Location", f"http://{self.store}/{self.redirected[-1]}?signature=x")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(response.status)
        for name in ("Content-Type", "WWW-Authenticate", "Docker-Content-Digest"):
            if response.headers[name]:
                request.send_header(name, response.headers[name])
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def serve(self, request):
        if "Authorization" in request.headers:
            self.leaked.append(request.path)
        digest = request.path.lstrip("/").split("?")[0]
        body = self.registry.blob(digest).read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TokenService:
    """Gives tokens to who knows the password, as the service beside a registry does. The registry verifies them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.key, self.certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tokens", "-days", "2",
            "-keyout", self.key, "-out", self.certificate)  # fmt: skip
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                service.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.realm = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def auth(self):
        """The registry's configuration."""
        names = {"realm": self.realm, "service": "test-registry", "issuer": "test-issuer"}
        return {"token": {**names, "rootcertbundle": str(self.certificate)}}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query))
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != expected:
            request.send_response(401)
            request.end_headers()
            return
        body = json.dumps({"token": self.token(query.get("scope", ""))}).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        request.wfile.write(body)

    def token(self, scope):
        der = base64.b64encode(bytes.fromhex(self._der())).decode()
        header = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        now = int(time.time())
        access = []
        if scope:
            kind, name, actions = scope.split(":")
            access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        claims = {
            "iss": "test-issuer",
            "sub": USER,
            "aud": "test-registry",
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": str(now),
            "access": access,
        }
        signed = ".".join(url_base64(json.dumps(part).encode()) for part in (header, claims))
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.key)],
            input=signed.encode(),
            capture_output=True,
            check=True,
        ).stdout
        return f"{signed}.{url_base64(signature)}"

    def _der(self):
        return subprocess.run(
            ["openssl", "x509", "-in", str(self.certificate), "-outform", "DER"], capture_output=True, check=True
        ).stdout.hex()


def url_base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
