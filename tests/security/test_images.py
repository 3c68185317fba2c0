# SPDX-License-Identifier: Apache-2.0
"""Wall: what is in an image stays in the image. Layers that write elsewhere, links that lead elsewhere, files that are more."""

import tarfile

import oci
import pytest
from harness import POLL, ROLE, Function, Platform, unique, wait_until

PROBE = """
import os, stat
from pathlib import Path

def attempt(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return error.strerror

def handler(event, context):
    scope = dict(globals(), event=event)
    exec(event["code"], scope)
    return scope["result"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    oci.need_tools()
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def layout(python_layout):
    layout = python_layout
    layout.configure("python", "base")
    layout.files("base", {"var/task/probe.py": PROBE})
    settings = ["--config.entrypoint", oci.INTERPRETER, "--config.entrypoint", "-m"]
    settings += ["--config.entrypoint", "awslambdaric", "--config.cmd", "probe.handler"]
    layout.configure("base", "base", *settings, "--config.workingdir", "/var/task")
    return layout


@pytest.fixture(scope="module")
def open_platform(request, layout, isolated):
    """A server that takes images from this machine."""
    settings = layout.path.parent / "settings.toml"
    settings.write_text(f'[images]\nlocal = ["{layout.path}"]\n')
    oci.run("chmod", "-R", "a+rX", layout.path)
    # The user of the server that the other walls are tried on.
    user = request.getfixturevalue("platform").account.get("user")
    platform = Platform("--config", settings, user=user).start()
    yield platform
    platform.kill()
    platform.discard()


def create(platform, uri):
    function = Function(platform, unique("hostile"))
    platform.client().create_function(
        FunctionName=function.name, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE
    )
    settled = wait_until(
        lambda: next((c for c in [function.configuration()] if c["State"] != "Pending"), None), "the image is pulled"
    )
    return function, settled


def with_layer(layout, members):
    """The base image with one more layer, made by hand."""
    tag = unique("hostile")
    layout.raw(tag, [members], Cmd=["probe.handler"])
    base, extra = layout.manifest("base"), layout.manifest(tag)
    return layout.combine(tag, base, extra)


def test_no_layer_writes_outside(open_platform, layout, folder):
    victim = folder / "victim"
    victim.write_text("untouched")
    victim.chmod(0o600)
    down = "../" * 12
    outside = f"{down}{str(victim).lstrip('/')}"
    attacks = [
        [oci.entry(outside, b"bad")],
        [oci.entry(str(victim), b"bad")],
        [oci.entry("l", kind=tarfile.SYMTYPE, link=str(folder)), oci.entry("l/victim", b"bad")],
        [oci.entry("l", kind=tarfile.SYMTYPE, link=str(victim)), oci.entry("l", b"bad")],
        [oci.entry("l", kind=tarfile.SYMTYPE, link=down), oci.entry(f"l/{str(victim).lstrip('/')}", b"bad")],
        [oci.entry("h", kind=tarfile.LNKTYPE, link=str(victim)), oci.entry("h", b"bad")],
        [oci.entry("h", kind=tarfile.LNKTYPE, link=outside), oci.entry("h", b"bad")],
        [oci.entry("l", kind=tarfile.SYMTYPE, link=str(folder)), oci.entry("l", kind=tarfile.DIRTYPE, mode=0o777)],
        [oci.entry("l", kind=tarfile.SYMTYPE, link=str(folder)), oci.entry("l/.wh.victim")],
        [oci.entry("l", kind=tarfile.SYMTYPE, link=str(folder)), oci.entry("l/.wh..wh..opq")],
        [oci.entry(".wh...")],
    ]
    mode = folder.stat().st_mode
    for members in attacks:
        tag = unique("attack")
        layout.raw(tag, [members], Cmd=["/x"])
        _, configuration = create(open_platform, f"oci:{layout.path}:{tag}")
        assert victim.read_text() == "untouched", members
        assert (victim.stat().st_nlink, victim.stat().st_mode & 0o7777) == (1, 0o600), members
        assert folder.stat().st_mode == mode, members
        assert configuration["State"] == "Active" or configuration["StateReasonCode"] == "InvalidImage", configuration


def test_two_layers_do_not_write_outside_either(open_platform, layout, folder):
    victim = folder / "second-victim"
    victim.write_text("untouched")
    first = [
        oci.entry("l", kind=tarfile.SYMTYPE, link=str(folder)),
        oci.entry("up", kind=tarfile.SYMTYPE, link="../" * 12),
    ]
    name = str(victim).lstrip("/")
    second = [oci.entry("l/second-victim", b"bad"), oci.entry(f"up/{name}", b"bad"), oci.entry("l/.wh.second-victim")]
    layout.raw("two", [first, second], Cmd=["/x"])
    _, configuration = create(open_platform, f"oci:{layout.path}:two")
    assert victim.read_text() == "untouched"
    if configuration["State"] == "Active":
        root = open_platform.data_dir / "images/roots" / configuration["CodeSha256"]
        assert (root / name).read_bytes() == b"bad", "it went to the same name inside"


def test_files_of_an_image_are_only_files(open_platform, layout):
    members = [
        oci.entry("suid", b"x", mode=0o6755),
        oci.entry("disk", kind=tarfile.BLKTYPE, devmajor=8, devminor=0, mode=0o666),
        oci.entry("memory", kind=tarfile.CHRTYPE, devmajor=1, devminor=1, mode=0o666),
        oci.entry("pipe", kind=tarfile.FIFOTYPE, mode=0o666),
        oci.entry("dev/kmsg", kind=tarfile.CHRTYPE, devmajor=1, devminor=11, mode=0o666),
        oci.entry("etc/shadow", kind=tarfile.SYMTYPE, link="/etc/shadow"),
        oci.entry("writable", b"here", mode=0o666),
        oci.entry("folder", kind=tarfile.DIRTYPE, mode=0o777),
    ]
    function, configuration = create(open_platform, f"oci:{layout.path}:{with_layer(layout, members)}")
    assert configuration["State"] == "Active", configuration
    code = """
