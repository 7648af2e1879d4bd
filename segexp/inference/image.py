"""An image file as cameras and users hand it in -> the bytes that a network takes."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from PIL import Image

from segexp.data.image import DECODING_ERRORS, BitDepthError, upright
from segexp.types import SMALLEST_SIDE, Bytes

Result = TypeVar("Result")


class DecodedImage(NamedTuple):
    """image: uint8 [H, W, 3], as `decode_image` returns it.

    num_frames: of an animation, or pages of a TIFF; the previews that phones store beside an image do not count.
    """

    image: Bytes
    num_frames: int


def decode_image(
    file: Path | IO[bytes],
    max_pixels: int | None = None,
    formats: tuple[str, ...] | None = None,
    bit_depth: int | None = None,
) -> Bytes:
    """Decode red, green, blue, uint8 [H, W, 3], upright as the EXIF orientation says; of several frames the first.

    max_pixels: how many the image may have, None for Pillow's own limit; checked before they are decoded.
    formats: the file formats that are tried, in this order, None for all that Pillow knows.
    bit_depth: how many bits the values use where the file stores more than 8; None for as many as it stores.
    Raises ValueError for a file that is no image, is torn, has too many pixels, or has a side below SMALLEST_SIDE.
    """
    return _decode(file, max_pixels, formats, lambda picture: upright(picture, bit_depth).rgb)


def decode_image_and_count_frames(file: Path, bit_depth: int | None = None) -> DecodedImage:
    """Decode as `decode_image` does, and count the frames; the file is opened only once."""

    def extract(picture: Image.Image) -> DecodedImage:
        return DecodedImage(upright(picture, bit_depth).rgb, _num_frames(picture))

    return _decode(file, None, None, extract)


def _decode(
    file: Path | IO[bytes],
    max_pixels: int | None,
    formats: tuple[str, ...] | None,
    extract: Callable[[Image.Image], Result],
) -> Result:
    try:
        with Image.open(file, formats=formats) as picture:
            problem = _size_problem(picture.height, picture.width, max_pixels)
            if not problem:
                return extract(picture)
    except Image.DecompressionBombError as error:
        raise ValueError(f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels; make the image smaller") from error
    except BitDepthError:
        raise
    except DECODING_ERRORS as error:
        raise ValueError(f"not a readable image ({error}); save it again as PNG or JPEG") from error
    raise ValueError(problem)


def _num_frames(picture: Image.Image) -> int:
    """Called after the pixels were decoded, because the data of a further frame may be torn."""
    with suppress(*DECODING_ERRORS):
        return 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
    return 1


def _size_problem(height: int, width: int, max_pixels: int | None) -> str:
    """Say why an image of this size is refused; an empty text if it is not."""
    if max_pixels is not None and height * width > max_pixels:
        return f"{height} x {width} pixels; allowed: at most {max_pixels} in all; make the image smaller"
    if min(height, width) < SMALLEST_SIDE:
        return f"{height} x {width} pixels; allowed: at least {SMALLEST_SIDE} each way; enlarge the image"
    return ""
