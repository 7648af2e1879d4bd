"""Pixels -> image files, with the tags and URLs that HTTP needs."""

import base64
import hashlib
import io
from functools import cached_property

from PIL import Image

from segexp.display.pictures import BLACK, png, with_palette
from segexp.types import Bytes

THUMBNAIL_SIDE = 256
"""Longest side of a thumbnail in pixels; the page shows them half as large, for dense screens."""


class EncodedImage(bytes):
    """A PNG or JPEG with its entity tag; many clients ask for one file, whose bytes take a while to hash."""

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self).hexdigest()[:32]}"'

    @property
    def media_type(self) -> str:
        return "image/jpeg" if self.startswith(b"\xff\xd8") else "image/png"


def encode_image(image: Bytes) -> EncodedImage:
    """Encode red, green, blue, uint8 [H, W, 3], as PNG."""
    return EncodedImage(png(Image.fromarray(image)))


def encode_mask(train_ids: Bytes, colors: Bytes) -> EncodedImage:
    """Encode train ids [H, W] as a palette PNG, to look at and to read; void is black, by which the page knows it."""
    return EncodedImage(png(with_palette(train_ids, colors, void=BLACK)))


def encode_thumbnail(image: Bytes) -> EncodedImage:
    """Encode red, green, blue, uint8 [H, W, 3], as JPEG of at most THUMBNAIL_SIDE each way."""
    picture, content = Image.fromarray(image), io.BytesIO()
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    picture.save(content, "jpeg", quality=80)
    return EncodedImage(content.getvalue())


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
