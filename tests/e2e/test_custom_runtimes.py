# SPDX-License-Identifier: Apache-2.0
"""`provided.al2023`: a shell script, AWS's runtime client for Python and AWS's crate for Rust, all unchanged."""

import json
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# The whole Runtime API with nothing but a shell and its /dev/tcp.
SHELL = """#!/bin/bash
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API#*:}
while true; do
    exec 3<>/dev/tcp/$host/$port
    printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3
    length=0
    while IFS= read -r line <&3; line=${line%$'\\r'}; [ -n "$line" ]; do
        case ${line,,} in
            lambda-runtime-aws-request-id:*) id=${line#*: } ;;
            content-length:*) length=${line#*: } ;;
        esac
    done
    event=$(head -c "$length" <&3)
    exec 3>&-
    answer="{\\"got\\":$event}"
    exec 3<>/dev/tcp/$host/$port
    printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
        "$id" "${#answer}" "$answer" >&3
    cat <&3 >/dev/null
    exec 3>&-
done
"""


def test_a_shell_script(platform):
    function = platform.provided(SHELL, Timeout=10)

    assert function.invoke({"a": 1}).value() == {"got": {"a": 1}}
    assert function.invoke([2]).value() == {"got": [2]}


def test_a_bootstrap_in_al2(platform):
    function = platform.deploy({"bootstrap": SHELL}, runtime="provided.al2", modes={"bootstrap": 0o100755}, Timeout=10)

    assert function.invoke(1).value() == {"got": 1}


def test_no_execution_environment_variable(platform):
    """AWS sets AWS_EXECUTION_ENV for managed runtimes only."""
    function = platform.provided(SHELL.replace('{\\"got\\":$event}', "[${AWS_EXECUTION_ENV-1}]"), Timeout=10)

    assert function.invoke().value() == [1]


def test_awss_interface_client_for_python(platform, interface_client):
    function = platform.provided(
        "#!/bin/sh\nexec /usr/bin/python3 -m awslambdaric index.handler\n",
        {
            **interface_client,
            "index.py": "def handler(event, context):\n"
            "    if event == 'fail': raise ValueError('too blue')\n"
            "    return {'got': event, 'id': context.aws_request_id, 'left': context.get_remaining_time_in_millis()}",
        },
        Environment={"Variables": {"PYTHONPATH": "/var/task"}},
        Timeout=20,
        MemorySize=256,
    )

    result = function.invoke({"a": "ä"})

    value = result.value()
    assert 10_000 < value.pop("left") <= 20_000
    assert value == {"got": {"a": "ä"}, "id": result.request_id}
    fault = function.invoke("fail").fault()
    assert (fault["errorType"], fault["errorMessage"]) == ("ValueError", "too blue")


@pytest.mark.build
@pytest.mark.timeout(600)
def test_awss_crate_for_rust(platform, rust_runtime):
    function = platform.provided(rust_runtime, Timeout=10, MemorySize=256)

    result = function.invoke({"a": 1})
    assert result.value() == {"got": {"a": 1}, "id": result.request_id, "memory": 256}
    fault = function.invoke("fail").fault()
    assert "too blue" in fault["errorMessage"]
    assert json.loads(function.invoke(2).payload)["got"] == 2
