# SPDX-License-Identifier: Apache-2.0
"""The Node.js bootstrap on every Node of this machine, from 18 on; $NODES adds folders that have bin/node."""

import json
import re
import struct

import pytest
from fake_api import ARN, FakeApi
from interpreters import Process, node_argv, nodes

NODES = nodes()
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(params=list(NODES) or [None])
def major(request):
    if request.param is None:
        pytest.skip("no Node.js from 18 on in PATH, ~/.nvm or $NODES")
    return request.param


@pytest.fixture
def old(major):
    """Node with callbacks."""
    if major >= 24:
        pytest.skip("Node 24 and later have no callbacks")
    return major


@pytest.fixture
def new(major):
    if major < 24:
        pytest.skip("a rule of Node 24 and later")
    return major


def run(major, source, **options):
    files = source if isinstance(source, dict) else {"index.js": source}
    argv = node_argv(NODES[major])
    return Process(
        argv[:1] + options.pop("flags", []) + argv[1:], files, options.pop("handler", "index.handler"), **options
    )


ECHO = "exports.handler = async (event) => event;"


def test_events_and_responses(major):
    with run(major, "exports.handler = async (event) => ({ got: event });") as process:
        for event in ('{"a": [1, 2.5, null, true, "ü☃"]}', "[]", ' {"spaces": 1}\n', "3", '"text"'):
            answer = process.invoke(event)
            assert (answer.kind, answer.json) == ("response", {"got": json.loads(event)})


def test_a_message_is_one_write_on_one_connection(major):
    with run(major, "exports.handler = async (event) => 'x'.repeat(event);") as process:
        for size in (0, 1, 500, 20_000):
            answer = process.invoke(str(size))
            assert len(answer.json) == size and answer.message.writes <= 1
        assert process.api.connection_count == 1


def test_large_events_and_responses(major):
    with run(major, ECHO) as process:
        event = json.dumps({"data": "ü" * 3_000_000}, ensure_ascii=False)
        assert process.invoke(event).json == json.loads(event)


