# SPDX-License-Identifier: Apache-2.0
"""InvokeWithResponseStream: responses that are read while the function makes them, from custom runtimes and Node.js."""

import base64
import json
import re
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness import allow, javascript

SYSTEM_PYTHON = Path("/usr/bin/python3")
MB = 1 << 20

# A runtime whose event is the list of steps to take. It writes to a bare socket, so that each step is what it says.
RUNTIME = r"""#!/usr/bin/python3 -S
import base64, datetime, hashlib, hmac, json, os, socket, sys, time, urllib.request

HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
count = 0


def connect():
    global api, answers
    api = socket.create_connection((HOST, int(PORT)))
    answers = api.makefile("rb")


def answer():
    status = int(answers.readline().split()[1])
    headers = {}
    while (line := answers.readline().strip()):
        name, value = line.decode().split(":", 1)
        headers[name.lower()] = value.strip()
    return status, headers, answers.read(int(headers.get("content-length", 0)))


def chunk(data):
    api.sendall(b"%x\r\n%b\r\n" % (len(data), data))


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


# How many invocations are reserved for this function: what the test sets when it has seen enough.
def reserved():
    env = os.environ
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = "/2019-09-30/functions/" + env["AWS_LAMBDA_FUNCTION_NAME"] + "/concurrency"
    host = env["AWS_ENDPOINT_URL"].split("//")[1]
    headers = {"host": host, "x-amz-date": now, "x-amz-security-token": env["AWS_SESSION_TOKEN"]}
    names = ";".join(headers)
    lines = "".join(name + ":" + value + "\n" for name, value in headers.items())
    canonical = "\n".join(["GET", path, "", lines, names, hashlib.sha256(b"").hexdigest()])
    scope = now[:8] + "/" + env["AWS_REGION"] + "/lambda/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + env["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = sign(key, part)
    headers["authorization"] = (
        "AWS4-HMAC-SHA256 Credential=" + env["AWS_ACCESS_KEY_ID"] + "/" + scope
        + ", SignedHeaders=" + names + ", Signature=" + sign(key, text).hex()
    )
    request = urllib.request.Request("http://" + host + path, headers=headers)
    return json.load(urllib.request.urlopen(request)).get("ReservedConcurrentExecutions")


def take(step, rest):
    if step == "write":
        chunk(rest[0].encode())
    elif step == "fill":
        for _ in range(rest[0] // 65536):
            chunk(b"x" * 65536)
        if rest[0] % 65536:
            chunk(b"x" * (rest[0] % 65536))
    elif step == "pid":
        chunk(b"%d %d" % (os.getpid(), count))
    elif step == "wait":
        while reserved() != rest[0]:
            time.sleep(0.01)
    elif step == "until-stalled":
        # Long lines reach the log's file at once.
        api.settimeout(1)
        written = 0
        try:
            while written < rest[0]:
                written += api.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                if written % 65545:
                    raise TimeoutError
        except TimeoutError:
            print("stalled after", written, " " * 40000, flush=True)
        api.settimeout(None)
        left = -written % 65545
        if left:
            api.sendall((b"10000\r\n" + b"x" * 65536 + b"\r\n")[-left:])
    elif step == "print":
        print(rest[0], flush=True)
    elif step == "hang":
        time.sleep(600)
    elif step == "exit":
        os._exit(rest[0])
    elif step == "break":
        api.close(), answers.close()
        connect()


connect()
while True:
    api.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
    status, headers, event = answer()
    if status == 403:
        # The end of the connection that was broken off has not been seen yet.
        time.sleep(0.01)
        continue
    count += 1
    mode, steps = json.loads(event)
    request_id = headers["lambda-runtime-aws-request-id"]
    api.sendall(
        f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        f"Lambda-Runtime-Function-Response-Mode: {mode}\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n".encode()
    )
    trailers = b""
    is_broken = False
    for step, *rest in steps:
        if step == "fail":
            body = base64.b64encode(json.dumps(rest[1]).encode())
            trailers = b"Lambda-Runtime-Function-Error-Type: " + rest[0].encode() + b"\r\n"
            trailers += b"Lambda-Runtime-Function-Error-Body: " + body + b"\r\n"
        else:
            take(step, rest)
            is_broken = step == "break"
    if not is_broken:
        api.sendall(b"0\r\n" + trailers + b"\r\n")
        print("status", answer()[0], flush=True)
"""


