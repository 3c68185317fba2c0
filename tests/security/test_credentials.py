# SPDX-License-Identifier: Apache-2.0
"""The wall around credentials: keys open what they are for, and nothing of the host's leaks in."""

from pathlib import Path

from botocore.exceptions import ClientError
from harness import wait_until

KEYS = """
import os, time
def handler(event, context):
    time.sleep((event or {}).get("sleep", 0))
    return [os.environ["AWS_" + name] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
"""


def is_known(platform, keys):
    key, secret, token = keys
    try:
        platform.client("sts", key=key, secret=secret, token=token).get_caller_identity()
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "InvalidClientTokenId"
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return False
    return True


def test_keys_of_a_function_end_with_it(platform):
    """A pair that was carried out of a sandbox is worthless once the sandbox is gone."""
    function = platform.python(KEYS)
    keys = function.invoke().value()
    assert is_known(platform, keys)
    function.delete()
    wait_until(lambda: not is_known(platform, keys), "its keys are refused")


def test_keys_end_when_their_function_gets_other_code(platform):
    function = platform.python(KEYS)
    keys = function.invoke().value()
    function.update_code({"index.py": KEYS + "#"})
    others = function.invoke().value()
    wait_until(lambda: not is_known(platform, keys), "its keys are refused")
    assert is_known(platform, others)


def test_keys_end_with_an_environment_that_idles(new_platform):
    platform = new_platform("--set", "invoke.idle_max_ms=200").start()
    keys = platform.python(KEYS).invoke().value()
    wait_until(lambda: not is_known(platform, keys), "its keys are refused")


def test_an_environment_goes_before_its_keys_do(new_platform):
    """However busy it is: another takes over between two events, and none fails."""
    platform = new_platform("--set", "invoke.age_max_ms=1500").start()
    function = platform.python(KEYS)
    first = function.invoke().value()
    seen = []

    def is_another():
        seen.append(function.invoke().value())
        return seen[-1] != first

    wait_until(is_another, "another environment has taken over")
    assert first in seen, "events found the first environment while it was young"
    wait_until(lambda: not is_known(platform, first), "its keys are refused")
    # One that is old when its event ends has done what it was given.
    keys = function.invoke({"sleep": 2}).value()
    assert function.invoke().value() != keys


def test_what_is_provisioned_goes_before_its_keys_do(new_platform):
    platform = new_platform("--set", "invoke.age_max_ms=1500").start()
    function = platform.python(KEYS)
    version = platform.client().publish_version(FunctionName=function.name)["Version"]
    platform.client().put_provisioned_concurrency_config(
        FunctionName=function.name, Qualifier=version, ProvisionedConcurrentExecutions=1
    )

    def keys_of_one():
        config = platform.client().get_provisioned_concurrency_config(FunctionName=function.name, Qualifier=version)
        return function.invoke(Qualifier=version).value() if config["Status"] == "READY" else None

    first = wait_until(keys_of_one, "one is provisioned")
    wait_until(lambda: keys_of_one() not in (None, first), "another is provisioned")
    wait_until(lambda: not is_known(platform, first), "its keys are refused")


def test_the_hosts_own_credentials_stay_outside(new_platform, isolated):
    platform = new_platform(
        environment={
            "AWS_ACCESS_KEY_ID": "AKIAHOSTHOSTHOSTHOST",
            "AWS_SECRET_ACCESS_KEY": "host-secret",
            "GITHUB_TOKEN": "host-token",
        }
    ).start()
    function = platform.python("import os\ndef handler(event, context): return dict(os.environ)")

    environment = function.invoke().value()

    assert not [value for value in environment.values() if "host" in value.lower() and "localhost" not in value]
    assert "GITHUB_TOKEN" not in environment


def test_home_folders_are_not_there(probe):
    found = probe.run(
        """
        result = [p for p in event["paths"] if os.path.exists(p)]
        """,
        paths=[
            str(Path(p).expanduser())
            for p in ("~/.aws", "~/.ssh", "~/.cargo/credentials.toml", "~/.netrc", "~/.gitconfig")
        ],
    )

    assert found == []


def test_the_well_known_pair_is_refused_off_loopback(new_platform):
    """On any other address the server makes keys of its own. Only 127.0.0.1 is spoken to here."""
    platform = new_platform()
    platform.process = platform.spawn(listen="0.0.0.0:0")
    address = wait_for_address(platform)
    platform.address = address.replace("0.0.0.0", "127.0.0.1")

    reply = platform.call("GET", "/2015-03-31/functions")

    assert reply.status == 403
    assert reply.error_type == "UnrecognizedClientException"


def wait_for_address(platform):
    return wait_until(
        lambda: platform.address_path.exists() and platform.address_path.read_text().strip(), "the server listens"
    )


def test_what_the_server_logs_holds_no_secret(new_probe, platform):
    probe = new_probe(Environment={"Variables": {"PASSWORD": "correct horse battery staple"}})
    keys = probe.run(
        "result = [os.environ['AWS_SECRET_ACCESS_KEY'], os.environ.get('AWS_SESSION_TOKEN') or 'none-at-all']",
        note="payload-marker",
    )

    log = platform.log_path.read_text(errors="replace")

    for secret in ("correct horse battery staple", "payload-marker", *keys):
        assert secret not in log


def test_the_data_directory_is_closed_to_others(platform):
    """Code and settings of functions are the operator's: nobody else on the host may read them."""
    for path in (platform.data_dir, platform.data_dir / "store.db", platform.data_dir / "blobs"):
        readable = path.stat().st_mode & 0o007
        inside_closed = platform.data_dir.stat().st_mode & 0o005 == 0
        assert readable == 0 or inside_closed, path
