# SPDX-License-Identifier: Apache-2.0
"""Bad input: each kind gets the clear error AWS gives, and the server stays up."""

import contextlib
import io
import json
import re
import socket
import zipfile

import pytest
from botocore.exceptions import ClientError
from harness import PYTHON, ROLE, http_get, processes_with, sign_headers, unique, wait_until, zip_bytes

UNZIP_FAILED = "Could not unzip uploaded file. Please check your file, then try to upload again."
CREATE = "/2015-03-31/functions"


def create(platform, code, **settings):
    arguments = {"Runtime": PYTHON, "Handler": "index.handler", "Role": ROLE, "Code": {"ZipFile": code}}
    return platform.client().create_function(FunctionName=unique("bad"), **{**arguments, **settings})


def refused(call, *arguments, **settings):
    """The code, status and message of the refusal."""
    with pytest.raises(ClientError) as error:
        call(*arguments, **settings)
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


@pytest.fixture(autouse=True)
def still_up(platform):
    """Whatever a test sends, the same process goes on serving."""
    process = platform.process
    yield
    assert process.poll() is None, platform.log_tail()
    assert http_get(platform.address, "/_tinderbox/health").status == 200
    assert "panicked at" not in platform.log_path.read_text(errors="replace")


@pytest.fixture(scope="module")
def echo(platform):
    return platform.python("def handler(event, context): return event")


# -- packages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [b"not a zip", b"", zip_bytes({"index.py": "x = 1" * 100})[:-30], b"PK\x03\x04" + b"\x00" * 60],
    ids=["text", "empty", "truncated", "header only"],
)
def test_a_malformed_zip(platform, code):
    kind, status, message = refused(create, platform, code)

    assert (kind, status) in (("InvalidParameterValueException", 400), ("ValidationException", 400))
    if code:
        assert message == UNZIP_FAILED


def test_a_zip_with_damaged_contents(platform):
    code = bytearray(zip_bytes({"index.py": "x = 1\n" * 1000}))
    code[45] ^= 0xFF

    assert_never_active(platform, bytes(code))


def assert_never_active(platform, code):
    """Refused at once, or found out while it is unpacked: a function that says why it failed."""
    try:
        name = create(platform, code)["FunctionName"]
    except ClientError as refusal:
        assert refusal.response["Error"]["Code"] == "InvalidParameterValueException"
        return

    def settled():
        found = platform.client().get_function_configuration(FunctionName=name)
        return found if found["State"] != "Pending" else None

    settled = wait_until(settled, "the function is no longer pending")
    assert (settled["State"], settled["StateReasonCode"]) == ("Failed", "InvalidZipFileException")
    assert settled["StateReason"]


@pytest.mark.parametrize("path", ["../escape.py", "/etc/escape", "a/../../escape.py", "a\\..\\..\\escape.py"])
def test_a_path_that_escapes(platform, path):
    code = zip_bytes({"index.py": "def handler(e, c): return 1", path: "x"})

    with contextlib.suppress(ClientError):
        create(platform, code)

    # The code is here, and so are the SDKs that runtimes have.
    meant = {"code", "runtimes"}
    outside = [found for found in platform.home.rglob("*escape*") if meant.isdisjoint(found.parts)]
    assert outside == []
    assert not list(platform.data_dir.glob("code/escape*"))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd"])
def test_a_link_that_leads_out(platform, target):
    code = zip_bytes({"index.py": "x = 1", "link": target}, modes={"link": 0o120777})

    assert refused(create, platform, code)[:2] == ("InvalidParameterValueException", 400)


