# SPDX-License-Identifier: Apache-2.0
"""Functions that are container images: from a real registry, with AWS's own runtime client as their entry point."""

import hashlib
import json
import os
import time

import oci
import pytest
from botocore.exceptions import ClientError
from harness import POLL, ROLE, Function, unique, wait_until

APP = """
import json, os, sys

def handler(event, context):
    return {"value": event, "handler": os.environ["_HANDLER"], "cwd": os.getcwd(), "request": context.aws_request_id}

def environment(event, context):
    return dict(os.environ)

def walls(event, context):
    seen = {"user": os.getuid(), "root": sorted(os.listdir("/")), "writable": []}
    for place in ["/", "/var/task", "/usr/local", "/etc", "/dev", "/tmp"]:
        try:
            open(f"{place}/probe", "w").close()
            seen["writable"].append(place)
        except OSError:
            pass
    import pwd
    seen["name"] = pwd.getpwuid(os.getuid()).pw_name
    seen["hosts"] = open("/etc/hosts").read()
    return seen
"""
ENTRY = ["--config.entrypoint", oci.INTERPRETER, "--config.entrypoint", "-m", "--config.entrypoint", "awslambdaric"]


@pytest.fixture(scope="module")
def layout(python_layout):
    """Images that most tests use. The layer of Python and the runtime client is below all of them."""
    layout = python_layout
    layout.configure("python", "app")
    layout.files("app", {"var/task/app.py": APP})
    settings = [*ENTRY, "--config.cmd", "app.handler", "--config.workingdir", "/var/task"]
    settings += ["--config.env", "FROM_IMAGE=image", "--config.env", "BOTH=image", "--config.env", "AWS_REGION=image"]
    layout.configure("app", "v1", *settings, "--config.user", "1234:1234")
    layout.configure("v1", "v2", "--config.env", "FROM_IMAGE=second")
    layout.configure("v1", "other", "--architecture", "s390x")
    layout.new("tiny")
    layout.files("tiny", {"file": "small"})
    return layout


@pytest.fixture(scope="module")
def registry(layout, tmp_path_factory):
    registry = oci.Registry(tmp_path_factory.mktemp("registry")).start()
    for tag in ["v1", "v2", "other"]:
        registry.push(layout, tag, f"app:{tag}")
    yield registry
    registry.stop()


def create(platform, uri, *, wait=True, **settings):
    name = unique("image")
    client = platform.client()
    client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE, **settings)
    function = Function(platform, name)
    if wait:
        configuration = settled(function)
        assert configuration["State"] == "Active", configuration["StateReason"]
    return function


def update(function, uri, **settings):
    client = function.platform.client()
    answer = client.update_function_code(FunctionName=function.name, ImageUri=uri, **settings)
    client.get_waiter("function_updated_v2").wait(FunctionName=function.name, WaiterConfig=POLL)
    return answer


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def settled(function, member="State"):
    """The configuration, when it says no more that it is about to change."""
    passing = ("Pending", "InProgress")
    return wait_until(
        lambda: next((c for c in [function.configuration()] if c[member] not in passing), None), f"{member} is settled"
    )


def test_awss_own_client_runs_as_the_entry_point(platform, registry, layout):
    name = unique("image")
    client = platform.client()
    uri = f"{registry.host}/app:v1"
    created = client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE)
    digest = layout.digest("v1")
    assert created["State"] == "Pending" and created["StateReasonCode"] == "Creating"
    assert created["PackageType"] == "Image" and created["CodeSha256"] == digest.removeprefix("sha256:")
    assert created["CodeSize"] == 0
    assert not {"Runtime", "Handler", "Layers", "RuntimeVersionConfig", "ImageConfigResponse"} & created.keys()
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=POLL)

    code = client.get_function(FunctionName=name)["Code"]
    assert code == {"RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": f"{registry.host}/app@{digest}"}
    result = Function(platform, name).invoke({"a": 1})
    answer = result.value()
    assert answer == {"value": {"a": 1}, "handler": "app.handler", "cwd": "/var/task", "request": result.request_id}
    assert "INIT_START" not in result.log and result.log.startswith("START RequestId")