KINDS = {
    "async": ("exports.handler = async () => 1;", "1"),
    "undefined": ("exports.handler = async () => {};", "null"),
    "function": ("exports.handler = async () => () => 1;", "null"),
    "date": (
        "exports.handler = async () => ({ d: new Date(0), n: NaN });",
        '{"d":"1970-01-01T00:00:00.000Z","n":null}',
    ),
    "thenable": ("exports.handler = () => ({ then(done) { done(2); } });", "2"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_results(major, kind):
    source, text = KINDS[kind]
    with run(major, source) as process:
        assert process.invoke().text == text


CALLBACKS = {
    "callback": ("(e, c, callback) => callback(null, 1)", "1"),
    "callback_late": ("(e, c, callback) => { setTimeout(() => callback(null, 1), 20); }", "1"),
    "returns": ("() => 5", "null"),
    "never_calls": ("(e, c, callback) => { setTimeout(() => {}, 10); }", "null"),
    "done": ("(e, c) => { c.done(null, 1); }", "1"),
    "succeed": ("(e, c) => { c.succeed(1); }", "1"),
    "waits": ("(e, c, cb) => { const o = {}; setTimeout(() => { o.late = 1; }, 30); cb(null, o); }", '{"late":1}'),
    "does_not_wait": (
        "(e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; const o = {}; setTimeout(() => { o.late = 1; }, 1e6); cb(null, o); }",
        "{}",
    ),
    "done_does_not_wait": ("(e, c) => { setTimeout(() => {}, 1e6); c.done(null, 1); }", "1"),
    "twice": ("(e, c, cb) => { cb(null, 1); cb(null, 2); cb('bad'); }", "1"),
}


@pytest.mark.parametrize("kind", CALLBACKS)
def test_callbacks(old, kind):
    source, text = CALLBACKS[kind]
    with run(old, f"exports.handler = {source};") as process:
        assert [process.invoke().text for _ in range(2)] == [text, text]


CALLBACK_ERRORS = {
    "error": ("(e, c, cb) => cb(new TypeError('bad'))", "TypeError", "bad"),
    "text": ("(e, c, cb) => cb('bad')", "string", "bad"),
    "fail": ("(e, c) => c.fail(new Error('bad'))", "Error", "bad"),
    "fail_with_nothing": ("(e, c) => c.fail()", "string", "handled"),
    "throws": ("() => { throw new RangeError('bad'); }", "RangeError", "bad"),
}


@pytest.mark.parametrize("kind", CALLBACK_ERRORS)
def test_callback_errors(old, kind):
    source, error_type, message = CALLBACK_ERRORS[kind]
    with run(old, f"exports.handler = {source};") as process:
        for _ in range(2):
            answer = process.invoke()
            assert (answer.kind, answer.json["errorType"], answer.json["errorMessage"]) == (
                "error",
                error_type,
                message,
            )


def test_a_handler_may_return(new):
    with run(new, "exports.handler = () => 5;") as process:
        assert process.invoke().text == "5"


def test_callback_handlers_are_refused(new):
    with run(new, "exports.handler = (e, c, callback) => callback(null, 1);") as process:
        answer = process.answer()
        assert (answer.kind, answer.error_type) == ("init/error", "Runtime.CallbackHandlerDeprecated")
        assert (
            "removed support for callback-based function handlers starting with Node.js 24"
            in answer.json["errorMessage"]
        )
        assert process.exit_status() == 1


def test_an_error_has_these_keys_in_this_order(major):
    with run(major, "exports.handler = async () => {\n  throw new TypeError('bad');\n};") as process:
        answer = process.invoke(request_id="one")
        assert answer.kind == "error" and answer.error_type == "TypeError"
        assert answer.text.startswith(
            '{"errorType":"TypeError","errorMessage":"bad","trace":["TypeError: bad","    at '
        )
        assert f"{process.task}/index.js:2:9" in answer.json["trace"][1]
        process.stop()
        found = re.fullmatch(rf"{STAMP}\tone\tERROR\tInvoke Error \t(.*)\n", process.log())
        assert list(json.loads(found[1])) == ["errorType", "errorMessage", "stack"]


def test_odd_errors(major):
    source = """exports.handler = async (kind) => {
      if (kind === 'text') throw 'words';
      if (kind === 'none') throw undefined;
      if (kind === 'circular') { const a = {}; a.a = a; return a; }
      if (kind === 'big') return 1n;
      const e = new Error('x\\x7Fy'); e.name = 'ü'; e.code = 'E1'; throw e;
    };"""
    with run(major, source) as process:
        assert process.invoke('"text"').text == '{"errorType":"string","errorMessage":"words","trace":[]}'
        for kind in ("circular", "big"):
            answer = process.invoke(f'"{kind}"').json
            assert answer["errorMessage"] == "Unable to stringify response body"
            assert answer["errorType"] == ("Error" if major < 24 else "Runtime.JSONStringifyError")
        answer = process.invoke('"named"')
        assert (answer.json["errorType"], answer.json["errorMessage"]) == ("ü", "x%7Fy")
        assert answer.error_type == "Function.Unknown"


def test_a_broken_event(major):
    with run(major, ECHO) as process:
        assert process.invoke("{nope").json["errorType"] == "SyntaxError"
        assert process.invoke("1").json == 1


LOADS = {
    "missing_module": (
        {"index.js": ""},
        "nope.handler",
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nope'",
    ),
    "missing_dependency": (
        {"index.js": "require('nope')"},
        "index.handler",
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nope'",
    ),
    "missing_handler": (
        {"index.js": ""},
        "index.handler",
        "Runtime.HandlerNotFound",
        "index.handler is undefined or not exported",
    ),
    "not_a_function": (
        {"index.js": "exports.handler = 1"},
        "index.handler",
        "Runtime.HandlerNotFound",
        "index.handler is not a function",
    ),
    "malformed": ({"index.js": ""}, "index", "Runtime.MalformedHandlerName", "Bad handler"),
    "dots": (
        {"index.js": ""},
        "../index.handler",
        "Runtime.MalformedHandlerName",
        "'../index.handler' is not a valid handler name.",
    ),
    "syntax": (
        {"index.js": "exports.handler = {"},
        "index.handler",
        "Runtime.UserCodeSyntaxError",
        "SyntaxError: Unexpected",
    ),
    "import_outside_module": (
        {"index.js": "import fs from 'fs';\nexport const handler = async () => 1;"},
        "index.handler",
        "Runtime.UserCodeSyntaxError",
        "SyntaxError: Cannot use import statement outside a module",
    ),
    "throws": ({"index.js": "throw new RangeError('at start')"}, "index.handler", "RangeError", "at start"),
    "esm_syntax": (
        {"index.mjs": "export const handler = {"},
        "index.handler",
        "Runtime.UserCodeSyntaxError",
        "SyntaxError: Unexpected",
    ),
    "esm_throws": ({"index.mjs": "throw new RangeError('at start')"}, "index.handler", "RangeError", "at start"),
    "esm_missing": (
        {"index.mjs": "export const other = 1"},
        "index.handler",
        "Runtime.HandlerNotFound",
        "index.handler is undefined",
    ),
}


@pytest.mark.parametrize("name", LOADS)
def test_what_can_not_be_loaded(major, name):
    files, handler, error_type, message = LOADS[name]
    flags = ["--no-experimental-require-module", "--no-experimental-detect-module"] if major >= 20 else []
    with run(major, files, handler=handler, flags=flags) as process:
        answer = process.answer()
        assert (answer.kind, answer.error_type, answer.json["errorType"]) == ("init/error", error_type, error_type)
        assert list(answer.json) == ["errorType", "errorMessage", "trace"]
        assert answer.json["errorMessage"].startswith(message)
        assert answer.json["trace"][0].startswith(f"{error_type}: {message}"[:60])
        assert process.exit_status() == (129 if major < 24 else 1)
        assert f"{error_type}" in process.log() and not process.api.asked.is_set()


FORMS = {
    "esm": (
        {"index.mjs": "export const handler = async () => import.meta.url.slice(-9);"},
        "index.handler",
        "index.mjs",
    ),
    "esm_by_package": (
        {
            "package.json": '{"type": "module"}',
            "index.js": "export const handler = async () => import.meta.url.slice(-8);",
        },
        "index.handler",
        "index.js",
    ),
    "esm_by_parent_package": (
        {"package.json": '{"type": "module"}', "a/b.js": "export const handler = async () => typeof require;"},
        "a/b.handler",
        "undefined",
    ),
    "cjs_below_esm": (
        {
            "package.json": '{"type": "module"}',
            "a/package.json": "{}",
            "a/b.js": "exports.handler = async () => typeof require;",
        },
        "a/b.handler",
        "function",
    ),
    "cjs": ({"index.cjs": "exports.handler = async () => __filename.slice(-9);"}, "index.handler", "index.cjs"),
    "nested": (
        {"a/b/index.js": "exports.x = { y: { handler: async () => 'deep' } };"},
        "a/b/index.x.y.handler",
        "deep",
    ),
    "folder_package": ({"node_modules/pkg/index.js": "exports.handler = async () => 'pkg';"}, "pkg.handler", "pkg"),
    "top_level_await": (
        {
            "index.mjs": "const x = await new Promise((r) => setTimeout(() => r('waited'), 20));\nexport const handler = async () => x;"
        },
        "index.handler",
        "waited",
    ),
    "odd_path": ({"a#b%20c.mjs": "export const handler = async () => 'odd';"}, "a#b%20c.handler", "odd"),
    "esm_imports_cjs": (
        {
            "index.mjs": "import dep from './dep.cjs';\nexport const handler = async () => dep.x;",
            "dep.cjs": "exports.x = 'dep';",
        },
        "index.handler",
        "dep",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_handlers(major, name):
    files, handler, result = FORMS[name]
    with run(major, files, handler=handler) as process:
        assert process.invoke().json == result


def test_the_default_export_is_searched(new):
    with run(new, {"index.mjs": "export default { handler: async () => 'default' };"}) as process:
        assert process.invoke().json == "default"


@pytest.mark.parametrize("form", ["index.js", "index.mjs"])
def test_packages_come_through_node_path(major, tmp_path, form):
    package = tmp_path / "nodejs" / "node_modules" / "layered"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "layered", "main": "main.js"}')
    (package / "main.js").write_text("module.exports = { x: 'from the layer' };")
    source = {
        "index.js": "const l = require('layered'); exports.handler = async () => l.x;",
        "index.mjs": "import l from 'layered'; export const handler = async () => l.x;",
    }[form]
    folders = f"{tmp_path}/none/node_modules:{tmp_path}/nodejs/node_modules:/var/runtime"
    with run(major, {form: source}, env_vars={"NODE_PATH": folders}) as process:
        if major < 20 and form == "index.mjs":
            assert process.answer().json["errorType"] == "Error", "Node 18 has no hooks for it before 18.19"
        else:
            assert process.invoke().json == "from the layer"
    with run(major, {"index.mjs": "import l from 'lacking';"}, env_vars={"NODE_PATH": folders}) as process:
        assert "Cannot find package 'lacking'" in process.answer().json["errorMessage"]


def test_a_top_level_await_that_never_ends(major):
    with run(major, {"index.mjs": "await new Promise(() => {});\nexport const handler = 1;"}) as process:
        assert process.exit_status() == 13
        assert process.answer() is None


UNCAUGHT = {
    "throws_later": (
        "setTimeout(() => { throw new RangeError('later'); }, 5); await new Promise(() => {});",
        "RangeError",
        "later",
        129,
    ),
    "rejects": (
        "Promise.reject(new RangeError('lost')); await new Promise((r) => setTimeout(r, 1e6));",
        "Runtime.UnhandledPromiseRejection",
        "RangeError: lost",
        128,
    ),
}


@pytest.mark.parametrize("kind", UNCAUGHT)
def test_errors_that_nobody_catches(old, kind):
    body, error_type, message, status = UNCAUGHT[kind]
    with run(old, f"exports.handler = async () => {{ {body} }};") as process:
        answer = process.invoke(request_id="one")
        assert (answer.kind, answer.error_type, answer.json["errorMessage"]) == ("error", error_type, message)
        assert answer.json["trace"][0] == f"{error_type}: {message}"
        assert process.exit_status() == status
        title = "Uncaught Exception" if status == 129 else "Unhandled Promise Rejection"
        assert re.match(rf'{STAMP}\tone\tERROR\t{title} \t\{{"errorType":"{error_type}"', process.log())


@pytest.mark.parametrize("kind", UNCAUGHT)
def test_errors_that_nobody_catches_end_a_new_node(new, kind):
    with run(new, f"exports.handler = async () => {{ {UNCAUGHT[kind][0]} }};") as process:
        process.api.put("{}")
        assert process.exit_status() == 1
        assert process.answer() is None, "nothing is posted: the platform says Runtime.ExitError"
        assert UNCAUGHT[kind][2].split(": ")[-1] in process.complaints()


def test_an_error_between_invocations_ends_the_process(old):
    source = "exports.handler = async () => { setTimeout(() => { throw new Error('late'); }, 30); return 1; };"
    with run(old, source) as process:
        assert process.invoke().json == 1
        assert process.exit_status() == 129


EXITS = {"process.exit(0)": 0, "process.exit(7)": 7}


@pytest.mark.parametrize("statement", EXITS)
def test_a_process_may_leave(major, statement):
    with run(major, f"exports.handler = async () => {{ {statement} }};") as process:
        process.api.put("{}")
        assert process.exit_status() == EXITS[statement]
        assert process.answer() is None
    with run(major, f"{statement};") as process:
        assert process.exit_status() == EXITS[statement]
        assert process.answer() is None


def test_the_context(major):
    source = """exports.handler = async (event, context) => ({ keys: Object.keys(context).sort(), ...context,
        left: context.getRemainingTimeInMillis() > 1e9 });"""
    with run(major, source) as process:
        plain = process.invoke(request_id="one").json
        keys = plain.pop("keys")
        expected = {
            "functionName": "under-test", "functionVersion": "$LATEST", "memoryLimitInMB": "256", "invokedFunctionArn": ARN,
            "logGroupName": "/aws/lambda/under-test", "logStreamName": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
            "awsRequestId": "one", "left": True,
        }  # fmt: skip
        assert {key: plain[key] for key in expected} == expected
        with_callbacks = {"callbackWaitsForEmptyEventLoop", "succeed", "fail", "done"}
        assert with_callbacks <= set(keys) if major < 24 else not with_callbacks & set(keys)
        full = process.invoke(
            Lambda_Runtime_Client_Context='{"custom": {"k": "v"}}',
            Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}',
            Lambda_Runtime_Aws_Tenant_Id="blue",
        ).json
        assert full["clientContext"] == {"custom": {"k": "v"}} and full["tenantId"] == "blue"
        assert full["identity"] == {"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}
        assert process.invoke(Lambda_Runtime_Client_Context="{").kind == "error"


def test_the_trace_id_follows_the_invocation(major):
    with run(major, "exports.handler = async () => process.env._X_AMZN_TRACE_ID ?? null;") as process:
        assert process.invoke(Lambda_Runtime_Trace_Id="Root=1-1").json == "Root=1-1"
        assert process.invoke(Lambda_Runtime_Trace_Id=None).json is None


LOGGING = """console.log('cold');
exports.handler = async () => {
  console.log('a %d', 1, { b: 2 }); console.warn('two\\nlines'); console.error(new Error('e').message);
  console.debug('d'); console.trace('t'); console.fatal?.('f'); process.stdout.write('raw\\n');
};"""


def test_console_lines(major):
    with run(major, LOGGING) as process:
        process.invoke(request_id="one")
        process.stop()
        lines = [re.sub(STAMP, "<t>", line) for line in process.log().split("\n")]
        first = "undefined" if major < 24 else "-"
        assert lines == [
            f"<t>\t{first}\tINFO\tcold", "<t>\tone\tINFO\ta 1 { b: 2 }", "<t>\tone\tWARN\ttwo\rlines", "<t>\tone\tERROR\te",
            "<t>\tone\tDEBUG\td", "<t>\tone\tTRACE\tt", "<t>\tone\tFATAL\tf", "raw", "",
        ]  # fmt: skip


def test_console_frames_on_the_telemetry_pipe(major, tmp_path):
    frames = tmp_path / "frames"
    argv = ["sh", "-c", f'exec 9>"{frames}"; exec "$@"', "sh", *node_argv(NODES[major])]
    source = "exports.handler = async () => { console.warn('a\\nb'); };"
    with Process(argv, {"index.js": source}, "index.handler", {"_LAMBDA_TELEMETRY_LOG_FD": "9"}) as process:
        process.invoke(request_id="one")
        process.stop()
        assert process.log() == ""
    data = frames.read_bytes()
    kind, size, micros = struct.unpack(">IIQ", data[:16])
    assert (kind, size) == (0xA55A0013, len(data) - 16) and micros > 1_700_000_000_000_000
    assert data.endswith(b"Z\tone\tWARN\ta\nb\n")


def test_much_output_is_not_lost(major):
    source = "exports.handler = async () => { process.stdout.write(''); for (let i = 0; i < 20000; i++) console.log('x'.repeat(50)); };"
    with run(major, source) as process:
        process.invoke()
        process.stop()
        assert process.log().count("x" * 50 + "\n") == 20_000


def test_a_refused_response_does_not_end_the_environment(major):
    with run(major, ECHO) as process:
        process.api.answer_status = 413
        assert process.invoke("1").kind == "response"
        process.api.answer_status = 202
        assert process.invoke("2").json == 2
        process.stop()
        assert "Http response code: 413" in process.complaints()


def test_a_lost_runtime_api_ends_the_process(major):
    with run(major, ECHO) as process:
        assert process.invoke("1").json == 1
        process.api.close()
        assert process.exit_status() == 1


@pytest.mark.parametrize("habit", ["is_chunked", "closes_each"])
def test_other_servers(major, habit):
    api = FakeApi()
    setattr(api, habit, True)
    with run(major, ECHO, api=api) as process:
        for event in ("1", '"%s"' % ("ü" * 100_000), "{}"):
            assert process.invoke(event).json == json.loads(event)