@pytest.fixture(scope="module")
def deploy(platform):
    if not SYSTEM_PYTHON.exists():
        pytest.skip("there is no /usr/bin/python3 that a custom runtime could use")

    # Functions wait until the test has set their concurrency.
    role = platform.role(allow("lambda:GetFunctionConcurrency"))

    def deploy(**settings):
        settings.setdefault("Timeout", 30)
        return platform.provided(RUNTIME, MemorySize=256, role=role, **settings)

    return deploy


class Stream:
    """A response as boto3 reads it."""

    def __init__(self, response):
        self.version = response.get("ExecutedVersion")
        self.content_type = response["ResponseStreamContentType"]
        self.request_id = response["ResponseMetadata"]["RequestId"]
        self.status = response["StatusCode"]
        self.events = iter(response["EventStream"])
        self.complete = None

    def __next__(self):
        """The next piece; at the end `None`, and `complete` is the last event."""
        event = next(self.events, None)
        if event is None:
            return None
        if "PayloadChunk" in event:
            return event["PayloadChunk"]["Payload"]
        self.complete = event["InvokeComplete"]
        assert next(self.events, None) is None
        return None

    def rest(self):
        found = []
        while (piece := next(self)) is not None:
            found.append(piece)
        assert self.complete is not None, "the stream ended without its last event"
        return b"".join(found)

    @property
    def log(self):
        return base64.b64decode(self.complete["LogResult"]).decode()

    @property
    def error(self):
        return self.complete.get("ErrorCode")

    @property
    def details(self):
        return json.loads(self.complete["ErrorDetails"])


def stream(function, *steps, mode="streaming", event=None, **arguments):
    payload = json.dumps([mode, steps] if event is None else event)
    client = function.platform.client()
    return Stream(client.invoke_with_response_stream(FunctionName=function.name, Payload=payload, **arguments))


def test_pieces_arrive_while_the_function_runs(deploy, platform):
    """The function goes on only when the client says that it has the first piece."""
    function = deploy()

    got = stream(function, ["write", "first"], ["wait", 7], ["write", "second"], ["wait", 8], LogType="Tail")

    assert (got.status, got.version, got.content_type) == (200, "$LATEST", "application/vnd.amazon.eventstream")
    for piece, count in [(b"first", 7), (b"second", 8)]:
        assert next(got) == piece
        platform.client().put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=count)
    assert got.rest() == b""
    assert got.error is None
    assert re.search(rf"END RequestId: {got.request_id}\nREPORT RequestId: {got.request_id}\tDuration: ", got.log)


def test_the_log_tells_how_long_and_how_large_a_response_was(deploy, platform):
    function = deploy(LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "DEBUG"})

    got = stream(function, ["write", "first"], ["wait", 7], ["fill", 100_000], LogType="Tail")
    assert next(got) == b"first"
    platform.client().put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=7)
    got.rest()
    whole = function.invoke(["streaming", [["write", "first"], ["wait", 7]]])

    for log, length in [(got.log, 100_005), (whole.log, 5)]:
        records = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        done = next(record["record"] for record in records if record.get("type") == "platform.runtimeDone")
        assert done["metrics"]["producedBytes"] == length
        latency, duration, overhead = done["spans"]
        assert [span["name"] for span in done["spans"]] == ["responseLatency", "responseDuration", "runtimeOverhead"]
        assert duration["durationMs"] > 0, "from the first byte to the last"
        parts = [span["durationMs"] for span in done["spans"]]
        assert abs(sum(parts) - done["metrics"]["durationMs"]) < 0.01
        assert latency["start"] <= duration["start"] <= overhead["start"]


