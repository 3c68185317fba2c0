# SPDX-License-Identifier: Apache-2.0
"""SnapStart for Java: a JVM with all its threads goes on from where a published version has initialised."""

import sys

import harness
import pytest
from botocore.exceptions import ClientError
from harness import wait_until

sys.path.append(str(harness.ROOT / "runtimes/tests"))
import java_build  # noqa: E402

JDKS = java_build.jdks()
RUNTIMES = [f"java{major}" for major in JDKS if major in (11, 17, 21, 25)]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not RUNTIMES:
        harness.missing("there is no JDK here; hint: apt-get install openjdk-17-jdk-headless")
    return java_build.snapped(JDKS[max(JDKS)], tmp_path_factory.mktemp("java"))


@pytest.fixture(scope="module")
def java(platform, package):
    """Publishes a version and waits until its snapshot is there, or it has failed."""

    def deploy(runtime, **variables):
        settings = {"MemorySize": 512, "Timeout": 60, "Environment": {"Variables": variables}}
        settings |= {"SnapStart": {"ApplyOn": "PublishedVersions"}}
        function = platform.deploy(package, runtime=runtime, handler="example.Snapped", **settings)
        version = platform.client().publish_version(FunctionName=function.name)["Version"]

        def settled():
            found = function.configuration(Qualifier=version)
            return found if found["State"] != "Pending" else None

        return function, version, wait_until(settled, f"version {version} of {function.name} is settled", 120)

    return deploy


@pytest.mark.parametrize("runtime", RUNTIMES or [None])
def test_a_version_initialises_once(java, runtime):
    function, version, found = java(runtime)
    assert (found["State"], found["SnapStart"]["OptimizationStatus"]) == ("Active", "On"), found.get("StateReason")

    results = harness.first_of_each(3, lambda: function.invoke({"sleep_ms": 2000}, Qualifier=version))
    values = [result.value() for result in results]

    first = values[0]
    for value in values:
        assert value["born"] == first["born"], "they remember one init phase"
        assert (value["calls"], value["kind"]) == (1, "snap-start"), "and are environments of their own"
        assert value["hooks"] == ["before 2", "before 1", "after 1", "after 2"]
        told = [value[name] for name in ("sum", "own", "file", "child", "line", "keys")]
        assert told == [4950, "own", "3 b", "child", "dead", [None, None]]
    for name in first["drawn"]:
        assert len({value["drawn"][name] for value in values}) == len(values), f"{name} is renewed"
    assert len({value["repeated"] for value in values}) == 1, "who has set a seed gets the numbers of that seed"
    for result in results:
        assert "Restore Duration: " in result.log and "Init Duration" not in result.log
    log = function.log_with("RESTORE_REPORT Restore Duration: ")
    assert "RESTORE_START Runtime Version: java:" in log

    again = function.invoke({}, Qualifier=version).value()
    assert again["born"] == first["born"], "an environment goes on to live"
    assert function.invoke({"exit": True}, Qualifier=version).error == "Unhandled"
    assert function.invoke({}, Qualifier=version).value()["born"] == first["born"], "one that ended is replaced"


def test_hooks_that_fail(java):
    _, _, found = java(RUNTIMES[0], FAIL="BEFORE")
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "FunctionError.RuntimeInitError")
    assert "Runtime.BeforeCheckpointError" in found["StateReason"] and "not BEFORE" in found["StateReason"]

    function, version, found = java(RUNTIMES[0], FAIL="AFTER")
    assert found["State"] == "Active"
    with pytest.raises(ClientError) as failed:
        function.invoke({}, Qualifier=version)
    error = failed.value.response["Error"]
    assert error["Code"] == "SnapStartException" and "hook encountered an error" in error["Message"]
    assert "IllegalStateException: not AFTER" in function.log_with("not AFTER")
