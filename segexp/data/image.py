"""A picture that Pillow has opened -> its pixels as a network takes them: red, green, blue, upright, 8 bits."""

import struct
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

from segexp.types import Bytes

DECODING_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error)
"""What Pillow raises for a torn file, odd EXIF data included."""
ON_ITS_SIDE = (5, 6, 7, 8)
"""EXIF orientations of a picture whose stored rows are the columns of the upright one."""


class UprightImage(NamedTuple):
    """rgb: red, green, blue, uint8 [H, W, 3], upright. orientation: 1 if the file says that it was so already."""

    rgb: Bytes
    orientation: int


def upright(picture: Image.Image) -> UprightImage:
    """Decode an image and turn it as its EXIF orientation says.

    Every command reads images through this function. Masks are never turned: see `as_stored`.
    Raises ValueError for pixels of 32 bits, and what Pillow raises for a truncated file.
    """
    turned_by = orientation(picture)
    ImageOps.exif_transpose(picture, in_place=True)
    return UprightImage(rgb_array(picture), turned_by)


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Height and width of what `upright` returns, mostly without decoding anything.

    Pillow turns a TIFF itself, and says the size that it will have. For the orientation it decodes a PNG, so only a PNG
    that mentions one is asked.
    """
    height, width = picture.height, picture.width
    if picture.format == "TIFF" or height == width or (picture.format == "PNG" and not _mentions_orientation(picture)):
        return height, width
    return (width, height) if orientation(picture) in ON_ITS_SIDE else (height, width)


def _mentions_orientation(png: Image.Image) -> bool:
    assert isinstance(png, ImageFile.ImageFile)
    assert png.fp is not None
    place = png.fp.tell()
    png.fp.seek(0)
    content = png.fp.read()
    png.fp.seek(place)
    return any(mark in content for mark in (b"eXIf", b"Raw profile type", b"tiff:Orientation"))


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 for a picture that is stored upright, or says nothing."""
    value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


def as_stored(mask: Image.Image) -> Image.Image:
    """The mask itself, which is loaded as it is stored.

    Raises ValueError for a TIFF with an orientation: Pillow would turn it, as it turns no other format.
    """
    if mask.format == "TIFF" and orientation(mask) != 1:
        raise ValueError(f"its orientation is {orientation(mask)}; allowed for masks, which are never turned: none")
    return mask


def rgb_array(image: Image.Image) -> Bytes:
    """Convert an image to uint8 [H, W, 3]: grey is repeated, 16 bits are cut to the upper 8, transparency is ignored.

    Raises ValueError for pixels of 32 bits, and what Pillow raises for a truncated file.
    """
    if image.mode.startswith("I;16"):  # Pillow's own conversion would clip all above 255
        return np.repeat((np.array(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ValueError(f"its pixels have the mode {image.mode}; allowed: 8 or 16 bits a channel")
    return np.array(image.convert("RGB"))
