# SPDX-License-Identifier: Apache-2.0
"""Serves photos in the size that is asked for: GET /WIDTHxHEIGHT/KEY. The first time it is made, from then on it is there."""

import base64
import os
import re
from urllib.parse import unquote

from picture import THUMBNAILS, NoPicture, kept_at, resize, s3

# Who may ask for any size fills the bucket.
SIZES = os.environ["SIZES"].split()
WANTED = re.compile(r"/([0-9]{1,4})x([0-9]{1,4})/(.+)")


def handler(event, context):
    """An event of a function URL -> a picture"""
    asked = WANTED.fullmatch(event["rawPath"])
    if not asked:
        return refusal(404, "ask for /WIDTHxHEIGHT/KEY")
    width, height, key = int(asked[1]), int(asked[2]), unquote(asked[3])
    if f"{width}x{height}" not in SIZES:
        return refusal(403, f"there are only {', '.join(SIZES)}")
    try:
        return picture(*found(key, width, height))
    except s3.exceptions.NoSuchKey:
        return refusal(404, "no such photo")
    except NoPicture as error:
        return refusal(415, str(error))


def found(key, width, height):
    """The bytes and the content type of a picture, and whether it was there."""
    try:
        kept = s3.get_object(Bucket=THUMBNAILS, Key=kept_at(key, width, height))
        return kept["Body"].read(), kept["ContentType"], "hit"
    except s3.exceptions.NoSuchKey:
        return *resize(key, width, height), "miss"


def picture(content, content_type, cache):
    headers = {"content-type": content_type, "cache-control": "public, max-age=86400", "x-cache": cache}
    return {"statusCode": 200, "headers": headers, "body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def refusal(status, text):
    return {"statusCode": status, "headers": {"content-type": "text/plain"}, "body": f"{text}\n"}
