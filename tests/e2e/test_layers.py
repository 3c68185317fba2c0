# SPDX-License-Identifier: Apache-2.0
"""Layers: code and data that several functions share, seen at /opt."""

import urllib.request

import pytest
from harness import unique, zip_bytes


@pytest.fixture
def layer(platform):
    """Publishes a layer of files and answers the ARN of its version."""

    def publish(files, modes=None):
        content = {"ZipFile": zip_bytes(files, modes)}
        return platform.client().publish_layer_version(LayerName=unique("layer"), Content=content)["LayerVersionArn"]

    return publish


def test_layers_are_merged_in_their_order(platform, layer):
    one = layer({"python/one.py": "N = 1", "python/both.py": "WHO = 'one'", "data.txt": "of one"})
    two = layer({"python/two.py": "N = 2", "python/both.py": "WHO = 'two'"})
    function = platform.python(
        "import one, two, both\ndef handler(e, c): return [one.N, two.N, both.WHO, open('/opt/data.txt').read()]",
        Layers=[one, two],
    )

    assert function.invoke().value() == [1, 2, "two", "of one"]


def test_a_custom_runtime_may_come_from_a_layer(platform, layer):
    bootstrap = """#!/bin/sh
set -eu
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
    curl -sS -D /tmp/head -o /tmp/event "$api/next"
    id=$(grep -i lambda-runtime-aws-request-id /tmp/head | tr -d '\\r' | cut -d' ' -f2)
    curl -sS -o /dev/null "$api/$id/response" -d '"from the layer"'
done
"""
    runtime = layer({"bootstrap": bootstrap}, {"bootstrap": 0o100755})
    function = platform.deploy({"unused": ""}, runtime="provided.al2023", handler="x", Layers=[runtime])

    assert [function.invoke().value() for _ in range(2)] == ["from the layer"] * 2


def test_a_function_keeps_a_layer_that_was_deleted(platform, layer):
    arn = layer({"python/kept.py": "N = 7"})
    function = platform.python("import kept\ndef handler(e, c): return kept.N", Layers=[arn])
    name, version = arn.split(":")[-2:]

    platform.client().delete_layer_version(LayerName=name, VersionNumber=int(version))

    assert function.invoke().value() == 7


def test_a_layer_is_downloaded_from_its_location(platform):
    zipped = zip_bytes({"a": "b"})
    published = platform.client().publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": zipped})

    with urllib.request.urlopen(published["Content"]["Location"]) as answer:
        assert answer.read() == zipped


def test_a_layer_that_does_not_exist(platform):
    arn = "arn:aws:lambda:us-east-1:000000000000:layer:nope:1"

    with pytest.raises(platform.client().exceptions.InvalidParameterValueException, match="does not exist"):
        platform.python("def handler(e, c): pass", Layers=[arn])
