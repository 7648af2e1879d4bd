"""Pixels -> PNG files, and what HTTP wants to know of them."""

import base64
import hashlib
from functools import cached_property

from PIL import Image

from segexp.display.pictures import png, with_palette
from segexp.types import Bytes


class Png(bytes):
    """A file, kept together with what HTTP knows it by: many ask for one picture, whose bytes take a while to hash."""

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self).hexdigest()[:32]}"'


def picture(image: Bytes) -> Png:
    """Of red, green, blue, uint8 [H, W, 3]."""
    return Png(png(Image.fromarray(image)))


def mask(train_ids: Bytes, colors: Bytes) -> Png:
    """A palette PNG to show and to read, see `with_palette`."""
    return Png(png(with_palette(train_ids, colors)))


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
