# SPDX-License-Identifier: Apache-2.0
"""Prints a label for each parcel."""

import json


def handler(event, context):
    """An event of SNS."""
    for record in event["Records"]:
        order = json.loads(record["Sns"]["Message"])
        content = ", ".join(f"{count} {article}" for article, count in sorted(order["items"].items()))
        print(f"parcel for {order['customer']}, order {order['id']}: {content}")
