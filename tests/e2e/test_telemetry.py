# SPDX-License-Identifier: Apache-2.0
"""The Telemetry API and the Logs API: extensions subscribe, and are told what happens."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from harness import PYTHON, ROOT, clean_environment, unique, wait_until, zip_bytes

HERE = Path(__file__).resolve().parent

# Subscribes with the requests of REQUESTS (path, body), and prints the answers and every batch that comes to LISTENERS.
SUBSCRIBER = f"""#!/usr/bin/env {PYTHON}
import http.client, http.server, json, os, socket, sys, threading

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, headers=None):
    api.request(method, path, body, headers or {{}})
    answer = api.getresponse()
    return answer.status, answer.headers, answer.read().decode()

def say(*words):
    sys.stdout.write(" ".join(words) + "\\n")
    sys.stdout.flush()

refusals = REFUSALS

class Listener(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        global refusals
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refusals -= 1
        if refusals < 0:
            say("batch", self.path, self.headers["Content-Type"], body.decode())
        self.send_response(500 if refusals >= 0 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

def read_lines(listener):
    connection, _ = listener.accept()
    for line in connection.makefile():
        say("line", line.rstrip())

if TCP:
    listener = socket.create_server(("sandbox.localdomain", 8080))
    threading.Thread(target=read_lines, args=(listener,), daemon=True).start()
else:
    listener = http.server.ThreadingHTTPServer(("sandbox.localdomain", 8080), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()

events = json.dumps({{"events": ["INVOKE", "SHUTDOWN"]}})
_, headers, _ = call("POST", "/2020-01-01/extension/register", events, {{"Lambda-Extension-Name": "subscriber"}})
me = {{"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}}
for path, body, own in REQUESTS:
    status, _, answer = call("PUT", path, json.dumps(body), me if own is None else own)
    say("answer", json.dumps([status, json.loads(answer)]))
while True:
    _, _, event = call("GET", "/2020-01-01/extension/event/next", None, me)
    event = json.loads(event)
    if event["eventType"] == "INVOKE":
        answer = call("PUT", *[part if isinstance(part, str) else json.dumps(part) for part in REQUESTS[-1][:2]], me)
        say("late", answer[2])
    if event["eventType"] == "SHUTDOWN":
        say("gone")
        sys.exit()
"""

SOURCE = """
import logging
def handler(event, context):
    logging.warning("two\\nlines")
    print("printed")
    return "hello"
"""
TELEMETRY, LOGS = "/2022-07-01/telemetry", "/2020-08-15/logs"
HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/told"}


def asked(types=("platform", "function"), version="2022-12-13", destination=HTTP, timeout_ms=25):
    return {
        "schemaVersion": version,
        "types": list(types),
        "buffering": {"timeoutMs": timeout_ms},
        "destination": destination,
    }


def subscriber(*requests, tcp=False, refusals=0):
    requests = [(*request, None)[:3] for request in requests]
    head, rest = SUBSCRIBER.split("\n", 1)
    return f"{head}\nREQUESTS = {requests!r}\nTCP = {tcp}\nREFUSALS = {refusals}\n{rest}"


def with_program(platform, program, source=SOURCE, **settings):
    published = platform.client().publish_layer_version(
        LayerName=unique("subscribers"),
        Content={"ZipFile": zip_bytes({"extensions/subscriber": program}, {"extensions/subscriber": 0o100755})},
    )
    return platform.python(source, Layers=[published["LayerVersionArn"]], **settings)


def retire(function):
    function.update_code({"index.py": f"# {time.monotonic()}\n{SOURCE}"})


def lines(function, word):
    # What is being written has no end yet.
    text = function.log_with(word).rpartition("\n")[0]
    return [line.split(" ", 2)[2] for line in text.splitlines() if line.split(" ", 2)[1:2] == [word]]


def told(function, until):
    """All records that came in batches, once one of type `until` has come."""

    def records():
        batches = [line.split(" ", 2) for line in lines(function, "batch")]
        found = [record for _, _, body in batches for record in json.loads(body)]
        return found if any(record["type"] == until for record in found) else None

    return wait_until(records, f"{until} is told")


def answers(function):
    return [json.loads(line) for line in lines(function, "answer")]


def test_everything_is_told_in_its_order(platform):
    function = with_program(platform, subscriber((TELEMETRY, asked())))
    result = function.invoke()
    assert result.value() == "hello"

    records = told(function, "platform.report")

    types = [record["type"] for record in records]
    assert types.index("platform.telemetrySubscription") < types.index("platform.extension")
    types.remove("platform.telemetrySubscription")
    assert types == [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.extension",
        "platform.initReport",
        "platform.start",
        "function",
        "function",
        "platform.runtimeDone",
        "platform.report",
    ]
    by_type = {record["type"]: record["record"] for record in records}
    assert by_type["platform.telemetrySubscription"] == {
        "name": "subscriber",
        "state": "Subscribed",
        "types": ["platform", "function"],
    }
    assert by_type["platform.extension"] == {
        "name": "subscriber",
        "state": "Ready",
        "events": ["INVOKE", "SHUTDOWN"],
    }
    assert by_type["platform.start"]["requestId"] == result.request_id
    printed = {record["record"] for record in records if record["type"] == "function"}
    assert "printed\n" in printed
    assert any(text.endswith("two\nlines\n") for text in printed), "one record"
    done = by_type["platform.runtimeDone"]
    assert (done["status"], done["metrics"]["producedBytes"]) == ("success", len(result.payload))
    report = by_type["platform.report"]["metrics"]
    assert report["durationMs"] >= done["metrics"]["durationMs"]
    assert report["initDurationMs"] > 0
    times = [record["time"] for record in records]
    assert times == sorted(times)
    log = function.log_with("REPORT")
    assert "TELEMETRY\tName: subscriber\tState: Subscribed\tTypes: [Platform, Function]" in log
    assert all(line.startswith("/told application/json ") for line in lines(function, "batch"))
    late = json.loads(lines(function, "late")[0])
    assert late == {
        "errorType": "Telemetry.SubscriptionClosed",
        "errorMessage": "Telemetry API subscription is closed already",
    }


def test_the_last_batch_comes_before_the_end(platform):
    """However long the extension would have it buffered."""
    function = with_program(platform, subscriber((TELEMETRY, asked(timeout_ms=30_000))))
    function.invoke().value()

    retire(function)

    log = function.log_with("gone")
    assert any('"type":"platform.report"' in line for line in lines(function, "batch"))
    assert log.index('"type":"platform.report"') < log.index("gone\n")


def test_the_logs_api_has_its_own_events(platform):
    function = with_program(platform, subscriber((LOGS, asked(version="2021-03-18"))))
    result = function.invoke()
    result.value()

    records = told(function, "platform.report")

    assert [record["type"] for record in records] == [
        "platform.logsSubscription",
        "platform.extension",
        "platform.start",
        "function",
        "function",
        "platform.runtimeDone",
        "platform.end",
        "platform.report",
    ]
    by_type = {record["type"]: record["record"] for record in records}
    assert by_type["platform.runtimeDone"] == {"requestId": result.request_id, "status": "success"}
    assert by_type["platform.end"] == {"requestId": result.request_id}


def test_a_fault_is_told_and_the_report_says_why(platform):
    source = "import os\ndef handler(event, context):\n    os._exit(3)"
    older = with_program(platform, subscriber((LOGS, asked(version="2021-03-18"))), source)
    newer = with_program(platform, subscriber((TELEMETRY, asked())), source)
    for function in older, newer:
        function.invoke().fault()

    fault = next(record for record in told(older, "platform.report") if record["type"] == "platform.fault")
    assert "Runtime exited with error: exit status 3" in fault["record"]
    by_type = {record["type"]: record["record"] for record in told(newer, "platform.report")}
    for name in ["platform.runtimeDone", "platform.report"]:
        assert by_type[name]["status"] == "error"
        assert by_type[name]["errorType"] == "Runtime.ExitError"


def test_lines_over_tcp(platform):
    program = subscriber((TELEMETRY, asked(destination={"protocol": "TCP", "port": 8080})), tcp=True)
    function = with_program(platform, program)
    function.invoke().value()

    function.log_with('"type":"platform.report"')
    types = [json.loads(line)["type"] for line in lines(function, "line")]
    assert types[0] == "platform.initStart"
    assert types[-1] == "platform.report"


def test_a_batch_that_is_refused_comes_again(platform):
    function = with_program(platform, subscriber((TELEMETRY, asked()), refusals=3))
    function.invoke().value()

    types = [record["type"] for record in told(function, "platform.report")]
    assert types[0] == "platform.initStart", "nothing is lost"
    assert len(types) == len([kind for kind in types if kind != "function"]) + 2, "and nothing comes twice"


def test_extensions_are_told_apart_from_the_function(platform):
    function = with_program(platform, subscriber((TELEMETRY, asked(types=["function"]))))
    function.invoke().value()

    function.log_with("two")
    wait_until(lambda: "printed" in "".join(lines(function, "batch")), "the function's lines are told")
    records = [record for line in lines(function, "batch") for record in json.loads(line.split(" ", 2)[2])]
    assert {record["type"] for record in records} == {"function"}


def test_a_json_log_is_a_record(platform):
    program = subscriber((TELEMETRY, asked()))
    function = with_program(platform, program, LoggingConfig={"LogFormat": "JSON"})
    result = function.invoke()
    result.value()

    said = [record["record"] for record in told(function, "platform.report") if record["type"] == "function"]
    structured = next(record for record in said if isinstance(record, dict))
    assert (structured["message"], structured["requestId"]) == ("two\nlines", result.request_id)
    assert "printed\n" in said


def test_what_is_wrong_is_said(platform):
    nobody = {"Lambda-Extension-Identifier": "6f2c0000-0000-4000-8000-000000000000"}
    program = subscriber(
        (TELEMETRY, asked(), {}),
        (TELEMETRY, asked(), nobody),
        (TELEMETRY, asked(types=[], destination={"protocol": "HTTP", "URI": "http://sandbox"})),
        (TELEMETRY, asked(version="2019-01-01")),
        (TELEMETRY, asked(timeout_ms=24)),
        (TELEMETRY, asked(destination={"protocol": "TCP", "port": 9001})),
        (LOGS, asked(version="2020-08-15", types=[])),
        (TELEMETRY, asked()),
        (TELEMETRY, asked()),
        (LOGS, asked(version="2020-08-15")),
    )
    function = with_program(platform, program)
    function.invoke().value()

    found = answers(function)

    assert [status for status, _ in found] == [403, 403, 400, 400, 400, 400, 400, 200, 200, 400]
    assert [error["errorType"] for _, error in found[:2]] == [
        "Extension.MissingExtensionIdentifier",
        "Extension.UnknownExtensionIdentifier",
    ]
    assert found[2][1] == {
        "errorType": "ValidationError",
        "errorMessage": "URI port is not provided; types should not be empty",
    }
    assert found[6][1] == {"errorType": "Logs.ValidationError", "errorMessage": "types should not be empty"}
    assert found[7][1] == "OK"
    log = function.log_with("REPORT")
    assert log.count("TELEMETRY\t") == 1, "to ask twice is to subscribe once"


def test_a_subscriber_that_does_not_answer_holds_up_nobody(platform):
    """Its buffer runs full; the function goes on, and so does its log."""
    program = subscriber((TELEMETRY, asked()), refusals=1_000_000)
    source = "def handler(event, context):\n    for _ in range(2000): print('x' * 1000)\n    return 'hello'"
    function = with_program(platform, program, source, Timeout=20)

    assert [function.invoke().value() for _ in range(3)] == ["hello"] * 3


def test_a_subscriber_that_fell_behind_is_told(platform):
    program = subscriber((TELEMETRY, asked()), refusals=3)
    source = "def handler(event, context):\n    for _ in range(2000): print('x' * 1000)\n    return 'hello'"
    function = with_program(platform, program, source, Timeout=20)
    for _ in range(3):
        function.invoke().value()

    dropped = next(
        record["record"]
        for record in told(function, "platform.logsDropped")
        if record["type"] == "platform.logsDropped"
    )
    assert dropped["reason"].startswith("Consumer seems to have fallen behind")
    # How many depends on who is scheduled when; each of them is a line of a thousand bytes.
    assert dropped["droppedRecords"] > 0
    assert dropped["droppedBytes"] >= 1000 * dropped["droppedRecords"]


def test_a_thread_of_the_runtime_may_subscribe(platform):
    program = subscriber((TELEMETRY, asked(types=["platform"])))
    head, _, _ = program.partition("while True:")
    source = (
        head.replace('["INVOKE", "SHUTDOWN"]', '["INVOKE"]')
        + "def live():\n    while True:"
        + "\n        call('GET', '/2020-01-01/extension/event/next', None, me)"
        + "\nthreading.Thread(target=live, daemon=True).start()\n"
        + SOURCE
    )
    function = platform.python(source, MemorySize=256)

    function.invoke().value()

    assert '"platform.initStart"' in function.log_with('"type":"platform.start"')


@pytest.mark.build
@pytest.mark.timeout(600)
@pytest.mark.parametrize("subscribe", ["telemetry", "logs"])
def test_awss_crate_for_extensions(platform, cargo, subscribe):
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "rust-extension"
    manifest = HERE / "rust_extension/Cargo.toml"
    command = [cargo, "build", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", target]
    subprocess.run(command, check=True, env=clean_environment())
    program = target / "debug/aws-crate-extension"
    stripped = program.with_name(f"stripped-{subscribe}")
    shutil.copy(program, stripped)
    subprocess.run(["strip", stripped], check=False)
    function = with_program(
        platform,
        stripped.read_bytes(),
        Environment={"Variables": {"SUBSCRIBE": subscribe}},
        MemorySize=256,
        Timeout=20,
    )

    result = function.invoke()

    assert result.value() == "hello"
    function.log_with(f"crate got INVOKE {result.request_id}")
    if subscribe == "telemetry":
        log = function.log_with('"type":"platform.report"')
        for kind in ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone"]:
            assert f'"type":"platform.{kind}"' in log
    else:
        log = function.log_with("PlatformReport")
        assert "PlatformStart" in log
        assert "PlatformEnd" in log
    retire(function)
    function.log_with("crate got SHUTDOWN SPINDOWN")
