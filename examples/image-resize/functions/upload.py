# SPDX-License-Identifier: Apache-2.0
"""Makes a thumbnail of each photo as soon as it is in the bucket."""

from urllib.parse import unquote_plus

from picture import resize

SIZE = (128, 128)


def handler(event, context):
    """An event of Amazon S3. A photo that is none fails it, and the function's destination is told."""
    # S3 asks with an event of its own, without records, whether anybody is there.
    for record in event.get("Records", []):
        # Keys stand in events as in the query of a URL.
        key = unquote_plus(record["s3"]["object"]["key"])
        content, _ = resize(key, *SIZE)
        print(f"{key}: {record['s3']['object']['size']} -> {len(content)} bytes")
