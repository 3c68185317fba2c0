# SPDX-License-Identifier: Apache-2.0
"""The Java bootstrap on every JDK of this machine."""

import contextlib
import json
import os
import re
import shutil
import struct
import subprocess

import java_build
import pytest
from fake_api import ARN, FakeApi
from interpreters import Process

JDKS = java_build.jdks()
CI = bool(os.environ.get("CI"))


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory):
    if not JDKS:
        hint = "there is no JDK here; hint: apt-get install openjdk-17-jdk-headless"
        pytest.fail(hint) if CI else pytest.skip(hint)
    return java_build.bootstrap(JDKS[max(JDKS)], tmp_path_factory.mktemp("bootstrap"))


@pytest.fixture(scope="module", params=list(JDKS) or [None])
def java(request, bootstrap):
    """The command that starts the bootstrap."""
    flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m", "-Dfile.encoding=UTF-8"]
    return [f"{JDKS[request.param]}/bin/java", *flags, "-jar", str(bootstrap / "bootstrap.jar")]


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    return java_build.examples(JDKS[max(JDKS)], tmp_path_factory.mktemp("classes"))


@pytest.fixture
def run(java, classes):
    def start(handler, files=None, **options):
        return Process(options.pop("argv", java), classes if files is None else files, handler, **options)

    return start


SHAPES = {
    "text": ('"a"', '"a!"'),
    "number": ("5", "15"),
    "any": ("[1]", '"ArrayList"'),
    "nothing": ("{}", "null"),
    "none": ("{}", "42"),
    "alone": ("{}", '"$LATEST"'),
    "list": ("[1, 2, 3]", "[1,2,3,6]"),
    "still": ('{"b": 2, "a": 1}', '{"a":1,"b":2,"first":1}'),
    "stream": ('{"as": ["it", "is"]}', '{"as": ["it", "is"]}'),
    "many": ('"x"', '"two"'),
}


def together(run, handlers):
    """Processes of several handlers, started at the same time: a JVM takes a while."""
    stack = contextlib.ExitStack()
    return stack, {handler: stack.enter_context(run(handler)) for handler in handlers}


def test_methods(run):
    stack, processes = together(run, [f"example.Shapes::{shape}" for shape in SHAPES])
    with stack:
        for (event, response), process in zip(SHAPES.values(), processes.values(), strict=True):
            assert [process.invoke(event).text for _ in range(2)] == [response, response], process.handler


CLASSES = {
    "Upper": ('"ü"', '"Ü"'),
    "Sum": ("[1, 2, 3]", "6.0"),
    "Copy": ("{ }", "{ }"),
    "Upper::handleRequest": ('"x"', '"X"'),
    "Plain::handleRequest": ('{"name": "me"}', '"me"'),
}


def test_classes(run):
    stack, processes = together(run, [f"example.Shapes${name}" for name in CLASSES])
    with stack:
        for (event, response), process in zip(CLASSES.values(), processes.values(), strict=True):
            assert process.invoke(event).text == response, process.handler


def test_any_value_has_its_natural_type(run):
    with run("example.Shapes::any") as process:
        kinds = {"1": "Integer", "3000000000": "Long", "1.5": "Double", '"x"': "String", "true": "Boolean"}
        kinds |= {"[]": "ArrayList", "{}": "LinkedHashMap", "123456789012345678901234567890": "BigInteger"}
        assert {event: process.invoke(event).json for event in kinds} == kinds
        assert process.invoke("null").json == "nothing"


def test_a_stream_handler_has_its_context(run):
    with run("example.Shapes::streamWithContext") as process:
        assert process.invoke(request_id="11111111-0000-4000-8000-000000000000").json.startswith("11111111-")


ORDER = {
    "id": "o1",
    "open": "sesame",
    "paid": True,
    "size": "large",
    "items": [{"what": "book", "count": 2}, {"what": 7}],
    "bySize": {"SMALL": [3, 1, 3]},
    "price": 12.340,
    "total": 123456789012345678901234567890,
    "when": "2026-11-23T10:00:00.500Z",
    "uuid": "5f0c3b9e-0000-4000-8000-000000000001",
    "raw": "AAEC",
    "buffer": "/w==",
    "note": "n",
    "letters": "abc",
    "rate": "0.5",
    "hidden": "seen",
    "skipped": "seen",
    "eventSourceARN": "arn",
    "unknown": {"a": 1},
}


