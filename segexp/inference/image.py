"""A photo as cameras and users hand it in -> the bytes that a network takes."""

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from PIL import Image, ImageOps

from segexp.data.reading import red_green_blue
from segexp.types import SMALLEST_SIDE, Bytes

Found = TypeVar("Found")
TORN = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error)
"""What Pillow raises for one, odd EXIF data included."""


class Photo(NamedTuple):
    """image: uint8 [H, W, 3], as of `read_photo`.

    num_frames: of an animation, or pages of a TIFF; the previews beside the photo in the files of phones do not count.
    """

    image: Bytes
    num_frames: int


def read_photo(file: Path | IO[bytes], max_pixels: int | None = None, formats: tuple[str, ...] | None = None) -> Bytes:
    """Red, green, blue, uint8 [H, W, 3], upright as its EXIF orientation says; of several frames the first.

    max_pixels: how many a photo may have, None for Pillow's own limit; told from its header, before it is decoded.
    formats: those that it may be of, tried in this order, None for all that Pillow knows.
    Raises ValueError for what is no photo, is torn, is larger than that, or has a side below SMALLEST_SIDE.
    """
    return _read(file, max_pixels, formats, _upright)


def read_and_counted(file: Path) -> Photo:
    """As `read_photo`, which opens the file but once."""
    return _read(file, None, None, lambda picture: Photo(_upright(picture), _num_frames(picture)))


def _read(
    file: Path | IO[bytes],
    max_pixels: int | None,
    formats: tuple[str, ...] | None,
    taken: Callable[[Image.Image], Found],
) -> Found:
    try:
        with Image.open(file, formats=formats) as picture:
            problem = _problem(picture.height, picture.width, max_pixels)
            if not problem:
                return taken(picture)
    except Image.DecompressionBombError as error:
        raise ValueError(f"more pixels than {2 * (Image.MAX_IMAGE_PIXELS or 0)}; make it smaller") from error
    except TORN as error:
        raise ValueError(f"no photo that can be read ({error}); save it again as PNG or JPEG") from error
    raise ValueError(problem)


def _upright(picture: Image.Image) -> Bytes:
    ImageOps.exif_transpose(picture, in_place=True)
    return red_green_blue(picture)


def _num_frames(picture: Image.Image) -> int:
    """After its pixels were taken, as those of a further frame may be torn."""
    with suppress(*TORN):
        return 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    return 1


def _problem(height: int, width: int, max_pixels: int | None) -> str:
    """Of a photo of that size; empty if there is none."""
    if max_pixels is not None and height * width > max_pixels:
        return f"{height} x {width} pixels, allowed are {max_pixels} in all; make it smaller"
    if min(height, width) < SMALLEST_SIDE:
        return f"{height} x {width} pixels; needed is at least {SMALLEST_SIDE} each way; enlarge it"
    return ""
