"""python -m segexp.compare as a user types it: many runs, their ranking by epoch, two runs, and mistakes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.compare.verdict.run_folders import finished_run, write_history
from tests.e2e.command import ROOT, environment
from tests.process import PATIENCE
from tests.warm_process import run_module


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for number, loss in enumerate(("focal", "dice")):
        for seed in range(2):
            run = finished_run(tmp_path / f"{loss}{seed}", {"_target_": loss}, seed, 0.5 + 2 * number)
            write_history(run, [0.3, 0.2 + 0.2 * number])
    return tmp_path


def compare(*arguments: object, **further: str) -> subprocess.CompletedProcess[str]:
    return run_module("segexp.compare", "output=null", *map(str, arguments), environment=environment(**further))


def test_many_runs_are_compared_and_what_is_broken_is_named(sweep: Path) -> None:
    (sweep / "focal1/status.json").write_text("{")
    answer = compare(f"runs={sweep}", "baseline=dice", COLUMNS="80")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("mIoU on val, baseline first")
    assert "One seed only: focal." in answer.stdout
    assert f"{sweep / 'focal1'}: status.json cannot be read" in answer.stdout


def test_by_epoch_shows_the_ranking_as_it_develops(sweep: Path) -> None:
    answer = compare(f"runs={sweep}", "by=epoch")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "dice leads in the end" in answer.stdout
    assert "Kendall's tau" in answer.stdout


def test_two_runs_are_shown_side_by_side(sweep: Path) -> None:
    answer = compare(f"a={sweep / 'focal0'}", f"b={sweep / 'dice1'}")
    assert (answer.returncode, answer.stderr) == (0, "")
    for part in ("Settings that differ", "pixel accuracy", "Images that gain most", "does not cover the seed"):
        assert part in answer.stdout


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        ([], ("nothing to compare", "add runs=FOLDER", "a=RUN b=RUN")),
        (["a=somewhere"], ("add b=RUN",)),
        (["b=somewhere"], ("add a=RUN",)),
        (["runs=all", "a=one"], ("runs= compares many runs", "leave out one")),
        (["runs=all", "by=seed"], ("by is 'seed'", "epoch, which shows the ranking")),
        (["a=one", "b=two", "by=epoch"], ("by=epoch ranks many runs", "add runs=FOLDER")),
        (["a=/nowhere/a", "b=/nowhere/b"], ("a=/nowhere/a cannot be compared",)),
        (["runs=/nowhere"], ("no run folder", "config.yaml", "/nowhere", "correct runs=")),
    ],
)
def test_a_mistake_is_answered_in_one_line_with_the_cure(typed: list[str], facts: tuple[str, ...]) -> None:
    answer = compare(*typed)
    assert answer.returncode == 1
    assert answer.stderr.startswith("segexp.compare: ")
    assert [fact for fact in facts if fact not in answer.stderr] == [], answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_comparison_never_loads_torch(sweep: Path) -> None:
    program = (
        "import runpy, sys\n"
        "runpy.run_module('segexp.compare', run_name='__main__', alter_sys=True)\n"
        "print('torch' in sys.modules, 'scipy.optimize' in sys.modules)"
    )
    command = [sys.executable, "-c", program, f"runs={sweep}", "output=null"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=PATIENCE)
    assert answer.stdout.splitlines()[-1] == "False False", answer.stderr


def test_latex_alone_goes_to_standard_output(sweep: Path) -> None:
    answer = compare(f"runs={sweep}", "baseline=dice", "format=latex")
    assert answer.returncode == 0
    tables = answer.stdout.split("\n\n")
    assert [table.splitlines()[1] for table in tables] == [r"\begin{tabular}{lrrrrrrrr}", r"\begin{tabular}{lrr}"]
    assert "Worse: focal" in answer.stderr or "No significant difference" in answer.stderr
    assert "Never" not in answer.stdout
    (means,) = [line for line in tables[1].splitlines() if line.startswith("mIoU")]
    (best,) = [line for line in tables[0].splitlines() if line.startswith("dice")]
    assert means.split(" & ")[1] == best.split(" & ")[2]


def test_two_runs_have_a_latex_table_of_the_classes(sweep: Path) -> None:
    answer = compare(f"a={sweep / 'focal0'}", f"b={sweep / 'dice1'}", "format=latex")
    assert answer.returncode == 0
    assert answer.stdout.startswith("% Scores on val\n\\begin{tabular}{lrrr}")
    assert "does not cover the seed" in answer.stderr


def test_a_split_is_refused_where_both_evaluations_are_named(sweep: Path) -> None:
    typed = (f"{key}={sweep / name / 'evaluation/val'}" for key, name in (("a", "focal0"), ("b", "dice1")))
    answer = compare(*typed, "split=test")
    assert answer.returncode == 1
    assert "segexp.compare: split= chooses the evaluation of a run" in answer.stderr
