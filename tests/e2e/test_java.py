# SPDX-License-Identifier: Apache-2.0
"""Java functions: handlers, errors and logs, on every JDK that the machine has."""

import json
import re
import sys

import harness
import pytest

sys.path.append(str(harness.ROOT / "runtimes/tests"))
import java_build  # noqa: E402

JDKS = java_build.jdks()
RUNTIMES = [f"java{major}" for major in JDKS if major in (11, 17, 21, 25)]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not RUNTIMES:
        harness.missing("there is no JDK here; hint: apt-get install openjdk-17-jdk-headless")
    return java_build.examples(JDKS[max(JDKS)], tmp_path_factory.mktemp("java"))


@pytest.fixture(scope="module")
def java(platform, package):
    def deploy(handler, files=None, *, runtime=None, **settings):
        settings = {"MemorySize": 256, "Timeout": 20, **settings}
        files = package if files is None else files
        return platform.deploy(files, runtime=runtime or RUNTIMES[0], handler=handler, **settings)

    return deploy


@pytest.mark.parametrize("runtime", RUNTIMES or [None])
def test_a_handler_and_its_context(java, runtime):
    function = java("example.Told", runtime=runtime)

    result = function.invoke({})

    value = result.value()
    assert 0 < value.pop("left") <= 20_000
    assert value.pop("stream").startswith("20") and value.pop("trace").startswith("Root=1-")
    assert value == {
        "id": result.request_id,
        "arn": function.arn,
        "name": function.name,
        "version": "$LATEST",
        "memory": 256,
        "group": f"/aws/lambda/{function.name}",
        "tenant": None,
        "identity": None,
    }
    assert re.search(
        rf"INIT_START Runtime Version: java:{runtime.removeprefix('java')}\.", function.log_with("INIT_START")
    )
    assert function.invoke({}).value()["id"] != result.request_id


@pytest.mark.parametrize("runtime", RUNTIMES or [None])
def test_what_the_process_sees(java, runtime):
    variables = {"COLOUR": "blau ü", "TZ": "Europe/Berlin"}
    function = java("example.Told$Process::handle", runtime=runtime, Environment={"Variables": variables})

    asked = ["$COLOUR", "$_HANDLER", "$AWS_EXECUTION_ENV", "user.dir", "java.home", "user.language", "user.country"]
    value = function.invoke(asked).value()

    assert 200 <= value.pop("heap") <= 217, "85 hundredths of 256 MB"
    assert value == {
        "$COLOUR": "blau ü",
        "$_HANDLER": "example.Told$Process::handle",
        "$AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "user.dir": "/var/task",
        "java.home": "/var/lang",
        "user.language": "en",
        "user.country": "US",
        "made": True,
        "stands": True,
        "charset": "UTF-8",
    }


@pytest.mark.parametrize("runtime", RUNTIMES or [None])
def test_a_function_grows_from_a_stem(java, runtime):
    """Also one that reads files from where it stands, though a JVM can not change its directory."""
    variables = {"Environment": {"Variables": {"COLOUR": "blue", "TZ": "Europe/Berlin"}}}
    asked = ["stem", "$TINDERBOX_STEM", "$COLOUR", "user.timezone", "user.dir"]

    class Asks:
        def __init__(self, **settings):
            self.function = java("example.Told$Process::handle", runtime=runtime, **settings)

        def invoke(self):
            return self.function.invoke(asked)

    _, value = harness.grown(lambda: Asks(**variables), Asks(), True)

    assert value.pop("heap") <= 217
    assert value == {
        "was_stem": True,
        "stem": None,
        "$TINDERBOX_STEM": None,
        "$COLOUR": "blue",
        "user.timezone": "Europe/Berlin",
        "user.dir": "/var/task",
        "made": True,
        "stands": True,
        "charset": "UTF-8",
    }


def test_beans_and_streams(java):
    order = java("example.Order$Handler::handle").invoke({"id": "ü", "items": [{"what": "book"}]}).value()

    assert (order["id"], order["items"]) == ("ü", [{"what": "book", "count": 1}])
    assert java("example.Shapes$Copy").invoke(raw=b'{ "a":1}').payload == b'{ "a":1}'


