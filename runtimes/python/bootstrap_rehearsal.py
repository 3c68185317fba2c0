# SPDX-License-Identifier: Apache-2.0
"""A function that a stem runs before it is one: a little of what most functions do. See `bootstrap_stem.py`."""

import json
import os
import time
from datetime import datetime, timezone

PREFIX = os.environ.get("PREFIX", "")


class Item:
    kind = "item"

    def __init__(self, key, *values, **rest):
        self.key, self.values, self.rest = key, values, rest

    def __repr__(self):
        return f"{self.kind} {self.key!r}: {len(self.values):d}"

    @property
    def size(self):
        return sum(1 for value in self.values if value is not None)


def first(values, default=None):
    for value in values:
        if isinstance(value, str) and value.startswith(PREFIX):
            return value
    else:
        return default


def handler(event, context):
    items = [Item(key, *values, at=index) for index, (key, values) in enumerate(sorted(event.items()))]
    try:
        name = event["missing"]
    except (KeyError, TypeError) as error:
        name = str(error)
    finally:
        now = datetime.now(timezone.utc).isoformat()
    with open(os.devnull) as file:  # noqa: PTH123 - `pathlib` is not what most functions import
        rest = file.read()
    left = context.get_remaining_time_in_millis() if context else 0
    body = json.dumps({"name": name, "items": [repr(item) for item in items], "rest": rest})
    sizes = {item.key: item.size for item in items}
    return {"statusCode": 200, "body": body, "first": first(json.loads(body)), "at": [now, time.time() > left], **sizes}
