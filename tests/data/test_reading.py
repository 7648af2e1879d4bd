"""Errors name broken files and the cure; the pixels of sound files are read unchanged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segexp.config import schema
from segexp.config.schema import checked
from segexp.data.counts import sum_counts
from segexp.data.loading import collate
from segexp.data.pairs import Pair
from segexp.data.reading import read_image, read_mask, read_pair
from segexp.data.samples import EvaluationSamples, TrainingSamples
from segexp.data.scenes import FileScenes
from segexp.types import VOID, Sample
from tests.data.scene_files import LOOKUP, SOURCE


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """An image of 40 rows and 60 columns whose mask holds the labels 0, 1 and 2 (void)."""
    generator = np.random.default_rng(0)
    Image.fromarray(generator.integers(0, 256, (40, 60, 3), np.uint8)).save(tmp_path / "image.png")
    Image.fromarray(generator.integers(0, 3, (40, 60), np.uint8)).save(tmp_path / "mask.png")
    return Pair(tmp_path / "image.png", tmp_path / "mask.png", "scene")


def test_pixels_and_labels_arrive_unchanged(pair: Pair) -> None:
    image, target = read_pair(SOURCE, pair, LOOKUP)
    assert np.array_equal(image, np.array(Image.open(pair.image)))
    assert np.array_equal(target == VOID, np.array(Image.open(pair.mask)) == 2)


def test_a_palette_is_not_applied(pair: Pair) -> None:
    labels = np.array(Image.open(pair.mask))
    indexed = Image.fromarray(labels).convert("L")
    indexed.putpalette([9, 9, 9] * 256)
    indexed.save(pair.mask)
    assert np.array_equal(read_mask(pair.mask), labels)


@pytest.mark.parametrize("which", ["image", "mask"])
def test_a_truncated_file_is_named(pair: Pair, which: str) -> None:
    path = getattr(pair, which)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"{which}\.png cannot be decoded .*download this file again"):
        read_pair(SOURCE, pair, LOOKUP)


def test_a_mask_of_another_size_is_named(pair: Pair) -> None:
    Image.new("L", (50, 40)).save(pair.mask)
    with pytest.raises(ValueError, match="same size") as error:
        read_pair(SOURCE, pair, LOOKUP)
    facts, message = (str(pair.mask), "40 rows and 50 columns", str(pair.image), "40 and 60"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_unknown_label_is_named_in_the_error(pair: Pair) -> None:
    Image.new("L", (60, 40), 77).save(pair.mask)
    with pytest.raises(ValueError, match=r"mask\.png holds the ids \[77\]") as error:
        read_pair(SOURCE, pair, LOOKUP)
    facts, message = ("correct the mask", "data=", "data.labels"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_a_colored_mask_is_named_with_what_is_allowed(pair: Pair) -> None:
    Image.new("RGB", (60, 40)).save(pair.mask)
    with pytest.raises(ValueError, match="is an RGB image") as error:
        read_mask(pair.mask)
    facts, message = (str(pair.mask), "uint8, 40 x 60 x 3", "masks have one channel of label ids"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_evaluation_resizes_the_image_and_keeps_the_native_target(pair: Pair) -> None:
    sample = EvaluationSamples(FileScenes(SOURCE, [pair], LOOKUP), (32, 48))[0]
    assert (sample.image.shape, sample.target.shape) == ((3, 32, 48), (40, 60))


def test_training_resizes_image_and_target_alike(pair: Pair) -> None:
    sample = TrainingSamples(FileScenes(SOURCE, [pair], LOOKUP), (32, 48), lambda sample, epoch, index: sample)[0, 0]
    assert (sample.image.shape, sample.target.shape) == ((3, 32, 48), (32, 48))
    assert set(sample.target.unique().tolist()) <= {0, 1, VOID}
    assert sample.image.dtype == sample.target.dtype == torch.uint8


def test_a_batch_of_two_sizes_names_the_images() -> None:
    samples = [
        Sample(torch.zeros(3, size, 32, dtype=torch.uint8), torch.zeros(size, 32, dtype=torch.uint8), f"scene{size}")
        for size in (32, 40)
    ]
    with pytest.raises(ValueError, match="different sizes") as error:
        collate(samples)
    facts, message = ("scene32", "[32, 32]", "scene40", "[40, 32]", "data.eval_batch_size=1"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


@pytest.mark.parametrize("size", [[16, 64], [64], [64, 64, 3]])
def test_a_wrong_image_size_is_refused(size: list[int]) -> None:
    with pytest.raises(ValueError, match="data.image_size is"):
        checked(schema.Size, "data.image_size", size)


def test_extents_count_the_scored_pixels_of_images_that_hold_a_class() -> None:
    counts = sum_counts([np.array([4, 0, 2]), np.array([1, 5, 0])], num_classes=3)
    assert counts.pixels == [5, 5, 2]
    assert counts.extents == [12, 6, 6]


def test_sixteen_bit_grey_keeps_its_upper_eight_bits(tmp_path: Path) -> None:
    values = np.arange(0, 65536, 65536 // 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(values).save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "grey.png")[..., 1], (values // 256).astype(np.uint8))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_images_of_other_modes_become_red_green_blue(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (4, 3), (255, 255, 255)).convert(mode).save(tmp_path / "white.png")
    assert (read_image(tmp_path / "white.png") == 255).all()
    assert read_image(tmp_path / "white.png").shape == (3, 4, 3)
