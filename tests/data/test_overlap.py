"""Images that two splits share are found by path and by content, and little is read for it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segexp import build
from segexp.check.__main__ import overlaps
from segexp.check.scan import scan
from segexp.config.compose import compose
from segexp.data import overlap
from segexp.data.overlap import refuse_shared_images, shared_images
from segexp.data.pairs import Pair
from segexp.types import Values
from tests.data import trees
from tests.training import start

pytestmark = pytest.mark.fast

NUM_BYTES = 20_000


def write_scenes(folder: Path, *seeds: int) -> list[Pair]:
    """Images of one size in bytes, each with bytes of its own, as uncompressed ones are."""
    folder.mkdir()
    pairs = []
    for seed in seeds:
        path = folder / f"{seed}.bmp"
        path.write_bytes(np.random.default_rng(seed).bytes(NUM_BYTES))
        pairs.append(Pair(path, path.with_suffix(".png"), path.stem))
    return pairs


def test_images_of_one_size_that_differ_are_not_shared(tmp_path: Path) -> None:
    assert shared_images(write_scenes(tmp_path / "a", 0, 1), write_scenes(tmp_path / "b", 2, 3)) == []


def test_one_file_in_both_splits_is_shared(tmp_path: Path) -> None:
    pairs = write_scenes(tmp_path / "a", 0, 1, 2)
    assert [shared.second for shared in shared_images(pairs[:2], pairs[1:])] == [pairs[1]]


@pytest.mark.parametrize("copy", [shutil.copy, os.link, os.symlink])
def test_a_copy_under_another_name_is_shared(tmp_path: Path, copy: Callable[[Path, Path], object]) -> None:
    first, second = write_scenes(tmp_path / "a", 0, 1), write_scenes(tmp_path / "b", 2)
    again = tmp_path / "b/again.bmp"
    copy(first[1].image, again)
    second.append(Pair(again, again, "again"))
    assert [tuple(shared) for shared in shared_images(first, second)] == [(first[1], second[1])]
    with pytest.raises(
        ValueError, match="train and val share images, 1 in all, such as .*1.bmp = .*again.bmp; give each split"
    ):
        refuse_shared_images(("train", "val"), first, second)


def test_files_are_only_read_where_sizes_agree_and_as_a_whole_where_samples_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write_scenes(tmp_path / "a", 0, 1), write_scenes(tmp_path / "b", 2, 3)
    (first[0].image).write_bytes(b"of a size of its own")
    second[0].image.write_bytes(first[1].image.read_bytes()[:-1] + b"!")  # differs in its last byte
    read: dict[str, set[str]] = {"_sample": set(), "_content": set()}
    for name, names in read.items():
        function = getattr(overlap, name)
        monkeypatch.setattr(overlap, name, lambda image, f=function, n=names: (n.add(image.stem), f(image))[1])
    assert shared_images(first, second) == []
    assert read == {"_sample": {"1", "2", "3"}, "_content": {"1", "2"}}


CLASSES = {
    "_target_": "segexp.classes.Grouping",
    "name": "two",
    "classes": {name: {"labels": [name], "color": [n, n, n]} for n, name in enumerate(("background", "road"))},
}


def values_of_one_folder(root: Path, *typed: str) -> Values:
    """A training on a folder without splits, as VOC has: both splits are all images."""
    folders = ["data.images=images/train", "data.masks=masks/train", "data.num_workers=0"]
    return compose("train", ["data=folder", *trees.folder(root), *folders, *typed]) | {"classes": CLASSES}


def test_a_training_on_its_own_validation_images_is_refused_before_it_begins(tmp_path: Path) -> None:
    small = ["model.streams=[4,8]", "logger=none", "trainer.accelerator=cpu"]
    with pytest.raises(
        ValueError, match="share images, 2 in all, such as .*/images/train/0.jpg, .*SPLIT stands for the split"
    ):
        start(values_of_one_folder(tmp_path, *small), tmp_path / "run")
    status = json.loads((tmp_path / "run/status.json").read_text())
    assert status["state"] == "failed"


def test_splits_that_share_images_can_be_allowed(tmp_path: Path) -> None:
    values = values_of_one_folder(tmp_path, "data.splits_may_overlap=true", "data.image_size=[48,80]")
    build.data(values).check_splits()


def test_a_check_lists_shared_images_as_a_problem(tmp_path: Path) -> None:
    typed = ["data=folder", *trees.folder(tmp_path), "data.images=images/train", "data.masks=masks/train"]
    source = build.source(compose("train", typed))
    grouping = build.part(CLASSES)
    scans = [scan(source, grouping, split) for split in ("train", "val", "test")]
    assert len(overlaps(("train", "val", "test"), scans)) == 3
    assert overlaps(("train",), scans[:1]) == []
