"""Whatever lies in a run folder, it is compared or left out with a reason; many take few lines."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.evaluated_run import Run, read_run
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.skipped_runs import skipped_run_lines
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import finished_run, matrices

MATRICES, FACTS = "evaluation/val/confusion.npz", "evaluation/val/metrics.json"


def torn(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-7])


def holding(name: str, content: str | bytes) -> Callable[[Path], object]:
    return lambda run: write_atomic(run / name, content)


def missing(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).unlink()


def with_matrices(confusions: np.ndarray) -> Callable[[Path], object]:
    return holding(MATRICES, matrices(confusions, ("road", "car", "sky")))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (torn(MATRICES), "cannot be read: evaluation/val/confusion.npz cannot be read"),
        (holding(MATRICES, b""), "cannot be read: evaluation/val/confusion.npz"),
        (holding(MATRICES, b"PK\3\4 and then nothing"), "cannot be read: evaluation/val/confusion.npz"),
        (holding(MATRICES, b"\x93NUMPY"), "cannot be read: evaluation/val/confusion.npz"),
        (with_matrices(np.ones((4, 3, 3))), "holds float64"),
        (with_matrices(np.ones((4, 3, 2), int)), "(4, 3, 2), not int (4, 3, 3); evaluate again"),
        (with_matrices(np.ones((0, 3, 3), int)), "(0, 3, 3)"),
        (missing(MATRICES), "not evaluated on val: python -m segexp.evaluate run="),
        (torn(FACTS), "cannot be read: evaluation/val/metrics.json cannot be read"),
        (missing(FACTS), "cannot be read: evaluation/val/metrics.json cannot be read"),
        (holding(FACTS, "[1]"), "has no keys"),
        (torn("environment.json"), "cannot be read: environment.json"),
        (missing("environment.json"), "cannot be read: environment.json"),
        (holding("environment.json", "{}"), "environment.json has no choices"),
        (torn("status.json"), "cannot be read: status.json"),
        (missing("status.json"), "without a training: "),
        (holding("status.json", '{"ready": true}'), "without a training: "),
        (holding("config.yaml", "a: [1"), "cannot be read: config.yaml"),
        (holding("config.yaml", "a: &x {b: *x}\nseed: 0"), "cannot be read: "),
        (holding("config.yaml", "version: 3\nservices: {web: {image: nginx}}"), "config.yaml has no seed"),
        (holding("config.yaml", b"\xff\xfe\x00"), "cannot be read: config.yaml"),
        (holding("config.yaml", "!!python/object:os.system {}"), "cannot be read: config.yaml"),
        (holding("config.yaml", ""), "has no keys"),
    ],
)
def test_a_damaged_run_is_left_out_with_the_reason(damage: Callable, reason: str, tmp_path: Path) -> None:
    good, bad = (finished_run(tmp_path / name, {"_target_": "dice"}, 0) for name in ("good", "bad"))
    damage(bad)
    comparable = read_runs(str(tmp_path), "val")
    assert [run.path for run in comparable.runs] == [good]
    assert [path for path, _ in comparable.skipped] == [bad]
    assert reason in comparable.skipped[0][1]


def test_matrices_torn_anywhere_are_never_read_wrongly(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", {"_target_": "dice"}, 0)
    whole = (run / MATRICES).read_bytes()
    undamaged = read_run(run, "val")
    assert isinstance(undamaged, Run)
    for end in range(0, len(whole), 5):
        write_atomic(run / MATRICES, whole[:end])
        assert isinstance(read_run(run, "val"), str)
    for place in range(0, len(whole), 3):
        write_atomic(run / MATRICES, whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        reread = read_run(run, "val")
        assert isinstance(reread, str) or reread.scores == undamaged.scores


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_run_that_may_not_be_read_is_left_out(tmp_path: Path) -> None:
    finished_run(tmp_path / "good", {"_target_": "dice"}, 0)
    (finished_run(tmp_path / "bad", {"_target_": "dice"}, 1) / "config.yaml").chmod(0)
    assert "cannot be read" in read_runs(str(tmp_path), "val").skipped[0][1]


def test_hundreds_left_out_are_counted_by_reason_and_three_of_each_named() -> None:
    skipped = [(Path(f"/a/{n}"), f"not evaluated on val: run={n}") for n in range(300)]
    skipped += [(Path("/b/0"), "failed during training: it broke: at night"), (Path("/c"), "without a training: none")]
    assert skipped_run_lines(skipped) == [
        "left out: 302 runs",
        "  300 runs not evaluated on val; evaluate=true evaluates them first",
        *(f"    /a/{n}: run={n}" for n in range(3)),
        "    and 297 more",
        "  1 run failed during training",
        "    /b/0: it broke: at night",
        "  1 run without a training",
        "    /c: none",
    ]


def test_nothing_left_out_takes_no_line() -> None:
    assert skipped_run_lines([]) == []


def test_where_no_run_can_be_compared_the_error_says_why(tmp_path: Path) -> None:
    for number in range(20):
        write_atomic(tmp_path / f"{number}/config.yaml", json.dumps({"seed": 0}))
    with pytest.raises(
        ValueError, match=r"no run below .* can be compared; left out: 20 runs\n  20 runs without a training"
    ):
        read_runs(str(tmp_path), "val")
