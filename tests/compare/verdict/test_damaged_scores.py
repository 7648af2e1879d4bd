"""One damaged file takes its run out of a comparison, or a row out of its history, and leaves the others alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.extra_scores import extra_scores
from segexp.compare.verdict.ranking import ranking
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.text.ranking import ranking_sentences
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import finished_run, write_history

FACTS = "evaluation/val/metrics.json"


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for loss in ("dice", "focal"):
        run = finished_run(tmp_path / loss, {"_target_": loss}, 0, metrics={"miou": 0.5, "ece": 0.25})
        write_history(run, [0.25, 0.5])
    return tmp_path


@pytest.mark.parametrize("metrics", [None, [0.5], {"ece": "0.5"}])
def test_a_run_whose_scores_are_no_numbers_is_left_out(sweep: Path, metrics: object) -> None:
    write_atomic(sweep / "dice" / FACTS, json.dumps({"checkpoint": "best", "metrics": metrics}))
    comparable = read_runs(str(sweep), "val")
    ((path, reason),) = comparable.skipped
    assert path == sweep / "dice"
    assert reason.startswith("cannot be read: evaluation/val/metrics.json")
    assert "ece" in [extra.name for extra in extra_scores(compare_variants(comparable, "val"))]


def test_a_score_that_is_not_there_is_nan(sweep: Path) -> None:
    facts = json.loads((sweep / "dice" / FACTS).read_text())
    write_atomic(sweep / "dice" / FACTS, json.dumps({**facts, "metrics": {"miou": 0.5, "ece": None}}))
    extra = extra_scores(compare_variants(read_runs(str(sweep), "val"), "val"))
    (means,) = (each.means for each in extra if each.name == "ece")
    assert np.array_equal(means, [np.nan, 0.25], equal_nan=True)


def test_a_damaged_history_is_ranked_by_the_rows_that_are_left(sweep: Path) -> None:
    history = sweep / "dice/metrics.jsonl"
    first, second = history.read_bytes().splitlines()
    history.write_bytes(b"\n".join([first, b"{}", b'{"note": "\xc3', second]))
    by_epoch = ranking(compare_variants(read_runs(str(sweep), "val"), "val").variants)
    assert by_epoch.miou.tolist() == [[0.25, 0.5], [0.25, 0.5]]


@pytest.mark.parametrize(
    "content",
    ['"val/miou": "oops", "epoch": 1', '"val/miou": "nan", "epoch": 1', '"val/miou": NaN, "epoch": 1']
    + ['"val/miou": [0.9], "epoch": 1', '"val/miou": 90, "epoch": 1', '"val/miou": 0.9, "epoch": "1"'],
)
def test_a_row_without_a_score_of_an_epoch_is_named_and_counts_nowhere(sweep: Path, content: str) -> None:
    history = sweep / "dice/metrics.jsonl"
    history.write_text(f'{history.read_text().splitlines()[0]}\n{{"step": 19, {content}}}\n')
    by_epoch = ranking(compare_variants(read_runs(str(sweep), "val"), "val").variants)
    assert by_epoch.names == ["loss=focal", "loss=dice"]
    assert by_epoch.miou.tolist() == [[0.25, 0.5], [0.25, 0.25]]
    assert f"which are not used: 1 in {sweep / 'dice'}." in ranking_sentences(by_epoch)[-1]
