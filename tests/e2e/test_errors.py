# SPDX-License-Identifier: Apache-2.0
"""What a caller is told when a function fails. Texts as recorded from AWS."""

import re

import pytest
from harness import PYTHON


def fails(function, event=None):
    result = function.invoke(event)
    assert result.status == 200
    return result, result.fault()


def test_an_exception(platform):
    function = platform.python("def handler(event, context):\n    raise ValueError('too blue')\n")

    result, fault = fails(function)

    assert fault["errorType"] == "ValueError"
    assert fault["errorMessage"] == "too blue"
    assert fault["requestId"] == result.request_id
    assert 'File "/var/task/index.py", line 2, in handler' in "".join(fault["stackTrace"])
    assert "[ERROR] ValueError: too blue" in result.log


def test_a_function_that_failed_works_again(platform):
    function = platform.python(
        "def handler(event, context):\n    if event == 'fail': raise Exception('no')\n    return 'ok'"
    )

    fails(function, "fail")

    assert function.invoke("go").value() == "ok"


def test_an_exception_at_import(platform):
    _, fault = fails(platform.python("raise RuntimeError('not today')\ndef handler(event, context): pass"))

    assert fault["errorType"] == "RuntimeError"
    assert fault["errorMessage"] == "not today"
    assert fault["requestId"] == ""


def test_a_module_that_is_not_there(platform):
    _, fault = fails(platform.deploy({"index.py": "x = 1"}, handler="other.handler"))

    assert fault["errorType"] == "Runtime.ImportModuleError"
    assert fault["errorMessage"] == "Unable to import module 'other': No module named 'other'"


def test_a_handler_that_is_not_there(platform):
    _, fault = fails(platform.deploy({"index.py": "x = 1"}, handler="index.missing"))

    assert fault["errorType"] == "Runtime.HandlerNotFound"
    assert fault["errorMessage"] == "Handler 'missing' missing on module 'index'"


def test_a_handler_without_a_dot(platform):
    _, fault = fails(platform.deploy({"index.py": "x = 1"}, handler="index"))

    assert fault["errorType"] == "Runtime.MalformedHandlerName"


def test_a_syntax_error(platform):
    _, fault = fails(platform.python("def handler(event, context)\n    return 1\n"))

    assert fault["errorType"] == "Runtime.UserCodeSyntaxError"
    assert fault["errorMessage"].startswith("Syntax error in module 'index':")


def test_an_answer_that_is_not_json(platform):
    _, fault = fails(platform.python("def handler(event, context): return {1, 2}"))

    assert fault["errorType"] == "Runtime.MarshalError"
    assert "Unable to marshal response: Object of type set is not JSON serializable" in fault["errorMessage"]


