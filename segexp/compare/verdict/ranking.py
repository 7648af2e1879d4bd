"""The ranking of variants as it develops: who led after each epoch, and how soon the order was the final one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segexp.compare.verdict.runs import Run
from segexp.compare.verdict.variants import Variants
from segexp.run.folder import RunFolder
from segexp.types import Floats

LOGGED = "val/miou"
"""What every training logs after each validation."""


class Ranking(NamedTuple):
    """Variants by their final rank, and every epoch, from 1, after which any run was validated.

    miou: mean over the seeds of each variant [V, E]; a run that has ended keeps its last score; NaN before all seeds
    have one. rank: 1 for the best [V, E], ties share the mean of their ranks. tau: Kendall's tau-b between the ranking
    at each epoch and the final one [E]; NaN where fewer than two variants are ranked. ended: epoch -> number
    of runs that ended after it. num_without: runs that were never validated, which count nowhere. damaged: run
    folder -> number of its rows whose mIoU or epoch is damaged; those rows count nowhere.
    """

    names: list[str]
    epochs: list[int]
    miou: Floats
    rank: Floats
    tau: Floats
    ended: dict[int, int]
    num_without: int
    damaged: dict[Path, int]

    def leader(self, index: int) -> str | None:
        """Name of the variant that led after epochs[index]; if several led, the one that ends better."""
        ranked = self.miou[:, index]
        return None if np.isnan(ranked).all() else self.names[int(np.nanargmax(ranked))]


class History(NamedTuple):
    """scores: epoch, from 1 -> validation mIoU after it. num_damaged: rows whose epoch or mIoU is damaged."""

    scores: dict[int, float]
    num_damaged: int


def ranking(variants: Variants) -> Ranking:
    """Rank the variants by the metrics.jsonl of every run. Raises ValueError where none holds val/miou."""
    histories = {name: {run.path: _history(run) for run in runs.values()} for name, runs in variants.items()}
    every = {path: history for runs in histories.values() for path, history in runs.items()}
    scores = {name: [each.scores for each in runs.values() if each.scores] for name, runs in histories.items()}
    scores = {name: runs for name, runs in scores.items() if runs}
    if not scores:
        raise ValueError(f"no run has {LOGGED} and epoch in its metrics.jsonl; by=epoch needs them: leave it out")
    last_epochs = [max(each) for runs in scores.values() for each in runs]
    epochs = sorted({epoch for runs in scores.values() for each in runs for epoch in each})
    means = {name: np.mean([_fill_forward(each, epochs) for each in runs], 0) for name, runs in scores.items()}
    names = sorted(means, key=lambda name: -means[name][-1])
    miou = np.stack([means[name] for name in names])
    rank = np.stack([_ranks(column) for column in miou.T], 1)
    ended = {epoch: last_epochs.count(epoch) for epoch in sorted(set(last_epochs))}
    damaged = {path: history.num_damaged for path, history in every.items() if history.num_damaged}
    return Ranking(names, epochs, miou, rank, _tau(miou), ended, len(every) - len(last_epochs), damaged)


def scores_by_epoch(run: Run) -> dict[int, float]:
    """Epoch, from 1 -> validation mIoU after it, as the training logged it; damaged rows are left out."""
    return _history(run).scores


def _history(run: Run) -> History:
    rows = [row for row in RunFolder(run.path).history() if "epoch" in row and row.get(LOGGED) is not None]
    scores = [(row["epoch"] + 1, float(row[LOGGED])) for row in rows if _is_sound(row["epoch"], row[LOGGED])]
    return History(dict(scores), len(rows) - len(scores))


def _is_sound(epoch: Any, miou: Any) -> bool:
    """Whether these are an epoch and an mIoU as a training logs them: no text, no NaN."""
    return type(epoch) is int and type(miou) in (int, float) and 0 <= miou <= 1


def _fill_forward(scores: Mapping[int, float], epochs: list[int]) -> Floats:
    """The last score at or before each epoch, [E]; NaN before the first."""
    filled = np.full(len(epochs), np.nan)
    for index, epoch in enumerate(epochs):
        filled[index] = scores.get(epoch, filled[index - 1] if index else np.nan)
    return filled


def _ranks(miou: Floats) -> Floats:
    better = (miou[None] > miou[:, None]).sum(1)
    equal = (miou[None] == miou[:, None]).sum(1)
    return np.where(np.isnan(miou), np.nan, better + (equal + 1) / 2)


def _tau(miou: Floats) -> Floats:
    from scipy.stats import kendalltau  # half a second that only a ranking needs

    tau = np.full(miou.shape[1], np.nan)
    for index, column in enumerate(miou.T):
        ranked = ~np.isnan(column)
        if ranked.sum() > 1:
            tau[index] = kendalltau(column[ranked], miou[ranked, -1]).statistic
    return tau
