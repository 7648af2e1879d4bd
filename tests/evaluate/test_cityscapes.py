"""Every figure of the official evaluator from our own counts."""

import json
import re
import zipfile
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.evaluate import cityscapes
from segexp.evaluate.cityscapes import official_figures, write_submission
from segexp.metric import scores
from tests.evaluate.guess import evaluate_guess, evaluation_job


@pytest.mark.parametrize("classes", ["cityscapes19", "cityscapes8", "cityscapes7"])
def test_the_official_evaluator_agrees_on_every_figure(classes: str, streets_root: Path, tmp_path: Path) -> None:
    evaluation = evaluate_guess(streets_root, classes, tmp_path / "predictions")
    write_submission(evaluation, tmp_path)  # raises where it does not
    figures = json.loads((tmp_path / "official.json").read_text())
    assert 0.02 < figures["averageScoreCategories"] < 0.5
    assert 0.02 < figures["averageScoreInstCategories"] < 0.5
    assert set(figures["categoryInstScores"]) == {"human", "vehicle"}


def test_our_own_scores_of_19_classes_are_the_official_ones(streets_root: Path) -> None:
    evaluation = evaluate_guess(streets_root, "cityscapes19")
    ours, official = evaluation.scores(), official_figures(evaluation)
    for name, kind in (
        ("iou", "classScores"),
        ("iiou", "classInstScores"),
        ("category_iou", "categoryScores"),
        ("category_iiou", "categoryInstScores"),
    ):
        ours_of_kind = {key.partition("/")[2]: value for key, value in ours.items() if key.startswith(f"{name}/")}
        known = {key: value for key, value in official[kind].items() if not isnan(value)}
        assert ours_of_kind == pytest.approx(known), name


def test_classes_of_the_7_categories_are_scored_as_the_official_categories(streets_root: Path) -> None:
    evaluation = evaluate_guess(streets_root, "cityscapes7")
    ours, official = evaluation.scores(), official_figures(evaluation)
    assert {name: ours[f"iou/{name}"] for name in evaluation.grouping.names} == pytest.approx(
        official["categoryScores"]
    )
    iiou = {name: ours[f"iiou/{name}"] for name in ("human", "vehicle")}
    assert iiou == pytest.approx({name: official["categoryInstScores"][name] for name in iiou})


def test_a_wrong_figure_is_named(streets_root: Path, tmp_path: Path) -> None:
    evaluation = evaluate_guess(streets_root, "cityscapes19", tmp_path / "predictions")
    wrong = evaluation.counts["labels"].copy()
    wrong[0, :, 3] += 10_000
    with pytest.raises(ValueError, match=r"evaluator disagrees on \d+ figures: classScores of road: 0.*here, 0.*there"):
        write_submission(replace(evaluation, counts={**evaluation.counts, "labels": wrong}), tmp_path)
    assert not (tmp_path / "official.json").exists()


def test_the_submission_holds_label_ids_of_the_scenes_size_by_their_names(streets_root: Path, tmp_path: Path) -> None:
    evaluation = evaluate_guess(streets_root, "cityscapes19", tmp_path / "predictions")
    write_submission(evaluation, tmp_path)
    with zipfile.ZipFile(tmp_path / "submission.zip") as archive:
        assert archive.namelist() == [f"{name}.png" for name in evaluation.names]
        assert archive.testzip() is None
        for name in evaluation.names:
            with archive.open(f"{name}.png") as file, Image.open(file) as submitted:
                assert submitted.mode == "L"
                label_ids = np.array(submitted)
            with Image.open(tmp_path / "predictions" / f"{name}.png") as written:
                assert np.array_equal(written, label_ids)
                colors = evaluation.grouping.colors[evaluation.grouping.lookup(evaluation.table)[label_ids]]
                assert np.array_equal(written.convert("RGB"), colors)
    assert all(name.count("_") == 2 for name in evaluation.names)  # CITY_SEQUENCE_FRAME


def test_a_split_without_ground_truth_gets_a_submission_and_no_figures(streets_root: Path, tmp_path: Path) -> None:
    evaluation = evaluate_guess(streets_root, "cityscapes19", tmp_path / "predictions")
    unknown = np.zeros_like(evaluation.counts["labels"])
    unknown[:, 0] = evaluation.counts["labels"].sum(1)  # as the dummy masks of the test split
    no_objects = np.zeros_like(evaluation.counts["objects"])
    counts = {**evaluation.counts, "labels": unknown, "objects": no_objects}
    write_submission(replace(evaluation, counts=counts), tmp_path)
    assert (tmp_path / "submission.zip").is_file()
    assert not (tmp_path / "official.json").exists()


def test_a_split_without_instances_is_refused_before_anything_is_evaluated(tmp_path: Path) -> None:
    evaluation = evaluate_guess(tmp_path / "streets", "cityscapes19", tmp_path / "predictions")
    job = evaluation_job(tmp_path / "streets", "cityscapes19")
    cityscapes.check_submission(job)
    mask = evaluation.files["masks"][2]
    Path(mask.replace("labelIds", "instanceIds")).unlink()
    with pytest.raises(ValueError, match=re.escape(f"there is none beside {mask}")):
        cityscapes.check_submission(job)
    test = {**job.facts, "split": "test"}
    cityscapes.check_submission(replace(job, facts=test))
    counts = {name: each for name, each in evaluation.counts.items() if name != "objects"}
    write_submission(replace(evaluation, facts=test, counts=counts), tmp_path)
    assert (tmp_path / "submission.zip").is_file()
    assert not (tmp_path / "official.json").exists()


def test_category_iou_of_a_run_of_19_classes_is_that_of_merged_classes(streets_root: Path) -> None:
    evaluation = evaluate_guess(streets_root, "cityscapes19")
    names, coarse = scores.merge_classes(evaluation.confusion, evaluation.grouping.categories(evaluation.table))
    category_iou = {name: evaluation.scores()[f"category_iou/{name}"] for name in names}
    assert category_iou == pytest.approx(dict(zip(names, scores.class_iou(coarse), strict=True)))
