"""Counts that are torn, lack what regrouping needs or are not of the run as it is are named and not regrouped."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from segexp.classes import CITYSCAPES
from segexp.data.streets import Streets
from segexp.evaluate.regroup import regrouped
from segexp.run.folder import RunFolder
from segexp.system.files import write_whole
from tests.evaluate.guess import grouping

NEEDED = {"labels": np.ones((1, 34, 19), np.int32), "names": ["a"], "images": ["a.png"], "masks": ["a_mask.png"]}


def regroup(folder: Path) -> None:
    classes = (grouping("cityscapes19"), grouping("cityscapes7"))
    regrouped(RunFolder(folder), "val", *classes, Streets(str(folder), num_train=1, num_val=1).table)


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "evaluation/val/confusion.npz"
    write_whole(path.parent / "metrics.json", json.dumps({"checkpoint": "best"}))
    np.savez_compressed(path, **NEEDED)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("kept", [0, 1, -7])
def test_torn_counts_are_named(tmp_path: Path, counts: Path, kept: int) -> None:
    counts.write_bytes(counts.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"evaluation/val/confusion\.npz cannot be read \(.*\); evaluate again"):
        regroup(tmp_path)


@pytest.mark.parametrize("missing", NEEDED)
def test_what_the_counts_lack_is_named(tmp_path: Path, counts: Path, missing: str) -> None:
    np.savez_compressed(counts, **{key: NEEDED[key] for key in NEEDED if key != missing})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"confusion\.npz was written without {missing}; first: python -m segexp"):
        regroup(tmp_path)


def test_counts_of_weights_before_the_training_went_on_are_not_those_of_the_run(tmp_path: Path, counts: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_status("finished")
    facts = {"checkpoint": "best", "trained_until": run.status()["time"]}
    write_whole(counts.with_name("metrics.json"), json.dumps(facts))
    regroup(tmp_path)
    write_whole(counts.with_name("metrics.json"), json.dumps({**facts, "trained_until": "2020-01-01T00:00:00+00:00"}))
    with pytest.raises(ValueError, match=r"val was evaluated before its training went on; first: python -m segexp"):
        regroup(tmp_path)


def test_counts_of_other_labels_are_not_taken_for_those_of_the_run(tmp_path: Path, counts: Path) -> None:
    names = [label.name for label in CITYSCAPES.labels]
    ids = [list(each) for each in grouping("cityscapes19").label_ids(CITYSCAPES)]
    labels = np.ones((1, len(names), 19), np.int32)
    for changed_names, changed_ids, is_refused in (
        (names, ids, False),
        (names[::-1], ids, True),
        (names, ids[::-1], True),
    ):
        np.savez_compressed(counts, **{**NEEDED, "labels": labels, "label_names": changed_names})  # type: ignore[arg-type]
        write_whole(counts.with_name("metrics.json"), json.dumps({"checkpoint": "best", "label_ids": changed_ids}))
        refusal = pytest.raises(ValueError, match="val was evaluated with labels that are not the run's")
        with refusal if is_refused else nullcontext():
            regroup(tmp_path)