def test_a_long_response_is_slowed_if_the_operator_says_so(new_platform):
    """The longer part of it takes its time; how long all of it takes is the machine's."""
    platform = new_platform("--set", f"invoke.stream_bytes_per_second_max={2 * MB}").start()
    function = platform.provided(RUNTIME, MemorySize=256, Timeout=60)

    begin = time.monotonic()
    got = stream(function, ["fill", 8 * MB])

    assert len(got.rest()) == 8 * MB and got.error is None
    assert time.monotonic() - begin > 0.95


def test_without_tail_there_is_nothing_to_say_at_the_end(deploy):
    got = stream(deploy(), ["write", "all"])

    assert got.rest() == b"all"
    assert got.complete == {}


def test_a_function_that_does_not_stream_answers_one_piece(platform):
    function = platform.python("def handler(event, context): return {'got': event} if event else 1 / 0")

    whole = stream(function, event={"a": 1})
    failed = stream(function, event=0, LogType="Tail")

    assert (next(whole), next(whole)) == (b'{"got": {"a": 1}}', None)
    assert whole.complete == {}
    assert failed.rest() == b""
    assert (failed.error, failed.details["errorType"]) == ("Unhandled", "ZeroDivisionError")
    assert "Traceback" in failed.log


def test_a_plain_invoke_gets_the_response_whole(deploy):
    function = deploy()
    steps = [["write", "one "], ["fill", 100_000], ["write", " two"]]

    result = function.invoke(["streaming", steps])

    assert result.error is None
    assert result.payload == b"one " + b"x" * 100_000 + b" two"


def test_an_error_in_the_middle(deploy):
    function = deploy()
    document = {"errorType": "Bad", "errorMessage": "too bad: ä", "trace": []}
    steps = [["write", "begun"], ["fail", "Function.Bad", document]]

    got = stream(function, *steps, LogType="Tail")
    plain = function.invoke(["streaming", steps])

    assert got.rest() == b"begun"
    assert (got.error, got.details) == ("Function.Bad", document)
    assert "Status: error\tError Type: Function.Bad" in got.log
    assert plain.fault() == document


