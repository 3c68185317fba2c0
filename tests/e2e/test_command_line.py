# SPDX-License-Identifier: Apache-2.0
"""The command line: data on standard output, everything else on standard error, mistakes told all at once."""

import http.client
import json
import re
import subprocess
from pathlib import Path

import harness
import pytest
from harness import PYTHON, tinderbox, wait_until


def test_the_version():
    assert re.fullmatch(r"tinderbox \d+\.\d+\.\d+\n", tinderbox("version").stdout)
    assert tinderbox("--version").stdout == tinderbox("version").stdout


@pytest.mark.parametrize("command", [[], ["serve"], ["doctor"], ["runtimes"], ["logs"]])
def test_help_is_there(command):
    done = tinderbox(*command, "--help")

    assert "Usage: tinderbox" in done.stdout
    assert len(done.stdout.splitlines()) > 4


def test_help_names_every_command_and_no_secret_one():
    text = tinderbox("--help").stdout

    for command in ("serve", "doctor", "runtimes", "logs", "version"):
        assert re.search(rf"^  {command} +\w", text, re.MULTILINE), text
    assert "launcher" not in text


def test_an_unknown_command_is_told():
    done = tinderbox("srve", check=False)

    assert done.returncode == 2
    assert "serve" in done.stderr
    assert done.stdout == ""


def test_every_mistake_in_the_configuration_is_told_at_once(tmp_path):
    path = tmp_path / "tinderbox.toml"
    path.write_text("[server]\naccount = 'x'\n[invoke]\nno_such_key = 1\n[nonsense]\n")

    done = tinderbox("serve", "--config", path, "--listen", "nowhere", check=False)

    assert done.returncode != 0
    for key in ("server.listen", "server.account", "invoke.no_such_key", "nonsense"):
        assert key in done.stderr, done.stderr


def test_a_configuration_file_that_is_not_there():
    done = tinderbox("serve", "--config", "/no/such/file.toml", check=False)

    assert done.returncode != 0
    assert "/no/such/file.toml" in done.stderr


def test_the_account_and_region_are_settings(new_platform):
    platform = new_platform("--account", "123456789012", "--region", "eu-west-1").start()

    client = platform.client(region="eu-west-1")
    created = client.create_function(
        FunctionName="here",
        Runtime=PYTHON,
        Handler="index.handler",
        Role="arn:aws:iam::123456789012:role/lambda-role",
        Code={"ZipFile": harness.zip_bytes({"index.py": ""})},
    )

    assert created["FunctionArn"] == "arn:aws:lambda:eu-west-1:123456789012:function:here"
    assert platform.client("sts", region="eu-west-1").get_caller_identity()["Account"] == "123456789012"


def test_settings_come_from_the_file_and_the_environment_too(new_platform, tmp_path):
    path = tmp_path / "tinderbox.toml"
    path.write_text("[server]\naccount = '111111111111'\nregion = 'eu-north-1'\n")
    platform = new_platform("--config", path, environment={"TINDERBOX_SERVER__ACCOUNT": "222222222222"}).start()

    assert platform.client("sts", region="eu-north-1").get_caller_identity()["Account"] == "222222222222"


def test_the_level_in_force_is_printed_at_start(platform):
    assert re.search(r"\bL[012]\b", platform.log_path.read_text())


def test_health(platform):
    reply = harness.http_get(platform.address, "/_tinderbox/health")

    assert reply.status == 200
    assert isinstance(json.loads(reply.body), dict)


def test_the_doctor_tells_what_is_found_and_how_to_get_the_rest():
    text = tinderbox("doctor").stdout

    assert re.search(r"^STATE +CAPABILITY +GIVES", text)
    rows = [line for line in text.splitlines() if line.startswith(("found", "missing"))]
    assert len(rows) >= 5
    if any(row.startswith("missing") for row in rows):
        assert "To get what is missing:" in text


def test_runtimes_are_listed(platform):
    text = tinderbox("runtimes", "--data-dir", platform.data_dir).stdout

    found = [line.split()[0] for line in text.splitlines()]
    assert PYTHON in found
    assert {"provided.al2", "provided.al2023"} <= set(found)


def test_logs_of_a_function(platform):
    function = platform.python("def handler(event, context): print('event', event)")
    first, second = function.invoke(1), function.invoke(2)

    function.log_with(f"REPORT RequestId: {second.request_id}")

    text = tinderbox("logs", function.name, "--data-dir", platform.data_dir).stdout

    lines = [line.split(" ", 1)[1] for line in text.splitlines()]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in text.splitlines())
    assert f"START RequestId: {first.request_id} Version: $LATEST" in lines
    assert lines.index("event 1") < lines.index("event 2")
    assert f"END RequestId: {second.request_id}" in lines


def test_logs_are_followed(platform):
    function = platform.python("def handler(event, context): print('event', event)")
    function.invoke(1)
    function.log_with("event 1")
    command = [str(harness.BINARY), "logs", "--follow", function.name, "--data-dir", str(platform.data_dir)]
    output = Path(platform.home / "followed")

    with output.open("wb") as out:
        follower = subprocess.Popen(command, stdout=out, env=harness.clean_environment())
    try:
        wait_until(lambda: "event 1" in output.read_text(), "the old lines are shown")
        function.invoke(2)
        wait_until(lambda: "event 2" in output.read_text(), "the new lines are shown")
    finally:
        follower.kill()
        follower.wait()


def test_logs_of_a_function_that_is_not_there(platform):
    done = tinderbox("logs", "nobody", "--data-dir", platform.data_dir, check=False)

    assert done.returncode != 0
    assert "nobody" in done.stderr
    assert done.stdout == ""


def test_logs_have_a_limit(new_platform):
    """A function that never stops printing does not fill the disk."""
    platform = new_platform("--set", "logs.group_bytes_max=2000000").start()
    function = platform.python(
        "import os\ndef handler(event, context):\n    for _ in range(10_000): print(os.urandom(500).hex())", Timeout=60
    )
    for _ in range(4):
        function.invoke().value()

    group = platform.client("logs").describe_log_groups(logGroupNamePattern=function.name)["logGroups"][0]
    size = sum(path.stat().st_size for path in (platform.data_dir / "logs").rglob("*.*") if path.is_file())
    assert 100_000 < group["storedBytes"] <= 2_000_000
    assert size < 4_000_000


def test_connections_are_kept_alive(platform):
    connection = http.client.HTTPConnection(platform.address, timeout=10)
    for _ in range(3):
        connection.request("GET", "/_tinderbox/health")
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        assert not response.will_close
    connection.close()
