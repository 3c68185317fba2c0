# SPDX-License-Identifier: Apache-2.0
"""Node.js functions: CommonJS and ES modules, async and callback, errors and logs."""

import re

import pytest


@pytest.fixture(scope="module")
def node(platform, node_runtime):
    def deploy(source, file="index.mjs", **settings):
        settings.setdefault("Timeout", 10)
        return platform.deploy({file: source}, runtime=node_runtime, **settings)

    return deploy


def test_an_es_module(node):
    function = node("export const handler = async (event) => ({ ...event, seen: true })")

    assert function.invoke({"a": "ä"}).value() == {"a": "ä", "seen": True}


def test_a_commonjs_module(node):
    function = node("exports.handler = async (event) => event.length", "index.js")

    assert function.invoke([1, 2, 3]).value() == 3


def test_a_callback(node):
    function = node(
        "exports.handler = (event, context, callback) => setTimeout(() => callback(null, event), 5)", "index.js"
    )

    assert function.invoke("later").value() == "later"


def test_nothing_returned_is_null(node):
    assert node("export const handler = async () => {}").invoke().payload == b"null"


def test_the_context(node):
    function = node(
        "export const handler = async (event, context) => ({ id: context.awsRequestId, arn: context.invokedFunctionArn,"
        " left: context.getRemainingTimeInMillis(), memory: context.memoryLimitInMB, name: context.functionName,"
        " version: context.functionVersion, group: context.logGroupName })",
        MemorySize=256,
    )

    result = function.invoke()

    value = result.value()
    assert 5_000 < value.pop("left") <= 10_000
    assert value == {
        "id": result.request_id,
        "arn": function.arn,
        "memory": "256",
        "name": function.name,
        "version": "$LATEST",
        "group": f"/aws/lambda/{function.name}",
    }


def test_an_environment_is_used_again(node):
    function = node("let count = 0; export const handler = async () => ++count")

    assert [function.invoke().value() for _ in range(3)] == [1, 2, 3]


def test_an_error(node):
    result = node("export const handler = async () => { throw new TypeError('too blue') }").invoke()

    fault = result.fault()
    assert (fault["errorType"], fault["errorMessage"]) == ("TypeError", "too blue")
    assert fault["trace"][0] == "TypeError: too blue"
    assert re.search(rf"{result.request_id}\tERROR\tInvoke Error", result.log)


def test_a_syntax_error(node):
    fault = node("export const handler = async ( => 1").invoke().fault()

    assert fault["errorType"] == "Runtime.UserCodeSyntaxError"


def test_a_handler_that_is_not_there(node):
    fault = node("export const other = 1").invoke().fault()

    assert fault["errorType"] == "Runtime.HandlerNotFound"
    assert fault["errorMessage"] == "index.handler is undefined or not exported"


def test_a_module_that_is_not_there(platform, node_runtime):
    function = platform.deploy({"other.mjs": ""}, runtime=node_runtime)

    assert function.invoke().fault()["errorType"] == "Runtime.ImportModuleError"


def test_console_lines_carry_time_and_request(node):
    result = node(
        "export const handler = async () => { console.log('hello', { a: 1 }); console.error('bad') }"
    ).invoke()

    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.search(rf"{stamp}\t{result.request_id}\tINFO\thello {{ a: 1 }}", result.log)
    assert re.search(rf"{stamp}\t{result.request_id}\tERROR\tbad", result.log)


def test_an_exit(node):
    result = node("export const handler = async () => process.exit(3)").invoke()

    assert (
        result.fault()["errorMessage"]
        == f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 3"
    )


def test_a_rejection_that_nobody_handles(node):
    fault = (
        node("export const handler = () => new Promise(() => { Promise.reject(new Error('lost')) })").invoke().fault()
    )

    assert fault["errorType"] in ("Runtime.UnhandledPromiseRejection", "Runtime.ExitError")


def test_a_timeout(node):
    fault = (
        node("export const handler = () => new Promise((done) => setTimeout(done, 60000))", Timeout=1).invoke().fault()
    )

    assert fault["errorType"] == "Sandbox.Timedout"


def test_node_options_reach_the_interpreter(node):
    function = node(
        "export const handler = async () => [process.noDeprecation, process.env.NODE_OPTIONS]",
        Environment={"Variables": {"NODE_OPTIONS": "--no-deprecation"}},
    )

    assert function.invoke().value() == [True, "--no-deprecation"]
