"""Where on an image a variant is right and the baseline wrong, and the other way round."""

import numpy as np
from PIL import Image

from segexp.types import VOID, Bytes

MEANINGS = (
    ("right, as the baseline", "#e9ecef"),
    ("wrong, as the baseline", "#8b929c"),
    ("gain: the baseline is wrong", "#2166ac"),
    ("loss: the baseline is right", "#c0392b"),
    ("void", "#000000"),
)
"""Meaning of each index of a difference map, and its colour in CSS."""
SAME_RIGHT, SAME_WRONG, GAIN, LOSS, NOT_SCORED = range(len(MEANINGS))


def difference_map(target: Bytes, prediction: Bytes, baseline: Bytes) -> Bytes:
    """Train ids [H, W] -> indices of MEANINGS [H, W]. The baseline beside itself has neither gains nor losses."""
    is_right, was_right = prediction == target, baseline == target
    kinds = np.where(is_right, np.where(was_right, SAME_RIGHT, GAIN), np.where(was_right, LOSS, SAME_WRONG))
    return np.where(target == VOID, NOT_SCORED, kinds).astype(np.uint8)


def difference_picture(kinds: Bytes) -> Image.Image:
    """kinds: what `difference_map` returns."""
    picture = Image.fromarray(kinds)
    picture.putpalette(b"".join(bytes.fromhex(color[1:]) for _, color in MEANINGS))
    return picture
