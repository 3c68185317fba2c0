# SPDX-License-Identifier: Apache-2.0
"""Ruby functions: handlers, errors, logs and gems. Where the machine has no Ruby of AWS's, the one that it has stands in,
because this test says so."""

import re
import shutil
import subprocess

import harness
import pytest

AWSS = ("3.2", "3.3", "3.4", "4.0")


@pytest.fixture(scope="module")
def version():
    """Of the `ruby` in PATH."""
    if not shutil.which("ruby"):
        harness.missing("there is no Ruby here; hint: apt-get install ruby")
    text = subprocess.run(["ruby", "--version"], capture_output=True, text=True, check=True).stdout
    return re.match(r"ruby (\d+\.\d+)\.(\d+)", text)


@pytest.fixture(scope="module")
def runtime(version):
    return f"ruby{version[1]}" if version[1] in AWSS else "ruby3.3"


@pytest.fixture(scope="module")
def rubies(binary, version, runtime):
    stand_in = ["--set", f'runtimes.stand_in={{"{runtime}"="/usr"}}'] if version[1] not in AWSS else []
    platform = harness.Platform(*stand_in).start()
    yield platform
    platform.stop()
    platform.discard()


@pytest.fixture(scope="module")
def ruby(rubies, runtime):
    def deploy(source, handler="function.handler", **settings):
        files = source if isinstance(source, dict) else {"function.rb": source}
        return rubies.deploy(files, runtime=runtime, handler=handler, **{"Timeout": 10, **settings})

    return deploy


CONTEXT = """
def handler(event:, context:)
  { event: event, id: context.aws_request_id, arn: context.invoked_function_arn, name: context.function_name,
    version: context.function_version, memory: context.memory_limit_in_mb, group: context.log_group_name,
    left: context.get_remaining_time_in_millis, trace: ENV["_X_AMZN_TRACE_ID"], cwd: Dir.pwd,
    environment: ENV["AWS_EXECUTION_ENV"], colour: ENV["COLOUR"], encoding: Encoding.default_external.name }
end
"""


def test_a_handler_and_its_context(ruby, runtime, version):
    function = ruby(CONTEXT, MemorySize=256, Environment={"Variables": {"COLOUR": "blau ü"}})

    result = function.invoke({"a": "ü"})

    value = result.value()
    assert 0 < value.pop("left") <= 10_000
    assert value.pop("trace").startswith("Root=1-")
    assert value == {
        "event": {"a": "ü"},
        "id": result.request_id,
        "arn": function.arn,
        "name": function.name,
        "version": "$LATEST",
        "memory": "256",
        "group": f"/aws/lambda/{function.name}",
        "cwd": "/var/task",
        "environment": f"AWS_Lambda_{runtime}",
        "colour": "blau ü",
        "encoding": "UTF-8",
    }
    function.log_with(f"INIT_START Runtime Version: ruby:{version[1]}.{version[2]}")


def test_a_class(ruby):
    source = "module App\n  class Main\n    def self.call(event:, context:) = event.sum\n  end\nend"

    assert ruby({"app.rb": source}, "app.App::Main.call").invoke([1, 2]).value() == 3


def test_an_environment_is_used_again(ruby):
    function = ruby("$count = 0\ndef handler(event:, context:) = $count += 1")

    assert [function.invoke().value() for _ in range(3)] == [1, 2, 3]


def test_an_error(ruby):
    result = ruby("def handler(event:, context:)\n  raise ArgumentError, 'too blue'\nend").invoke()

    fault = result.fault()
    assert (fault["errorType"], fault["errorMessage"]) == ("Function<ArgumentError>", "too blue")
    assert re.fullmatch(r"/var/task/function\.rb:2:in .*handler'", fault["stackTrace"][0])
    assert "Error raised from handler method" in result.log


