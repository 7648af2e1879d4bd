"""The description that a server gives of its run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from segexp.inference.model import load_model
from segexp.metric.scores import image_miou
from segexp.run.folder import RunFolder
from segexp.serve.responses import UploadLimits
from segexp.serve.run_description import describe_run, evaluated_miou, own_evaluation


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"step": 1}, "is of other weights, those after step 1, and those after step "),
        ({"weights": "raw"}, "is of other weights, the raw ones, and the averaged ones are served; evaluate again"),
        ({"regrouped_from": "all"}, "is of other classes: it was regrouped from the evaluation all; evaluate again"),
        ({"metrics": None}, "metrics is None, not a number for each score"),
    ],
)
def test_scores_of_other_weights_or_classes_are_not_shown(
    run: RunFolder, change: dict, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    trained, limits = load_model(other, "best"), UploadLimits(bytes=1, pixels=1)
    evaluation = own_evaluation(other, "val", trained)
    assert describe_run("run", other, trained, evaluation, "val", limits).miou == run.scores("val")["metrics"]["miou"]
    assert capsys.readouterr().out == ""
    (other.evaluation("val") / "metrics.json").write_text(json.dumps(run.scores("val") | change))
    evaluation = own_evaluation(other, "val", trained)
    description = describe_run("run", other, trained, evaluation, "val", limits)
    assert {description.miou, *(each.iou for each in description.classes)} == {None}
    said = capsys.readouterr().out
    assert said.startswith("no scores shown: ")
    assert reason in said
    assert evaluated_miou(other, "val", trained, evaluation) == {}


@pytest.mark.parametrize("change", ["settings", "confusions", "torn"])
def test_the_miou_of_images_is_not_read_from_counts_of_another_evaluation(
    run: RunFolder, change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    trained = load_model(other, "best")
    evaluation, counts = own_evaluation(other, "val", trained), other.evaluation("val") / "confusion.npz"
    with np.load(counts) as stored:
        arrays = dict(stored)
    names = arrays["names"].tolist()
    miou = image_miou(arrays["confusions"])
    assert evaluated_miou(other, "val", trained, evaluation) == pytest.approx(dict(zip(names, miou, strict=True)))
    assert capsys.readouterr().out == ""
    if change == "torn":
        counts.write_bytes(counts.read_bytes()[:500])
    else:
        other_value = {"settings": json.dumps({"split": "train"}), "confusions": arrays["confusions"][:, 1:]}[change]
        np.savez(counts, **arrays | {change: other_value})
    assert evaluated_miou(other, "val", trained, evaluation) == {}
    assert "no mIoU of single images shown" in capsys.readouterr().out
