# SPDX-License-Identifier: Apache-2.0
"""Responses that Node.js handlers write while they run, on every Node of this machine."""

import base64
import json

import pytest
from interpreters import Process, node_argv, nodes

NODES = nodes()
HTTP_RESPONSE = "application/vnd.awslambda.http-integration-response"
PIECE_TIMEOUT_S = 20


@pytest.fixture(params=list(NODES) or [None])
def run(request):
    """Starts a handler: `(event, stream, context) => ...`, `go` is a file that the test makes."""
    if request.param is None:
        pytest.skip("no Node.js from 18 on in PATH, ~/.nvm or $NODES")

    def run(handler, options="undefined", before="", **settings):
        source = f"""{before}
        const fs = require('fs');
        const {{ Readable }} = require('stream');
        const {{ pipeline }} = require('stream/promises');
        const until = async (test) => {{ while (!test()) await new Promise((r) => setTimeout(r, 5)); }};
        const go = () => until(() => fs.existsSync(process.env.GO));
        exports.handler = awslambda.streamifyResponse({handler}, {options});"""
        return Process(node_argv(NODES[request.param]), {"index.js": source}, "index.handler", **settings)

    run.major = request.param
    return run


def trailer_of(message):
    body = message.trailers.get("lambda-runtime-function-error-body")
    document = json.loads(base64.b64decode(body)) if body else None
    return message.trailers.get("lambda-runtime-function-error-type"), document


def test_pieces_leave_while_the_handler_runs(run, tmp_path):
    go = tmp_path / "go"
    handler = (
        "async (event, stream) => { stream.write('first'); await go(); stream.write(event.a); stream.end('last'); }"
    )
    with run(handler, env_vars={"GO": str(go)}) as process:
        process.api.put('{"a": "ü"}')
        assert process.api.pieces.get(timeout=PIECE_TIMEOUT_S) == b"first"
        go.touch()
        answer = process.answer()
        assert (answer.kind, answer.message.body) == ("response", "firstülast".encode())
        headers = answer.message.headers
        assert headers["lambda-runtime-function-response-mode"] == "streaming"
        assert headers["trailer"] == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
        assert headers["content-type"] == "application/octet-stream"
        assert trailer_of(answer.message) == (None, None)
        assert process.invoke('{"a": "again"}').message.body == b"firstagainlast"
        assert process.api.connection_count == 1