def test_errors_at_the_start(ruby):
    fault = ruby("raise 'not today'").invoke().fault()
    assert (fault["errorType"], fault["errorMessage"]) == ("Init<RuntimeError>", "not today")
    assert ruby("x = 1", "nowhere.handler").invoke().fault()["errorType"] == "Init<LoadError>"


def test_an_exit_and_a_timeout(ruby):
    result = ruby("def handler(event:, context:) = exit!(3)").invoke()
    why = f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 3"
    assert result.fault()["errorMessage"] == why

    assert ruby("def handler(event:, context:) = sleep", Timeout=1).invoke().fault()["errorType"] == "Sandbox.Timedout"


def test_what_was_printed(ruby):
    result = ruby(
        "require 'logger'\ndef handler(event:, context:)\n  puts 'printed ü'\n  Logger.new($stdout).warn('warned')\nend"
    ).invoke()

    assert "printed ü\n" in result.log
    assert re.search(rf"W, \[[^\]]+\]  WARN {result.request_id} -- : warned", result.log)


def gem(name, base, value):
    specification = f'Gem::Specification.new {{ |s| s.name = "{name}"; s.version = "1.0"; s.summary = s.author = "x" }}'
    return {
        f"{base}/specifications/{name}-1.0.gemspec": specification,
        f"{base}/gems/{name}-1.0/lib/{name}.rb": f"{name.upper()} = {value}",
    }


def test_gems_of_the_package_and_of_layers(rubies, ruby, runtime):
    api = runtime.removeprefix("ruby") + ".0"
    layer = rubies.client().publish_layer_version(
        LayerName=harness.unique("layer"),
        Content={"ZipFile": harness.zip_bytes({**gem("far", f"ruby/gems/{api}", 2), "ruby/lib/plain.rb": "PLAIN = 3"})},
    )
    source = "require 'near'\nrequire 'far'\nrequire 'plain'\ndef handler(event:, context:) = [NEAR, FAR, PLAIN]"
    files = {"function.rb": source, **gem("near", f"vendor/bundle/ruby/{api}", 1)}

    assert ruby(files, Layers=[layer["LayerVersionArn"]]).invoke().value() == [1, 2, 3]


STEM = """
require "json"
require "near"
def handler(event:, context:)
  { was_stem: File.read("/proc/self/environ").include?("TINDERBOX_STEM=1"), knows_it: ENV.key?("TINDERBOX_STEM"),
    colour: ENV["COLOUR"], cwd: Dir.pwd, zone: Time.at(0).zone, left: Object.const_defined?(:TinderboxRehearsal),
    near: NEAR, name: context.function_name }
end
"""


def test_a_function_grows_from_a_stem(ruby, runtime):
    api = runtime.removeprefix("ruby") + ".0"
    files = {"function.rb": STEM, **gem("near", f"vendor/bundle/ruby/{api}", 1)}
    variables = {"COLOUR": "blue", "TZ": "EST5"}

    function, value = harness.grown(lambda: ruby(files, Environment={"Variables": variables}), ruby(files), True)

    assert value == {
        "was_stem": True,
        "knows_it": False,
        "colour": "blue",
        "cwd": "/var/task",
        "zone": "EST",
        "left": False,
        "near": 1,
        "name": function.name,
    }


def test_no_version_is_taken_for_another_unless_somebody_says_so(platform, version):
    absent = next(name for name in reversed(AWSS) if name != version[1])
    function = platform.deploy({"function.rb": "x = 1"}, runtime=f"ruby{absent}", handler="function.handler")

    with pytest.raises(platform.client().exceptions.ClientError, match=f"rbenv install {absent}"):
        function.invoke()


def test_a_stand_in_is_listed_as_one(version):
    if version[1] in AWSS:
        pytest.skip("this Ruby needs to stand in for none")
    text = harness.tinderbox("runtimes", "--set", 'runtimes.stand_in={"ruby3.3"="/usr"}').stdout
    assert re.search(rf"ruby3\.3 +ruby:{version[1]}\.{version[2]} stands in +/usr", text)
