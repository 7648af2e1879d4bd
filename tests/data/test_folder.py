"""Folders of images and masks in the layouts that people have, and the cures where they do not fit."""

import logging
from pathlib import Path
from typing import Any

import pytest

from segexp.data.folder import Folder
from segexp.data.pairs import MissingMasksError, Pair
from segexp.run.earlier import in_words_of_today

pytestmark = pytest.mark.fast


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def folder(root: Path, **options: Any) -> Folder:
    return Folder(**{"root": str(root), "images": "images", "masks": "masks", "labels": {0: "road"}, **options})


def files(pairs: list[Pair], root: Path) -> list[tuple[str, str, str]]:
    return [(pair.name, str(pair.image.relative_to(root)), str(pair.mask.relative_to(root))) for pair in pairs]


def test_images_in_folders_below_are_named_after_their_paths(tmp_path: Path) -> None:
    names = [f"{kind}/{place}.png" for kind in ("images", "masks") for place in ("day/a", "night/cam/a", "b")]
    source = folder(touch(tmp_path, *names), recursive=True)
    assert files(source.pairs("train"), tmp_path) == [
        ("b", "images/b.png", "masks/b.png"),
        ("day_a", "images/day/a.png", "masks/day/a.png"),
        ("night_cam_a", "images/night/cam/a.png", "masks/night/cam/a.png"),
    ]


def test_images_have_an_ending_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "images/a_rgb.png", "images/a_depth.png", "masks/a_labels.png")
    source = folder(tmp_path, image_ending="_rgb.png", mask_ending="_labels.png")
    assert files(source.pairs("train"), tmp_path) == [("a", "images/a_rgb.png", "masks/a_labels.png")]


@pytest.mark.parametrize(("image", "mask_ending"), [("a.png", "_mask.png"), ("a.jpg", ".png")])
def test_images_and_masks_lie_in_one_folder(tmp_path: Path, image: str, mask_ending: str) -> None:
    touch(tmp_path, f"all/{image}", f"all/a{mask_ending}")
    pairs = folder(tmp_path, images="all", masks="all", mask_ending=mask_ending).pairs("train")
    assert files(pairs, tmp_path) == [("a", f"all/{image}", f"all/a{mask_ending}")]


def test_masks_below_the_images_are_no_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "day/b.png", "masks/a.png", "masks/day/b.png")
    pairs = folder(tmp_path, images=".", recursive=True).pairs("train")
    assert [pair.name for pair in pairs] == ["a", "day_b"]


def test_nested_images_are_found_by_the_key_that_the_error_names(tmp_path: Path) -> None:
    touch(tmp_path, "images/day/a.png", "masks/day/a.png")
    with pytest.raises(FileNotFoundError, match="in folders below: set data.recursive=true"):
        folder(tmp_path).pairs("train")
    assert folder(tmp_path, recursive=True).pairs("train")


def test_files_that_are_no_images_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.heic", "masks/a.png")
    with pytest.raises(FileNotFoundError, match=r"the folder holds \['a.heic'\]; correct .*data.image_ending"):
        folder(tmp_path).pairs("train")


def test_names_of_masks_are_shown_where_none_fits(tmp_path: Path) -> None:
    touch(tmp_path, "images/a_rgb.png", "masks/a_labels.png")
    with pytest.raises(MissingMasksError, match=r"holds \['a_labels.png'\]: .*data.mask_ending and data.image"):
        folder(tmp_path).pairs("train")


def test_a_list_of_files_is_no_folder(tmp_path: Path) -> None:
    touch(tmp_path, "train.txt", "masks/a.png")
    with pytest.raises(FileNotFoundError, match=r"train.txt is a file, .*a folder of links for each, or a data set"):
        folder(tmp_path, images="SPLIT.txt").pairs("train")


def test_masks_without_an_image_are_mentioned_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "images/a.png", "images/b.heic", "masks/a.png", "masks/b.png", "masks/c.txt")
    split = {"images": "imagesSPLIT", "masks": "masksSPLIT"}
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert len(folder(tmp_path, **split).pairs("")) == 1
    assert len(caplog.records) == 1
    assert f"left out: 1 masks without an image, the first is {tmp_path / 'masks/b.png'}" in caplog.text


def test_masks_of_all_splits_in_one_folder_are_no_surprise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "train/a.png", "val/b.png", "masks/a.png", "masks/b.png")
    assert len(folder(tmp_path, images="SPLIT").pairs("train")) == 1
    assert caplog.text == ""


def test_runs_of_earlier_versions_read_one_folder() -> None:
    recorded = {"_target_": "segexp.data.folder.Folder", "root": "d"}
    assert in_words_of_today({"data": recorded})["data"] == {**recorded, "recursive": False}