BODIES = {
    "nothing": ("stream.end()", b""),
    "all_kinds": ("stream.write({a: 1}); stream.write(new Uint8Array([65, 0])); stream.write('b'); stream.end(Buffer.from('c'))", b'{"a":1}A\0bc'),
    "an_encoding": ("stream.write('6869', 'hex'); stream.end()", b"hi"),
    "corked": ("stream.cork(); stream.write('a'); stream.write('b'); stream.uncork(); stream.end()", b"ab"),
    "a_pipeline": ("await pipeline(Readable.from(['a', 'b', 'c']), stream)", b"abc"),
    "a_pipe": ("Readable.from(['a', 'b']).pipe(stream)", b"ab"),
    "ended_later": ("setTimeout(() => stream.end('late'), 20)", b"late"),
    "much": ("await pipeline(Readable.from(Array(40).fill('x'.repeat(50_000))), stream)", b"x" * 2_000_000),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_what_is_written_arrives(run, name):
    statements, body = BODIES[name]
    with run(f"async (event, stream, context) => {{ {statements}; }}") as process:
        for _ in range(2):
            assert process.invoke().message.body == body


def test_a_content_type(run):
    handler = """async (event, stream) => {
      stream.setContentType('text/html');
      stream.write('a');
      try { stream.setContentType('text/css'); } catch (error) { stream.write(`${error.name}: ${error.message}`); }
      stream.end();
    }"""
    with run(handler) as process:
        message = process.invoke().message
        assert message.headers["content-type"] == "text/html"
        assert message.body == b"aRuntime.InvalidStreamingOperation: Cannot set content-type, too late."


@pytest.mark.parametrize("write", ["stream.write('body'); stream.end()", "stream.end('body')", "stream.end()"])
def test_an_http_response(run, write):
    handler = f"""async (event, stream) => {{
      stream = awslambda.HttpResponseStream.from(stream, {{ statusCode: 201, headers: {{ 'x-a': 'b' }}, cookies: ['c=d'] }});
      {write};
    }}"""
    with run(handler) as process:
        message = process.invoke().message
        assert message.headers["content-type"] == HTTP_RESPONSE
        prelude, zeros, body = message.body.partition(b"\0" * 8)
        assert json.loads(prelude) == {"statusCode": 201, "headers": {"x-a": "b"}, "cookies": ["c=d"]}
        assert (zeros, body) == (b"\0" * 8, b"body" if "body" in write else b"")


ERRORS = {
    "before": ("throw new TypeError('bad')", b"", "TypeError", "bad"),
    "after": ("stream.write('a'); stream.write('b'); throw new TypeError('bad')", b"ab", "TypeError", "bad"),
    "of_a_pipeline": (
        "await pipeline((async function* () { yield 'a'; throw new RangeError('dry'); })(), stream)", b"a", "RangeError", "dry",
    ),
    "an_odd_name": ("const e = new Error('bad'); e.name = 'ü'; throw e", b"", "Function.Unknown", "bad"),
    "destroyed": ("stream.write('a'); stream.destroy()", b"a", "Error", "Response stream is not finished."),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_in_the_trailers(run, name):
    statements, body, error_type, text = ERRORS[name]
    with run(f"async (event, stream) => {{ if (event) {{ {statements}; }} stream.end('fine'); }}") as process:
        answer = process.invoke("1", request_id="one")
        found_type, document = trailer_of(answer.message)
        assert (answer.kind, answer.message.body) == ("response", body)
        assert (found_type, document["errorMessage"]) == (error_type, text)
        assert list(document) == ["errorType", "errorMessage", "trace"]
        assert process.invoke("0").message.body == b"fine"
        process.stop()
        assert "\tone\tERROR\tInvoke Error \t" in process.log()


def test_an_error_after_the_end_is_only_logged(run):
    with run("async (event, stream) => { stream.end('all'); throw new Error('late'); }") as process:
        for _ in range(2):
            message = process.invoke().message
            assert (message.body, trailer_of(message)) == (b"all", (None, None))
        process.stop()
        assert "late" in process.log()


def test_what_a_handler_returns_is_ignored(run):
    with run("async (event, stream) => { stream.end('all'); return 1; }") as process:
        assert process.invoke().message.body == b"all"
        process.invoke()  # it is asked for when the first has wholly ended
        process.stop()
        assert "Streaming handlers ignore return values." in process.log()


def test_a_handler_is_async(run):
    with run("(event, stream) => { stream.end('all'); }") as process:
        assert process.invoke().message.body == b"all"
        process.invoke()  # it is asked for when the first has wholly ended
        process.stop()
        assert "Streaming does not support non-async handlers." in process.log()


def test_a_handler_that_is_marked_by_somebody_else(run):
    before = "const mark = Symbol.for('aws.lambda.runtime.handler.streaming');"
    handler = (
        "Object.assign(async (event, stream, context) => { stream.end(context.awsRequestId); }, { [mark]: 'response' })"
    )
    source = f"{before}\nexports.handler = {handler};"
    with Process(node_argv(NODES[run.major]), {"index.js": source}, "index.handler") as process:
        assert process.invoke(request_id="one").message.body == b"one"


def test_the_event_and_the_context(run):
    handler = """async (event, stream, context) => {
      stream.end(JSON.stringify([event, context.awsRequestId, context.getRemainingTimeInMillis() > 0]));
    }"""
    with run(handler) as process:
        assert json.loads(process.invoke('{"a": 1}', request_id="one").message.body) == [{"a": 1}, "one", True]


def test_the_high_water_mark(run):
    handler = "async (event, stream) => { stream.end(String(stream.writableHighWaterMark)); }"
    with run(handler, "{ highWaterMark: 7.5 }") as process:
        assert process.invoke().message.body == b"7"


def test_the_next_event_waits_for_the_handler(run, tmp_path):
    """The response is over before its handler is."""
    go = tmp_path / "go"
    handler = "async (event, stream) => { stream.end(event); await go(); console.log('over', event); }"
    with run(handler, env_vars={"GO": str(go)}) as process:
        process.api.put('"a"')
        process.api.put('"b"')
        assert process.answer().message.body == b"a"
        assert process.api.pieces.get(timeout=PIECE_TIMEOUT_S) == b"a" and process.api.pieces.empty()
        go.touch()
        assert process.answer().message.body == b"b"


def test_an_error_that_nobody_catches_is_told_in_the_response(run):
    if run.major >= 24:
        pytest.skip("Node 24 and later end without a word")
    handler = "async (event, stream) => { stream.write('a'); setTimeout(() => { throw new RangeError('later'); }, 5); await until(() => 0); }"
    with run(handler) as process:
        message = process.invoke().message
        assert (message.body, trailer_of(message)[0]) == (b"a", "RangeError")
        assert process.exit_status() == 129
