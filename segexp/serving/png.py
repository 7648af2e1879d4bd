"""Pixels -> PNG files, and what HTTP wants to know of them."""

import base64
import hashlib

import numpy as np
import numpy.typing as npt
from PIL import Image

from segexp.pictures import png, with_palette

Bytes = npt.NDArray[np.uint8]


def picture(image: Bytes) -> bytes:
    """Of red, green, blue, uint8 [H, W, 3]."""
    return png(Image.fromarray(image))


def mask(train_ids: Bytes, colors: Bytes) -> bytes:
    """A palette PNG to show and to read, see `with_palette`."""
    return png(with_palette(train_ids, colors))


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
