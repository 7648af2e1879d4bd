"""Counts that are torn, incomplete, or not of the run as it is now are named and not regrouped."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from segexp.data.cityscapes import CITYSCAPES
from segexp.data.streets import Streets
from segexp.evaluate.regroup import regroup
from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from tests.evaluate.guess import grouping

ARRAYS = {
    "labels": np.ones((1, len(CITYSCAPES.labels), 19), np.int32),
    "names": ["a"],
    "images": ["a.png"],
    "masks": ["a_mask.png"],
}


def regroup_val(folder: Path) -> None:
    classes = (grouping("cityscapes19"), grouping("cityscapes7"))
    regroup(RunFolder(folder), "val", *classes, Streets(str(folder), num_train=1, num_val=1).table, {})


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "evaluation/val/confusion.npz"
    write_atomic(path.parent / "metrics.json", json.dumps({"checkpoint": "best"}))
    np.savez_compressed(path, **ARRAYS)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("kept", [0, 1, -7])
def test_torn_counts_are_named(tmp_path: Path, counts: Path, kept: int) -> None:
    counts.write_bytes(counts.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"evaluation/val/confusion\.npz cannot be read .*evaluate again"):
        regroup_val(tmp_path)


@pytest.mark.parametrize("missing", ARRAYS)
def test_missing_counts_are_named(tmp_path: Path, counts: Path, missing: str) -> None:
    np.savez_compressed(counts, **{key: ARRAYS[key] for key in ARRAYS if key != missing})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"confusion\.npz has no {missing}; first: python -m segexp"):
        regroup_val(tmp_path)


def test_counts_from_before_the_training_went_on_are_refused(tmp_path: Path, counts: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_status("finished")
    facts = {"checkpoint": "best", "trained_until": run.status()["time"]}
    write_atomic(counts.with_name("metrics.json"), json.dumps(facts))
    regroup_val(tmp_path)
    write_atomic(counts.with_name("metrics.json"), json.dumps({**facts, "trained_until": "2020-01-01T00:00:00+00:00"}))
    with pytest.raises(ValueError, match=r"val was evaluated before its training was resumed; first: python -m segexp"):
        regroup_val(tmp_path)


def test_counts_of_other_labels_are_refused(tmp_path: Path, counts: Path) -> None:
    names = [label.name for label in CITYSCAPES.labels]
    ids = [list(each) for each in grouping("cityscapes19").label_ids(CITYSCAPES)]
    labels = np.ones((1, len(names), 19), np.int32)
    for changed_names, changed_ids, is_refused in (
        (names, ids, False),
        (names[::-1], ids, True),
        (names, ids[::-1], True),
    ):
        np.savez_compressed(counts, **{**ARRAYS, "labels": labels, "label_names": changed_names})  # type: ignore[arg-type]
        write_atomic(counts.with_name("metrics.json"), json.dumps({"checkpoint": "best", "label_ids": changed_ids}))
        refusal = pytest.raises(ValueError, match="val was evaluated with other labels than the run's")
        with refusal if is_refused else nullcontext():
            regroup_val(tmp_path)
