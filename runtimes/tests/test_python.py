# SPDX-License-Identifier: Apache-2.0
"""The Python bootstrap on every interpreter of this machine, from 3.9 on."""

import json
import re
import struct
import subprocess

import pytest
from fake_api import ARN, FakeApi
from interpreters import RUNTIMES, Process, python_argv, pythons

PYTHONS = pythons()


@pytest.fixture(params=list(PYTHONS) or [None])
def python(request):
    if request.param is None:
        pytest.skip("no Python from 3.9 on under ~/.pyenv or /usr")
    return PYTHONS[request.param]


def run(python, source, **options):
    files = source if isinstance(source, dict) else {"app.py": source}
    return Process(python_argv(python), files, options.pop("handler", "app.handler"), **options)


def test_events_and_responses(python):
    with run(python, "def handler(event, context):\n    return {'got': event}") as process:
        for event in ('{"a": [1, 2.5, null, true, "x"]}', "[]", '  {"spaces": 1}\n', "3", '"text"'):
            answer = process.invoke(event)
            assert (answer.kind, answer.json) == ("response", {"got": json.loads(event)})


def test_a_message_is_one_write_on_one_connection(python):
    with run(python, "def handler(event, context):\n    return 'x' * event") as process:
        for size in (0, 1, 500, 20_000):
            answer = process.invoke(str(size))
            assert len(answer.json) == size and answer.message.writes <= 1
        assert process.api.connection_count == 1


def test_large_events_and_responses(python):
    with run(python, "def handler(event, context):\n    return event") as process:
        event = json.dumps({"data": "ü" * 3_000_000}, ensure_ascii=False)
        assert process.invoke(event).json == json.loads(event)


def test_letters_outside_ascii(python):
    with run(python, "def handler(event, context):\n    return {'ü': '☃'}") as process:
        is_ascii = int(python.rpartition(".")[2]) < 12
        assert process.invoke().text == ('{"\\u00fc": "\\u2603"}' if is_ascii else '{"ü": "☃"}')


def test_events_that_are_not_json(python):
    with run(python, "def handler(event, context):\n    return [type(event).__name__, len(event)]") as process:
        assert process.invoke(b"\x00\x01", Content_Type="application/octet-stream").json == ["bytes", 2]
        broken = process.invoke("{nope").json
        assert broken["errorType"] == "Runtime.UnmarshalError"
        assert broken["errorMessage"].startswith("Unable to unmarshal input: Expecting property name")
        assert process.invoke("{}").json == ["dict", 0]


def test_an_error_has_exactly_these_bytes(python):
    with run(python, "def handler(event, context):\n    print('before')\n    raise ValueError('bad')") as process:
        answer = process.invoke(request_id="8f507cfc-xmpl-4697-b07a-ac58fc914c95")
        assert answer.text == (
            '{"errorMessage": "bad", "errorType": "ValueError", "requestId": "8f507cfc-xmpl-4697-b07a-ac58fc914c95", '
            '"stackTrace": ["  File \\"%s/app.py\\", line 3, in handler\\n    raise ValueError(\'bad\')\\n"]}'.replace(
                "%s", process.task
            )
        )
        assert (answer.kind, answer.error_type) == ("error", "ValueError")
        process.stop()
        assert process.log() == (
            "before\n[ERROR] ValueError: bad\rTraceback (most recent call last):\r"
            f"\xa0\xa0File \"{process.task}/app.py\", line 3, in handler\r\xa0\xa0\xa0\xa0raise ValueError('bad')\n"
        )


def test_an_unserializable_response(python):
    with run(python, "def handler(event, context):\n    return {'x': object()}") as process:
        answer = process.invoke()
        assert answer.json["errorType"] == answer.error_type == "Runtime.MarshalError"
        assert (
            answer.json["errorMessage"] == "Unable to marshal response: Object of type object is not JSON serializable"
        )
        assert answer.json["stackTrace"] == []