@pytest.mark.parametrize(
    ("statement", "ending"),
    [
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
        ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_runtime_that_ends(platform, statement, ending):
    function = platform.python(
        f"import ctypes, os\ndef handler(event, context):\n    if event == 'end': {statement}\n    return 'ok'"
    )

    result, fault = fails(function, "end")

    assert fault["errorType"] == "Runtime.ExitError"
    # Go, which AWS's daemon is written in, appends this to signals that may dump core.
    message = fault["errorMessage"].removesuffix(" (core dumped)")
    assert message == f"RequestId: {result.request_id} Error: {ending}"
    assert function.invoke("go").value() == "ok"


def test_sys_exit_is_an_exit(platform):
    function = platform.python("import sys\ndef handler(event, context): sys.exit(4)")

    _, fault = fails(function)

    assert fault["errorType"] in ("Runtime.ExitError", "SystemExit")


def test_a_timeout(platform):
    function = platform.python(
        "import time\ndef handler(event, context):\n    if event: time.sleep(60)\n    return 'ok'", Timeout=1
    )

    result, fault = fails(function, True)

    assert fault == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert re.search(rf"{result.request_id} Task timed out after 1\.00 seconds", result.log)
    assert re.search(r"Duration: 1\d{3}\.\d\d ms\tBilled Duration: 1\d{3} ms", result.log)
    assert "Status: timeout" in result.log
    assert function.invoke(False).value() == "ok"


def test_a_timeout_loses_memory(platform):
    """The environment is reset: what was in memory is gone."""
    function = platform.python(
        """
import time
count = 0
def handler(event, context):
    global count
    count += 1
    if event == "hang": time.sleep(60)
    return count
""",
        Timeout=1,
    )
    assert function.invoke().value() == 1
    fails(function, "hang")

    assert function.invoke().value() == 1


def test_out_of_memory(platform):
    function = platform.python(
        "def handler(event, context):\n    return len(bytearray(event * 1024 * 1024))", MemorySize=128, Timeout=20
    )
    assert function.invoke(8).value() == 8 * 1024 * 1024

    result, fault = fails(function, 400)

    assert fault["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError")
    assert result.request_id in fault["errorMessage"]
    assert "signal: killed" in fault["errorMessage"]
    assert "Max Memory Used: 128 MB" in result.log
    assert function.invoke(8).value() == 8 * 1024 * 1024


def test_a_neighbour_does_not_notice(platform):
    greedy = platform.python("def handler(event, context): return len(bytearray(10**9))", MemorySize=128, Timeout=20)
    quiet = platform.python("import os\ndef handler(event, context): return os.getpid() and 'ok'")
    quiet.invoke().value()

    fails(greedy)

    assert "Init Duration" not in quiet.invoke().log


def test_too_large_an_answer(platform):
    function = platform.python("def handler(event, context): return 'x' * event", MemorySize=256)

    _, fault = fails(function, 6 * 1024 * 1024 + 200)

    assert fault["errorType"] == "Function.ResponseSizeTooLarge"
    assert fault["errorMessage"].startswith(
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )
    assert function.invoke(2).value() == "xx"


def test_an_init_that_takes_too_long(platform):
    """Ten seconds of init are given; then init runs again inside the invocation, under the function's timeout."""
    function = platform.python("import time\ntime.sleep(60)\ndef handler(event, context): return 1", Timeout=1)

    result, fault = fails(function)

    assert fault["errorType"] == "Sandbox.Timedout"
    assert fault["errorMessage"].endswith("Task timed out after 1.00 seconds")
    report = r"INIT_REPORT Init Duration: {} ms\tPhase: {}\tStatus: timeout"
    assert re.search(report.format(r"1\d{3}\.\d\d", "invoke"), result.log)
    log = function.log_with("END RequestId")
    assert re.search(report.format(r"(9999|10\d{3})\.\d\d", "init"), log), log


def test_an_exit_during_init(platform):
    function = platform.python("import os\nos._exit(5)")

    result, fault = fails(function)

    assert fault["errorType"] == "Runtime.ExitError"
    assert fault["errorMessage"] == f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 5"


def test_a_custom_runtime_without_a_bootstrap(platform):
    function = platform.deploy({"readme": "no bootstrap here"}, runtime="provided.al2023")

    _, fault = fails(function)

    assert fault["errorType"] == "Runtime.InvalidEntrypoint"


def test_a_bootstrap_that_can_not_be_run(platform):
    function = platform.deploy({"bootstrap": "#!/bin/sh\n"}, runtime="provided.al2023")

    _, fault = fails(function)

    assert fault["errorType"] in ("Runtime.InvalidEntrypoint", "Runtime.ExitError")


def test_the_error_header_is_there(platform):
    function = platform.python("def handler(event, context): raise Exception('x')")

    reply = platform.call("POST", f"/2015-03-31/functions/{function.name}/invocations", b"{}")

    assert reply.status == 200
    assert reply.headers["X-Amz-Function-Error"] == "Unhandled"
    assert reply.headers["X-Amz-Executed-Version"] == "$LATEST"


def test_a_runtime_that_is_not_installed_says_how_to_get_it(platform):
    """A runtime AWS knows and this machine lacks."""
    listed = platform.tinderbox("runtimes").stdout
    absent = [name for name in ("python3.9", "python3.14", "nodejs18.x", "nodejs24.x") if not is_found(listed, name)]
    if not absent:
        pytest.skip("every runtime is installed here")
    function = platform.deploy({"index.py": "", "index.mjs": ""}, runtime=absent[0])

    with pytest.raises(platform.client().exceptions.ClientError) as refused:
        function.invoke()

    assert absent[0].startswith(("python", "nodejs"))
    assert "install" in refused.value.response["Error"]["Message"]
    assert absent[0] != PYTHON


def is_found(listing, runtime):
    return any(line.split()[:1] == [runtime] and "/" in line for line in listing.splitlines())
