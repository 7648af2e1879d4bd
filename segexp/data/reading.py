"""Read the files of one scene into arrays: masks by their source, and pictures by Pillow, which refuses torn files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from segexp.classes import UNKNOWN_LABEL
from segexp.data.image import (
    DECODING_ERRORS,
    ON_ITS_SIDE,
    BitDepthError,
    UprightImage,
    UsedDepth,
    as_stored,
    orientation,
    rgb_array,
    stored_values,
    upright,
    upright_size,
    used_depth,
)
from segexp.data.mask_cures import cure_of_mask
from segexp.data.pairs import Pair, Source
from segexp.system.remote import open_file
from segexp.types import Bytes

Decoded = TypeVar("Decoded")


def read_pair(source: Source, pair: Pair, lookup: Bytes, bit_depth: int | None = None) -> tuple[Bytes, Bytes]:
    """Read an image uint8 [H, W, 3] and its target uint8 [H, W] in train ids.

    source: the data set that listed the pair. lookup: train id of every mask value [256], see `Grouping.lookup`.
    bit_depth: of the image, see `segexp.data.image.upright`.
    Raises ValueError naming the file if it is broken, if image and mask differ in size, or for an unknown label.
    """
    image = read_image(pair.image, bit_depth)
    return image, read_target(source, pair, lookup, image.shape[:2])


def read_target(source: Source, pair: Pair, lookup: Bytes, size: tuple[int, ...]) -> Bytes:
    """Read only the target, uint8 [H, W] in train ids.

    size: [H, W] of the image. Raises ValueError naming the mask if it is broken, has another size or an unknown label.
    """
    mask = read_label_ids(source, pair)
    if size != mask.shape:
        raise ValueError(
            f"{pair.mask} has {mask.shape[0]} rows and {mask.shape[1]} columns, and its image {pair.image} has "
            f"{size[0]} and {size[1]}{_cure_of_other_size(pair, mask.shape, size)}"
        )
    target = lookup[mask]
    if (target == UNKNOWN_LABEL).any() and (unknown := _unknown_ids(source, mask[target == UNKNOWN_LABEL])):
        raise ValueError(
            f"{pair.mask} holds the ids {unknown}, which are no labels of this data set; correct the mask, "
            "choose the data= option whose labels it holds, or add them to data.labels"
        )
    return target


def _unknown_ids(source: Source, mask_values: Bytes) -> list[int]:
    """Those that are no labels: in `LabelTable.lookup`, the label of the id 254 has the value of UNKNOWN_LABEL."""
    return sorted({*mask_values.tolist()} - {*source.table.mask_values()})


def _cure_of_other_size(pair: Pair, mask: tuple[int, ...], size: tuple[int, ...]) -> str:
    turned = read_orientation(pair.image) if mask == size[::-1] else 1
    if turned not in ON_ITS_SIDE:
        return "; both must have the same size: make the mask again"
    return (
        f", turned as its EXIF orientation {turned} says; the mask fits only the pixels as they are stored, and masks "
        "are never turned: make it again from the upright image, or, if the stored pixels are the right way up, remove "
        "the orientation of the image (exiftool -Orientation= FILE)"
    )


def read_label_ids(source: Source, pair: Pair) -> Bytes:
    """Let a source read a mask as label ids, uint8 [H, W].

    source: the data set that listed the pair. Raises ValueError naming the mask and, unless the source's own error
    names the mask already, the source's method: if that raises any error, or returns another array.
    """
    method = f"{type(source).__module__}.{type(source).__qualname__}.mask"
    try:
        mask = source.mask(pair)
    except MemoryError:
        raise
    except Exception as error:  # each library has its own error for a torn file
        if isinstance(error, ValueError) and str(pair.mask) in str(error):
            raise
        raise ValueError(
            f"{method} cannot read {pair.mask} ({type(error).__name__}: {error}); make, copy or download this file "
            "again, or correct the method"
        ) from error
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != np.uint8:
        kind = f"{mask.dtype} of shape {list(mask.shape)}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ValueError(
            f"{method} returned {kind} for {pair.mask}; allowed: an array of uint8 of shape [height, width], the label "
            "id of each pixel; correct the method"
        )
    return mask


def read_size(path: Path) -> tuple[int, int]:
    """Read the height and width of an image, upright as its EXIF orientation says, from the first bytes of its file."""
    return _decode(path, upright_size)


def read_stored_size(path: Path) -> tuple[int, int]:
    """As `read_size`, of the pixels as they are stored; no format is decoded for it, and no more of the file read."""
    return _decode(path, lambda image: (image.height, image.width))


def read_orientation(path: Path) -> int:
    """Read the EXIF orientation of an image, see `segexp.data.image.orientation`."""
    return _decode(path, orientation)


def read_image(path: Path, bit_depth: int | None = None) -> Bytes:
    """Read an image as red, green and blue, uint8 [H, W, 3], upright as its EXIF orientation says.

    bit_depth: how many bits the values use where the file stores more than 8; None for as many as it stores.
    """
    return read_upright(path, bit_depth).rgb


def read_upright(path: Path, bit_depth: int | None = None) -> UprightImage:
    """As `read_image`, with what else its file says."""
    return _decode(path, lambda picture: upright(picture, bit_depth))


def read_used_depth(path: Path) -> UsedDepth:
    """Read how many bits a channel an image stores, and of one with more than 8, the largest value."""
    return _decode(path, used_depth)


def read_colors(path: Path) -> Bytes:
    """Read a mask that is coded by colour, uint8 [H, W, 3]; as every mask, it is not turned by an EXIF orientation."""
    return _decode(path, lambda image: rgb_array(as_stored(image)))


def read_mask(path: Path) -> Bytes:
    """Read a mask of one byte a pixel, grey or with a palette that is not applied, as uint8 [H, W].

    Raises ValueError for other pixels.
    """
    mask = read_values(path)
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise ValueError(f"{path} is {_kind(mask)}; masks have one channel of label ids, uint8; {cure_of_mask(mask)}")
    return mask


def _kind(values: npt.NDArray[Any]) -> str:
    """The kind of image that holds these values, with their type and shape."""
    num_channels = values.shape[2] if values.ndim == 3 else 1
    kind = {1: "a grey image", 2: "a grey image with alpha", 3: "an RGB image", 4: "an RGBA image"}.get(num_channels)
    return f"{kind or 'an image'} ({values.dtype}, {' x '.join(map(str, values.shape))})"


def read_values(path: Path) -> npt.NDArray[Any]:
    """Read the values of a picture as they are stored, [H, W] or [H, W, channels] of any type: neither palette nor EXIF
    orientation is applied."""
    return _decode(path, stored_values)


def read_instances(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Read the ids of single objects, int32 [H, W]: label id * 1000 + number, or below 1000 where there is no object.

    shape: [H, W] of the mask. Raises ValueError for another shape and for pixels that are no whole numbers.
    """
    ids = read_values(path)
    if ids.shape != shape or ids.dtype.kind not in "iu":
        raise ValueError(
            f"{path} holds {ids.dtype} of shape {list(ids.shape)}; allowed: whole numbers of the mask's shape "
            f"{list(shape)}; make, copy or download this file again"
        )
    return ids.astype(np.int32)


def _decode(path: Path, convert: Callable[[Image.Image], Decoded]) -> Decoded:
    try:
        with open_file(path) as file, Image.open(file) as image:
            return convert(image)
    except BitDepthError as error:
        raise ValueError(f"{path}: {error}") from error
    except DECODING_ERRORS as error:
        raise ValueError(f"{path} cannot be decoded ({error}); make, copy or download this file again") from error
