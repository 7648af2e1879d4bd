"""Pictures are those of the files that an evaluation names; where one is missing the page says how to get it."""

import base64
import io
import re
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.compare.report.images import most_different
from segexp.compare.report.provenance import first_run, picture_command
from segexp.compare.report.report import write
from segexp.compare.report.scenes import WIDTH, pictured
from segexp.compare.report.svg import wrapped
from segexp.compare.verdict.comparison import Comparison
from segexp.config.compose import compose
from tests.compare.report.runs import CLASSES, compared, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for loss, quality in (("focal", 0.6), ("dice", 1.0)):
        run(tmp_path / "sweep" / loss, loss, 0, quality)
    return tmp_path / "sweep"


def decoded(source: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        return np.array(picture.convert("RGB"))


def pictures(comparison: Comparison) -> dict[str, np.ndarray]:
    """Of the first scene."""
    found = pictured(comparison, most_different(comparison)).scenes
    return {picture.title: decoded(picture.source) for picture in next(iter(found.values()))}


def test_a_perfect_prediction_looks_like_the_truth_and_another_does_not(folder: Path) -> None:
    shown = pictures(compared(folder))
    assert list(shown) == ["image", "truth", "loss=focal", "loss=dice"]
    assert (shown["truth"] == shown["loss=dice"]).all()
    assert (shown["truth"] != shown["loss=focal"]).any()
    assert shown["image"].shape == (240, WIDTH, 3)


def test_classes_have_their_colours_and_what_is_no_class_is_black(folder: Path) -> None:
    for mask in (folder / "data").glob("*_mask.png"):
        Image.fromarray(np.full((24, 32), 77, np.uint8)).save(mask)
    shown = pictures(compared(folder))
    assert {*map(tuple, shown["loss=dice"].reshape(-1, 3).tolist())} == {
        tuple(CLASSES[n]) for n in ("road", "car", "sky")
    }
    assert not shown["truth"].any()


def test_images_are_sorted_by_the_spread_between_variants(folder: Path) -> None:
    comparison = compared(folder)
    focal, dice = (comparison.variants[f"loss={loss}"][0] for loss in ("focal", "dice"))
    spreads = dict(zip(focal.image_names, np.abs(focal.image_miou - dice.image_miou).tolist(), strict=True))
    largest = sorted(spreads.items(), key=lambda each: -each[1])[:8]
    assert [(image.name, image.spread) for image in most_different(comparison)] == largest


def _without_predictions(folder: Path) -> None:
    for path in folder.glob("*/evaluation/val/predictions"):
        path.rename(path.with_name("elsewhere"))


def _without_images(folder: Path) -> None:
    (folder / "data").rename(folder / "moved")


def _without_paths(folder: Path) -> None:
    for path in folder.glob("*/evaluation/val/confusion.npz"):
        with np.load(path) as stored:
            kept = {key: stored[key] for key in stored.files if key not in ("images", "masks")}
        np.savez_compressed(path, **kept)


def _torn(folder: Path) -> None:
    for path in (folder / "data").glob("*.png"):
        path.write_bytes(path.read_bytes()[:40])


@pytest.mark.parametrize("missing", [_without_predictions, _without_images, _without_paths, _torn])
def test_without_pictures_the_page_has_the_table_and_the_command_for_them(
    folder: Path, missing, tmp_path: Path
) -> None:
    missing(folder)
    write(compared(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "<img" not in html
    assert "street_" in re.sub("<wbr>", "", html)
    assert "predictions=true" in html


def test_a_variant_without_predictions_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "dice/evaluation/val/predictions").rename(folder / "gone")
    write(compared(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "Without pictures: dice." in html
    assert html.count("<img") == 8 * 3


def _damage(run: Path, name: str = "images.npy") -> None:
    """One array of the counts, which a comparison by itself does not read."""
    path = run / "evaluation/val/confusion.npz"
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(name)
    content = bytearray(path.read_bytes())
    start = entry.header_offset + 30 + len(name) + entry.compress_size // 2
    content[start : start + 20] = bytes(20)
    path.write_bytes(content)


def test_a_run_whose_files_are_damaged_is_named_and_another_seed_is_pictured(folder: Path, tmp_path: Path) -> None:
    run(folder / "focal1", "focal", 1)
    _damage(folder / "focal")
    write(compared(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    damaged = folder / "focal/evaluation/val/confusion.npz"
    assert re.search(rf"Left out of the pictures: {damaged} cannot be read \(.*\); evaluate again\.", html)
    assert "Without pictures" not in html
    assert html.count("seed 1, mIoU") == html.count("seed 0, mIoU") == 8


def test_where_all_files_are_damaged_the_page_has_no_pictures_and_the_reasons(folder: Path, tmp_path: Path) -> None:
    for loss in ("focal", "dice"):
        _damage(folder / loss)
    write(compared(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "<img" not in html
    assert len(re.findall(r"confusion\.npz cannot be read", html)) == 2
    assert "predictions=true" in html


@pytest.mark.parametrize(
    ("name", "lines"),
    [("short", ["short"]), ("a" * 30, ["a" * 26, "aaaa"]), ("one two three", ["one two three"]), ("", [""])],
)
def test_names_are_wrapped(name: str, lines: list[str]) -> None:
    assert wrapped(name).split("\n") == lines


def test_a_name_that_is_too_long_ends_with_an_ellipsis() -> None:
    assert wrapped("word " * 40, 26, 2).endswith("…")


def test_the_command_for_pictures_repeats_how_the_run_was_evaluated(folder: Path) -> None:
    comparison = replace(compared(folder), split="val_tta")
    run = first_run(comparison)
    run.facts.update(split="val", checkpoint="last", inference={"scales": [1.0, 1.5], "flip": True})
    assert picture_command(comparison) == (
        f"python -m segexp.evaluate run={run.path} split=val checkpoint=last name=val_tta "
        "'scales=[1.0,1.5]' flip=True predictions=true"
    )


@pytest.mark.parametrize(
    ("facts", "typed"),
    [
        ({"boundary_width": 0.05}, {"boundary_width": 0.05}),
        ({"data": {"root": "/moved to/a=b's"}}, {"data": {"root": "/moved to/a=b's"}}),
        ({"data": {"image_size": "[64, 128]"}}, {"data": {"root": None, "image_size": [64, 128]}}),
        ({"inference": {"window": [64, 128], "precision": "bfloat16"}}, {"window": [64, 128], "precision": "bfloat16"}),
    ],
)
def test_the_command_for_pictures_asks_for_what_was_evaluated(tmp_path: Path, facts: dict, typed: dict) -> None:
    path = run(tmp_path / "it's 1=1/run", "focal", 0)
    comparison = compared(tmp_path, None)
    first_run(comparison).facts.update(facts)
    values = compose("evaluate", shlex.split(picture_command(comparison))[3:])
    assert {key: values[key] for key in typed} == typed
    assert (values["run"], values["predictions"]) == (str(path), True)


def test_what_was_regrouped_has_no_command_for_pictures(folder: Path, tmp_path: Path) -> None:
    _without_predictions(folder)
    comparison = compared(folder)
    first_run(comparison).facts["regrouped_from"] = "val"
    write(comparison, tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "A regrouped evaluation has none of its own." in html
    assert "predictions=true" not in html
