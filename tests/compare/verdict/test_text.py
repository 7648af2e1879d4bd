"""What a terminal shows: whole figures at every width, and in words what is significant, what is not, and why."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segexp.compare.verdict.comparison import Comparison, compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.sentences import sentences
from segexp.compare.verdict.text.classes import gained_and_lost
from segexp.compare.verdict.text.console import console, name_column, plain_table, print_sections
from segexp.compare.verdict.text.sections import comparison_sections
from tests.compare.verdict.run_folders import finished_run

LOSSES = ("focal", "cross_entropy_lovasz", "lovasz_softmax", "soft_iou", "weighted_cross_entropy", "dice_to_iou")


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    for number, loss in enumerate(LOSSES):
        for seed in range(3):
            finished_run(tmp_path / f"{loss}{seed}", {"_target_": loss}, seed, 0.5 + 0.001 * number)
    for seed in range(3):
        finished_run(tmp_path / f"best{seed}", {"_target_": "best"}, seed, 5.0)
    return compare_variants(read_runs(str(tmp_path), "val"), "val", "focal")


def print_comparison(comparison: Comparison, width: int) -> str:
    terminal = Console(width=width, file=io.StringIO())
    print_sections(terminal, comparison_sections(comparison, terminal, None))
    return terminal.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_no_figure_and_no_name_is_cut_at_any_width(comparison: Comparison, width: int) -> None:
    text = print_comparison(comparison, width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for row in comparison.rows[1:]:
        assert f"{row.difference.value:+.4f}  {row.difference.low:+.4f} .. {row.difference.high:+.4f}" in text
        assert row.name.removeprefix("loss=") in text


def test_a_wide_terminal_shows_all_and_a_narrow_one_what_matters(comparison: Comparison) -> None:
    wide, narrow = print_comparison(comparison, 200), print_comparison(comparison, 80)
    assert all(heading in wide for heading in ("min .. max", "p (Holm)", "verdict", "±0.003"))
    assert "verdict" in narrow
    assert "min .. max" not in narrow


def test_one_varying_group_is_named_once(comparison: Comparison) -> None:
    assert "loss=" not in print_comparison(comparison, 100)


def test_a_file_is_as_wide_as_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert console().width > 1000
    monkeypatch.setenv("COLUMNS", "70")
    assert console().width == 70


def test_a_value_in_brackets_is_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    table = plain_table("[bold]title")
    name_column(table, "setting")
    table.add_row("[adam, sgd] [/x] :car:")
    terminal = console()
    print_sections(terminal, [table])
    assert "[bold]title" in terminal.file.getvalue()
    assert "[adam, sgd] [/x] :car:" in terminal.file.getvalue()


def test_what_is_significant_is_told_apart_from_what_is_not(comparison: Comparison) -> None:
    text = "\n".join(sentences(comparison))
    assert "paired by seed, on 12 images: 1 of 6 differences significant." in text
    assert f"Better: best ({comparison.rows[1].difference.value:+.4f})." in text
    rest = text.split("No significant difference")[1]
    assert all(loss in rest for loss in LOSSES[1:])
    assert "seeds" in rest


def test_one_seed_says_nothing_across_seeds(tmp_path: Path) -> None:
    for loss in ("dice", "focal"):
        finished_run(tmp_path / loss, {"_target_": loss}, 0, 0.5 if loss == "dice" else 0.9)
    text = sentences(compare_variants(read_runs(str(tmp_path), "val"), "val"))
    assert len(text) == 1
    assert "One seed only: focal. One seed shows no significance: the interval covers images only" in text[0]


def test_unpaired_seeds_are_told(tmp_path: Path) -> None:
    for loss, seeds in (("dice", (0, 1, 2)), ("focal", (1, 2)), ("hinge", (5, 6))):
        for seed in seeds:
            finished_run(tmp_path / f"{loss}{seed}", {"_target_": loss}, seed, 0.5)
    comparison = compare_variants(read_runs(str(tmp_path), "val"), "val", "dice")
    text = sentences(comparison)[-1]
    assert text.startswith("Some seeds are not those of dice (0, 1, 2); unpaired seeds count in the mean")
    assert "focal (1, 2)" in text
    assert "hinge (none)" in text
    assert "no seed shared" in print_comparison(comparison, 120)


def test_one_variant_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    finished_run(tmp_path / "a", {"_target_": "dice"}, 0)
    assert sentences(compare_variants(read_runs(str(tmp_path), "val"), "val")) == [
        "There is one variant, all: nothing to compare it with."
    ]


def test_classes_are_listed_by_gain_and_loss_without_absent_and_equal_ones(comparison: Comparison) -> None:
    baseline = replace(comparison.rows[0], class_scores=np.full(6, 0.5))
    row = replace(comparison.rows[1], class_scores=np.array([0.7, 0.2, np.nan, 0.5, 0.9, 0.1]))
    gained, lost = gained_and_lost(row, baseline, "abcdef")
    assert [name for name, _ in gained] == ["e", "a"]
    assert lost == [("f", pytest.approx(-0.4)), ("b", pytest.approx(-0.3))]
