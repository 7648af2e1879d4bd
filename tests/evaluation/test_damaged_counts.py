"""Counts that are torn or lack what regrouping needs are named, with what makes them again."""

import json
from pathlib import Path

import numpy as np
import pytest

from segexp.data.streets import Streets
from segexp.evaluation.regroup import regrouped
from segexp.files import write_whole
from segexp.run import RunFolder
from tests.evaluation.guess import grouping

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
