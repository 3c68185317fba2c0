# SPDX-License-Identifier: Apache-2.0
"""The X-Ray daemon, as functions find it: AWS's SDK sends subsegments there, and they become parts of the trace."""

import importlib.util
import json
from pathlib import Path

import pytest
from harness import allow, wait_until
from tracing import SEND, invoke, root

# What AWS's SDK for X-Ray imports, without botocore's service models.
PACKAGES = ("aws_xray_sdk", "wrapt", "botocore", "jmespath", "dateutil", "urllib3", "six")
CODE = """
from aws_xray_sdk.core import xray_recorder

@xray_recorder.capture("inner")
def inner(fail):
    if fail:
        raise KeyError("broken")

def handler(event, context):
    with xray_recorder.in_subsegment("work") as work:
        work.put_annotation("size", event["size"])
        inner(event.get("fail"))
    return "done"
"""


@pytest.fixture(scope="module")
def files():
    """A handler and the SDK that it imports."""
    files = {"index.py": CODE}
    for name in PACKAGES:
        origin = Path(importlib.util.find_spec(name).origin)
        if origin.name != "__init__.py":
            files[origin.name] = origin.read_bytes()
            continue
        for path in origin.parent.rglob("*"):
            below = path.relative_to(origin.parent.parent)
            is_model = below.parts[:2] == ("botocore", "data")
            if path.is_file() and "__pycache__" not in below.parts and not is_model:
                files[str(below)] = path.read_bytes()
    return files


@pytest.fixture(scope="module")
def role(platform):
    return platform.role(allow("logs:*"), allow(list(SEND)))


@pytest.fixture(scope="module", params=["Active", "PassThrough"])
def function(request, platform, role, files):
    settings = {"role": role, "TracingConfig": {"Mode": request.param}, "MemorySize": 256, "Timeout": 60}
    function = platform.deploy(files, **settings)
    function.mode = request.param
    return function


def segments(platform, trace):
    traces = platform.client("xray").batch_get_traces(TraceIds=[trace])["Traces"]
    return [json.loads(segment["Document"]) for found in traces for segment in found["Segments"]]


def all_of(parts):
    """Parts, and the parts of those."""
    return [one for part in parts for one in (part, *all_of(part.get("subsegments", [])))]


def test_subsegments_of_the_sdk_are_parts_of_the_trace(platform, function):
    for size in (3, 4):
        trace = root()
        answer, value = invoke(platform, function, f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1", {"size": size})
        assert "FunctionError" not in answer, value
        found = {part["name"]: part for part in all_of(segments(platform, trace))}
        # It was taken before the answer was given.
        work = found["work"]
        assert work["annotations"] == {"size": size}
        assert [part["name"] for part in work["subsegments"]] == ["inner"]
        if function.mode == "Active":
            wait_until(lambda id=trace: len(segments(platform, id)) == 2, "the segments of Lambda")
            found = {part["name"]: part for part in all_of(segments(platform, trace))}
            assert "work" in {part["name"] for part in found["Invocation"]["subsegments"]}
        else:
            assert work["parent_id"] == "53995c3f42cd8ad8", "it is a part of what called the function"

    # What fails is told, too, and what is not sampled is not.
    trace = root()
    invoke(platform, function, f"Root={trace};Parent=53995c3f42cd8ad8;Sampled=1", {"size": 5, "fail": True})
    inner = next(part for part in all_of(segments(platform, trace)) if part["name"] == "inner")
    assert inner["fault"] is True and inner["cause"]["exceptions"][0]["type"] == "KeyError"
    trace = root()
    invoke(platform, function, f"Root={trace};Sampled=0", {"size": 5})
    assert segments(platform, trace) == []
