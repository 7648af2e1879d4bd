"""What a kill, a full disk or a hand left in a run folder costs a row or is named, and never stops what reads it."""

import json
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder

WHOLE = [b'{"step": 1, "val/miou": 0.25}', b'{"step": 2, "val/miou": 0.5}']


@pytest.mark.parametrize(
    "row", [b"{}", b"[1]", b"7", b"null", b'{"step": null}', b'{"step": "1"}', b'{"epoch": 1}', b'{"note": "\xc3', b""]
)
def test_a_damaged_row_of_the_history_counts_for_nothing(tmp_path: Path, row: bytes) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(b"\n".join([WHOLE[0], row, WHOLE[1]]) + b"\n")
    assert RunFolder(tmp_path).history() == [json.loads(each) for each in WHOLE]


@pytest.mark.parametrize("metrics", ["null", "[0.5]", '"0.5"', '{"miou": "0.5"}', '{"miou": [0.5]}'])
def test_scores_that_are_no_numbers_are_named(tmp_path: Path, metrics: str) -> None:
    path = tmp_path / "evaluation/val/metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text(f'{{"checkpoint": "best", "metrics": {metrics}}}')
    with pytest.raises(ValueError, match=r"evaluation/val/metrics\.json cannot be read .*; restore it, or evaluate"):
        RunFolder(tmp_path).scores("val")


def test_a_torn_letter_in_the_scores_is_named(tmp_path: Path) -> None:
    path = tmp_path / "evaluation/val/metrics.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"checkpoint": "\xc3')
    with pytest.raises(ValueError, match=r"evaluation/val/metrics\.json cannot be read .*; restore it, or evaluate"):
        RunFolder(tmp_path).scores("val")


@pytest.mark.parametrize(
    ("wrong", "fact"),
    [
        ({"choices": {"callbacks": 3}}, "choices.callbacks is 3"),
        ({"data": {"train": None}}, "data.train is None"),
        ({"git": {"commit": "1a", "changed_files": 4}}, "git.changed_files is 4"),
        ({"overrides": ["seed=1", None]}, "overrides.1 is None"),
        ({"resumes": [3]}, "resumes.0 is 3"),
        ({"packages": 3}, "packages is 3"),
    ],
)
def test_nonsense_in_the_environment_is_named_at_any_depth(tmp_path: Path, wrong: dict, fact: str) -> None:
    run = RunFolder(tmp_path)
    run.write_environment(wrong)
    with pytest.raises(ValueError, match=rf"environment\.json cannot be read \({fact}\); restore it, or train again"):
        _ = run.environment
