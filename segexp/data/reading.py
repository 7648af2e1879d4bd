"""Files of one scene -> arrays. Pillow decodes, because it works everywhere and refuses a torn file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from segexp.classes import UNKNOWN
from segexp.data.pairs import Pair

Bytes = npt.NDArray[np.uint8]


def read_pair(pair: Pair, lookup: Bytes) -> tuple[Bytes, Bytes]:
    """Image uint8 [H, W, 3] and target uint8 [H, W] in train ids.

    lookup: train id of every byte a mask may hold [256], see `Grouping.lookup`.
    Raises ValueError naming the file: broken, of different sizes, or with a label that the table does not know.
    """
    image = read_image(pair.image)
    mask = read_mask(pair.mask)
    if image.shape[:2] != mask.shape:
        raise ValueError(
            f"{pair.mask} has {mask.shape[0]} rows and {mask.shape[1]} columns, its image {pair.image} has "
            f"{image.shape[0]} and {image.shape[1]}; they must be of one size: make the mask again"
        )
    target = lookup[mask]
    if (target == UNKNOWN).any():
        raise ValueError(
            f"{pair.mask} holds the ids {np.unique(mask[target == UNKNOWN]).tolist()}, which are no labels of this "
            "data set; correct the mask, choose the data= option whose labels it holds, or add them to data.labels"
        )
    return image, target


def read_image(path: Path) -> Bytes:
    """Red, green, blue, uint8 [H, W, 3]."""
    return _decode(path, "RGB")


def read_mask(path: Path) -> Bytes:
    """Label ids as they stand in the file, uint8 [H, W]; a palette is not applied."""
    mask = _decode(path, None)
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise ValueError(
            f"{path} is no mask: {mask.dtype} of shape {list(mask.shape)}; needed is one byte a pixel, a label id"
        )
    return mask


def _decode(path: Path, mode: str | None) -> npt.NDArray:
    try:
        with Image.open(path) as picture:
            if mode and picture.mode.startswith("I;16"):  # converted, Pillow would clip all above 255
                return np.repeat((np.array(picture) >> 8).astype(np.uint8)[..., None], 3, axis=2)
            if mode and picture.mode in ("I", "F"):
                raise ValueError(f"its pixels are of mode {picture.mode}; 8 or 16 bits a channel are read")
            return np.array(picture.convert(mode) if mode else picture)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three for torn files
        raise ValueError(f"{path} cannot be decoded ({error}); make, copy or download this file again") from error