def test_the_image_s_variables_are_below_the_function_s(platform, registry):
    settings = {"ImageConfig": {"Command": ["app.environment"]}, "Environment": {"Variables": {"BOTH": "function"}}}
    seen = create(platform, f"{registry.host}/app:v1", **settings).invoke().value()
    assert (seen["FROM_IMAGE"], seen["BOTH"]) == ("image", "function")
    assert seen["AWS_REGION"] == "us-east-1", "what Lambda sets stays"
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_Image"
    assert seen["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert seen["_HANDLER"] == "app.environment"
    assert "LD_LIBRARY_PATH" not in seen and "TZ" not in seen, "the image decides"


def test_the_root_is_the_image_s_and_read_only(platform, registry):
    seen = create(platform, f"{registry.host}/app:v1", ImageConfig={"Command": ["app.walls"]}).invoke().value()
    assert seen["user"] not in (0, 1234), "the image's user is not looked at"
    assert seen["name"] == "sbx_user1051"
    assert seen["writable"] == ["/tmp"]
    assert not {"home", "sys", "run", "srv"} & set(seen["root"]), seen["root"]
    assert "sandbox.localdomain" in seen["hosts"]


# What AWS's base images start: the handler is what the image, or the function, says as its command.
ENTRYPOINT = """#!/bin/sh
if [ $# -ne 1 ]; then echo "the first argument must be the name of the handler" >&2; exit 142; fi
export _HANDLER="$1"
exec /var/runtime/bootstrap
"""


def test_an_image_that_is_laid_out_as_awss_base_images(platform, registry, layout):
    tag = unique("laid-out")
    variables = {"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "LANG": "en_US.UTF-8"}
    settings = [part for name, value in variables.items() for part in ("--config.env", f"{name}={value}")]
    settings += ["--config.entrypoint", "/lambda-entrypoint.sh", "--config.workingdir", "/var/task"]
    layout.configure("python", tag, *settings, "--config.cmd", "app.handler")
    # There the code is found by where it lies, and not by where the program stands.
    runtime = f'#!/bin/sh\nexport PYTHONPATH="$LAMBDA_TASK_ROOT"\nexec {oci.INTERPRETER} -m awslambdaric "$_HANDLER"\n'
    files = {"lambda-entrypoint.sh": ENTRYPOINT, "var/runtime/bootstrap": runtime, "var/task/app.py": APP}
    layout.files(tag, files, dict.fromkeys(["lambda-entrypoint.sh", "var/runtime/bootstrap"], 0o755))
    registry.push(layout, tag, f"{tag}:v1")
    function = create(platform, f"{registry.host}/{tag}:v1")
    answer = function.invoke({"a": 1}).value()
    assert (answer["value"], answer["handler"], answer["cwd"]) == ({"a": 1}, "app.handler", "/var/task")
    # The function's own command is the handler's name.
    other = create(platform, f"{registry.host}/{tag}:v1", ImageConfig={"Command": ["app.environment"]})
    seen = other.invoke().value()
    assert {name: seen[name] for name in variables} == variables
    assert (seen["_HANDLER"], seen["AWS_LAMBDA_FUNCTION_NAME"]) == ("app.environment", other.name)
    broken = create(platform, f"{registry.host}/{tag}:v1", ImageConfig={"Command": ["two", "words"]})
    assert broken.invoke().fault()["errorMessage"].endswith("Runtime exited with error: exit status 142")


def test_settings_override_the_image(platform, registry):
    function = create(platform, f"{registry.host}/app:v1")
    shell = ["/bin/sh", "-c", f'exec {oci.INTERPRETER} -m awslambdaric "$0"']
    override = {"EntryPoint": shell, "Command": ["task.app.handler"], "WorkingDirectory": "/var"}
    function.update_configuration(ImageConfig=override)
    assert function.configuration()["ImageConfigResponse"] == {"ImageConfig": override}
    answer = function.invoke().value()
    assert (answer["cwd"], answer["handler"]) == ("/var", "task.app.handler")
    function.update_configuration(ImageConfig={})
    assert "ImageConfigResponse" not in function.configuration()
    answer = function.invoke().value()
    assert (answer["cwd"], answer["handler"]) == ("/var/task", "app.handler")


def test_a_program_is_found_by_its_name_in_the_image_s_path(platform, registry):
    name = oci.INTERPRETER.rsplit("/", 1)[1]
    function = create(platform, f"{registry.host}/app:v1", ImageConfig={"EntryPoint": [name, "-m", "awslambdaric"]})
    assert function.invoke(1).value()["value"] == 1


def test_what_cannot_be_started_is_told(platform, registry):
    function = create(platform, f"{registry.host}/app:v1", ImageConfig={"EntryPoint": ["/no/such/program"]})
    fault = function.invoke().fault()
    assert fault["errorType"] == "Runtime.InvalidEntrypoint"
    assert fault["errorMessage"].endswith("fork/exec /no/such/program: no such file or directory")
    function.update_configuration(ImageConfig={"WorkingDirectory": "/no/such/place"})
    fault = function.invoke().fault()
    assert fault["errorType"] == "Runtime.InvalidWorkingDir"


def test_a_moved_tag_changes_nothing_until_the_next_update(platform, registry, layout):
    first, second = layout.digest("v1"), layout.digest("v2")
    assert registry.push(layout, "v1", "moving:latest") == first
    function = create(platform, f"{registry.host}/moving", ImageConfig={"Command": ["app.environment"]})
    client = platform.client()
    version = client.publish_version(FunctionName=function.name)["Version"]
    registry.push(layout, "v2", "moving:latest")
    function.update_configuration(Timeout=7)
    assert function.invoke().value()["FROM_IMAGE"] == "image"
    assert function.configuration()["CodeSha256"] == first.removeprefix("sha256:")

    answer = update(function, f"{registry.host}/moving")
    assert answer["LastUpdateStatus"] == "InProgress"
    assert answer["CodeSha256"] == second.removeprefix("sha256:")
    assert function.invoke().value()["FROM_IMAGE"] == "second"
    assert function.invoke(Qualifier=version).value()["FROM_IMAGE"] == "image", "a published version stays"


def test_an_image_by_digest(platform, registry, layout):
    uri = f"{registry.host}/app@{layout.digest('v2')}"
    function = create(platform, uri)
    code = platform.client().get_function(FunctionName=function.name)["Code"]
    assert code["ImageUri"] == code["ResolvedImageUri"] == uri
    assert function.invoke(2).value()["value"] == 2


def test_an_index_is_read_for_this_machine(platform, registry, layout):
    """AWS refuses them; here the image of this machine's platform is taken."""
    digest, manifest = layout.digest("v1"), layout.blob(layout.digest("v1")).read_bytes()
    architecture = json.loads(layout.blob(layout.manifest("v1")["config"]["digest"]).read_text())["architecture"]
    listed = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": len(manifest)}
    other = {**listed, "digest": layout.digest("other"), "platform": {"os": "linux", "architecture": "s390x"}}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [other, {**listed, "platform": {"os": "linux", "architecture": architecture}}],
    }
    registry.put_manifest("app", "many", json.dumps(index).encode(), index["mediaType"])
    function = create(platform, f"{registry.host}/app:many")
    assert function.configuration()["CodeSha256"] == digest.removeprefix("sha256:")


def test_what_is_not_an_image_is_refused_in_awss_words(platform, registry, layout):
    call = platform.client().create_function

    def refusal(code="InvalidParameterValueException", **arguments):
        given = {"FunctionName": unique(), "Role": ROLE, "PackageType": "Image", **arguments}
        return refused(code, call, **given)

    gone = f"{registry.host}/app:gone"
    assert refusal(Code={"ImageUri": gone}) == f"Source image {gone} does not exist. Provide a valid source image."
    assert refusal(Code={"ImageUri": "app:v1"}) == "Source image app:v1 is not valid. Provide a valid source image."
    wrong = refusal(Code={"ImageUri": f"{registry.host}/app:other"})
    assert "the image is for linux/s390x, not for linux/" in wrong
    image = {"ImageUri": f"{registry.host}/app:v1"}
    package = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
    assert refusal(Code=image, Runtime="python3.12") == package
    assert refusal(Code=image, Handler="app.handler") == package
    assert "ImageUri" in refusal(Code={"ZipFile": b"zip"})
    text = refusal(PackageType="Zip", Runtime="python3.12", Handler="h", Code=image)
    assert text == "Please provide a source for function code."

    chart = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": f"sha256:{'0' * 64}", "size": 2}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": chart,
        "layers": [],
    }
    config = layout.manifest("v1")["config"]
    manifest["config"] = {**config, "mediaType": chart["mediaType"]}
    registry.put_manifest("app", "chart", json.dumps(manifest).encode(), manifest["mediaType"])
    text = refusal(Code={"ImageUri": f"{registry.host}/app:chart"})
    assert text.startswith("The image manifest, config or layer media type for the source image"), text


