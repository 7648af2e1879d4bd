"""An EXIF orientation turns images wherever they are read, and never masks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from segexp.check.scan import scan
from segexp.classes import Grouping
from segexp.data.pairs import Pair
from segexp.data.reading import read_colors, read_image, read_mask, read_pair, read_size
from segexp.inference.image import decode_image
from tests.data.scene_files import LOOKUP, SOURCE, assert_same_as_files, cached_scenes

pytestmark = pytest.mark.fast

SIZE = (40, 60)
UNTURNED = {6: 1, 3: 2, 8: 3}
"""EXIF orientation -> how often an upright image is turned left by 90 degrees to be stored with it."""


def pixels(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, channels), np.uint8)


def store(path: Path, upright: np.ndarray, orientation: int) -> Path:
    """Write the pixels as a camera does that was held in another way."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(np.rot90(upright, UNTURNED[orientation])).save(path, exif=exif)
    return path


def move_exif_to_end(path: Path) -> None:
    """As programs do that append it to a PNG which is there already."""
    content = path.read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    last = content.rindex(b"IEND") - 4
    path.write_bytes(content[:start] + content[end:last] + content[start:end] + content[last:])


@pytest.fixture(params=["png", "late.png", "tif", "webp"])
def write_image(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[np.ndarray, int], Path]:
    def write(upright: np.ndarray, orientation: int) -> Path:
        ending = request.param
        if ending == "webp":
            exif = Image.Exif()
            exif[ExifTags.Base.Orientation] = orientation
            path = tmp_path / "image.webp"
            Image.fromarray(np.rot90(upright, UNTURNED[orientation])).save(path, lossless=True, exif=exif)
            return path
        path = store(tmp_path / f"image.{ending}", upright, orientation)
        if ending == "late.png":
            move_exif_to_end(path)
        return path

    return write


@pytest.mark.parametrize("orientation", UNTURNED)
def test_every_command_reads_the_same_upright_pixels(write_image, orientation: int) -> None:
    upright = pixels()
    path = write_image(upright, orientation)
    np.testing.assert_array_equal(read_image(path), upright)
    np.testing.assert_array_equal(decode_image(path), upright)
    assert read_size(path) == SIZE


def scene(folder: Path, orientation: int, mask: np.ndarray) -> Pair:
    image = store(folder / f"{orientation}.png", pixels(), orientation)
    Image.fromarray(mask).save(folder / f"{orientation}_mask.png")
    return Pair(image, folder / f"{orientation}_mask.png", str(orientation))


@pytest.mark.parametrize("orientation", UNTURNED)
def test_masks_of_the_upright_image_are_used_as_they_are(tmp_path: Path, orientation: int) -> None:
    mask = pixels()[..., 0] % 2
    image, target = read_pair(SOURCE, scene(tmp_path, orientation, mask), LOOKUP)
    np.testing.assert_array_equal(image, pixels())
    np.testing.assert_array_equal(target, mask)


def test_no_mask_is_turned(tmp_path: Path) -> None:
    labels = pixels()[..., 0]
    for path in (store(tmp_path / "mask.png", labels, 6), store(tmp_path / "mask.tif", labels, 6)):
        if path.suffix == ".png":
            np.testing.assert_array_equal(read_mask(path), np.rot90(labels))
        else:  # which Pillow turns by itself
            with pytest.raises(
                ValueError, match=r"mask\.tif cannot be decoded \(its EXIF orientation is 6; allowed: none"
            ):
                read_mask(path)
    np.testing.assert_array_equal(read_colors(store(tmp_path / "rgb.png", pixels(), 3)), np.rot90(pixels(), 2))


def test_a_mask_of_the_stored_pixels_is_named_with_the_orientation_and_the_cure(tmp_path: Path) -> None:
    pair = scene(tmp_path, 6, np.zeros(SIZE[::-1], np.uint8))
    facts = (str(pair.mask), str(pair.image), "60 rows and 40 columns", "40 and 60", "orientation 6", "exiftool")
    with pytest.raises(ValueError, match="make it again from the upright image") as error:
        read_pair(SOURCE, pair, LOOKUP)
    assert [fact for fact in facts if fact not in str(error.value)] == [], error.value


class Listed:
    """A source of the scenes that it is given."""

    table = SOURCE.table

    def __init__(self, *pairs: Pair) -> None:
        self.listed = list(pairs)

    def pairs(self, split: str) -> list[Pair]:
        return self.listed

    def mask(self, pair: Pair) -> np.ndarray:
        return read_mask(pair.mask)


def test_a_check_names_turned_images_and_masks_that_fit_only_stored_pixels(tmp_path: Path) -> None:
    fits_stored = scene(tmp_path, 6, np.zeros(SIZE[::-1], np.uint8))
    turned = scene(tmp_path, 3, np.zeros(SIZE, np.uint8))
    upright = Pair(tmp_path / "a.png", turned.mask, "a")
    Image.fromarray(pixels()).save(upright.image)
    grouping = Grouping("two", {n: {"labels": [n], "color": [len(n)] * 3} for n in ("road", "nothing")})
    result = scan(Listed(upright, turned, fits_stored), grouping, "train")
    assert len(result.problems) == 1
    assert "orientation 6" in result.problems[0]
    assert len(result.notes) == 1
    assert f"turns 2 images, the first is {turned.image}; their masks are not turned" in result.notes[0]


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_a_cache_holds_upright_pixels_of_upright_sizes(tmp_path: Path, root: Path, kind: str) -> None:
    pairs = [scene(tmp_path, orientation, np.zeros(SIZE, np.uint8)) for orientation in UNTURNED]
    scenes = cached_scenes(kind, pairs, root)
    assert_same_as_files(scenes, pairs)
    for index in range(3):
        assert scenes[index].size == SIZE
        assert torch.equal(scenes[index].whole().image, torch.from_numpy(pixels()).permute(2, 0, 1))
