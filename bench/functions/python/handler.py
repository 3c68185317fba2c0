# SPDX-License-Identifier: Apache-2.0
"""Answers its event, after a while if it says so, and does no good to others if it says so."""

import time

# With its end, a hundred bytes.
LINE = ("what there is to say of this, and of that, and of all else beside " * 2)[:99]


def handler(event, context):
    if event.get("sleep_ms"):
        time.sleep(event["sleep_ms"] / 1000)
    for _ in range(event.get("log_lines", 0)):
        print(LINE)
    if event.get("spin_ms"):
        end = time.monotonic() + event["spin_ms"] / 1000
        while time.monotonic() < end:
            pass
    if event.get("fill_mb"):
        bytearray(b"x") * (event["fill_mb"] << 20)
    return {"ok": True, "echo": event}