def test_images_and_packages_do_not_become_each_other(platform, registry):
    client = platform.client()
    image, package = create(platform, f"{registry.host}/app:v1"), platform.python("def handler(e, c): return 1")
    change = client.update_function_code
    code = "InvalidParameterValueException"
    text = refused(code, change, FunctionName=image.name, ZipFile=b"zip")
    assert text == "Please provide ImageUri when updating a function with packageType Image."
    text = refused(code, change, FunctionName=package.name, ImageUri=f"{registry.host}/app:v1")
    assert text == "Please don't provide ImageUri when updating a function with packageType Zip."
    configure = client.update_function_configuration
    refused(code, configure, FunctionName=image.name, Handler="app.handler")
    refused(code, configure, FunctionName=package.name, ImageConfig={"Command": ["x"]})


def test_credentials_are_given_to_who_asks_for_them_and_shown_to_nobody(new_platform, layout, tmp_path):
    (tmp_path / "htpasswd").write_text(oci.HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}
    registry = oci.Registry(tmp_path / "registry", auth).start()
    try:
        registry.push(layout, "tiny", "app:v1", (oci.USER, oci.PASSWORD))
        settings = tmp_path / "settings.toml"
        password = tmp_path / "password"
        settings.write_text(
            f'[images.registries."{registry.host}"]\nusername = "{oci.USER}"\npassword_file = "{password}"\n'
            '[server]\nlog_level = "debug"\n'
        )
        password.write_text("wrong\n")
        platform = new_platform("--config", settings).start()
        call, uri = platform.client().create_function, f"{registry.host}/app:v1"
        arguments = {"FunctionName": "f", "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": uri}}
        text = refused("AccessDeniedException", call, **arguments)
        assert text == "Lambda does not have permission to access the ECR image. Check the ECR permissions."
        # The file is read each time: a new password needs no restart.
        password.write_text(f"{oci.PASSWORD}\n")
        create(platform, uri)
        assert oci.PASSWORD not in platform.log_tail(10**6)
    finally:
        registry.stop()