LOADS = [
    ("nope.handler", "", "Runtime.ImportModuleError", "Unable to import module 'nope': No module named 'nope'"),
    (
        "app.handler",
        "import nope",
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'nope'",
    ),
    ("app.handler", "x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    (
        "handler",
        "",
        "Runtime.MalformedHandlerName",
        "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
    ),
    ("sys.handler", "", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
    (
        "app.handler",
        "def handler(:",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': invalid syntax (app.py, line 1)",
    ),
    ("app.handler", "raise OSError('at start')", "OSError", "at start"),
]


@pytest.mark.parametrize(
    "handler, source, error_type, message", LOADS, ids=[f"{case[2]}-{n}" for n, case in enumerate(LOADS)]
)
def test_what_can_not_be_loaded(python, handler, source, error_type, message):
    with run(python, source, handler=handler) as process:
        answer = process.answer()
        assert list(answer.json) == ["errorMessage", "errorType", "requestId", "stackTrace"]
        assert (answer.kind, answer.json["errorType"], answer.error_type) == ("init/error", error_type, error_type)
        assert (
            answer.json["errorMessage"] == message
            or "syntax" in message
            and "(app.py, line 1)" in answer.json["errorMessage"]
        )
        assert answer.json["requestId"] == ""
        assert process.exit_status() == 1
        assert f"[ERROR] {error_type}: " in process.log()
        assert not process.api.asked.is_set()


def test_an_import_error_shows_the_frames_of_the_import(python):
    with run(python, "raise OSError('at start')") as process:
        frames = process.answer().json["stackTrace"]
        assert re.match(
            r'  File ".*/importlib/__init__.py", line \d+, in import_module\n    return _bootstrap._gcd', frames[0]
        )
        assert frames[-1] == f"  File \"{process.task}/app.py\", line 1, in <module>\n    raise OSError('at start')\n"


EXITS = [
    ("sys.exit()", 0),
    ("sys.exit(3)", 3),
    ("exit(4)", 4),
    ("quit()", 0),
    ("raise BaseException('odd')", 1),
    ("os._exit(5)", 5),
]


@pytest.mark.parametrize("statement, status", EXITS, ids=[case[0] for case in EXITS])
def test_a_process_may_leave(python, statement, status):
    with run(python, f"import os, sys\ndef handler(event, context):\n    {statement}") as process:
        process.api.put("{}")
        assert process.exit_status() == status
        assert process.answer() is None, "nothing is posted: the platform says what happened"
    with run(python, f"import os, sys\n{statement}\ndef handler(event, context): pass") as process:
        assert process.exit_status() == status if "odd" not in statement else process.exit_status() == 1
        assert process.answer() is None


def test_the_context(python):
    source = """
def handler(event, context):
    client, identity = context.client_context, context.identity
    return {
        "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "id": context.aws_request_id, "group": context.log_group_name,
        "stream": context.log_stream_name, "tenant": context.tenant_id, "left": context.get_remaining_time_in_millis(),
        "pool": identity.cognito_identity_pool_id, "identity": identity.cognito_identity_id,
        "client": client and [client.client.app_title, client.client.installation_id, client.custom, client.env],
        "repr": repr(context).startswith("LambdaContext([aws_request_id=" + context.aws_request_id + ",log_group_name="),
    }
"""
    with run(python, source) as process:
        plain = process.invoke(Lambda_Runtime_Deadline_Ms="1", request_id="one").json
        assert plain == {
            "name": "under-test", "version": "$LATEST", "arn": ARN, "memory": "256", "id": "one",
            "group": "/aws/lambda/under-test", "stream": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
            "tenant": None, "left": 0, "pool": None, "identity": None, "client": None, "repr": True,
        }  # fmt: skip
        full = process.invoke(
            Lambda_Runtime_Client_Context='{"client": {"app_title": "t"}, "custom": {"k": "v"}}',
            Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}',
            Lambda_Runtime_Aws_Tenant_Id="blue",
        ).json
        assert full["client"] == ["t", None, {"k": "v"}, None]
        assert (full["identity"], full["pool"], full["tenant"]) == ("i", "p", "blue")
        assert full["left"] > 10**9
        bad = process.invoke(Lambda_Runtime_Client_Context="{").json
        assert bad["errorType"] == "Runtime.LambdaContextUnmarshalError"


@pytest.mark.parametrize("imported", ["import os", ""], ids=["os", "no_os"])
def test_the_trace_id_follows_the_invocation(python, imported):
    source = f"{imported}\ndef handler(event, context):\n    import os\n    return os.environ.get('_X_AMZN_TRACE_ID')"
    with run(python, source) as process:
        assert process.invoke(Lambda_Runtime_Trace_Id="Root=1-1").json == "Root=1-1"
        assert process.invoke(Lambda_Runtime_Trace_Id="Root=1-2").json == "Root=1-2"
        assert process.invoke(Lambda_Runtime_Trace_Id=None).json is None


def test_logging_has_the_format_and_the_level_of_aws(python):
    source = """
import logging
logging.warning("cold")
def handler(event, context):
    logging.info("hidden")
    logging.getLogger("a.b").error("shown %d", 1)
"""
    with run(python, source) as process:
        process.invoke(request_id="one")
        process.stop()
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        assert re.fullmatch(rf"\[WARNING\]\t{stamp}\t\tcold\n\[ERROR\]\t{stamp}\tone\tshown 1\n", process.log())


def test_log_frames_on_the_telemetry_pipe(python, tmp_path):
    source = "import logging\ndef handler(event, context):\n    logging.error('a\\nb')\n    1 / 0"
    frames = tmp_path / "frames"
    argv = ["sh", "-c", f'exec 9>"{frames}"; exec "$@"', "sh", *python_argv(python)]
    with Process(argv, {"app.py": source}, "app.handler", {"_LAMBDA_TELEMETRY_LOG_FD": "9"}) as process:
        process.invoke(request_id="one")
        process.stop()
    data, found = frames.read_bytes(), []
    while data:
        kind, size, micros = struct.unpack(">IIQ", data[:16])
        found.append((kind, data[16 : 16 + size].decode()))
        assert micros > 1_700_000_000_000_000
        data = data[16 + size :]
    assert [kind for kind, _ in found] == [0xA55A0017, 0xA55A0017]
    assert found[0][1].endswith("Z\tone\ta\nb\n")
    assert found[1][1].startswith(
        "[ERROR] ZeroDivisionError: division by zero\nTraceback (most recent call last):\n\xa0\xa0File"
    )