def test_an_error(java):
    result = java("example.Told$Fails::handle").invoke("checked")

    fault = result.fault()
    assert (fault["errorType"], fault["errorMessage"]) == ("example.Told$Fails$Bad", "bad ü")
    assert fault["stackTrace"][0].startswith("example.Told$Fails.handle(Told.java:")
    assert fault["cause"]["errorMessage"] == "deeper"
    assert "bad ü: example.Told$Fails$Bad" in result.log


def test_a_class_that_is_not_there(java):
    fault = java("example.Nowhere::handle").invoke().fault()

    assert fault["errorType"] == "java.lang.ClassNotFoundException"
    assert fault["errorMessage"] == "Class not found: example.Nowhere"


def test_an_exit(java):
    result = java("example.Told$Fails::handle").invoke("exit")

    why = f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 3"
    assert result.fault()["errorMessage"] == why


def test_a_timeout(java):
    fault = java("example.Told$Fails::handle", Timeout=2).invoke("sleep").fault()

    assert fault["errorType"] == "Sandbox.Timedout"


def test_out_of_memory(java):
    function = java("example.Told$Fails::handle", Environment={"Variables": {"JAVA_TOOL_OPTIONS": "-Xmx64m"}})

    fault = function.invoke("memory").fault()

    assert (fault["errorType"], fault["errorMessage"]) == ("java.lang.OutOfMemoryError", "Java heap space")
    assert function.invoke("again").value() == "again"


def test_what_was_printed(java):
    result = java("example.Told$Logs::handle").invoke("")

    for line in ("printed ü", "in parts", "complained", "two\nlines", "[WARN] warned"):
        assert line in result.log.replace("\r", "\n")


def test_java_tool_options(java):
    settings = {"Environment": {"Variables": {"JAVA_TOOL_OPTIONS": "-Dcolour=blue -Xmx77m"}}}
    function = java("example.Told$Process::handle", **settings)

    value = function.invoke(["colour"]).value()

    assert value["colour"] == "blue"
    assert 70 <= value["heap"] <= 77
    function.log_with("Picked up JAVA_TOOL_OPTIONS: -Dcolour=blue -Xmx77m")


def test_a_wrapper(platform, package):
    wrapper = '#!/bin/sh\nprogram=$1; shift\nexec "$program" -Dcolour=blue "$@"\n'
    function = platform.deploy(
        {**package, "wrapper": wrapper},
        modes={"wrapper": 0o100755},
        runtime=RUNTIMES[0],
        handler="example.Told$Process::handle",
        MemorySize=256,
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}},
    )

    assert function.invoke(["colour"]).value()["colour"] == "blue"


def test_a_layer_has_jars(platform, java, package):
    layer = platform.client().publish_layer_version(
        LayerName=harness.unique("layer"),
        Content={"ZipFile": harness.zip_bytes({"java/lib/core.jar": package["lib/core.jar"]})},
    )
    files = {path: content for path, content in package.items() if path != "lib/core.jar"}

    function = java("example.Shapes$Upper", files, Layers=[layer["LayerVersionArn"]])

    assert function.invoke("a").value() == "A"


def test_a_java_that_is_not_here(platform, package):
    absent = next((major for major in (21, 11, 25, 17) if major not in JDKS), None)
    if absent is None:
        pytest.skip("every Java is here")
    name = harness.unique()
    code = {"ZipFile": harness.zip_bytes(package)}
    client = platform.client()
    settings = {"Runtime": f"java{absent}", "Handler": "example.Told", "Role": harness.ROLE, "Code": code}
    client.create_function(FunctionName=name, **settings)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=harness.POLL)

    with pytest.raises(client.exceptions.ClientError, match=f"openjdk-{absent}-jdk-headless"):
        client.invoke(FunctionName=name)


def test_logs_in_json(java):
    """An event of several lines is one record, and levels are told apart."""
    function = java(
        "example.Told$Logs::handle", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"}, Timeout=20
    )

    result = function.invoke("")

    records = [json.loads(line) for line in result.log.splitlines() if line.startswith('{"timestamp"')]
    own = [(record["level"], record["message"]) for record in records if "AWSRequestId" in record]
    assert own == [("INFO", "two\nlines\n"), ("WARN", "warned")]