def test_a_token_is_fetched_where_the_registry_says(new_platform, layout, tmp_path):
    tokens = oci.TokenService(tmp_path)
    registry = oci.Registry(tmp_path / "registry", tokens.auth()).start()
    try:
        # The tool that fills the registry asks for tokens in its own way.
        open_registry = oci.Registry(tmp_path / "registry").start()
        open_registry.push(layout, "tiny", "team/app:v1")
        open_registry.stop()
        settings = tmp_path / "settings.toml"
        settings.write_text(
            f'[images.registries."123456789012.dkr.ecr.*.amazonaws.com"]\nmirror = "{registry.host}/team"\n'
            f'[images.registries."{registry.host}"]\nusername = "{oci.USER}"\npassword = "{oci.PASSWORD}"\n'
        )
        platform = new_platform("--config", settings).start()
        # An address of ECR, as templates have it, leads to where the operator says.
        uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:v1"
        function = create(platform, uri)
        code = platform.client().get_function(FunctionName=function.name)["Code"]
        assert code["ImageUri"] == uri and code["ResolvedImageUri"].startswith(uri.removesuffix(":v1") + "@sha256:")
        refused_uri = f"{registry.host}/other:v1"
        arguments = {"FunctionName": "f", "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": refused_uri}}
        refused("InvalidParameterValueException", platform.client().create_function, **arguments)
    finally:
        registry.stop()
        tokens.stop()


