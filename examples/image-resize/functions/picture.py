# SPDX-License-Identifier: Apache-2.0
"""Pictures in buckets: where those of another size are kept, and how they are made."""

import io
import os

import boto3
from PIL import Image, ImageOps, UnidentifiedImageError

PHOTOS, THUMBNAILS = os.environ["PHOTOS"], os.environ["THUMBNAILS"]
s3 = boto3.client("s3")


class NoPicture(Exception):
    """An object that can not be read as a picture."""


def resize(key, width, height):
    """The photo of that key, cut and scaled to that size, and its content type. It is kept for the next time."""
    content, content_type = resized(s3.get_object(Bucket=PHOTOS, Key=key)["Body"].read(), width, height)
    s3.put_object(Bucket=THUMBNAILS, Key=kept_at(key, width, height), Body=content, ContentType=content_type)
    return content, content_type


def kept_at(key, width, height):
    return f"{width}x{height}/{key}"


def resized(content, width, height):
    """A picture in the format that it has."""
    try:
        photo = Image.open(io.BytesIO(content))
        photo_format = photo.format
        # A camera stores pixels as the sensor saw them and says in EXIF how to turn them.
        photo = ImageOps.exif_transpose(photo)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise NoPicture(f"this is no picture: {error}") from error
    output = io.BytesIO()
    ImageOps.fit(photo, (width, height), Image.Resampling.LANCZOS).save(output, photo_format)
    return output.getvalue(), Image.MIME[photo_format]
