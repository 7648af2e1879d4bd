"""A variant with one seed is not tested, and makes no test of the others harder."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.sentences import sentences
from tests.compare.verdict.run_folders import finished_run


def verdict_sentences(folder: Path, num_single: int, **variants: Iterable[int]) -> list[str]:
    """The sentences about these variants. variants: loss -> seeds. num_single: how many more have one seed."""
    seeds_of = {**variants, **{f"single{number}": [0] for number in range(num_single)}}
    for loss, seeds in seeds_of.items():
        for seed in seeds:
            finished_run(folder / f"{loss}{seed}", {"_target_": loss}, seed, 0.5 if loss == "dice" else 0.58)
    return sentences(compare_variants(read_runs(str(folder), "val"), "val", "dice"))


def test_single_seeds_change_no_sentence_about_the_others(tmp_path: Path) -> None:
    alone = verdict_sentences(tmp_path / "alone", 0, dice=range(3), focal=range(3))
    among = verdict_sentences(tmp_path / "among", 5, dice=range(3), focal=range(3))
    assert among[: len(alone)] == alone
    assert alone[1].startswith("No significant difference. Approximate number of seeds of each variant that would")
    assert ">" not in alone[1]
    assert among[len(alone)].startswith("One seed only: single0")


def test_without_any_test_nothing_is_called_not_significant(tmp_path: Path) -> None:
    text = verdict_sentences(tmp_path, 5, dice=range(3))
    assert text[0].startswith("One seed only: ")
    assert "significant difference" not in " ".join(text)


@pytest.mark.parametrize(
    ("seeds", "words"), [([0], "One seed only: focal."), ([0, 5, 6], "One seed in common with dice: focal.")]
)
def test_one_seed_is_not_taken_for_one_in_common(tmp_path: Path, seeds: list[int], words: str) -> None:
    assert verdict_sentences(tmp_path, 0, dice=range(3), focal=seeds)[0].startswith(
        f"{words} One seed shows no significance"
    )


def test_one_seed_and_one_in_common_are_named_side_by_side(tmp_path: Path) -> None:
    text = verdict_sentences(tmp_path, 1, dice=[0], focal=[0, 1, 2])[0]
    assert text.startswith(
        "One seed only: single0. One seed in common with dice: focal. One seed shows no significance"
    )
