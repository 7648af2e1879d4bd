"""Masks look like masks, and read as ids."""

import io

import numpy as np
from PIL import Image

from segexp.display.pictures import VOID_COLOR, png, with_palette
from segexp.types import VOID

COLORS = np.array([[0, 0, 0], [220, 20, 60]], np.uint8)


def test_a_mask_reads_as_its_ids_and_shows_their_colours_and_void() -> None:
    ids = np.array([[0, 1, VOID], [VOID, 1, 0]], np.uint8)
    with Image.open(io.BytesIO(png(with_palette(ids, COLORS)))) as picture:
        assert np.array_equal(picture, ids)
        shown = np.array(picture.convert("RGB"))
    assert [tuple(color) for color in shown[0].tolist()] == [*map(tuple, COLORS.tolist()), VOID_COLOR]


def test_a_palette_of_all_bytes_is_taken_as_it_is() -> None:
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    picture = with_palette(np.arange(256, dtype=np.uint8)[None], palette)
    assert np.array_equal(np.array(picture.convert("RGB"))[0], palette)
