# SPDX-License-Identifier: Apache-2.0
"""How the demo talks: steps, notes, and problems that a person can mend. Needs nothing but Python."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path


class Problem(Exception):
    """What is wrong, and how to mend it."""

    def __init__(self, what, fix=None):
        super().__init__(what)
        self.fix = fix


def step(text):
    print(f"\033[1m==>\033[0m {text}" if sys.stderr.isatty() else f"==> {text}", file=sys.stderr, flush=True)


def note(text):
    print(f"    {text}", file=sys.stderr, flush=True)


def run(command, failed, fix=None, **settings):
    """Runs a command whose output is for the reader."""
    try:
        subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr, **settings)
    except FileNotFoundError:
        raise Problem(f"{failed}: there is no `{command[0]}` here", fix) from None
    except subprocess.CalledProcessError as error:
        raise Problem(f"{failed}: `{Path(str(command[0])).name}` ended with {error.returncode}", fix) from None


def pip(*arguments):
    """pip of the environment that the demo runs in."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    run(command, "pip failed", "is the Python package index reachable from here?")


def shown(path):
    """A path as short as it can be written."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
