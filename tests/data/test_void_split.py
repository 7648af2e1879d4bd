"""A split that is void throughout is named before anything is trained on it or scored by it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp import build
from segexp.check.scan import scan
from segexp.config.compose import compose
from segexp.data.pairs import evenly_spread
from segexp.data.void_split import refuse_void_split
from segexp.types import Values
from tests.data import trees

pytestmark = pytest.mark.fast


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """Of a training whose classes are those of the labels 7 and -1, at a size that networks take."""
    classes = {name: {"labels": [name], "color": [n, n, n]} for n, name in enumerate(("road", "car"))}
    typed = ["data=folder", *trees.folder(tmp_path), "data.image_size=[48,80]"]
    return compose("train", typed) | {
        "classes": {"_target_": "segexp.classes.Grouping", "name": "two", "classes": classes}
    }


def make_void(root: Path, split: str) -> None:
    for mask in (root / "masks" / split).iterdir():
        Image.new("L", trees.SIZE[::-1]).save(mask)  # background, which is in no class


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_training_does_not_begin(values: Values, tmp_path: Path, split: str) -> None:
    data = build.data(values)
    data.check_splits()
    make_void(tmp_path, split)
    with pytest.raises(
        ValueError, match=f"no pixel of {split} belongs to a class of two: all 2 masks are void .*classes="
    ):
        data.check_splits()


def test_a_check_lists_it_although_another_split_has_classes(values: Values, tmp_path: Path) -> None:
    make_void(tmp_path, "val")
    source, grouping = build.source(values), build.grouping(values)
    problems = {split: scan(source, grouping, split, (48, 80)).problems for split in ("train", "val")}
    assert problems["train"] == []
    assert ["no pixel of val" in problem for problem in problems["val"]] == [True]


def test_what_is_no_label_is_not_called_void(values: Values, tmp_path: Path) -> None:
    """It is named when the mask is read: another option of classes= would be no cure."""
    for mask in (tmp_path / "masks/val").iterdir():
        Image.new("L", trees.SIZE[::-1], 99).save(mask)
    source, grouping = build.source(values), build.grouping(values)
    refuse_void_split(source, "val", source.pairs("val"), grouping)
    assert all("holds the ids [99]" in problem for problem in scan(source, grouping, "val", (48, 80)).problems)


def test_one_pixel_in_any_mask_is_enough(values: Values, tmp_path: Path) -> None:
    make_void(tmp_path, "val")
    source, grouping = build.source(values), build.grouping(values)
    first, last = source.pairs("val")
    Image.fromarray(np.pad(np.full((1, 1), 7, np.uint8), (20, 3))).save(last.mask)
    refuse_void_split(source, "val", [*[first] * 99, last, *[first] * 99], grouping)


def test_some_are_spread_from_the_first_to_the_last() -> None:
    assert evenly_spread(range(100), 8) == [0, 14, 28, 42, 57, 71, 85, 99]
    assert evenly_spread("abc", 8) == ["a", "b", "c"]
    assert evenly_spread([], 8) == []
