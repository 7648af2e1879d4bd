"""What is compared is chosen: any score of the evaluations, by the same verdict, and nothing that a run wants built."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segexp.compare.verdict import run_scores
from segexp.compare.verdict.comparison import Comparison, compare_variants
from segexp.compare.verdict.run_pair import read_run_pair
from segexp.compare.verdict.runs import read_runs
from segexp.metric.calibration import NUM_BINS, UNIT
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import CLASSES, evaluation_file, finished_run
from tests.e2e.command import environment
from tests.options import config_dir
from tests.warm_process import run_module

NUM_IMAGES, NUM_SEEDS, PIXELS, RIGHT = 12, 3, 1000, 900
METRIC: dict[str, Any] = {
    "overlap": {}, "image_miou": {"worst": 0.05}, "boundary": {"width": 0.02}, "instances": {}, "calibration": {}
}  # fmt: skip
SURE, MODEST = 0.99, 0.92  # how sure two networks are that are right for 0.9 of the pixels


def evaluated_run(folder: Path, loss: str, seed: int, quality: float, certainty: float, **facts: Any) -> Path:
    """A run whose classes, boundaries and pixels are hit the more the higher the quality, between 0 and 1."""
    run = finished_run(folder / f"{loss}{seed}", {"_target_": loss}, seed, metric=METRIC, **facts)
    rng = np.random.default_rng([seed, int(1000 * quality)])
    confusions = rng.integers(90, 100, (NUM_IMAGES, 3, 3)) + np.eye(3, dtype=int) * int(1000 * quality)
    hits = (1000 * quality + rng.integers(0, 20, (NUM_IMAGES, 3))).astype(int)
    calibration = np.zeros((NUM_IMAGES, NUM_BINS, 3), np.int64)
    calibration[:, -1] = PIXELS, RIGHT, 0
    calibration[:, -1, 2] = PIXELS * (certainty + rng.uniform(-0.001, 0.001, NUM_IMAGES)) * UNIT
    counts = {"boundary": np.stack([hits, np.full_like(hits, 1100)], -1), "calibration": calibration}
    write_atomic(run / "evaluation/val/confusion.npz", evaluation_file(confusions, CLASSES, **counts))
    return run


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """dice hits less than focal, and is less sure; hinge hits most, and is the surest."""
    for seed in range(NUM_SEEDS):
        evaluated_run(tmp_path, "dice", seed, 0.5, 0.95)
        evaluated_run(tmp_path, "focal", seed, 0.7, MODEST)
        evaluated_run(tmp_path, "hinge", seed, 0.9, SURE)
    return tmp_path


def compare(folder: Path, score: str) -> Comparison:
    return compare_variants(read_runs(str(folder), "val", score), "val", "dice", score)


def miou(run: dict[str, np.ndarray]) -> float:
    confusion = run["confusions"].sum(0)
    return float(np.mean([iou_of(confusion, number) for number in range(3)]))


def iou_of(confusion: np.ndarray, number: int) -> float:
    hit = confusion[number, number]
    return float(hit / (confusion[number].sum() + confusion[:, number].sum() - hit))


DEFINITIONS: dict[str, Callable[[dict[str, np.ndarray]], float]] = {
    "miou": miou,
    "iou/car": lambda run: iou_of(run["confusions"].sum(0), 1),
    "pixel_accuracy": lambda run: float(np.trace(run["confusions"].sum(0)) / run["confusions"].sum()),
    "boundary_miou": lambda run: float((run["boundary"][..., 0].sum(0) / run["boundary"][..., 1].sum(0)).mean()),
    "ece": lambda run: abs(RIGHT / PIXELS - run["calibration"][..., 2].sum() / UNIT / PIXELS / NUM_IMAGES),
}


@pytest.mark.parametrize("score", DEFINITIONS)
def test_any_score_is_compared_as_its_definition_has_it(sweep: Path, score: str) -> None:
    comparison = compare(sweep, score)
    for row in comparison.rows:
        for seed, ours in zip(row.seeds, row.scores, strict=True):
            with np.load(sweep / f"{row.name.removeprefix('loss=')}{seed}/evaluation/val/confusion.npz") as run:
                assert ours == pytest.approx(DEFINITIONS[score](dict(run)), abs=1e-9)
        if row.difference:
            assert row.difference.value == pytest.approx(row.mean - comparison.rows[0].mean)
            assert row.difference.low < row.difference.value < row.difference.high


@pytest.mark.parametrize("score", ["boundary_miou", "iou/car", "pixel_accuracy"])
def test_the_highest_is_the_best(sweep: Path, score: str) -> None:
    rows = compare(sweep, score).rows
    assert [(row.name, row.verdict) for row in rows[1:]] == [("loss=hinge", "better"), ("loss=focal", "better")]


def test_the_lowest_error_is_the_best(sweep: Path) -> None:
    rows = compare(sweep, "ece").rows
    assert [(row.name, row.verdict) for row in rows[1:]] == [("loss=focal", "better"), ("loss=hinge", "worse")]


def test_other_scores_have_the_verdict_that_they_have_when_they_are_chosen(sweep: Path) -> None:
    further = compare(sweep, "boundary_miou").further
    assert {"miou", "pixel_accuracy", "ece"} <= further.keys()
    for score in ("miou", "ece"):
        chosen = {row.name: (row.difference, row.verdict) for row in compare(sweep, score).rows}
        assert {row.name: (row.difference, row.verdict) for row in further[score]} == chosen


def test_classes_are_those_of_the_chosen_score(sweep: Path) -> None:
    comparison = compare(sweep, "boundary_miou")
    assert comparison.class_score == "boundary_iou"
    assert comparison.rows[1].class_scores == pytest.approx([0.91 / 1.1] * 3, abs=0.01)


def test_an_unknown_score_is_refused_with_those_that_there_are(sweep: Path) -> None:
    with pytest.raises(ValueError, match=r"score is 'boundary_iou'; did you mean boundary_miou\? .*miou.*iou/CLASS"):
        read_runs(str(sweep), "val", "boundary_iou")
    with pytest.raises(ValueError, match=r"score is 'iou/bus'; did you mean iou/sky[?] scores of .*: miou, "):
        read_run_pair(sweep / "dice0", sweep / "focal0", "val", "iou/bus")


def test_runs_without_the_score_are_skipped_with_a_reason(sweep: Path) -> None:
    finished_run(sweep / "counted_little", {"_target_": "dice"}, 7, metric=METRIC)
    runs, skipped = read_runs(str(sweep), "val", "ece")
    assert (len(runs), len(read_runs(str(sweep), "val").runs)) == (9, 10)
    ((path, reason),) = skipped
    assert path.name == "counted_little"
    assert reason.startswith("no ece: evaluate again")


def test_two_runs_are_compared_by_a_chosen_score(sweep: Path) -> None:
    pair = read_run_pair(sweep / "dice0", sweep / "hinge0", "val", "ece")
    assert pair.difference.value == pytest.approx(SURE - 0.95, abs=0.001)
    assert read_run_pair(sweep / "dice0", sweep / "hinge0", "val").difference.value > 0.1


def test_it_is_an_argument_of_the_command(sweep: Path) -> None:
    typed = [f"runs={sweep}", "baseline=dice", "score=ece", f"output={sweep / 'report'}"]
    answer = run_module("segexp.compare", *typed, environment=environment())
    assert answer.returncode == 0, answer.stderr
    assert "ECE on val, baseline first" in answer.stdout
    assert "<title>Loss comparison by ECE, " in (sweep / "report/report.html").read_text()


def test_counts_of_other_shapes_than_the_metric_has_are_named(sweep: Path) -> None:
    confusions = np.ones((NUM_IMAGES, 3, 3), int)
    npz = evaluation_file(confusions, CLASSES, boundary=np.ones((NUM_IMAGES, 2), int))
    write_atomic(sweep / "dice0/evaluation/val/confusion.npz", npz)
    ((_, reason),) = read_runs(str(sweep), "val").skipped
    assert "metric.boundary gives no scores" in reason


def with_metric(run: Path, **settings: Any) -> None:
    path = run / "evaluation/val/metrics.json"
    write_atomic(path, json.dumps({**json.loads(path.read_text()), "metric": {**METRIC, **settings}}))


def test_a_run_never_says_what_is_built(sweep: Path, tmp_path: Path) -> None:
    marker = str(tmp_path / "built")
    making = {"_target_": "os.mkdir", "path": marker}
    with_metric(sweep / "dice0", foreign=making)  # of no option: not even looked at
    with_metric(sweep / "dice1", overlap={"_target_": "os.mkdir"})  # the option's own is built
    with_metric(sweep / "focal0", boundary=making)
    with_metric(sweep / "focal1", boundary={"width": making})
    with_metric(sweep / "hinge0", boundary={"width": "${oc.env:HOME}"})
    with_metric(sweep / "hinge1", boundary=["width"])
    runs, skipped = read_runs(str(sweep), "val")
    assert {"dice0", "dice1"} <= {run.path.name for run in runs}
    reasons = {path.name: reason for path, reason in skipped}
    assert reasons.keys() == {"focal0", "focal1", "hinge0", "hinge1"}
    assert "does not take" in reasons["focal0"]
    assert "metric.boundary would build ['os.mkdir']" in reasons["focal1"]
    assert "which no training writes" in reasons["hinge0"]
    assert "not the settings of each metric" in reasons["hinge1"]
    assert not Path(marker).exists()


@pytest.mark.parametrize("stored", ["x", {"names": list(CLASSES)}, dict.fromkeys(
    ("names", "categories", "class_of_label", "has_instances"), None
), {"names": ["a"], "categories": [None], "class_of_label": [0], "has_instances": [False]}])  # fmt: skip
def test_damaged_facts_about_classes_are_named(sweep: Path, stored: Any) -> None:
    path = sweep / "dice0/evaluation/val/metrics.json"
    write_atomic(path, json.dumps({**json.loads(path.read_text()), "scored_classes": stored}))
    ((skipped, reason),) = read_runs(str(sweep), "val").skipped
    assert skipped.name == "dice0"
    assert "metrics.json: scored_classes" in reason


def test_each_image_is_scored_by_itself_however_many_there_are(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_runs(str(sweep), "val", "iou/car").runs[0]
    with np.load(run.counts_path) as stored:
        expected = [iou_of(confusion, 1) for confusion in stored["confusions"]]
    for chunk in (NUM_IMAGES, 5, 1):
        monkeypatch.setattr(run_scores, "CHUNK", chunk)
        assert run.by_image("iou/car").tolist() == pytest.approx(expected)


def test_a_metric_that_no_run_has_may_lack_a_setting(sweep: Path, tmp_path: Path) -> None:
    """Its option stands beside those that are used, and asks for a value that only its own evaluations have."""
    with config_dir(tmp_path / "my_conf"):
        write_atomic(tmp_path / "my_conf/metric/other.yaml", "other:\n  _target_: mine.Other\n  name: ???\n")
        assert [row.name for row in compare(sweep, "ece").rows] == ["loss=dice", "loss=focal", "loss=hinge"]


def test_a_score_of_what_never_occurs_is_said_to_have_no_value(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run", {"_target_": "dice"}, 0, metric=METRIC)
    confusions = np.zeros((NUM_IMAGES, 3, 3), np.int64)
    confusions[:, 0, 0] = 1  # neither car nor sky is there or predicted
    write_atomic(run / "evaluation/val/confusion.npz", evaluation_file(confusions, CLASSES))
    with pytest.raises(ValueError, match=r"score is 'iou/car', which has no value on these images: .* never occurs"):
        read_runs(str(tmp_path), "val", "iou/car")
