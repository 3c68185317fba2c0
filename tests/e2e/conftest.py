# SPDX-License-Identifier: Apache-2.0
"""What several of these tests run: AWS's runtime clients for Python and Rust, to deploy."""

import functools
import os
import platform as machine
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import ROOT, clean_environment

SYSTEM_PYTHON = Path("/usr/bin/python3")
TIMING = "timing"


@pytest.fixture
def tell_timing(record_property):
    """Tells how long something took. Nothing is asserted of it: it is printed at the end of the run."""
    return functools.partial(record_property, TIMING)


def pytest_terminal_summary(terminalreporter):
    # A report carries them here from the process that ran the test.
    reports = [report for some in terminalreporter.stats.values() for report in some]
    for report in reports:
        if getattr(report, "when", None) == "call":
            for name, line in report.user_properties:
                if name == TIMING:
                    terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def sdks(platform):
    """What an operator does once: the SDKs for functions come from their registries."""
    platform.tinderbox("runtimes", "install-sdk", "python", "nodejs", "--data-dir", platform.data_dir)


@pytest.fixture(scope="session")
def interface_client(tmp_path_factory):
    """awslambdaric and what it needs, for the system's Python, as `pip install --target` lays it out."""
    if not SYSTEM_PYTHON.exists():
        pytest.skip("there is no /usr/bin/python3 that a custom runtime could use")
    version = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    target = tmp_path_factory.mktemp("interface-client")
    wanted = [line.strip() for line in (ROOT / "tests/requirements.txt").read_text().splitlines()]
    wanted = [line for line in wanted if line.startswith(("awslambdaric==", "simplejson==", "snapshot-restore-py=="))]
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--target", target, "--no-deps", "--no-compile",
            "--only-binary", ":all:", "--python-version", version, "--implementation", "cp",
            "--platform", f"manylinux_2_28_{machine.machine()}", "--platform", f"manylinux2014_{machine.machine()}",
            "--platform", f"manylinux_2_17_{machine.machine()}", "--platform", "any", *wanted,
        ],
        check=True,
    )  # fmt: skip
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def rust_runtime(cargo):
    """A `bootstrap` made with AWS's crate for Rust."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "rust-runtime"
    manifest = Path(__file__).resolve().parent / "rust_runtime/Cargo.toml"
    build = [cargo, "build", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", target]
    subprocess.run(build, check=True, env=clean_environment())
    bootstrap = target / "debug/bootstrap"
    stripped = bootstrap.with_name("bootstrap-stripped")
    shutil.copy(bootstrap, stripped)
    subprocess.run(["strip", stripped], check=False)
    return stripped.read_bytes()
