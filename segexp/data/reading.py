"""Files of one scene -> arrays. Pillow decodes, because it works everywhere and refuses a torn file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from segexp.classes import UNKNOWN
from segexp.data.pairs import Pair
from segexp.system.remote import opened
from segexp.types import Bytes

Found = TypeVar("Found")


def read_pair(pair: Pair, lookup: Bytes) -> tuple[Bytes, Bytes]:
    """Image uint8 [H, W, 3] and target uint8 [H, W] in train ids.

    lookup: train id of every byte a mask may hold [256], see `Grouping.lookup`.
    Raises ValueError naming the file: broken, of different sizes, or with a label that the table does not know.
    """
    image = read_image(pair.image)
    return image, read_target(pair, lookup, image.shape[:2])


def read_target(pair: Pair, lookup: Bytes, size: tuple[int, ...]) -> Bytes:
    """Train ids alone, uint8 [H, W]. size: that of the image; raises ValueError as `read_pair` does."""
    mask = read_mask(pair.mask)
    if size != mask.shape:
        raise ValueError(
            f"{pair.mask} has {mask.shape[0]} rows and {mask.shape[1]} columns, its image {pair.image} has "
            f"{size[0]} and {size[1]}; they must be of one size: make the mask again"
        )
    target = lookup[mask]
    if (target == UNKNOWN).any():
        raise ValueError(
            f"{pair.mask} holds the ids {np.unique(mask[target == UNKNOWN]).tolist()}, which are no labels of this "
            "data set; correct the mask, choose the data= option whose labels it holds, or add them to data.labels"
        )
    return target


def read_size(path: Path) -> tuple[int, int]:
    """Height and width of an image, from the first bytes of its file."""
    return _decode(path, lambda picture: (picture.height, picture.width))


def read_image(path: Path) -> Bytes:
    """Red, green, blue, uint8 [H, W, 3]."""
    return _decode(path, red_green_blue)


def read_mask(path: Path) -> Bytes:
    """Label ids as they stand in the file, uint8 [H, W]; a palette is not applied."""
    mask = _decode(path, np.array)
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise ValueError(
            f"{path} is no mask: {mask.dtype} of shape {list(mask.shape)}; needed is one byte a pixel, a label id"
        )
    return mask


def read_instances(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Ids of objects, int32 [H, W]: label * 1000 + number, below 1000 where there is none. shape: that it must have."""
    ids = _decode(path, np.array)
    if ids.shape != shape or ids.dtype.kind not in "iu":
        raise ValueError(
            f"{path} holds {ids.dtype} of shape {list(ids.shape)}; needed are whole numbers of the mask's {list(shape)}"
        )
    return ids.astype(np.int32)


def red_green_blue(picture: Image.Image) -> Bytes:
    """Pixels of an opened picture, uint8 [H, W, 3]: grey repeated, 16 bits a channel shortened, transparency ignored.

    Raises ValueError for pixels that have no byte's worth of a colour, and what Pillow raises for a torn file.
    """
    if picture.mode.startswith("I;16"):  # converted, Pillow would clip all above 255
        return np.repeat((np.array(picture) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {picture.mode}; 8 or 16 bits a channel are read")
    return np.array(picture.convert("RGB"))


def _decode(path: Path, convert: Callable[[Image.Image], Found]) -> Found:
    try:
        with opened(path) as file, Image.open(file) as picture:
            return convert(picture)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three for torn files
        raise ValueError(f"{path} cannot be decoded ({error}); make, copy or download this file again") from error
