"""A picture that Pillow has opened -> its pixels as a network takes them: red, green, blue, upright, 8 bits."""

import struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, ImageOps

from segexp.types import Bytes

DECODING_ERRORS = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error)
"""What Pillow raises for a torn file, odd EXIF data included."""
STORED = 16
"""Bits a channel of files that store more than 8, but for TIFF, which knows 12 as well."""
ON_ITS_SIDE = (5, 6, 7, 8)
"""EXIF orientations of a picture whose stored rows are the columns of the upright one."""


class UprightImage(NamedTuple):
    """rgb: red, green, blue, uint8 [H, W, 3], upright. orientation: 1 if the file says that it was so already."""

    rgb: Bytes
    orientation: int


class UsedDepth(NamedTuple):
    """stored: bits a channel that a file stores. largest: value of any channel in it, alpha left out."""

    stored: int
    largest: int


class BitDepthError(ValueError):
    """Values of an image use more bits than they are said to."""


def upright(picture: Image.Image, bit_depth: int | None = None) -> UprightImage:
    """Decode an image, turn it as its EXIF orientation says, and scale it to 8 bits a channel.

    bit_depth: how many bits the values use where the file stores more than 8; None for as many as it stores.
    Every command reads images through this function. Masks are never turned: see `as_stored`.
    Raises BitDepthError for values that use more bits, ValueError for pixels of 32 bits, and what Pillow raises for a
    truncated file.
    """
    depth = bit_depth or stored_depth(picture)
    colors = _content(picture) if depth < STORED and _is_deep_color(picture) else None
    turned_by = orientation(picture)  # may decode the picture, whose layout is not known any more then
    if colors:
        picture.load()  # refuses torn files; of colours Pillow keeps the upper 8 of 16 bits
        is_turned = picture.format == "TIFF"  # by OpenCV, as by Pillow
        picture = Image.fromarray(to_eight_bits(_stored_colors(colors), depth))
        picture.getexif()[ExifTags.Base.Orientation] = 1 if is_turned else turned_by
    ImageOps.exif_transpose(picture, in_place=True)
    return UprightImage(rgb_array(picture, depth), turned_by)


def _is_deep_color(picture: Image.Image) -> bool:
    return stored_depth(picture) == STORED and not picture.mode.startswith("I;16")


def stored_depth(picture: Image.Image) -> int:
    """Bits a channel in the file of a picture that is not decoded yet: 8, 12 or 16; 8 for fewer as well."""
    if picture.format not in ("PNG", "TIFF"):
        return STORED if picture.mode.startswith("I;16") else 8
    layout = str(picture.tile[0].args) if isinstance(picture, ImageFile.ImageFile) and picture.tile else ""
    return next((bits for bits in (STORED, 12) if f";{bits}" in layout), 8)


def used_depth(picture: Image.Image) -> UsedDepth:
    """How many bits a channel a picture that is not decoded yet stores; it is decoded if these are more than 8."""
    stored = stored_depth(picture)
    if stored == 8:
        return UsedDepth(8, 255)
    values = _stored_colors(_content(picture)) if _is_deep_color(picture) else np.array(picture)
    return UsedDepth(stored, int(values.max()))


def to_eight_bits(values: npt.NDArray[np.uint16], bit_depth: int) -> Bytes:
    """Keep the upper 8 of the bits that values use. Raises BitDepthError for one that uses more than bit_depth."""
    if bit_depth < STORED and values.max(initial=0) >> bit_depth:
        raise BitDepthError(
            f"an image holds values up to {values.max()}, which are of {int(values.max()).bit_length()} bits, and "
            f"data.bit_depth is {bit_depth}; train with a larger one, or leave this image out"
        )
    return (values >> (bit_depth - 8)).astype(np.uint8)


def _stored_colors(content: bytes) -> npt.NDArray[np.uint16]:
    """Red, green, blue, uint16 [H, W, 3], of a PNG or TIFF: Pillow drops the lower 8 bits of colours."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3:
        raise ValueError("its 16-bit colours cannot be converted; save it as an RGB image in PNG")
    return np.ascontiguousarray(pixels[..., 2::-1])  # blue, green, red, alpha -> red, green, blue


def _content(picture: Image.Image) -> bytes:
    """The bytes of the file of a picture that is not decoded yet."""
    assert isinstance(picture, ImageFile.ImageFile)
    assert picture.fp is not None
    place = picture.fp.tell()
    picture.fp.seek(0)
    content = picture.fp.read()
    picture.fp.seek(place)
    return content


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
    content = _content(png)
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
        raise ValueError(f"its EXIF orientation is {orientation(mask)}; allowed: none, as masks are never rotated")
    return mask


def stored_values(picture: Image.Image) -> npt.NDArray[Any]:
    """The values of a picture that is not decoded yet, as `as_stored`, of any type; colours of 16 bits as uint16."""
    if _is_deep_color(picture):
        content = _content(picture)
        as_stored(picture).load()  # refuses torn files
        return _stored_colors(content)
    return np.array(as_stored(picture))


def rgb_array(image: Image.Image, bit_depth: int = 16) -> Bytes:
    """Convert an image to uint8 [H, W, 3]: grey is repeated, transparency is ignored.

    bit_depth: how many bits the values of grey images use that store 16. Raises as `upright` does.
    """
    if image.mode.startswith("I;16"):  # Pillow's own conversion would clip all above 255
        return np.repeat(to_eight_bits(np.array(image), bit_depth)[..., None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise ValueError(f"its pixels have the mode {image.mode}; allowed: 8 or 16 bits a channel")
    return np.array(image.convert("RGB"))
