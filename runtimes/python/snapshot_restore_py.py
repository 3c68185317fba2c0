# SPDX-License-Identifier: Apache-2.0
"""What a function registers to run before its snapshot is taken and after it goes on from there: AWS's module by its name.

Before a snapshot the last registered runs first; afterwards the first registered does.
"""

_before, _after = [], []


def register_before_snapshot(func, *args, **kwargs):
    """Can be used as a decorator."""
    _before.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Can be used as a decorator."""
    _after.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before


def get_after_restore():
    return _after
