# SPDX-License-Identifier: Apache-2.0
"""Two interpreters of one runtime, and which of them a function runs on."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from harness import POLL

WHICH = "import tinderbox_which\ndef handler(event, context): return tinderbox_which.NAME"
VERSION = f"python3.{sys.version_info.minor}"
NOT_NEEDED = shutil.ignore_patterns(
    "test", "tests", "idlelib", "ensurepip", "site-packages", "dist-packages", "__pycache__"
)


def install(prefix, name):
    """This machine's Python once more, which knows what it is called."""
    base = Path(sys.base_prefix)
    interpreter = prefix / "bin" / VERSION
    interpreter.parent.mkdir(parents=True)
    shutil.copy2((base / "bin" / VERSION).resolve(), interpreter)
    # When it was installed is a part of which version it is.
    moment = 1_700_000_000 + sum(name.encode())
    os.utime(interpreter, (moment, moment))
    library = prefix / "lib" / VERSION
    shutil.copytree(base / "lib" / VERSION, library, symlinks=True, ignore=NOT_NEEDED)
    for shared in (base / "lib").glob(f"libpython{VERSION.removeprefix('python')}*.so*"):
        shutil.copy2(shared, prefix / "lib", follow_symlinks=False)
    (library / "tinderbox_which.py").write_text(f"NAME = {name!r}\n")


@pytest.fixture
def search(tmp_path):
    folder = tmp_path / "interpreters"
    for path in [folder, *folder.parents]:
        if path.is_relative_to(tmp_path):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
    return folder


def manage(function, **arguments):
    return function.platform.client().put_runtime_management_config(FunctionName=function.name, **arguments)


def version_of(function):
    return function.configuration()["RuntimeVersionConfig"]["RuntimeVersionArn"]


def test_functions_stay_and_move_as_they_were_told(new_platform, search):
    """The interpreter that is found first is the newest: both say that they are the same version."""
    install(search / "b-older", "older")
    platform = new_platform("--set", f'runtimes.search=["{search}"]').start()
    bound, following, free = (platform.python(WHICH) for _ in range(3))
    manage(following, UpdateRuntimeOn="FunctionUpdate")
    old = version_of(bound)
    manage(bound, UpdateRuntimeOn="Manual", RuntimeVersionArn=old)
    assert [function.invoke().value() for function in (bound, following, free)] == ["older"] * 3
    bound.log_with(old)

    # A newer one is installed.
    platform.stop()
    install(search / "a-newer", "newer")
    platform.start()
    assert [function.invoke().value() for function in (bound, following, free)] == ["older", "older", "newer"]

    # An update of the function moves those that follow, and not those that are bound.
    for function in (bound, following):
        function.update_configuration(Description="changed")
    assert [function.invoke().value() for function in (bound, following)] == ["older", "newer"]
    new = version_of(following)
    assert (version_of(bound), new != old) == (old, True)
    got = platform.client().get_runtime_management_config(FunctionName=bound.name)
    assert (got["UpdateRuntimeOn"], got["RuntimeVersionArn"]) == ("Manual", old)

    # There and back again.
    manage(bound, UpdateRuntimeOn="Manual", RuntimeVersionArn=new)
    assert bound.invoke().value() == "newer"
    manage(bound, UpdateRuntimeOn="Manual", RuntimeVersionArn=old)
    assert bound.invoke().value() == "older"

    # The one that it is bound to is gone: it runs on no other, and says why, until it is let go.
    platform.stop()
    shutil.rmtree(search / "b-older")
    platform.start()
    with pytest.raises(ClientError) as error:
        bound.invoke()
    assert error.value.response["Error"]["Code"] == "InvalidRuntimeException"
    manage(bound, UpdateRuntimeOn="Auto")
    platform.client().get_waiter("function_updated_v2").wait(FunctionName=bound.name, WaiterConfig=POLL)
    assert bound.invoke().value() == "newer"