def test_a_bean(run):
    with run("example.Order$Handler::handle") as process:
        answer = process.invoke(json.dumps(ORDER).replace("12.34", "12.340"))
        assert answer.kind == "response", answer
        assert '"price":12.340,' in answer.text
        value = answer.json
        assert list(value)[:4] == ["id", "open", "paid", "size"], "fields in their order, the superclass's first"
        assert value == {
            **{
                name: ORDER[name] for name in ("id", "open", "paid", "price", "total", "uuid", "raw", "note", "letters")
            },
            "buffer": "/w==",
            "size": "LARGE",
            "items": [{"what": "book", "count": 2}, {"what": "7", "count": 1}],
            "bySize": {"SMALL": [3, 1]},
            "when": 1795428000500,
            "rate": 0.5,
            "eventSourceArn": "arn",
        }


def test_a_bean_without_values(run):
    with run("example.Order$Handler::handle") as process:
        value = process.invoke("{}").json
        assert (value["open"], value["paid"], value["size"], value["items"]) == ("default", False, None, [])
        assert process.invoke("null").json is None


def test_what_is_no_such_bean(run):
    with run("example.Order$Handler::handle") as process:
        for event, why in {
            "[1]": "Can not deserialize instance of example.Order out of START_ARRAY token",
            '{"size": "huge"}': 'it is none of its constants (through reference chain: example.Order["size"])',
            '{"items": [{"count": 3000000000}]}': "out of range of int",
            '{"uuid": "x"}': "java.util.UUID",
            '{"open": {}}': "Can not deserialize instance of java.lang.String out of START_OBJECT token",
            "{nope": "was expecting a name in double quotes at line: 1, column: 2",
        }.items():
            answer = process.invoke(event)
            assert (answer.kind, answer.error_type) == ("error", "java.lang.RuntimeException")
            assert answer.json["errorMessage"] == "An error occurred during JSON parsing"
            assert answer.json["cause"]["errorType"] == "java.io.UncheckedIOException"
            assert why in answer.json["cause"]["cause"]["errorMessage"], answer
        assert process.invoke("{}").kind == "response", "the process goes on"


def test_odd_values(run):
    with run("example.Told$GivesOddThings::handle") as process:
        assert process.invoke('""').json == ["NaN", 1.5, 1e300, [1], "c", "NEW", "b"]
        assert process.invoke('"empty"').json == {}
        assert process.invoke('"letters"').json == 'ü\u2028\x7f\U0001f600\x00\t"\\ ?.'
        for what, why in {"cycle": "nested more than", "trap": "trapped", "time": "java.time.Instant"}.items():
            document = process.invoke(f'"{what}"').json
            assert document["errorMessage"] == "An error occurred during JSON serialization of response"
            assert why in document["cause"]["errorMessage"]


def test_records(classes, run):
    if min(JDKS) < 17:
        pytest.skip("records are from Java 16 on")
    with run("example.Point$Mirror::handle") as process:
        answer = process.invoke('{"x": 1, "names": ["a"], "z": 0}')
        assert answer.text == '{"x":-1,"y":0,"names":["a"]}'


def test_the_context(run):
    client = json.dumps({"client": {"app_title": "t"}, "custom": {"ü": 1}, "env": {"a": "b"}})
    with run("example.Told") as process:
        headers = {
            "Lambda_Runtime_Client_Context": client,
            "Lambda_Runtime_Cognito_Identity": '{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}',
            "Lambda_Runtime_Aws_Tenant_Id": "blue",
            "Lambda_Runtime_Trace_Id": "Root=1-2-3",
        }
        value = process.invoke("{}", request_id="one", **headers).json
        assert 0 < value.pop("left") <= 2147483647
        assert value == {
            "id": "one",
            "arn": ARN,
            "name": "under-test",
            "version": "$LATEST",
            "memory": 256,
            "group": "/aws/lambda/under-test",
            "stream": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
            "tenant": "blue",
            "trace": "Root=1-2-3",
            "identity": {"identityId": "i", "identityPoolId": "p"},
            "title": "t",
            "custom": {"ü": "1"},
            "environment": {"a": "b"},
        }
        value = process.invoke("{}", Lambda_Runtime_Trace_Id=None).json
        assert (value["identity"], value["trace"], value["tenant"], "title" in value) == (None, None, None, False)