@pytest.fixture(scope="module")
def bomb():
    """263 MB of zeros in a quarter of a megabyte."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros", bytes(263_000_000))
    return packed.getvalue()


def test_a_zip_that_unpacks_to_too_much(platform, bomb):
    kind, status, message = refused(create, platform, bomb)

    assert (kind, status) == ("InvalidParameterValueException", 400)
    assert message == "Unzipped size must be smaller than 262144000 bytes"


def test_a_zip_that_lies_about_its_size(platform, bomb):
    """What the headers say is not believed: the same bytes, said to be ten."""
    lie = bytearray(bomb)
    central = lie.rindex(b"PK\x01\x02")
    lie[central + 24 : central + 28] = (10).to_bytes(4, "little")
    lie[22:26] = (10).to_bytes(4, "little")

    assert_never_active(platform, bytes(lie))


def test_a_zip_over_fifty_megabytes(platform):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("zeros", bytes(50 * 1024 * 1024))

    kind, status, _ = refused(create, platform, packed.getvalue())

    assert (kind, status) == ("RequestEntityTooLargeException", 413)


# -- settings -----------------------------------------------------------------------------------------------------


def test_an_unknown_runtime(platform):
    kind, status, message = refused(create, platform, zip_bytes({"index.py": ""}), Runtime="python4.1")

    assert (kind, status) == ("InvalidParameterValueException", 400)
    assert message.startswith(
        "Value python4.1 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    )
    assert message.endswith("] or be a valid ARN")


def test_a_missing_handler(platform):
    body = {
        "FunctionName": unique(),
        "Runtime": PYTHON,
        "Role": ROLE,
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
    }

    reply = platform.call("POST", CREATE, json.dumps(body))

    assert (reply.status, reply.error_type) == (400, "InvalidParameterValueException")
    assert "handler" in reply.json()["message"].lower()


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"Timeout": 0}, "timeout"),
        ({"MemorySize": 64}, "memorySize"),
        ({"Description": "x" * 257}, "description"),
        ({"Role": "nobody"}, "role"),
        ({"EphemeralStorage": {"Size": 1}}, "ephemeralStorage.size"),
    ],
)
def test_a_value_out_of_bounds(platform, settings, where):
    body = {
        "FunctionName": unique(),
        "Runtime": PYTHON,
        "Role": ROLE,
        "Handler": "index.handler",
        "Code": {"ZipFile": ""},
        **settings,
    }

    reply = platform.call("POST", CREATE, json.dumps(body))

    assert (reply.status, reply.error_type) == (400, "ValidationException")
    assert "validation error" in reply.json()["message"]
    assert f"at '{where}' failed to satisfy constraint" in reply.json()["message"]


def test_every_constraint_is_named_at_once(platform):
    body = {"FunctionName": unique(), "Runtime": PYTHON, "Role": ROLE, "Code": {}, "Timeout": 0, "MemorySize": 1}

    message = platform.call("POST", CREATE, json.dumps(body)).json()["message"]

    assert message.startswith("2 validation errors detected: ")


def test_reserved_variables(platform):
    kind, status, message = refused(
        create, platform, zip_bytes({"index.py": ""}), Environment={"Variables": {"AWS_REGION": "mars"}}
    )

    assert (kind, status) == ("InvalidParameterValueException", 400)
    assert "AWS_REGION" in message


def test_too_many_variables(platform):
    kind, status, message = refused(
        create, platform, zip_bytes({"index.py": ""}), Environment={"Variables": {"BIG": "x" * 4097}}
    )

    assert (kind, status) == ("InvalidParameterValueException", 400)
    assert "exceeded the 4KB limit" in message


# -- events -------------------------------------------------------------------------------------------------------


def test_an_event_of_seven_megabytes(platform, echo):
    kind, status, message = refused(echo.invoke, raw=b'"' + b"x" * 7 * 1024 * 1024 + b'"')

    assert (kind, status) == ("RequestTooLargeException", 413)
    assert "6291456" in message
    assert echo.invoke("after").value() == "after"


@pytest.mark.parametrize("event", [b"{", b"{'a': 1}", b"nul", b"\xff\xfe", b'{"a":1} x', b'"\x01"'])
def test_an_event_that_is_not_json(echo, event):
    kind, status, message = refused(echo.invoke, raw=event)

    assert (kind, status) == ("InvalidRequestContentException", 400)
    assert message.startswith("Could not parse request body into json: ")
    assert echo.invoke("after").value() == "after"


def test_an_event_nested_without_end(echo):
    """Depth is a limit too: a parser must not run out of stack."""
    with contextlib.suppress(ClientError):
        echo.invoke(raw=b"[" * 1_000_000)


@pytest.mark.parametrize("qualifier", ["99", "nobody"])
def test_an_unknown_qualifier(echo, qualifier):
    kind, status, message = refused(echo.invoke, Qualifier=qualifier)

    assert (kind, status) == ("ResourceNotFoundException", 404)
    assert message == f"Function not found: {echo.arn}:{qualifier}"


def test_an_unknown_function(platform):
    reply = platform.call("POST", "/2015-03-31/functions/nope/invocations", b"{}")

    assert (reply.status, reply.error_type) == (404, "ResourceNotFoundException")
    assert reply.json() == {
        "Type": "User",
        "Message": "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope:$LATEST",
    }
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["x-amzn-RequestId"])


def test_an_unknown_invocation_type(platform, echo):
    path = f"/2015-03-31/functions/{echo.name}/invocations"

    reply = platform.call("POST", path, b"{}", {"X-Amz-Invocation-Type": "Sometime"})

    assert (reply.status, reply.error_type) == (400, "ValidationException")


def test_a_client_context_that_is_not_base64(platform, echo):
    path = f"/2015-03-31/functions/{echo.name}/invocations"

    reply = platform.call("POST", path, b"{}", {"X-Amz-Client-Context": "%%%"})

    assert reply.status == 400


# -- requests -----------------------------------------------------------------------------------------------------


def test_a_wrong_signature(platform):
    reply = platform.call("GET", CREATE, secret="wrong")

    assert (reply.status, reply.error_type) == (403, "InvalidSignatureException")
    assert "signature" in reply.json()["message"]


def test_an_unknown_key(platform):
    reply = platform.call("GET", CREATE, key="AKIAIOSFODNN7EXAMPLE")

    assert (reply.status, reply.error_type) == (403, "UnrecognizedClientException")
    assert reply.json()["message"] == "The security token included in the request is invalid."


def test_no_signature(platform):
    reply = platform.call("GET", CREATE, sign=False)

    assert (reply.status, reply.error_type) == (403, "MissingAuthenticationTokenException")
    assert reply.json()["message"] == "Missing Authentication Token"


def test_a_body_that_was_changed_on_its_way(platform, echo):
    path = f"/2015-03-31/functions/{echo.name}/invocations"
    headers = sign_headers("POST", platform.endpoint + path, b"1", {"Host": platform.address}, "test", "test", "lambda")

    assert platform.call("POST", path, b"2", headers, sign=False).error_type == "InvalidSignatureException"
    assert platform.call("POST", path, b"1", headers, sign=False).body == b"1"


def test_an_old_signature(platform):
    headers = {"Host": platform.address, "X-Amz-Date": "20200101T000000Z"}
    signature = (
        "Credential=test/20200101/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + "0" * 64
    )
    headers["Authorization"] = f"AWS4-HMAC-SHA256 {signature}"

    reply = platform.call("GET", CREATE, headers=headers, sign=False)

    assert (reply.status, reply.error_type) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    "authorization", ["", "Basic dGVzdDp0ZXN0", "AWS4-HMAC-SHA256 nonsense", "AWS4-HMAC-SHA256 Credential=/"]
)
def test_an_authorization_that_says_nothing(platform, authorization):
    reply = platform.call("GET", CREATE, headers={"Authorization": authorization}, sign=False)

    assert 400 <= reply.status <= 403
    assert reply.error_type


def test_an_unknown_path(platform):
    reply = platform.call("GET", "/2015-03-31/no-such-thing")

    assert (reply.status, reply.error_type) == (404, "UnknownOperationException")


def test_an_operation_that_is_not_built(platform):
    reply = platform.call("GET", "/2025-12-01/functions/f/durable-executions")

    assert reply.status == 501
    assert reply.error_type == "NotImplementedException"


def test_a_service_that_is_not_built(platform):
    reply = platform.call("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, service="dynamodb")

    assert 400 <= reply.status <= 501
    assert reply.status != 500


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"FunctionName": 7}', b"\xff", b'{"Code":{"ZipFile":"%"}}'])
def test_a_request_that_can_not_be_read(platform, body):
    reply = platform.call("POST", CREATE, body)

    assert reply.status == 400
    assert reply.error_type in ("SerializationException", "ValidationException")


# -- connections --------------------------------------------------------------------------------------------------


def connect(platform):
    host, port = platform.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=90)


def invoke_head(platform, echo, length):
    path = f"/2015-03-31/functions/{echo.name}/invocations"
    headers = sign_headers("POST", platform.endpoint + path, b"1", {"Host": platform.address}, "test", "test", "lambda")
    headers["Content-Length"] = str(length)
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def test_a_truncated_body(platform):
    function = platform.python("def handler(event, context): print('it ran')")
    with connect(platform) as connection:
        connection.sendall(invoke_head(platform, function, 1000) + b'{"half": ')
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert function.invoke().value() is None
    assert function.log_with("it ran").count("it ran") == 1


def test_a_slow_client_holds_nobody_up(platform, echo):
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            slow = stack.enter_context(connect(platform))
            slow.sendall(invoke_head(platform, echo, 1000) + b'"')

        assert echo.invoke("fast").value() == "fast"


@pytest.mark.timeout(180)
def test_a_client_that_never_finishes_is_let_go(new_platform):
    """A connection that sends half a head is closed by the server, without help from the client."""
    platform = new_platform("--set", "edge.head_timeout_ms=2000").start()
    with connect(platform) as connection:
        connection.settimeout(150)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: half")

        assert read_all(connection)[:12] in (b"", b"HTTP/1.1 408", b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "bytes_",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELO\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 100],
    ids=["tls", "smtp", "http 9.9", "zeros"],
)
def test_bytes_that_are_not_http(platform, bytes_):
    with connect(platform) as connection:
        connection.sendall(bytes_)
        connection.shutdown(socket.SHUT_WR)

        assert read_all(connection)[:10] in (b"", b"HTTP/1.1 4", b"HTTP/1.1 5", b"HTTP/1.0 4")


def test_a_body_longer_than_any_operation_takes_is_not_read(new_platform):
    """The limit holds while reading: the refusal comes before the bytes were sent."""
    platform = new_platform("--set", "edge.drain_timeout_ms=500").start()
    echo = platform.python("def handler(event, context): return event")
    with connect(platform) as connection:
        connection.sendall(invoke_head(platform, echo, 10**12))
        connection.sendall(b"x" * 1024)

        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_client_that_goes_away_does_not_stop_the_function(platform):
    mark = unique("mark")
    function = platform.python(
        "import time\ndef handler(event, context):\n time.sleep(0.5)\n print('to the end')",
        Environment={"Variables": {"PYTHON_MARK": mark}},
    )
    with connect(platform) as connection:
        connection.sendall(invoke_head(platform, function, 1) + b"1")
        wait_until(lambda: processes_with(mark), "the function was started")

    assert "START RequestId" in function.log_with("to the end")


def read_all(connection):
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("runtime", ["python3.11", "nodejs22.x", "java8.al2", "dotnet8", "provided.al2023"])
def test_snapstart_is_refused_where_there_is_none(platform, runtime):
    """At create and at update. Switched off, as tools send it, it is no setting at all."""
    snapshots = {"SnapStart": {"ApplyOn": "PublishedVersions"}}
    package = zip_bytes({"index.py": "def handler(event, context): return 1"})

    answers = [refused(create, platform, package, Runtime=runtime, **snapshots)]
    function = platform.deploy(package, SnapStart={"ApplyOn": "None"})
    change = platform.client().update_function_configuration
    answers.append(refused(change, FunctionName=function.name, Runtime=runtime, **snapshots))

    assert function.configuration()["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}
    for code, status, message in answers:
        assert (code, status) == ("InvalidParameterValueException", 400)
        assert "SnapStart" in message or runtime in message, message
