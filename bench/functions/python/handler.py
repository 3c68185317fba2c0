# SPDX-License-Identifier: Apache-2.0
"""Answers its event, after a while if it says so."""

import time


def handler(event, context):
    if event.get("sleep_ms"):
        time.sleep(event["sleep_ms"] / 1000)
    return {"ok": True, "echo": event}
