"""Files that are uploaded, good and bad."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def pixels(height: int = 64, width: int = 96) -> np.ndarray:
    """A smooth image, uint8 [H, W, 3]."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=2).astype(np.uint8)


def png(image: Image.Image | np.ndarray, **options: Any) -> bytes:
    return encoded(image, "png", **options)


def encoded(image: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **options)
    return content.getvalue()


def jpeg_of_many_scans(num_scans: int) -> bytes:
    """A progressive JPEG whose last scan is sent again and again, a pass over all pixels for a few bytes each."""
    whole = encoded(pixels(), "jpeg", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + num_scans * whole[last:-2] + whole[-2:]


def webp_and_photo_cd() -> bytes:
    """A WebP of 64 x 96 pixels that is also a Photo CD of 512 x 768, whose format name stands at byte 2048."""
    name, image = b"PCD_", Image.fromarray(pixels())
    start = encoded(image, "webp", xmp=name).rindex(name)
    return encoded(image, "webp", xmp=bytes((2048 - start) % len(name)) + 200_000 * name)


def huge_png(side: int = 50_000) -> bytes:
    """A PNG whose header states a large size, in a few bytes (PNG specification, sections 5.3 and 11.2.2)."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    row = zlib.compress(bytes(3 * side + 1), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", row) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
