# SPDX-License-Identifier: Apache-2.0
"""The Ruby bootstrap on the Rubies of this machine, from 3.1 on."""

import json
import os
import re
import struct

import pytest
from fake_api import ARN, FakeApi
from interpreters import Process, rubies, ruby_argv

RUBIES = rubies()


@pytest.fixture(params=list(RUBIES) or [None])
def ruby(request):
    if request.param is None:
        hint = "there is no Ruby here; hint: apt-get install ruby"
        pytest.fail(hint) if os.environ.get("CI") else pytest.skip(hint)
    return ruby_argv(RUBIES[request.param])


@pytest.fixture
def run(ruby):
    def start(source, handler="function.handler", **options):
        files = source if isinstance(source, dict) else {"function.rb": source}
        return Process(ruby, files, handler, **options)

    return start


ECHO = "def handler(event:, context:) = event"


def test_events_and_responses(run):
    with run("def handler(event:, context:) = { got: event }") as process:
        for event in ('{"a": [1, 2.5, null, true, "ü☃"]}', "[]", ' {"spaces": 1}\n', "3", '"text"', "null"):
            answer = process.invoke(event)
            assert (answer.kind, answer.json) == ("response", {"got": json.loads(event)})


HANDLERS = {
    "function.handler": ("def handler(event:, context:) = 1", "1"),
    "function.Tool.run": ("class Tool\n  def self.run(event:, context:) = 2\nend", "2"),
    "function.Deep::Tool.run": ("module Deep\n  module Tool\n    def self.run(event:, context:) = 3\n  end\nend", "3"),
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_handlers(run, handler):
    source, text = HANDLERS[handler]
    with run(source, handler) as process:
        assert [process.invoke().text for _ in range(2)] == [text, text]


def test_a_file_in_a_folder_and_its_neighbours(run):
    files = {
        "app/main.rb": 'require_relative "part"\nrequire "other"\ndef handler(event:, context:) = [PART, OTHER, __FILE__]',
        "app/part.rb": "PART = 1",
        "other.rb": "OTHER = 2",
        "lib/json.rb": "raise 'never'",
    }
    with run(files, "app/main.handler", env_vars={"RUBYLIB": "."}) as process:
        assert process.invoke().json == [1, 2, f"{process.task}/app/main.rb"]


def test_a_package_that_is_called_as_a_library(run):
    """One that the runtime has loaded itself."""
    with run({"logger.rb": ECHO}, "logger.handler") as process:
        assert process.invoke("7").json == 7


VALUES = {
    "nil": "null",
    ":symbol": '"symbol"',
    "{ a: 1, 'b' => nil }": '{"a":1,"b":null}',
    "Float::NAN": "NaN",
    '"ü\\u2028"': '"ü\\u2028"',
    "Time.at(0).utc": '"1970-01-01 00:00:00 UTC"',
}


def test_values(run):
    source = "def handler(event:, context:) = eval(event)"
    with run(source) as process:
        for value, text in VALUES.items():
            assert process.invoke(json.dumps(value)).text.replace("\u2028", "\\u2028") == text
        answer = process.invoke(json.dumps('StringIO.new("\\x00raw")'))
        assert (answer.message.body, answer.message.headers["content-type"]) == (b"\x00raw", "application/unknown")


CONTEXT = """
def handler(event:, context:)
  names = %i[aws_request_id invoked_function_arn log_group_name log_stream_name function_name memory_limit_in_mb
             function_version identity client_context deadline_ms tenant_id]
  names.to_h { |name| [name, context.public_send(name)] }.merge(
    left: context.get_remaining_time_in_millis, trace: ENV["_X_AMZN_TRACE_ID"]
  )
end
"""


def test_the_context(run):
    with run(CONTEXT) as process:
        headers = {
            "Lambda_Runtime_Client_Context": json.dumps({"custom": {"ü": 1}}, ensure_ascii=False)
            .encode()
            .decode("latin-1"),
            "Lambda_Runtime_Cognito_Identity": '{"cognitoIdentityId": "i"}',
            "Lambda_Runtime_Aws_Tenant_Id": "blue",
            "Lambda_Runtime_Trace_Id": "Root=1-2-3",
        }
        value = process.invoke("{}", request_id="one", **headers).json
        assert value.pop("left") > 1_000_000
        assert value == {
            "aws_request_id": "one",
            "invoked_function_arn": ARN,
            "log_group_name": "/aws/lambda/under-test",
            "log_stream_name": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
            "function_name": "under-test",
            "memory_limit_in_mb": "256",
            "function_version": "$LATEST",
            "identity": {"cognitoIdentityId": "i"},
            "client_context": {"custom": {"ü": 1}},
            "deadline_ms": 4102444800000,
            "tenant_id": "blue",
            "trace": "Root=1-2-3",
        }
        value = process.invoke("{}", Lambda_Runtime_Trace_Id=None).json
        assert (value["identity"], value["client_context"], value["trace"]) == (None, None, None)


def test_an_error(run):
    with run("def handler(event:, context:)\n  raise 'bad ü'\nend") as process:
        for _ in range(2):
            answer = process.invoke()
            assert (answer.kind, answer.error_type) == ("error", "Function<RuntimeError>")
            assert list(answer.json) == ["errorMessage", "errorType", "stackTrace"]
            assert answer.json["errorMessage"] == "bad ü"
            assert re.fullmatch(rf"{process.task}/function\.rb:2:in .*handler'", answer.json["stackTrace"][0])
            assert len(answer.json["stackTrace"]) == 1
        process.stop()
        first = process.log().splitlines()[0] if "\r" not in process.log() else process.log().split("\n")[0]
        title, document = first.split("\r", 1)
        assert title == "Error raised from handler method"
        assert json.loads(document.replace("\r", "\n"))["errorType"] == "Function<RuntimeError>"


ENDS = {
    "nope": "Function<NoMethodError>",
    "exit 3": "Function<SystemExit>",
    "raise NotImplementedError": "Function<NotImplementedError>",
}


@pytest.mark.parametrize("code", ENDS)
def test_what_ends_the_process(run, code):
    code_of = {"nope": "nil.nope"}.get(code, code)
    with run(f"def handler(event:, context:)\n  {code_of}\nend") as process:
        answer = process.invoke()
        assert (answer.kind, answer.error_type) == ("error", ENDS[code])
        assert process.exit_status() == 255
        assert "Critical exception from handler" in process.log()


def test_an_exit(run):
    with run("def handler(event:, context:) = exit!(3)") as process:
        process.api.put("{}")
        assert process.answer() is None and process.exit_status() == 3


def test_a_broken_event(run):
    with run(ECHO) as process:
        assert process.invoke("{nope").error_type == "Runtime<JSON::ParserError>"
        assert process.invoke("1").json == 1


LOADS = {
    "no_dot": ({"function.rb": ECHO}, "function", "Init<ArgumentError>"),
    "missing": ({"function.rb": ECHO}, "nowhere.handler", "Init<LoadError>"),
    "missing_gem": ({"function.rb": "require 'no_such_gem'"}, "function.handler", "Init<LoadError>"),
    "syntax": ({"function.rb": "def handler("}, "function.handler", "Init<SyntaxError>"),
    "raises": ({"function.rb": "raise TypeError, 'not today'"}, "function.handler", "Init<TypeError>"),
}


@pytest.mark.parametrize("name", LOADS)
def test_what_can_not_be_loaded(run, name):
    files, handler, kind = LOADS[name]
    with run(files, handler) as process:
        answer = process.answer()
        assert (answer.kind, answer.error_type, answer.json["errorType"]) == ("init/error", kind, kind)
        assert process.exit_status() == 1
        assert process.log().startswith(f"Init error when loading handler {handler}\r")


LOGS = """
require "logger"
LOGGER = Logger.new($stdout)
def handler(event:, context:)
  puts "printed ü"
  print "in ", "parts\n"
  warn "complained"
  LOGGER.info("two\\nlines")
  Logger.new(nil).error("bad")
  Logger.new($stderr, formatter: ->(level, _, _, message) { "#{level} #{message}" }).warn("own")
  Logger.new("/tmp/ruby-log-#{Process.pid}").info("in a file")
  File.read("/tmp/ruby-log-#{Process.pid}").lines.last
end
"""


def test_logs(run):
    with run(LOGS) as process:
        text = process.invoke(request_id="one").json
        assert re.fullmatch(r"I, \[[^]]+\]  INFO -- : in a file\n", text), "a log of the function's own is Ruby's"
        process.stop()
        lines = process.log().split("\n")
        stamp = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\]"
        assert lines[:2] == ["printed ü", "in parts"]
        assert re.fullmatch(rf"I, {stamp}  INFO one -- : two\rlines", lines[2])
        assert re.fullmatch(rf"E, {stamp} ERROR one -- : bad", lines[3])
        assert lines[4:] == ["WARN own", ""]
        assert process.complaints() == "complained\n"


