"""An error about a mask that is not one byte a pixel says what helps, and it does."""

import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segexp.data.reading import read_mask, read_values

pytestmark = pytest.mark.fast

LABELS = np.random.default_rng(0).integers(0, 2, (6, 8), np.uint8)
GREY = Image.fromarray(LABELS)
OPAQUE = Image.new("L", GREY.size, 255)
EMPTY = Image.new("L", GREY.size)


@pytest.mark.parametrize(
    "mask",
    [
        Image.merge("RGB", [GREY] * 3),
        Image.merge("RGBA", [GREY] * 3 + [OPAQUE]),
        Image.merge("RGB", [GREY, EMPTY, EMPTY]),  # as simulators write them
        Image.merge("LA", [GREY, OPAQUE]),
        Image.fromarray(LABELS.astype(np.uint16)),
        Image.fromarray(LABELS.astype(bool)),
    ],
    ids=["equal", "equal, opaque", "red", "grey, opaque", "16 bits", "1 bit"],
)
def test_the_command_makes_a_mask_of_it(mask: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mask.png"
    mask.save(path)
    with pytest.raises(ValueError, match="masks have one channel of label ids, uint8") as error:
        read_mask(path)
    code = re.search(r"python -c '(.*)' MASKS", str(error.value))
    assert code, error.value
    monkeypatch.setattr(sys, "argv", ["-c", str(path)])
    exec(code[1], {})
    np.testing.assert_array_equal(read_mask(path), LABELS)


def test_colours_and_large_values_are_for_a_data_set_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    for values, cure in (
        (np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), "its pixels are colours: docs/extending.md"),
        (LABELS.astype(np.uint16) * 26_001, "its values go up to 26001: take the file of label ids"),
    ):
        Image.fromarray(values).save(path)
        with pytest.raises(ValueError, match=cure):
            read_mask(path)


def test_values_of_sixteen_bits_are_whole_in_colours_too(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 2**16, (6, 8, 3), np.uint16)
    cv2.imwrite(str(tmp_path / "mask.png"), values[..., ::-1])
    np.testing.assert_array_equal(read_values(tmp_path / "mask.png"), values)
    with pytest.raises(ValueError, match="an RGB image .uint16, 6 x 8 x 3.* its pixels are colours"):
        read_mask(tmp_path / "mask.png")
