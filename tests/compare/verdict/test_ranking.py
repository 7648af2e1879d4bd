"""The ranking by epoch is that of the mean scores, its agreement with the end Kendall's, and a run that ended stays."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.ranking import Ranking, ranking
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.text.ranking import ranking_sentences
from segexp.compare.verdict.variants import group_by_variant
from tests.compare.verdict.run_folders import finished_run, write_history


def rank(folder: Path, histories: dict[str, list[list[float]]]) -> Ranking:
    """The ranking of these runs. histories: for each loss the mIoU after each epoch of each seed."""
    for loss, seeds in histories.items():
        for seed, mious in enumerate(seeds):
            write_history(finished_run(folder / f"{loss}{seed}", {"_target_": loss}, seed), mious)
    return ranking(group_by_variant(read_runs(str(folder), "val").runs))


def test_variants_are_ranked_by_their_mean_over_seeds_at_each_epoch(tmp_path: Path) -> None:
    by_epoch = rank(tmp_path, {"a": [[0.1, 0.5], [0.5, 0.7]], "b": [[0.2, 0.9], [0.2, 0.7]]})
    assert by_epoch.names == ["loss=b", "loss=a"]
    assert by_epoch.epochs == [1, 2]
    assert by_epoch.miou == pytest.approx(np.array([[0.2, 0.8], [0.3, 0.6]]))
    assert by_epoch.rank.tolist() == [[2, 1], [1, 2]]
    assert [by_epoch.leader(0), by_epoch.leader(1)] == ["loss=a", "loss=b"]
    assert by_epoch.tau.tolist() == [-1, 1]


def test_tau_is_the_share_of_pairs_in_the_final_order_less_that_of_the_others(tmp_path: Path) -> None:
    mious = np.random.default_rng(0).permuted(np.tile(np.arange(6) / 10, (4, 1)), axis=1)
    by_epoch = rank(tmp_path, {f"loss{n}": [column.tolist()] for n, column in enumerate(mious.T)})
    for index in range(4):
        signs = [
            np.sign((mious[index, i] - mious[index, j]) * (mious[-1, i] - mious[-1, j]))
            for i, j in combinations(range(6), 2)
        ]
        assert by_epoch.tau[index] == pytest.approx(np.mean(signs))


def test_equal_scores_share_their_ranks(tmp_path: Path) -> None:
    by_epoch = rank(tmp_path, {"a": [[0.5]], "b": [[0.5]], "c": [[0.1]]})
    assert by_epoch.rank[:, 0].tolist() == [1.5, 1.5, 3]


def test_a_run_that_ended_keeps_its_last_score_and_is_named(tmp_path: Path) -> None:
    by_epoch = rank(tmp_path, {"a": [[0.4], [0.2, 0.3, 0.4]], "b": [[0.1, 0.2, 0.6], [0.1, 0.2, 0.6]]})
    assert by_epoch.miou[by_epoch.names.index("loss=a")] == pytest.approx([0.3, 0.35, 0.4])
    assert by_epoch.ended == {1: 1, 3: 3}
    assert "1 after epoch 1 ended early and keep their last score until epoch 3" in ranking_sentences(by_epoch)[-1]


def test_a_run_that_was_never_validated_counts_nowhere(tmp_path: Path) -> None:
    by_epoch = rank(tmp_path, {"a": [[0.4, 0.5], []], "b": [[0.1, 0.2]], "c": [[]]})
    assert by_epoch.names == ["loss=a", "loss=b"]
    assert by_epoch.miou.tolist() == [[0.4, 0.5], [0.1, 0.2]]
    assert by_epoch.num_without == 2


def test_epochs_led_by_others_are_named(tmp_path: Path) -> None:
    by_epoch = rank(tmp_path, {"a": [[0.1, 0.1, 0.3, 0.1, 0.9]], "b": [[0.2, 0.2, 0.2, 0.2, 0.2]]})
    assert ranking_sentences(by_epoch) == ["a leads in the end; others led before: b after epochs 1-2, 4."]


def test_no_scores_by_epoch_is_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"val/miou.*metrics\.jsonl"):
        rank(tmp_path, {"a": [[]]})
