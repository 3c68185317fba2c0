# SPDX-License-Identifier: Apache-2.0
"""A shop's checkout, which fails in the ways that functions fail in: it says so, it raises, and it takes too long."""

import logging
import threading

STOCK = {"candle": 10, "lamp": 2}

log = logging.getLogger()
log.setLevel(logging.INFO)


def handler(event, context):
    """{"article", "count"} -> how many were sold"""
    article, count = event["article"], event["count"]
    if article not in STOCK:
        log.error("no such article: %s", article)
        return {"sold": 0}
    if count > STOCK[article]:
        raise RuntimeError(f"only {STOCK[article]} of {article} are left")
    if event.get("pay_by") == "cheque":
        # The bank never answers.
        threading.Event().wait()
    log.info("sold %d of %s", count, article)
    return {"sold": count}
