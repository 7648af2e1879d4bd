"""evaluate runs=FOLDER evaluates what is not evaluated, and what stops one run stops no other."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from segexp.evaluate.__main__ import _evaluate_once
from segexp.evaluate.many import evaluate_many
from segexp.run.folder import RunFolder
from tests.evaluate.options import evaluate_settings


@pytest.fixture
def runs(trained: RunFolder, tmp_path: Path) -> Path:
    for name in ("first", "second"):
        shutil.copytree(trained.path, tmp_path / name)
        shutil.rmtree(tmp_path / name / "evaluation", ignore_errors=True)  # of another test
    return tmp_path


def evaluate(runs: Path, capsys: pytest.CaptureFixture, **settings: object) -> tuple[bool, str]:
    """Whether no run failed, and what was printed."""
    evaluated = partial(_evaluate_once, settings=evaluate_settings(run=None, runs=str(runs), num_scenes=0, **settings))
    is_complete = evaluate_many(str(runs), evaluated)
    return is_complete, capsys.readouterr().out


def test_only_what_is_not_evaluated_is_evaluated(runs: Path, capsys: pytest.CaptureFixture) -> None:
    is_complete, printed = evaluate(runs, capsys)
    assert is_complete
    assert printed.endswith("\n2 evaluated\n")
    scores = {name: RunFolder(runs / name).scores("val")["metrics"]["miou"] for name in ("first", "second")}
    assert all(f"{runs / name}: evaluated, mIoU {miou:.4f}" in printed for name, miou in scores.items())

    (runs / "second/evaluation/val/confusion.npz").unlink()
    written = (runs / "first/evaluation/val/metrics.json").stat().st_mtime_ns
    is_complete, printed = evaluate(runs, capsys)
    assert is_complete
    assert printed.endswith("\n1 evaluated already, 1 evaluated\n")
    assert (runs / "first/evaluation/val/metrics.json").stat().st_mtime_ns == written


def test_one_run_stops_no_other(runs: Path, capsys: pytest.CaptureFixture) -> None:
    (runs / "first/checkpoints/best.ckpt").unlink()
    shutil.copytree(runs / "second", runs / "third")
    RunFolder(runs / "third").write_status("preempted")
    is_complete, printed = evaluate(runs, capsys)
    assert not is_complete
    assert f"1/3  {runs / 'first'}: failed: {runs / 'first'} has no checkpoint 'best'" in printed
    assert f"2/3  {runs / 'second'}: evaluated, mIoU " in printed
    assert f"3/3  {runs / 'third'}: left out, state of its training: preempted" in printed
    assert printed.endswith("\n1 failed, 1 evaluated, 1 left out\n")


def test_an_evaluation_with_other_settings_is_kept(runs: Path, capsys: pytest.CaptureFixture) -> None:
    shutil.rmtree(runs / "second")
    evaluate(runs, capsys)
    is_complete, printed = evaluate(runs, capsys, flip=True)
    assert not is_complete
    assert printed.count("already has an evaluation with flip=null, and this one has flip=true; add name=ANOTHER") == 1
    assert evaluate(runs, capsys, flip=True, name="val_flip")[0]
    assert {folder.name for folder in (runs / "first/evaluation").glob("val*")} == {"val", "val_flip"}
