# SPDX-License-Identifier: Apache-2.0
"""Export and import: a backup of one server is another server."""

import stat

import harness

HANDLER = "import os\ndef handler(event, context): return [event, os.environ['WHO'], context.invoked_function_arn]"


def run(platform, command, file, *options, check=True):
    return harness.tinderbox(command, file, "--data-dir", platform.data_dir, *options, check=check)


def test_a_function_moves_to_another_server(new_platform, tmp_path):
    first, second = new_platform().start(), new_platform().start()
    function = first.python(HANDLER, Environment={"Variables": {"WHO": "me"}}, Publish=True)
    client = first.client()
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    file = tmp_path / "all.tinderbox"
    refused = run(first, "export", file, check=False)
    assert refused.returncode == 1 and "hint: stop the server first" in refused.stderr
    before = client.get_function_configuration(FunctionName=function.name, Qualifier="live")
    first.stop()
    done = run(first, "export", file)
    assert "exported 1 function, 0 layers" in done.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "exists already" in run(first, "export", file, check=False).stderr

    second.stop()
    assert "imported 1 function" in run(second, "import", file).stdout
    again = run(second, "import", file, check=False)
    assert again.returncode == 1 and f"function {harness.ACCOUNT}/{harness.REGION}/{function.name}" in again.stderr
    run(second, "import", file, "--overwrite")
    second.start()
    after = second.client().get_function_configuration(FunctionName=function.name, Qualifier="live")
    for answer in (before, after):
        del answer["ResponseMetadata"]
    assert after == before
    value = harness.Function(second, f"{function.name}:live").invoke(1).value()
    assert value == [1, "me", before["FunctionArn"]]


def test_nothing_is_imported_from_what_is_no_archive(new_platform, tmp_path):
    platform = new_platform()
    file = tmp_path / "none.zip"
    file.write_bytes(harness.zip_bytes({"index.py": "x"}))
    failed = run(platform, "import", file, check=False)
    assert failed.returncode == 1 and "the archive is damaged: it has no manifest.json" in failed.stderr
    missing = run(platform, "import", tmp_path / "nothing", check=False)
    assert missing.returncode == 1 and "cannot read" in missing.stderr