def test_output_is_complete_when_the_response_leaves(python):
    with run(
        python, "import sys\ndef handler(event, context):\n    print('line')\n    print('rest', end='')"
    ) as process:
        process.invoke()
        process.stop()
        assert process.log() == "line\nrest"


def test_the_module_path_has_the_order_of_aws(python):
    with run(python, "import sys\ndef handler(event, context):\n    return [sys.path, sys.prefix]") as process:
        process.stop()
    with run(
        python,
        "import sys\ndef handler(event, context):\n    return [sys.path, sys.prefix]",
        env_vars={"PYTHONPATH": "/var/runtime:/extra"},
    ) as process:
        path, prefix = process.invoke().json
        version = "python" + python.rpartition("python")[2]
        assert path[:6] == [
            process.task,
            f"/opt/python/lib/{version}/site-packages",
            "/opt/python",
            str(RUNTIMES / "python"),
            "/var/runtime",
            "/extra",
        ]
        assert path[-1] == f"{prefix}/lib/{version}/site-packages"
        assert f"{prefix}/lib/{version}" in path[6:-1] and len(path) == len(set(path))


def test_code_may_have_modules_with_the_names_of_the_runtime(python):
    files = {
        "app.py": "import bootstrap, logging\ndef handler(event, context):\n    raise ValueError(bootstrap.x + logging.x)",
        "bootstrap.py": "x = 'own'",
        "bootstrap_rare.py": "1 / 0",
        "logging.py": "x = 'log'",
    }
    with run(python, files) as process:
        assert process.invoke().json["errorMessage"] == "ownlog"


def test_threads_go_on(python):
    source = """
import threading
beats = threading.Semaphore(0)
def beat():
    while True:
        beats.release()
        beats_taken.acquire()
beats_taken = threading.Semaphore(0)
threading.Thread(target=beat, daemon=True).start()
def handler(event, context):
    beats.acquire(); beats_taken.release()
    return threading.active_count()
"""
    with run(python, source) as process:
        assert [process.invoke().json for _ in range(3)] == [2, 2, 2]


def test_signals_are_handled_while_idle(python):
    source = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *a: (print('bye'), sys.exit(0)))\ndef handler(e, c): pass"
    with run(python, source) as process:
        assert process.api.asked.wait(20)
        process.process.terminate()
        assert process.exit_status() == 0
        assert process.log() == "bye\n"


def test_the_functions_default_timeout_is_not_ours(python):
    source = "import socket\nsocket.setdefaulttimeout(0.001)\ndef handler(event, context):\n    return event"
    with run(python, source) as process:
        assert process.api.asked.wait(20)
        with pytest.raises(subprocess.TimeoutExpired):
            process.process.wait(0.2)
        assert process.invoke("1").json == 1


def test_a_refused_response_does_not_end_the_environment(python):
    with run(python, "def handler(event, context):\n    return event") as process:
        process.api.answer_status = 413
        assert process.invoke("1").kind == "response"
        process.api.answer_status = 202
        assert process.invoke("2").json == 2
        process.stop()
        assert "Http response code: 413" in process.complaints()


def test_a_lost_runtime_api_ends_the_process(python):
    with run(python, "def handler(event, context):\n    return event") as process:
        assert process.invoke("1").json == 1
        process.api.close()
        assert process.exit_status() == 1


@pytest.mark.parametrize("habit", ["is_chunked", "closes_each"])
def test_other_servers(python, habit):
    api = FakeApi()
    setattr(api, habit, True)
    with run(python, "def handler(event, context):\n    return event", api=api) as process:
        for event in ("1", '"%s"' % ("x" * 100_000), "{}"):
            assert process.invoke(event).json == json.loads(event)


def test_little_is_imported_before_the_handler(python):
    with run(
        python, "import sys\nseen = sorted(sys.modules)\ndef handler(event, context):\n    return seen"
    ) as process:
        seen = process.invoke().json
        for heavy in ("json", "os", "re", "logging", "socket", "traceback", "importlib", "site", "collections", "enum"):
            assert heavy not in seen


def test_it_runs_compiled(python, tmp_path):
    """As the server keeps it for each interpreter, which saves three milliseconds of a start."""
    for name in ("bootstrap.py", "bootstrap_rare.py"):
        (tmp_path / name).write_bytes((RUNTIMES / "python" / name).read_bytes())
    code = "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], dfile='/var/runtime/bootstrap.py', doraise=True)"
    compiled = str(tmp_path / "bootstrap-1.pyc")
    subprocess.run([python, "-c", code, str(tmp_path / "bootstrap.py"), compiled], check=True)
    with Process(
        [python, "-S", "-B", compiled], {"app.py": "def handler(e, c):\n    return 1 / e"}, "app.handler"
    ) as process:
        assert process.invoke("2").json == 0.5
        assert len(process.invoke("0").json["stackTrace"]) == 1
