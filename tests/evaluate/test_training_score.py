"""An evaluation says why its mean IoU is not that of its training."""

import json
from pathlib import Path
from typing import Any

import pytest

from segexp.evaluate.training_score import difference_to_training
from segexp.run.folder import RunFolder

SIZE = [64, 128]
FACTS = {
    "split": "val",
    "step": 6,
    "data": {"root": "None"},
    "image_size": SIZE,
    "fingerprint": "f",
    "precision": "float32",
}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path)
    data = {"_target_": "segexp.data.streets.Streets", "val_split": "val", "image_size": SIZE}
    run.write_config({"data": data, "trainer": {"limit_val_batches": 2}, "precision": "float32"})
    run.write_environment({"data": {"val": "f"}})
    rows = [{"step": 2, "epoch": 0, "val/miou": 0.3}, {"step": 5, "epoch": 1, "val/miou": 0.4}]
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return run


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"image_size": None}, ", the size of its images (data.image_size=[64,128], here null)"),
        ({"inference": {"flip": True}}, ", what is set here: flip"),
        ({"weights": "raw"}, ", its averaged weights (here weights=raw)"),
        ({"fingerprint": "g"}, ", its files of the split"),
        ({"precision": "bfloat16"}, ", its arithmetic (precision=float32, here bfloat16)"),
    ],
)
def test_every_known_reason_is_named_beside_the_score_of_the_same_step(
    run: RunFolder, changed: dict[str, Any], reason: str
) -> None:
    first = "val mIoU of the training after the same step: 0.4000; it differs by its share of the images"
    expected = f"{first} (trainer.limit_val_batches=2){reason}"
    assert difference_to_training(run, {**FACTS, **changed}, 0.5) == expected


@pytest.mark.parametrize(
    ("changed", "miou"),
    [
        ({}, 0.40004),
        ({}, float("nan")),
        ({"split": "test"}, 0.5),
        ({"step": 7}, 0.5),
        ({"data": {"_target_": "segexp.data.camvid.CamVid"}}, 0.5),
        ({"regrouped_from": "val"}, 0.5),
    ],
)
def test_nothing_is_said_of_equal_scores_and_of_those_that_are_not_of_one_split(
    run: RunFolder, changed: dict[str, Any], miou: float
) -> None:
    assert difference_to_training(run, {**FACTS, **changed}, miou) is None
