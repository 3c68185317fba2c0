# SPDX-License-Identifier: Apache-2.0
"""Makes a JPEG thumbnail of a photo."""

import base64
import binascii
import io

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_DEFAULT = 256
MAX_LIMIT = 2048


class InvalidImage(Exception):
    """The event has no image that can be read."""


def handler(event, context):
    """{"image": base64, "max": 256} -> {"thumbnail": base64 JPEG, "width", "height", "original": {...}}"""
    longest = event.get("max", MAX_DEFAULT)
    if not isinstance(longest, int) or not 1 <= longest <= MAX_LIMIT:
        raise ValueError(f"max must be a whole number from 1 to {MAX_LIMIT}")

    photo = open_image(event.get("image", ""))
    original = {"width": photo.width, "height": photo.height, "format": photo.format}

    # A camera stores pixels as the sensor saw them and says in EXIF how to turn them.
    photo = ImageOps.exif_transpose(photo)
    photo.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    on_white(photo).save(jpeg, "JPEG", quality=85, optimize=True, progressive=True)

    return {
        "thumbnail": base64.b64encode(jpeg.getvalue()).decode(),
        "contentType": "image/jpeg",
        "width": photo.width,
        "height": photo.height,
        "bytes": jpeg.tell(),
        "original": original,
    }


def open_image(text):
    try:
        photo = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        photo.load()
    except (binascii.Error, TypeError, UnidentifiedImageError, OSError) as error:
        raise InvalidImage(f"image is not a picture in base64: {error}") from error
    return photo


def on_white(photo):
    """JPEG has no transparency: what was clear becomes white."""
    if photo.mode in ("RGB", "L"):
        return photo
    picture = photo.convert("RGBA")
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    return page