def test_an_error(run):
    with run("example.Told$Fails::handle") as process:
        answer = process.invoke('"checked"')
        assert (answer.kind, answer.error_type) == ("error", "example.Told$Fails$Bad")
        assert list(answer.json) == ["errorMessage", "errorType", "stackTrace", "cause"]
        assert answer.json["errorMessage"] == "bad ü"
        assert re.fullmatch(r"example\.Told\$Fails\.handle\(Told\.java:\d+\)", answer.json["stackTrace"][0])
        assert not any("tinderbox" in line for line in answer.json["stackTrace"])
        assert answer.json["cause"]["errorType"] == "java.lang.IllegalStateException"
        assert process.invoke('"silent"').json["errorMessage"] == "example.Told$Fails$1"
        assert process.invoke('"deep"').error_type == "java.lang.StackOverflowError"
        process.exit_status()
        assert process.log().startswith(
            "bad ü: example.Told$Fails$Bad\rexample.Told$Fails$Bad: bad ü\r\tat example.Told$Fails"
        )


def test_an_error_of_an_interface_has_no_frames_of_the_runtime(run):
    with run("example.Told$FailsPlainly") as process:
        trace = process.invoke('""').json["stackTrace"]
        assert all("FailsPlainly.handleRequest" in line for line in trace) and trace


def test_an_exit(run):
    with run("example.Told$Fails::handle") as process:
        process.api.put('"exit"')
        assert process.answer() is None and process.exit_status() == 3


def test_out_of_memory_ends_the_process(run):
    with run("example.Told$Fails::handle") as process:
        answer = process.invoke('"memory"')
        assert (answer.json["errorMessage"], answer.error_type) == ("Java heap space", "java.lang.OutOfMemoryError")
        assert process.exit_status() == 1


LOADS = {
    "example.Nowhere::handle": ("java.lang.ClassNotFoundException", "Class not found: example.Nowhere"),
    "example.Nowhere": ("java.lang.ClassNotFoundException", "Class not found: example.Nowhere"),
    "example.Shapes::nope": (
        "java.lang.Exception",
        "No public method named nope with appropriate method signature found on class class example.Shapes",
    ),
    "example.Shapes::tooMany": (
        "java.lang.Exception",
        "No public method named tooMany with appropriate method signature found on class class example.Shapes",
    ),
    "example.Shapes": (
        "java.lang.Exception",
        "Class example.Shapes does not implement an appropriate handler interface",
    ),
    "example.Told$HasNoConstructor::handle": (
        "java.lang.NoSuchMethodException",
        "Class example.Told$HasNoConstructor has no public zero-argument constructor",
    ),
    "example.Told$FailsToInitialise::handle": ("java.lang.ExceptionInInitializerError", ""),
    "example.Told$FailsToConstruct::handle": ("java.lang.UnsupportedOperationException", "not now"),
    "": ("java.lang.RuntimeException", "Invalid handler: ''"),
}


def test_what_can_not_be_loaded(run):
    stack, processes = together(run, LOADS)
    with stack:
        for handler, process in processes.items():
            kind, message = LOADS[handler]
            answer = process.answer()
            assert (answer.kind, answer.error_type, answer.json["errorType"]) == ("init/error", kind, kind)
            assert answer.json["errorMessage"] == message or not message
            assert process.exit_status() == 1
            assert kind in process.log()


def test_the_error_of_a_missing_class_says_where_it_was_looked_for(run):
    with run("example.Nowhere::handle") as process:
        cause = process.answer().json["cause"]
        assert cause["errorMessage"].startswith("example.Nowhere. Current classpath: file:/")
        assert cause["errorMessage"].endswith("/lib/core.jar")


def test_a_function_without_awss_interfaces(run, classes):
    files = {path: content for path, content in classes.items() if not path.startswith("lib/")}
    plain = {path: content for path, content in files.items() if path.startswith("example/Order")}
    with run("example.Order$Handler::handle", plain) as process:
        assert process.invoke('{"id": "x"}').json["id"] == "x"


def test_logs(run):
    with run("example.Told$Logs::handle") as process:
        assert process.invoke('""').text == "null"
        process.stop()
        assert process.log() == "printed ü\nin parts\ntwo\rlines\n[DEBUG] debugged\n[WARN] warned\nraw\n"
        assert process.complaints() == "complained\n"


def test_json_logs_have_levels(run):
    env_vars = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    with run("example.Told$Logs::handle", env_vars=env_vars) as process:
        process.invoke('""', request_id="one", Lambda_Runtime_Aws_Tenant_Id="blue")
        process.stop()
        lines = process.log().splitlines()
        assert lines[:2] == ["printed ü", "in parts"] and lines[-1] == "raw"
        first, second = map(json.loads, lines[2:-1])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("timestamp"))
        assert first == {"message": "two\nlines\n", "level": "INFO", "AWSRequestId": "one", "tenantId": "blue"}
        assert (second["level"], second["message"]) == ("WARN", "warned")


