# SPDX-License-Identifier: Apache-2.0
"""Images from registries as they are out there: HTTPS, credentials, redirects, other compressions."""

import json

import oci
import pytest
from botocore.exceptions import ClientError
from harness import POLL, ROLE, Function, unique

APP = "def handler(event, context): return [event, __file__]"
ENTRY = ["--config.entrypoint", oci.INTERPRETER, "--config.entrypoint", "-m", "--config.entrypoint", "awslambdaric"]


@pytest.fixture(scope="module")
def layout(python_layout):
    layout = python_layout
    layout.configure("python", "registries")
    layout.files("registries", {"var/task/app.py": APP})
    layout.configure(
        "registries", "registries", *ENTRY, "--config.cmd", "app.handler", "--config.workingdir", "/var/task"
    )
    return layout


def basic(folder):
    """Of a registry that lets nobody in without a password."""
    (folder / "htpasswd").write_text(oci.HTPASSWD)
    return {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}


def settings(folder, text):
    path = folder / f"{unique('settings')}.toml"
    path.write_text(text)
    return path


def table(host, *lines):
    credentials = [f'username = "{oci.USER}"', f'password = "{oci.PASSWORD}"']
    return "\n".join([f'[images.registries."{host}"]', *credentials, *lines, ""])


def create(platform, uri, **arguments):
    name = unique("registry")
    client = platform.client()
    client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE, **arguments)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=POLL)
    return Function(platform, name)


def refused(platform, uri, **arguments):
    with pytest.raises(ClientError) as caught:
        platform.client().create_function(
            FunctionName=unique(), PackageType="Image", Code={"ImageUri": uri}, Role=ROLE, **arguments
        )
    return caught.value.response["Error"]


def test_https_with_an_authority_of_ones_own_a_password_and_zstd(new_platform, layout, tmp_path):
    authority = oci.Authority(tmp_path)
    registry = oci.Registry(tmp_path / "registry", basic(tmp_path), authority=authority).start()
    try:
        compressed = ["--dest-compress-format", "zstd"]
        registry.push(layout, "registries", "team/app:v1", (oci.USER, oci.PASSWORD), compressed)
        uri, encrypted = f"{registry.host}/team/app:v1", table(registry.host, "plain_http = false")
        file = f'[images]\nca_file = "{authority.certificate}"\n'
        trusting = new_platform("--config", settings(tmp_path, file + encrypted)).start()
        function = create(trusting, uri)
        assert function.invoke({"a": 1}).value() == [{"a": 1}, "/var/task/app.py"]
        code = trusting.client().get_function(FunctionName=function.name)["Code"]
        digest = code["ResolvedImageUri"].split("@")[1]
        layers = json.loads(registry.blob(digest).read_text())["layers"]
        assert {layer["mediaType"].rsplit("+", 1)[1] for layer in layers} == {"zstd"}

        # Whose authority is not known gets neither a question nor a password.
        doubting = new_platform("--config", settings(tmp_path, encrypted)).start()
        error = refused(doubting, uri)
        assert error["Code"] == "ServiceException" and "certificate" in error["Message"], error
        plain = new_platform("--config", settings(tmp_path, table(registry.host))).start()
        assert refused(plain, uri)["Code"] == "ServiceException"
    finally:
        registry.stop()


def test_a_blob_that_is_elsewhere_is_fetched_without_credentials(new_platform, layout, tmp_path):
    registry = oci.Registry(tmp_path / "registry", basic(tmp_path)).start()
    front = oci.Front(registry)
    try:
        registry.push(layout, "registries", "app:v1", (oci.USER, oci.PASSWORD))
        platform = new_platform("--config", settings(tmp_path, table(front.host))).start()
        assert create(platform, f"{front.host}/app:v1").invoke(1).value()[0] == 1
        manifest = layout.manifest("registries")
        blobs = {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        assert set(front.redirected) == blobs and front.leaked == []
    finally:
        front.stop()
        registry.stop()


def test_an_image_s_variables_have_a_limit_and_all_within_it_reach_the_function(new_platform, layout, tmp_path):
    """The longest that is accepted can be started: an image's own, what overrides it, and the function's variables."""
    many = [part for number in range(31) for part in ("--config.env", f"IMAGE_{number:02}={'x' * 1000}")]
    layout.configure("registries", "many", *many)
    layout.configure("many", "too-many", "--config.env", f"MORE={'x' * 2000}")
    platform = new_platform("--config", settings(tmp_path, f'[images]\nlocal = ["{layout.path.parent}"]\n')).start()
    code = f"oci:{layout.path}"
    words = ["x" * 1000] * 15
    shell = ["/bin/sh", "-c", f'exec {oci.INTERPRETER} -m awslambdaric "$0"', "app.handler", *words]
    variables = {f"OWN_{number}": "y" * 500 for number in range(7)}
    function = create(platform, f"{code}:many", ImageConfig={"EntryPoint": shell}, Environment={"Variables": variables})
    assert function.invoke(1).value()[0] == 1
    error = refused(platform, f"{code}:too-many")
    assert error["Code"] == "InvalidParameterValueException"
    assert "the image has more than 32768 bytes of variables and arguments" in error["Message"]
