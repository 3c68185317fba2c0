# SPDX-License-Identifier: Apache-2.0
"""AWS's Lambda Web Adapter, unchanged: an extension that makes a plain web server a function, from a layer and in an image."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import oci
import pytest
from harness import POLL, PYTHON, ROLE, ROOT, Function, clean_environment, unique, zip_bytes

HERE = Path(__file__).resolve().parent
APP = """
import http.server, json, os

class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {"path": self.path, "agent": self.headers["User-Agent"], "process": os.getpid()})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answer(201, {"body": body, "request": json.loads(self.headers["x-amzn-request-context"])["requestId"]})

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Own", "yes")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        print("served", self.path, flush=True)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
# What AWS's layer has: it starts the handler in place of the runtime.
WRAPPER = '#!/bin/sh\nexec "$LAMBDA_TASK_ROOT/$_HANDLER"\n'


@pytest.fixture(scope="module")
def adapter(cargo):
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "rust-extension"
    manifest = HERE / "rust_extension/Cargo.toml"
    command = [cargo, "build", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", target]
    subprocess.run(command, check=True, env=clean_environment())
    program = target / "debug/lambda-adapter"
    stripped = program.with_name("stripped-adapter")
    shutil.copy(program, stripped)
    subprocess.run(["strip", stripped], check=False)
    return stripped.read_bytes()


def request(method, path, body=None):
    """An event as an HTTP API of API Gateway sends it."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"}
    context = {
        "accountId": "000000000000", "apiId": "api", "domainName": "example.com", "domainPrefix": "api", "http": http,
        "requestId": "of-the-gateway", "routeKey": "$default", "stage": "$default", "timeEpoch": 1_700_000_000_000,
        "time": "14/Nov/2023:22:13:20 +0000",
    }  # fmt: skip
    event = {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": False,
        "headers": {"user-agent": "test", "host": "example.com"}, "requestContext": context,
    }  # fmt: skip
    return event if body is None else {**event, "body": body}


def check(function):
    got = function.invoke(request("GET", "/first")).value()
    assert got["statusCode"] == 200 and got["headers"]["x-own"] == "yes"
    first = json.loads(got["body"])
    assert (first["path"], first["agent"]) == ("/first", "test")
    made = function.invoke(request("POST", "/made", "größer")).value()
    assert made["statusCode"] == 201
    assert json.loads(made["body"]) == {"body": "größer", "request": "of-the-gateway"}
    again = json.loads(function.invoke(request("GET", "/again")).value()["body"])
    assert again["process"] == first["process"], "the server stays"
    log = function.log_with("served /again")
    assert "EXTENSION\tName: lambda-adapter\tState: Ready\tEvents: []" in log


@pytest.mark.build
@pytest.mark.timeout(600)
def test_a_web_server_with_the_adapter_in_a_layer(platform, adapter):
    files = {"bootstrap": WRAPPER, "extensions/lambda-adapter": adapter}
    layer = platform.client().publish_layer_version(
        LayerName=unique("adapter"), Content={"ZipFile": zip_bytes(files, dict.fromkeys(files, 0o100755))}
    )["LayerVersionArn"]
    run = f"#!/bin/sh\nexec /var/lang/bin/{PYTHON} app.py\n"

    def deploy(**variables):
        variables |= {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap", "PORT": "8000"}
        return platform.deploy(
            {"run.sh": run, "app.py": APP}, handler="run.sh", modes={"run.sh": 0o100755}, Layers=[layer],
            Timeout=30, MemorySize=512, Environment={"Variables": variables},
        )  # fmt: skip

    check(deploy())

    streaming = deploy(AWS_LWA_INVOKE_MODE="response_stream")
    payload = json.dumps(request("GET", "/streamed"))
    response = platform.client().invoke_with_response_stream(FunctionName=streaming.name, Payload=payload)
    pieces = [event["PayloadChunk"]["Payload"] for event in response["EventStream"] if "PayloadChunk" in event]
    # Eight zero bytes part what a gateway is told from the body.
    told, body = b"".join(pieces).split(b"\0" * 8)
    assert json.loads(told)["statusCode"] == 200
    assert json.loads(body)["path"] == "/streamed"


@pytest.mark.build
@pytest.mark.timeout(600)
def test_a_web_server_with_the_adapter_in_its_image(new_platform, python_layout, adapter, tmp_path):
    layout, tag = python_layout, unique("web")
    settings = ["--config.cmd", oci.INTERPRETER, "--config.cmd", "/app/app.py", "--config.env", "PORT=8000"]
    layout.configure("python", tag, *settings)
    layout.files(
        tag, {"app/app.py": APP, "opt/extensions/lambda-adapter": adapter}, {"opt/extensions/lambda-adapter": 0o755}
    )
    config = tmp_path / "settings.toml"
    config.write_text(f'[images]\nlocal = ["{layout.path.parent}"]\n')
    platform = new_platform("--config", config).start()
    name, client = unique("web"), platform.client()
    client.create_function(
        FunctionName=name, PackageType="Image", Code={"ImageUri": f"oci:{layout.path}:{tag}"}, Role=ROLE,
        Timeout=30, MemorySize=512,
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=POLL)
    check(Function(platform, name))