def test_the_log_pipe_has_frames(run):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        source = "LOGGER = Logger.new($stdout)\ndef handler(event:, context:) = LOGGER.warn(\"a\\nb\") && ENV.key?('_LAMBDA_TELEMETRY_LOG_FD')"
        env_vars = {"_LAMBDA_TELEMETRY_LOG_FD": str(write)}
        with run(source, env_vars=env_vars, pass_fds=[write]) as process:
            assert process.invoke().json is False
            process.stop()
    finally:
        os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    kind, size, _ = struct.unpack(">IIQ", data[:16])
    assert hex(kind) == "0xa55a0013" and size == len(data) - 16
    assert data.endswith(b"-- : a\nb\n")


def test_gems_of_the_package(run):
    """As Bundler leaves them in vendor/bundle."""
    spec = 'Gem::Specification.new { |s| s.name = "own"; s.version = "1.0"; s.summary = s.author = "x"; s.files = ["lib/own.rb"] }'
    base = "vendor/bundle/ruby/3.3.0"
    files = {
        "function.rb": "require 'own'\nrequire 'rexml' if ENV['NEVER']\ndef handler(event:, context:) = OWN",
        f"{base}/specifications/own-1.0.gemspec": spec,
        f"{base}/gems/own-1.0/lib/own.rb": "OWN = 5",
    }
    process = run(files)
    process.env_vars["GEM_PATH"] = f"{process.task}/{base}:/opt/ruby/gems/3.3.0"
    with process:
        assert process.invoke().json == 5


def test_transport(run):
    for setting in ("is_chunked", "closes_each"):
        api = FakeApi()
        setattr(api, setting, True)
        with run(ECHO, api=api) as process:
            for event in ("a", "ü" * 100_000, "c"):
                assert process.invoke(json.dumps(event, ensure_ascii=False)).json == event


def test_a_message_is_one_write_on_one_connection(run):
    with run("def handler(event:, context:) = 'x' * event") as process:
        for size in (0, 1, 500, 20_000):
            answer = process.invoke(str(size))
            assert len(answer.json) == size and answer.message.writes <= 1
        assert process.api.connection_count == 1


def test_a_refused_response_is_told_and_the_next_event_comes(run):
    with run(ECHO) as process:
        process.api.answer_status = 413
        assert [process.invoke("1").json, process.invoke("2").json] == [1, 2]
        process.stop()
        assert "Http response code: 413" in process.complaints()


def test_a_runtime_api_that_fails_ends_the_process(run):
    with run(ECHO) as process:
        process.api.answer_status = 500
        process.invoke("1")
        assert process.exit_status() == 1
