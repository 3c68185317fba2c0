# SPDX-License-Identifier: Apache-2.0
"""The native function as a container image: an OCI layout with one layer, which needs no tool to be made."""

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


def build(program, folder):
    """An image that runs `program`, with the libraries that it loads. Answers the layout."""
    shutil.rmtree(folder, ignore_errors=True)
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(kind, data):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    layer = put("layer.v1.tar", archive(program))
    document = {
        "architecture": PROCESSORS.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/bootstrap"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    config = put("config.v1+json", json.dumps(document).encode())
    manifest = {"schemaVersion": 2, "config": config, "layers": [layer]}
    index = {"schemaVersion": 2, "manifests": [put("manifest.v1+json", json.dumps(manifest).encode())]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def archive(program):
    buffer = io.BytesIO()
    words = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.split()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        add(packed, Path(program), "bootstrap")
        for library in sorted({word for word in words if word.startswith("/")}):
            add(packed, Path(library), library.lstrip("/"))
    return buffer.getvalue()


def add(packed, path, name):
    info = tarfile.TarInfo(name)
    data = path.read_bytes()
    info.size, info.mode = len(data), 0o755
    packed.addfile(info, io.BytesIO(data))