result = {
    "suid": oct(os.stat("/suid").st_mode & 0o7000),
    "special": [name for name in ("/disk", "/memory", "/pipe", "/dev/kmsg") if os.path.lexists(name)],
    "devices": sorted(os.listdir("/dev")),
    "shadow": attempt(Path("/etc/shadow").read_text),
    "write": [attempt(Path(name).write_text, "x") for name in ("/writable", "/folder/x", "/x", "/tmp/x")],
    "mknod": attempt(os.mknod, "/tmp/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3)),
    "mounts": [line.split()[4] for line in open("/proc/self/mountinfo")],
}
"""
    seen = function.invoke({"code": code}).value()
    assert seen["suid"] == "0o0" and seen["special"] == []
    assert set(seen["devices"]) <= {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr"}
    assert seen["shadow"] == "Too many levels of symbolic links"
    assert seen["write"] == ["Read-only file system"] * 3 + [1]
    assert seen["mknod"] == "Operation not permitted"
    assert "/usr" not in seen["mounts"], "nothing of the machine is mounted"


def test_links_of_an_image_lead_nowhere_else(open_platform, layout, folder):
    secret = folder / "secret"
    secret.write_text("the crown jewels")
    secret.chmod(0o644)
    members = [
        oci.entry("absolute", kind=tarfile.SYMTYPE, link=str(secret)),
        oci.entry("up", kind=tarfile.SYMTYPE, link=f"{'../' * 12}{str(secret).lstrip('/')}"),
        oci.entry("data", kind=tarfile.SYMTYPE, link=str(open_platform.data_dir)),
        # What is looked for by the server before the function starts.
        oci.entry("opt", kind=tarfile.SYMTYPE, link=str(folder)),
        oci.entry("etc/hosts", kind=tarfile.SYMTYPE, link=str(secret)),
        oci.entry("etc/passwd", kind=tarfile.SYMTYPE, link=str(secret)),
    ]
    (folder / "extensions").mkdir(exist_ok=True)
    (folder / "extensions/host").write_text("#!/bin/sh\necho from the host\n")
    (folder / "extensions/host").chmod(0o755)
    function, configuration = create(open_platform, f"oci:{layout.path}:{with_layer(layout, members)}")
    assert configuration["State"] == "Active", configuration
    code = """
names = ("/absolute", "/up", "/etc/passwd", "/etc/hosts", "/proc/1/root/etc/hostname")
result = {name: attempt(Path(name).read_text) for name in names}
result["data"] = attempt(os.listdir, "/data")
result["opt"] = attempt(os.listdir, "/opt/extensions")
"""
    result = function.invoke({"code": code})
    seen = result.value()
    assert "crown jewels" not in str(seen), seen
    assert seen["data"] == seen["opt"] == seen["/absolute"] == seen["/up"] == "No such file or directory"
    assert "sandbox.localdomain" in seen["/etc/hosts"] and "sbx_user1051" in seen["/etc/passwd"]
    assert "from the host" not in result.log and "EXTENSION" not in result.log


def test_a_neighbour_s_image_is_not_seen(open_platform, layout):
    one = with_layer(layout, [oci.entry("only-one", b"mine")])
    two = with_layer(layout, [oci.entry("only-two", b"mine")])
    first, _ = create(open_platform, f"oci:{layout.path}:{one}")
    second, _ = create(open_platform, f"oci:{layout.path}:{two}")
    code = "Path('/tmp/mark').write_text('x'); result = sorted(os.listdir('/')) + os.listdir('/tmp')"
    seen, other = first.invoke({"code": code}).value(), second.invoke({"code": code}).value()
    assert "only-one" in seen and "only-two" not in seen
    assert "only-two" in other and "only-one" not in other


def test_an_image_has_the_walls_of_every_function(open_platform, layout):
    function, _ = create(open_platform, f"oci:{layout.path}:base")
    code = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
import socket
def reach(address):
    with socket.create_connection(address, timeout=2):
        return "reached"
result = {
    "capabilities": status["CapEff"].strip(), "filter": status["Seccomp"].strip(), "privileges": status["NoNewPrivs"].strip(),
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    "unshare": attempt(os.unshare, 0x10000000) if hasattr(os, "unshare") else "Operation not permitted",
    "chroot": attempt(os.chroot, "/tmp"),
    "host": attempt(reach, ("127.0.0.1", event["port"])),
}
"""
    port = int(open_platform.address.rsplit(":", 1)[1])
    seen = function.invoke({"code": code, "port": port}).value()
    assert int(seen["capabilities"], 16) == 0 and (seen["filter"], seen["privileges"]) == ("2", "1")
    assert len(seen["processes"]) <= 3
    assert seen["unshare"] == seen["chroot"] == "Operation not permitted"
    assert seen["host"] == "Connection refused"
    client = open_platform.client()
    client.get_waiter("function_active_v2").wait(FunctionName=function.name, WaiterConfig=POLL)
