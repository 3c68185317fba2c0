# SPDX-License-Identifier: Apache-2.0
"""Bytecode of Python functions: made at deploy, used at each cold start, and seen by nobody."""

import importlib._bootstrap_external as external
import importlib.util

import pytest
from harness import Platform, unique, wait_until, zip_bytes

# Long enough to be worth it.
MODULE = "VALUE = 'source'\n\ndef fail():\n    raise ValueError('no')\n\n" + "".join(
    f"def function_{n}(a, b=None):\n    return [a, b, {n}, 'some text that takes room', a or b]\n\n" for n in range(400)
)
HANDLER = """
import os, sys
import package.module as module
def files(top):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names)
def handler(event, context):
    if event == "fail":
        module.fail()
    spec = module.__spec__
    return {
        "value": module.VALUE,
        "file": module.__file__,
        "cached": [module.__cached__, spec.cached],
        "code": module.fail.__code__.co_filename,
        "loader": type(spec.loader).__name__,
        "files": files("/var/task") + files("/opt"),
        "writable": os.access("/var/bytecode", os.W_OK),
    }
"""
FILES = {
    "index.py": HANDLER,
    "package/__init__.py": "",
    "package/module.py": MODULE,
    "package/wrong.py": "def (\n",
    "package/warns.py": "import re\nre.compile('\\d')\nassert (1, 'always')\n",
}


@pytest.fixture(scope="module")
def server(binary):
    platform = Platform().start()
    yield platform
    platform.stop()
    platform.discard()


def compiled(platform, name):
    """The bytecode of a module, wherever it is."""

    def found():
        paths = platform.data_dir.rglob(f"*.bytecode/python-*/{name}")
        return next((path for path in paths if ".draft" not in str(path)), None)

    return wait_until(found, f"{name} is compiled", timeout=60)


def cached(path):
    return importlib.util.cache_from_source(path)


def replace(path, source):
    """Puts other bytecode where the platform has put its own: who uses it says so."""
    code = compile(source, "x", "exec")
    path.write_bytes(external._code_to_hash_pyc(code, b"12345678", False))


def test_it_is_used_and_nothing_shows(server):
    function = server.deploy(FILES)
    before = function.invoke().value()
    path = compiled(server, cached("package/module.py"))
    assert path.stat().st_mode & 0o777 == 0o644

    # Another deployment of the same code: a cold start that finds what was made.
    function.update_configuration(Description="again")
    after = function.invoke().value()
    assert after == before
    assert after["value"] == "source"
    assert after["file"] == after["code"] == "/var/task/package/module.py"
    assert after["cached"] == [cached(after["file"])] * 2
    assert after["loader"] == "SourceFileLoader"
    assert after["files"] == sorted(f"/var/task/{name}" for name in FILES)
    assert not after["writable"]
    fault = function.invoke("fail").fault()
    trace = "".join(fault["stackTrace"])
    assert 'File "/var/task/package/module.py", line 4, in fail' in trace
    assert "raise ValueError('no')" in trace

    replace(path, MODULE.replace("'source'", "'bytecode'"))
    function.update_configuration(Description="and again")
    assert function.invoke().value()["value"] == "bytecode"

    names = {found.name for found in path.parent.iterdir()}
    assert not [name for name in names if name.startswith(("wrong", "warns"))], "an error stays, and so does a warning"


def test_it_stays_over_a_restart_and_goes_with_its_code(server):
    function = server.deploy({**FILES, "other.py": "# another package"})
    path = compiled(server, cached("other.py"))
    folder = path.parent.parent.parent

    wait_until(folder.with_suffix(".durable").exists, "the package is known to be on disk")
    server.restart()
    assert function.invoke().value()["value"] == "source"
    assert path.exists()

    function.delete()
    wait_until(lambda: not folder.exists(), "the bytecode is removed with its package", timeout=60)


def test_layers_too(server):
    client = server.client()
    content = {"ZipFile": zip_bytes({"python/package/module.py": MODULE, "python/package/layered.py": ""})}
    layer = client.publish_layer_version(LayerName=unique("layer"), Content=content)["LayerVersionArn"]
    function = server.deploy({"index.py": HANDLER}, Layers=[layer])
    assert function.invoke().value()["file"] == "/opt/python/package/module.py"
    compiled(server, cached("python/package/layered.py"))
    path = next(compiled(server, cached("python/package/layered.py")).parent.glob("module*"))

    replace(path, MODULE.replace("'source'", "'bytecode'"))
    function.update_configuration(Description="again")
    again = function.invoke().value()
    assert (again["value"], again["file"]) == ("bytecode", "/opt/python/package/module.py")


def test_what_the_package_brings_along_is_not_replaced(server):
    """A package may have bytecode of its own, which the interpreter takes without a look at the source."""
    code = compile(MODULE.replace("'source'", "'its own'"), "/var/task/package/module.py", "exec")
    own = external._code_to_hash_pyc(code, b"12345678", False)
    files = {**FILES, "package/extra.py": MODULE, cached("package/module.py"): own}
    function = server.deploy(files)
    folder = compiled(server, cached("package/extra.py")).parent
    assert not list(folder.glob("module*"))
    function.update_configuration(Description="again")
    assert function.invoke().value()["value"] == "its own"
