# SPDX-License-Identifier: Apache-2.0
"""The examples, packed and deployed as `make demo` does, with the same photograph."""

import sys

import pytest
from harness import BINARY, ROOT, size_of_jpeg

sys.path.insert(0, str(ROOT / "demo"))

import functions  # noqa: E402


@pytest.fixture(scope="module")
def demo(cargo, node_runtime):
    """The demo's functions by name. What it downloads is kept for the next time."""
    work = ROOT / ".demo"
    work.mkdir(exist_ok=True)
    return {function.name: function for function in functions.all_of_them(BINARY, work, functions.photograph(work))}


def deploy(platform, function):
    deployed = platform.deploy(
        function.code, runtime=function.runtime, handler=function.handler, MemorySize=function.memory_mb, Timeout=30
    )
    return deployed.invoke(function.event)


@pytest.mark.build
@pytest.mark.timeout(600)
def test_the_thumbnail(platform, demo):
    result = deploy(platform, demo["thumbnail"])

    answer = result.value()
    picture = demo["thumbnail"].read(result.payload)
    assert (answer["width"], answer["height"], len(picture)) == (256, 256, answer["bytes"])
    assert size_of_jpeg(picture) == (256, 256)
    assert answer["original"]["format"] == "PNG"


@pytest.mark.build
@pytest.mark.timeout(600)
def test_markdown(platform, demo):
    result = deploy(platform, demo["markdown"])

    assert result.value()["title"] == "Tinderbox"
    assert b"<h1" in demo["markdown"].read(result.payload)


@pytest.mark.build
@pytest.mark.timeout(600)
def test_image_statistics(platform, demo):
    value = deploy(platform, demo["image-statistics"]).value()

    assert (value["width"], value["height"]) == (512, 512)
    assert 0.3 < value["brightness"] < 0.6