def test_files_of_this_machine_are_read_only_if_the_operator_lets_it(platform, new_platform, layout, tmp_path):
    arguments = {"FunctionName": unique(), "Role": ROLE, "PackageType": "Image"}
    for uri in [f"oci:{layout.path}:v1", "oci-archive:/etc/passwd"]:
        text = refused("AccessDeniedException", platform.client().create_function, Code={"ImageUri": uri}, **arguments)
        assert "may not come from" in text
    archives = tmp_path / "archives"
    archives.mkdir()
    for kind in ["oci-archive", "docker-archive"]:
        oci.run("skopeo", "copy", "--quiet", f"oci:{layout.path}:tiny", f"{kind}:{archives}/{kind}.tar:app:v1")
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[images]\nlocal = ["{layout.path.parent}", "{archives}"]\n')
    opened = new_platform("--config", settings).start()
    uris = [f"oci:{layout.path}:tiny", f"oci-archive:{archives}/oci-archive.tar"]
    uris.append(f"docker-archive:{archives}/docker-archive.tar:v1")
    for uri in uris:
        function = create(opened, uri)
        root = opened.data_dir / "images/roots" / function.configuration()["CodeSha256"]
        assert (root / "file").read_text() == "small"
    text = refused(
        "AccessDeniedException",
        opened.client().create_function,
        Code={"ImageUri": f"oci:{layout.path.parent}/../secret"},
        **arguments,
    )
    assert "may not come from" in text


def test_an_image_that_is_gone_or_damaged_when_it_is_pulled(platform, registry, layout):
    tag = unique("fragile")
    layout.configure("v1", tag)
    layout.files(tag, {"extra": os.urandom(2000)})
    registry.push(layout, tag, f"{tag}:v1")
    layer = layout.manifest(tag)["layers"][-1]["digest"]
    blob = registry.blob(layer)
    whole = blob.read_bytes()
    uri = f"{registry.host}/{tag}:v1"

    blob.unlink()
    function = create(platform, uri, wait=False)
    configuration = settled(function)
    assert (configuration["State"], configuration["StateReasonCode"]) == ("Failed", "ImageDeleted")
    refused("ResourceConflictException", platform.client().invoke, FunctionName=function.name)

    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    platform.client().update_function_code(FunctionName=function.name, ImageUri=uri)
    configuration = settled(function)
    assert (configuration["State"], configuration["StateReasonCode"]) == ("Failed", "InvalidImage")
    assert layer in configuration["StateReason"] or "layer" in configuration["StateReason"]

    blob.write_bytes(whole)
    update(function, uri)
    assert function.invoke(1).value()["value"] == 1

    # An update that fails leaves the function as it is told: active, with an update that failed.
    layout.files(tag, {"extra": os.urandom(2000)})
    registry.push(layout, tag, f"{tag}:v2")
    registry.blob(layout.manifest(tag)["layers"][-1]["digest"]).unlink()
    platform.client().update_function_code(FunctionName=function.name, ImageUri=f"{registry.host}/{tag}:v2")
    configuration = settled(function, "LastUpdateStatus")
    assert configuration["State"] == "Active"
    assert (configuration["LastUpdateStatus"], configuration["LastUpdateStatusReasonCode"]) == (
        "Failed",
        "ImageDeleted",
    )


def test_a_deleted_image_runs_on_and_cannot_be_deployed_again(platform, registry, layout):
    tag = unique("deleted")
    layout.configure("v1", tag, "--config.env", f"TAG={tag}")
    digest = registry.push(layout, tag, f"{tag}:v1")
    uri = f"{registry.host}/{tag}:v1"
    function = create(platform, uri)
    registry.delete(tag, digest)
    assert function.invoke(1).value()["value"] == 1, "what is here needs no registry"
    text = refused(
        "InvalidParameterValueException",
        platform.client().update_function_code,
        FunctionName=function.name,
        ImageUri=uri,
    )
    assert text == f"Source image {uri} does not exist. Provide a valid source image."


