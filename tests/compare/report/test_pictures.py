"""Pictures are those of the files that an evaluation names; where one is missing the page says how to get it."""

import base64
import io
import json
import re
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.compare.report.difference_map import (
    GAIN,
    LOSS,
    MEANINGS,
    NOT_SCORED,
    SAME_RIGHT,
    SAME_WRONG,
    difference_map,
)
from segexp.compare.report.image_pictures import WIDTH, image_pictures
from segexp.compare.report.image_spread import most_different_images
from segexp.compare.report.provenance import baseline_run, picture_command
from segexp.compare.report.report_files import write_report
from segexp.compare.verdict.comparison import Comparison
from segexp.config.compose import compose
from segexp.display.pictures import BLACK
from segexp.system.files import write_atomic
from segexp.types import VOID
from tests.compare.report.runs import CLASSES, compare_folder, run

WITH_WIDTH = compose("evaluate", ["run=RUN", "metric.boundary.width=0.05"])["metric"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for loss, quality in (("focal", 0.6), ("dice", 1.0)):
        run(tmp_path / "sweep" / loss, loss, 0, quality)
    return tmp_path / "sweep"


def decode(source: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        return np.array(picture.convert("RGB"))


def pictures(comparison: Comparison) -> dict[str, np.ndarray]:
    """The pictures of the first image by their title."""
    by_image = image_pictures(comparison, most_different_images(comparison)).by_image
    return {picture.title: decode(picture.source) for picture in next(iter(by_image.values()))}


def test_a_perfect_prediction_looks_like_the_ground_truth_and_another_does_not(folder: Path) -> None:
    by_title = pictures(compare_folder(folder))
    assert list(by_title) == ["image", "truth", "loss=focal", "loss=dice"]
    assert (by_title["truth"] == by_title["loss=dice"]).all()
    assert (by_title["truth"] != by_title["loss=focal"]).any()
    assert by_title["image"].shape == (WIDTH * 24 // 32, WIDTH, 3)


def test_a_difference_map_tells_gains_from_losses_and_leaves_void_out() -> None:
    target = np.array([[0, 0, 0, 0, VOID]], np.uint8)
    prediction = np.array([[0, 1, 0, 1, 0]], np.uint8)
    baseline = np.array([[0, 1, 1, 0, 1]], np.uint8)
    assert difference_map(target, prediction, baseline).tolist() == [[SAME_RIGHT, SAME_WRONG, GAIN, LOSS, NOT_SCORED]]
    assert difference_map(target, baseline, baseline).tolist() == [[0, 1, 1, 0, 4]]


def test_of_a_perfect_prediction_the_page_shows_gains_where_the_baseline_is_wrong(folder: Path) -> None:
    comparison = compare_folder(folder)
    first = next(iter(image_pictures(comparison, most_different_images(comparison)).by_image.values()))
    truth, focal, dice = (decode(picture.source) for picture in first[1:])
    gain, right = (tuple(bytes.fromhex(MEANINGS[kind][1][1:])) for kind in (GAIN, SAME_RIGHT))
    wrong = (truth != focal).any(-1)
    assert (decode(first[3].difference) == np.where(wrong[..., None], gain, right)).all()
    assert (truth == dice).all()


def test_a_class_named_void_is_once_in_the_legend(tmp_path: Path) -> None:
    classes = {"void" if name == "unicorn" else name: color for name, color in CLASSES.items()}
    for loss in ("focal", "dice"):
        run(tmp_path / loss, loss, 0, classes=classes)
    comparison = compare_folder(tmp_path)
    legend = image_pictures(comparison, most_different_images(comparison)).legend
    assert [name for name, _ in legend] == ["road", "car", "sky", "void"]


def test_classes_have_their_colours_and_what_is_no_class_has_its_own(folder: Path) -> None:
    for mask in (folder / "data").glob("*_mask.png"):
        Image.fromarray(np.full((24, 32), 77, np.uint8)).save(mask)
    by_title = pictures(compare_folder(folder))
    assert {*map(tuple, by_title["loss=dice"].reshape(-1, 3).tolist())} == {
        tuple(CLASSES[n]) for n in ("road", "car", "sky")
    }
    assert (by_title["truth"] == BLACK).all()


def test_the_ground_truth_is_what_the_evaluation_kept_of_masks_in_another_format(folder: Path) -> None:
    expected = pictures(compare_folder(folder))
    for mask in (folder / "data").glob("*_mask.png"):
        for loss in ("focal", "dice"):
            kept = folder / loss / "evaluation/val/predictions/targets" / mask.name.replace("_mask", "")
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(mask.read_bytes())
        mask.write_text('{"polygons": []}')
    assert (pictures(compare_folder(folder))["truth"] == expected["truth"]).all()


def test_images_are_sorted_by_the_spread_between_variants(folder: Path) -> None:
    comparison = compare_folder(folder)
    focal, dice = (comparison.variants[f"loss={loss}"][0] for loss in ("focal", "dice"))
    spreads = dict(zip(focal.image_names, np.abs(focal.image_miou - dice.image_miou).tolist(), strict=True))
    largest = sorted(spreads.items(), key=lambda each: -each[1])[:8]
    assert [(image.name, image.spread) for image in most_different_images(comparison)] == largest


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
    write_report(compare_folder(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "<img" not in html
    assert "street_" in re.sub("<wbr>", "", html)
    assert "predictions=true" in html


def test_a_variant_without_predictions_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "dice/evaluation/val/predictions").rename(folder / "gone")
    write_report(compare_folder(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "Without pictures: dice." in html
    assert html.count("<img") == 8 * (2 + 2)  # image, truth, prediction of the baseline and its differences


def _damage(run: Path, name: str = "images.npy") -> None:
    """Damage one array of confusion.npz, one that a comparison without pictures does not read."""
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
    write_report(compare_folder(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    damaged = folder / "focal/evaluation/val/confusion.npz"
    assert re.search(rf"Left out of the pictures: {damaged} cannot be read \(.*\); evaluate again\.", html)
    assert "Without pictures" not in html
    assert html.count("mean of 2 seeds; shown: seed 1") == html.count("<span>seed 0</span>") == 8


def test_where_all_files_are_damaged_the_page_has_no_pictures_and_the_reasons(folder: Path, tmp_path: Path) -> None:
    for loss in ("focal", "dice"):
        _damage(folder / loss)
    write_report(compare_folder(folder), tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "<img" not in html
    assert len(re.findall(r"confusion\.npz cannot be read", html)) == 2
    assert "predictions=true" in html


def test_the_command_for_pictures_repeats_how_the_run_was_evaluated(folder: Path) -> None:
    comparison = replace(compare_folder(folder), split="val_tta")
    run = baseline_run(comparison)
    run.facts.update(split="val", checkpoint="last", precision="bfloat16", memory_format="channels_last")
    run.facts["inference"] = {"scales": [1.0, 1.5], "flip": True}
    assert picture_command(comparison) == (
        f"python -m segexp.evaluate run={run.path} split=val checkpoint=last name=val_tta "
        "'scales=[1.0,1.5]' flip=True precision=bfloat16 memory_format=channels_last predictions=true"
    )


@pytest.mark.parametrize(
    ("facts", "typed"),
    [
        ({"boundary_width": 0.05}, {"metric": WITH_WIDTH}),
        ({"data": {"root": "/moved to/a=b's"}}, {"data": {"root": "/moved to/a=b's"}}),
        ({"data": {"image_size": "[64, 128]"}}, {"data": {"root": None, "image_size": [64, 128]}}),
        ({"inference": {"window": [64, 128], "precision": "bfloat16"}}, {"window": [64, 128], "precision": "bfloat16"}),
    ],
)
def test_the_command_for_pictures_asks_for_what_was_evaluated(tmp_path: Path, facts: dict, typed: dict) -> None:
    path = run(tmp_path / "it's 1=1/run", "focal", 0)
    metrics = path / "evaluation/val/metrics.json"
    write_atomic(metrics, json.dumps({**json.loads(metrics.read_text()), **facts}))
    values = compose("evaluate", shlex.split(picture_command(compare_folder(tmp_path, None)))[3:])
    assert {key: values[key] for key in typed} == typed
    assert (values["run"], values["predictions"]) == (str(path), True)


def test_what_was_regrouped_has_no_command_for_pictures(folder: Path, tmp_path: Path) -> None:
    _without_predictions(folder)
    comparison = compare_folder(folder)
    baseline_run(comparison).facts["regrouped_from"] = "val"
    write_report(comparison, tmp_path, "")
    html = (tmp_path / "report.html").read_text()
    assert "A regrouped evaluation has none of its own." in html
    assert "predictions=true" not in html