def test_the_log_pipe_has_frames(run, tmp_path):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        with run(
            "example.Told$Logs::handle", env_vars={"_LAMBDA_TELEMETRY_LOG_FD": str(write)}, pass_fds=[write]
        ) as process:
            process.invoke('""')
            process.stop()
    finally:
        os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    frames = []
    while data:
        kind, size, _ = struct.unpack(">IIQ", data[:16])
        frames.append((hex(kind), data[16 : 16 + size]))
        data = data[16 + size :]
    assert frames == [
        ("0xa55a0003", b"two\nlines\n"),
        ("0xa55a000b", b"[DEBUG] debugged"),
        ("0xa55a0013", b"[WARN] warned"),
        ("0xa55a0003", b"raw"),
    ]


def test_transport(run):
    for setting in ("is_chunked", "closes_each"):
        api = FakeApi()
        setattr(api, setting, True)
        with run("example.Shapes::text", api=api) as process:
            for event in ("a", "ü" * 100_000, "c"):
                assert process.invoke(json.dumps(event, ensure_ascii=False)).json == event + "!"


def test_a_message_is_one_write_on_one_connection(run):
    with run("example.Shapes::stream") as process:
        for size in (0, 1, 500, 20_000):
            answer = process.invoke(json.dumps("x" * size))
            assert len(answer.json) == size and answer.message.writes <= 1
        event = json.dumps({"data": "ü" * 2_500_000}, ensure_ascii=False)
        assert process.invoke(event).text == event
        assert process.api.connection_count == 1


def test_a_refused_response_is_told_and_the_next_event_comes(run):
    with run("example.Shapes::text") as process:
        process.api.answer_status = 413
        assert process.invoke('"a"').json == "a!"
        assert process.invoke('"b"').json == "b!"
        process.stop()
        assert "Http response code: 413" in process.complaints()


def test_a_runtime_api_that_fails_ends_the_process(run):
    with run("example.Shapes::text") as process:
        process.api.answer_status = 500
        process.invoke('"a"')
        assert process.exit_status() == 1


def test_several_at_once_share_a_process_and_a_handler(run):
    env_vars = {"AWS_LAMBDA_MAX_CONCURRENCY": "3", "AWS_LAMBDA_LOG_FORMAT": "JSON"}
    with run("example.Together", env_vars=env_vars) as process:
        traces = {process.api.put('{"together": 3}', Lambda_Runtime_Trace_Id=f"Root={i}"): f"Root={i}" for i in (1, 2)}
        deep = process.api.put('{"together": 3, "deep": true}')
        answers = {answer.request_id: answer for answer in (process.answer() for _ in range(3))}
        values = [answers[request_id].json for request_id in traces]
        assert {value["id"]: value["trace"] for value in values} == traces
        assert len({value["handler"] for value in values}) == 1
        assert {value["property"] for value in values} == {None}, "it would be anybody's"
        assert answers[deep].json["errorType"] == "java.lang.StackOverflowError"
        assert process.invoke().kind == "response", "what ends badly ends alone"
        process.stop()
        records = [json.loads(line) for line in process.log().splitlines() if '"came ' in line]
        for record in records:
            assert record["message"].startswith(f"came {record['AWSRequestId']}"), record
        assert set(traces) < {record["AWSRequestId"] for record in records}


def test_jars_are_found_in_lib_and_classes_in_a_jar_as_it_is(run, classes, tmp_path):
    """What a build tool makes: classes in a jar of lib, and a jar uploaded as the package, which unpacks to its root."""
    folder = tmp_path / "classes"
    for path, content in classes.items():
        if path.startswith("example/"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    jar = tmp_path / "function.jar"
    subprocess.run([f"{JDKS[max(JDKS)]}/bin/jar", "cf", jar, "-C", folder, "."], check=True)
    files = {"lib/function.jar": jar.read_bytes(), "lib/core.jar": classes["lib/core.jar"]}
    with run("example.Shapes$Upper", files) as process:
        assert process.invoke('"a"').json == "A"
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(jar, unpacked, "zip")
    with run("example.Order$Handler::handle", java_build.contents(unpacked)) as process:
        assert process.invoke('{"id": "x"}').json["id"] == "x"


def test_a_serializer_of_the_function_s_own(run, classes):
    service = "META-INF/services/com.amazonaws.services.lambda.runtime.CustomPojoSerializer"
    files = {**classes, service: "example.Mine\n"}
    with run("example.Mine$Handler", files) as process:
        assert process.invoke("{}").json == ["read as java.lang.String"]
