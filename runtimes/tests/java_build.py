# SPDX-License-Identifier: Apache-2.0
"""Builds what the tests of Java functions need: our bootstrap as the server does, the examples, AWS's interfaces."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "java"


def jdks():
    """JDKs of this machine by major version, the newest of each."""
    found = {}
    homes = [*Path("/usr/lib/jvm").glob("*"), *Path.home().glob(".sdkman/candidates/java/*")]
    homes += [Path(home) for home in [os.environ.get("JAVA_HOME")] if home]
    for home in homes:
        release = home / "release"
        match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text(), re.M) if release.is_file() else None
        if match and (home / "bin/javac").is_file():
            found.setdefault(int(match[1]), str(home.resolve()))
    return dict(sorted(found.items()))


def compile_java(home, folders, target, *options):
    """Compiles all sources below `folders` into the directory `target`."""
    sources = sorted(str(path) for folder in folders for path in Path(folder).rglob("*.java"))
    target.mkdir(parents=True, exist_ok=True)
    fast = ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn"]
    subprocess.run([f"{home}/bin/javac", *fast, *options, "-d", str(target), *sources], check=True)
    return target


def bootstrap(home, target):
    """A directory like the one that a sandbox sees at /var/runtime. Java 8 can not be had everywhere; its language and its
    library are what every JDK can check."""
    classes = target / "classes"
    compile_java(home, [SOURCES], classes, "-proc:none", "--release", "8")
    jar, manifest = f"{home}/bin/jar", str(SOURCES / "manifest.txt")
    (classes / "bridge/tinderbox").mkdir(parents=True)
    (classes / "tinderbox/bridge").rename(classes / "bridge/tinderbox/bridge")
    own = ["tinderbox/runtime", "com/amazonaws/services/lambda/crac", "bridge"]
    parts = [part for name in own for part in ("-C", str(classes), name)]
    subprocess.run([jar, "cfm0", str(target / "bootstrap.jar"), manifest, *parts], check=True)
    return target


def examples(home, target):
    """The examples and AWS's interfaces, as a package with classes at its root and a jar in lib: for Java 8, but for one."""
    core = compile_java(home, [SOURCES / "core"], target / "core", "--release", "8")
    (target / "package/lib").mkdir(parents=True)
    subprocess.run([f"{home}/bin/jar", "cf", target / "package/lib/core.jar", "-C", core, "."], check=True)
    compile_java(home, [HERE / "java"], target / "package", "--release", "8", "-cp", str(core))
    if min(jdks()) >= 17:
        compile_java(home, [HERE / "java17"], target / "package", "--release", "17")
    return contents(target / "package")


def snapped(home, target):
    """A function with hooks around its snapshot, with all that it needs."""
    compile_java(home, [SOURCES / "core", HERE / "java-snapshot"], target, "--release", "8")
    return contents(target)


def contents(folder):
    """Paths below `folder` and what is in them: the files of a function."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
