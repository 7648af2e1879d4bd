"""Pixels -> PNG files, with the tags and URLs that HTTP needs."""

import base64
import hashlib
from functools import cached_property

import numpy as np
from PIL import Image

from segexp.display.pictures import png, with_palette
from segexp.types import Bytes


class Png(bytes):
    """A file with its entity tag; many clients ask for one file, whose bytes take a while to hash."""

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self).hexdigest()[:32]}"'


def encode_image(image: Bytes) -> Png:
    """Encode red, green, blue, uint8 [H, W, 3]."""
    return Png(png(Image.fromarray(image)))


def encode_mask(train_ids: Bytes, colors: Bytes) -> Png:
    """Encode train ids [H, W] as a palette PNG, to look at and to read; void is black, by which the page knows it."""
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(colors)] = colors
    return Png(png(with_palette(train_ids, palette)))


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