def test_layers_are_kept_once_and_go_with_their_last_function(new_platform, registry):
    platform = new_platform().start()
    images = platform.data_dir / "images"

    def count(folder):
        return len(list((images / folder).iterdir()))

    first, second = create(platform, f"{registry.host}/app:v1"), create(platform, f"{registry.host}/app:v2")
    assert (count("roots"), count("layers")) == (2, 2), "they differ in their configuration alone"
    root = next((images / "roots").iterdir())
    assert (root / "var/task/app.py").stat().st_nlink == 3
    assert first.invoke(1).value()["value"] == 1
    first.delete()
    wait_until(lambda: (count("roots"), count("layers")) == (1, 2), "the root of the deleted one is gone")
    assert second.invoke(2).value()["value"] == 2
    second.delete()
    wait_until(lambda: not list(images.glob("*/*")) and not list(images.glob("old-*")), "nothing is left")


def test_a_server_killed_while_it_pulls_goes_on_afterwards(new_platform, registry, layout):
    tag = unique("large")
    layout.configure("v1", tag)
    # Not to be compressed: it takes a moment.
    layout.files(tag, {"large": os.urandom(40 << 20)})
    registry.push(layout, tag, f"{tag}:v1")
    platform = new_platform().start()
    function = create(platform, f"{registry.host}/{tag}:v1", wait=False)
    images = platform.data_dir / "images"
    wait_until(lambda: list(images.glob("new-*")), "a layer is being unpacked")
    platform.restart()
    platform.client().get_waiter("function_active_v2").wait(FunctionName=function.name, WaiterConfig=POLL)
    assert function.invoke(3).value()["value"] == 3
    assert not list(images.glob("new-*")) and not list(images.glob("old-*"))
    # What is whole is not fetched again.
    registry.stop()
    try:
        platform.restart()
        assert function.invoke(4).value()["value"] == 4
    finally:
        registry.start()


def test_extensions_in_the_image_are_started(platform, registry, layout):
    tag = unique("extended")
    extension = """#!/bin/sh
exec {python} -c '
import http.client, os
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, **headers):
    connection.request(method, "/2020-01-01/extension" + path, body, headers)
    response = connection.getresponse()
    response.read()
    return response
name = {{"Lambda-Extension-Name": "probe"}}
found = call("POST", "/register", "{{\\"events\\": [\\"INVOKE\\"]}}", **name).headers["Lambda-Extension-Identifier"]
print("extension registered", flush=True)
while True:
    call("GET", "/event/next", **{{"Lambda-Extension-Identifier": found}})
    print("extension told", flush=True)
'
"""
    layout.configure("v1", tag)
    script = extension.format(python=oci.INTERPRETER)
    layout.files(tag, {"opt/extensions/probe": script}, {"opt/extensions/probe": 0o755})
    registry.push(layout, tag, f"{tag}:v1")
    function = create(platform, f"{registry.host}/{tag}:v1")
    assert function.invoke(1).value()["value"] == 1
    log = function.log_with("extension told")
    assert "extension registered" in log and "Name: probe" in log


def test_whiteouts_and_time_stamps(platform, registry, layout):
    """What a later layer removes is gone, and a Python file is as old as its compiled one says."""
    tag = unique("white")
    probe = "import os\ndef handler(e, c): return [os.path.exists('/var/task/app.py'), os.stat('/var/task/probe.py').st_mtime]\n"
    layout.configure("v1", tag, "--config.cmd", "probe.handler")
    layout.files(tag, {"var/task/probe.py": probe})
    layout.whiteout(tag, "/var/task/app.py")
    registry.push(layout, tag, f"{tag}:v1")
    exists, modified = create(platform, f"{registry.host}/{tag}:v1").invoke().value()
    assert not exists and abs(modified - time.time()) < 300


def test_publishing_the_same_image_again_makes_no_version(platform, registry):
    function = create(platform, f"{registry.host}/app:v1", Publish=True)
    client = platform.client()
    sha = function.configuration()["CodeSha256"]
    again = client.publish_version(FunctionName=function.name, CodeSha256=sha)
    assert again["Version"] == "1" and again["PackageType"] == "Image"
    wrong = hashlib.sha256(b"x").hexdigest()
    refused("InvalidParameterValueException", client.publish_version, FunctionName=function.name, CodeSha256=wrong)