def test_an_exit_in_the_middle(deploy):
    got = stream(deploy(), ["write", "begun"], ["exit", 3], LogType="Tail")

    assert got.rest() == b"begun"
    assert (got.error, got.details["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert got.details["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")


def test_a_timeout_in_the_middle(deploy):
    function = deploy(Timeout=1)

    got = stream(function, ["write", "begun"], ["hang"], LogType="Tail")

    assert got.rest() == b"begun"
    assert (got.error, got.details["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert "Status: timeout" in got.log
    assert stream(function, ["write", "again"]).rest() == b"again"


def test_a_runtime_that_breaks_off(deploy):
    function = deploy()

    got = stream(function, ["pid"], ["break"])
    before = got.rest()

    assert (got.error, got.details["errorType"]) == ("Unhandled", "Runtime.TruncatedResponse")
    pid, count = stream(function, ["pid"]).rest().split()
    assert (pid, int(count)) == (before.split()[0], 2), "its environment goes on"


def test_a_mode_that_there_is_not(deploy):
    function = deploy()

    fault = function.invoke(["later", [["write", "all"]]]).fault()

    assert fault["errorType"] == "Runtime.InvalidResponseModeHeader"
    assert function.invoke(["later", [["write", "all"]]]).fault() != fault, "its runtime was told, and goes on"
    assert "status 400" in function.log_with("status ")


def test_a_slow_client_slows_the_function_and_not_the_server_down(deploy, platform):
    function = deploy(Timeout=60)
    before = resident_bytes(platform.process.pid)

    got = stream(function, ["write", "first"], ["until-stalled", 150 * MB], ["write", "last"])

    assert next(got).startswith(b"first")
    log = function.log_with("stalled after ")
    stalled = int(re.search(r"stalled after (\d+)", log)[1])
    assert stalled < 32 * MB, "the sockets hold some, the server next to nothing"
    assert resident_bytes(platform.process.pid) - before < 16 * MB
    rest = got.rest()
    assert rest.endswith(b"last") and rest.count(b"x") >= stalled * 99 // 100


def resident_bytes(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def test_a_client_that_goes_away_does_not_stop_the_function(deploy, platform):
    function = deploy()
    client = platform.client()
    payload = json.dumps(["streaming", [["pid"], ["fill", 30 * MB], ["print", "through"], ["wait", 3]]])

    response = client.invoke_with_response_stream(FunctionName=function.name, Payload=payload)
    first = next(iter(response["EventStream"]))["PayloadChunk"]["Payload"]
    response["EventStream"].close()
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=3)

    log = function.log_with("REPORT RequestId: ")
    assert "through" in log and "Status:" not in log
    # The first piece may have some of the filling behind it.
    pid = re.match(rb"\d+", first)[0]
    assert stream(function, ["pid"]).rest() == pid + b" 2"


def test_a_response_that_is_too_long_to_be_whole(deploy):
    function = deploy(Timeout=60)
    steps = ["streaming", [["fill", 6 * MB + 200]]]

    fault = function.invoke(steps).fault()

    assert fault["errorType"] == "Function.ResponseSizeTooLarge"
    assert "(6291556 bytes)" in fault["errorMessage"]
    assert len(stream(function, *steps[1]).rest()) == 6 * MB + 200, "read as it comes it is not"


def test_a_response_that_is_too_long_in_any_way(deploy):
    function = deploy(Timeout=120)
    got = stream(function, ["fill", 200 * MB], ["write", "x"], ["print", "written"], LogType="Tail")

    length = 0
    while (piece := next(got)) is not None:
        length += len(piece)

    assert length <= 200 * MB
    assert (got.error, got.details["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert "(209715200 bytes)" in got.details["errorMessage"]
    assert stream(function, ["write", "again"]).rest() == b"again"


def test_a_dry_run(platform, deploy):
    function = deploy()
    path = f"/2021-11-15/functions/{function.name}/response-streaming-invocations"

    reply = platform.call("POST", path, "{}", {"X-Amz-Invocation-Type": "DryRun"})

    assert (reply.status, reply.body) == (204, b"")


def test_errors_before_the_first_piece_are_ordinary_ones(platform, deploy):
    function = deploy()
    client = platform.client()
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)

    with pytest.raises(client.exceptions.TooManyRequestsException) as throttled:
        stream(function, ["write", "all"])
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke_with_response_stream(FunctionName="nobody")
    with pytest.raises(ClientError, match="Could not parse request body into json"):
        client.invoke_with_response_stream(FunctionName=function.name, Payload=b"{")

    assert throttled.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_qualifiers(platform, deploy):
    function = deploy()
    client = platform.client()
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)

    got = stream(function, ["write", "all"], Qualifier="live")

    assert (got.version, got.rest()) == (version, b"all")


def test_the_sdk_for_javascript(platform, deploy):
    javascript("streaming.mjs", platform.endpoint, deploy().name)


def test_a_node_function(platform, node_runtime):
    source = """import { pipeline } from 'node:stream/promises';
    import { Readable } from 'node:stream';
    export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
      if (event === 'fail') throw new TypeError('too blue');
      if (event.http) stream = awslambda.HttpResponseStream.from(stream, event.http);
      console.log('streaming');
      await pipeline(Readable.from(event.pieces), stream);
    });"""
    function = platform.deploy({"index.mjs": source}, runtime=node_runtime, Timeout=20)

    got = stream(function, event={"pieces": ["one ", "two ", "ü"]}, LogType="Tail")
    big = stream(function, event={"pieces": ["x" * 1_000_000] * 5})
    http = stream(function, event={"pieces": ["body"], "http": {"statusCode": 418, "headers": {}, "cookies": []}})
    failed = stream(function, event="fail")
    whole = function.invoke({"pieces": ["a", "b"]})
    fault = function.invoke("fail").fault()

    assert got.rest() == "one two ü".encode()
    assert got.error is None and "INFO\tstreaming" in got.log
    assert big.rest() == b"x" * 5_000_000
    assert http.rest() == b'{"statusCode":418,"headers":{},"cookies":[]}' + b"\0" * 8 + b"body"
    assert failed.rest() == b""
    assert (failed.error, failed.details["errorMessage"]) == ("TypeError", "too blue")
    assert whole.payload == b"ab"
    assert (fault["errorType"], fault["errorMessage"]) == ("TypeError", "too blue")
