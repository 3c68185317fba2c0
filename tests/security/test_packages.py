# SPDX-License-Identifier: Apache-2.0
"""Packages that are made to hurt who unpacks them. The server refuses each, keeps nothing of it, and goes on meanwhile."""

import hashlib
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from harness import ROLE, unique, wait_until

UNPACKED_BYTES = 300_000_000
ENTRIES = 200_001


def zeros():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(UNPACKED_BYTES))
    return packed.getvalue()


def bomb():
    """What its headers say of its size is true."""
    return zeros()


def lie():
    """They say that there are ten bytes."""
    packed = bytearray(zeros())
    central = packed.rindex(b"PK\x01\x02")
    for place in (22, central + 24):
        packed[place : place + 4] = (10).to_bytes(4, "little")
    return bytes(packed)


def crowd():
    """More files than there may be, and nothing in them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number in range(ENTRIES):
            archive.writestr(f"{number:x}", b"")
    return packed.getvalue()


@pytest.mark.parametrize("made", [bomb, lie, crowd], ids=lambda made: made.__name__)
def test_a_zip_bomb_leaves_nothing_and_hinders_nobody(platform, new_probe, made):
    neighbour, code, client, name = new_probe(), made(), platform.client(), unique("bomb")
    neighbour.run("result = 1")
    digest = hashlib.sha256(code).hexdigest()

    def deploy():
        arguments = {"Runtime": neighbour.function.configuration()["Runtime"], "Handler": "index.handler", "Role": ROLE}
        try:
            client.create_function(FunctionName=name, Code={"ZipFile": code}, **arguments)
        except ClientError as error:
            return error.response["Error"]["Code"]
        wait_until(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Failed", "it has failed")
        client.delete_function(FunctionName=name)
        return "Failed"

    with ThreadPoolExecutor(1) as pool:
        deployed = pool.submit(deploy)
        while not deployed.done():
            assert neighbour.run("result = 'well'") == "well"
        assert deployed.result() in ("InvalidParameterValueException", "Failed")
    kept = lambda: [path for path in platform.data_dir.rglob("*") if digest in path.name]  # noqa: E731
    wait_until(lambda: not kept(), "nothing of it is kept")
    wait_until(lambda: not list((platform.data_dir / "tmp").iterdir()), "nothing is on its way")
