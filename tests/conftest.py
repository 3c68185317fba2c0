# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one server shared by most tests, and servers of their own for tests that kill or configure one.

The directory of a server (data and log) is kept when a test that used it failed, and its path is printed.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import harness  # noqa: E402
import oci  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, f"report_{report.when}", report)
    if not report.failed:
        return
    item.session.stash[FAILED] = True
    for value in list(getattr(item, "funcargs", {}).values()):
        if isinstance(value, harness.Platform):
            report.sections.append((f"server log, {value.home}", value.log_tail()))


FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def binary():
    if not harness.BINARY.exists():
        pytest.fail(f"there is no server at {harness.BINARY}; hint: cargo build --package tinderbox")
    return harness.BINARY


@pytest.fixture(scope="session")
def platform(binary, request):
    """The server that tests share. They keep apart by function names."""
    platform = harness.Platform().start()
    yield platform
    platform.stop()
    if request.session.stash.get(FAILED, False):
        print(f"\nkept: {platform.home}", file=sys.stderr)
    else:
        platform.discard()


@pytest.fixture
def new_platform(binary, request):
    """Makes servers of this test's own. They are not started yet."""
    made = []

    def make(*options, **settings):
        made.append(harness.Platform(*options, **settings))
        return made[-1]

    yield make
    has_failed = getattr(request.node, "report_call", None) is not None and request.node.report_call.failed
    for platform in made:
        if platform.process is not None and platform.process.poll() is None:
            platform.kill()
        if has_failed:
            print(f"\nkept: {platform.home}\n{platform.log_tail()}", file=sys.stderr)
        else:
            platform.discard()


@pytest.fixture(scope="module")
def s3(platform):
    return platform.client("s3")


@pytest.fixture
def bucket(s3):
    name = harness.unique("bucket")
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def node_runtime():
    """The identifier of this machine's Node.js. CI must have one."""
    runtime = harness.node_runtime()
    if runtime is None:
        harness.missing("there is no Node.js here; hint: apt-get install nodejs npm")
    return runtime


@pytest.fixture(scope="session")
def python_layout():
    """An OCI layout with the image `python`: this machine's Python with AWS's runtime client, and nothing else."""
    oci.need_tools()
    # Where an ordinary user can reach it, too.
    folder = Path(tempfile.mkdtemp(prefix="tinderbox-test-images-"))
    folder.chmod(0o755)
    layout = oci.Layout(folder / "layout")
    (folder / "root").mkdir(mode=0o755)
    oci.python_root(folder / "root")
    layout.new("python")
    layout.insert("python", folder / "root")
    yield layout
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cargo():
    found = shutil.which("cargo")
    if found is None:
        harness.missing("there is no cargo here")
    return found
