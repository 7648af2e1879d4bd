"""Variants -> the verdict: mean and spread of each, and its difference from the baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segexp.compare.verdict import statistics
from segexp.compare.verdict.run_scores import class_prefix
from segexp.compare.verdict.runs import ComparableRuns, Run
from segexp.compare.verdict.skipped_runs import SkippedRuns
from segexp.compare.verdict.statistics import Difference
from segexp.compare.verdict.variants import Variants, group_by_variant, short_names
from segexp.metric.metric import Scores
from segexp.types import Floats

NOT_SIGNIFICANT = "not significant"
"""The verdict on a difference that the test does not tell from 0."""


@dataclass(frozen=True)
class Row:
    """One variant.

    scores: of each seed on the whole split. class_scores: mean over the seeds that score a class, [C]; NaN where none
    does. difference: from the baseline, over the seeds that both have; None for the baseline itself and where no seed
    is shared. adjusted_p: after Holm. is_error: whether the score is the better the lower it is.
    """

    name: str
    seeds: list[int]
    scores: list[float]
    class_scores: Floats
    difference: Difference | None = None
    adjusted_p: float = np.nan
    is_error: bool = False

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    @property
    def verdict(self) -> str:
        """Better, worse, or what keeps one from saying so; empty without a difference."""
        if self.difference is None:
            return ""
        if self.difference.num_seeds == 1:
            return "one seed: nothing can be said"
        if self.adjusted_p < 0.05:
            return "better" if (self.difference.value > 0) != self.is_error else "worse"
        return NOT_SIGNIFICANT


@dataclass(frozen=True)
class Comparison:
    """Runs of one split side by side.

    score: what is compared. class_score: the score of single classes beside it.
    variants: name -> the runs of each seed. rows: one for each of them, the baseline first, then the best first.
    further: every other score of the whole split that all runs have -> its rows, in the same order. Each score is a
    question of its own: p-values are adjusted for the number of variants, not for the number of scores.
    skipped_runs: path and reason of every run that could not be compared.
    """

    split: str
    score: str
    class_score: str
    class_names: tuple[str, ...]
    variants: Variants
    rows: list[Row]
    further: dict[str, list[Row]]
    skipped_runs: SkippedRuns


def compare_variants(
    comparable: ComparableRuns, split: str, baseline: str | None = None, score: str = "miou"
) -> Comparison:
    """Group the runs by variant, and compare each variant with the baseline.

    baseline: a name, an option in it, or a part that one name alone has; None: the first.
    score: one that all runs have.
    Raises ValueError if the baseline is not one of the variants.
    """
    runs = comparable.runs
    variants = group_by_variant(runs)
    first = _baseline_name(list(variants), baseline)
    names = [name for name in runs[0].scores if all(name in run.scores for run in runs)]
    class_score = class_prefix(score, names)
    length = statistics.block_length(_differences_by_image(variants, first, score))
    num_images = len(runs[0].image_names)
    resampled = _resampled_scores(variants, statistics.resamples(num_images, block_length=length), kept=score)

    def rows(name: str) -> list[Row]:
        return _rows(variants, first, name, class_score, resampled, num_images, length)

    main = _best_first(rows(score))
    order = [row.name for row in main]
    others = [name for name in names if "/" not in name and name != score]
    further = {name: sorted(rows(name), key=lambda row: order.index(row.name)) for name in others}
    return Comparison(split, score, class_score, runs[0].class_names, variants, main, further, comparable.skipped)


def _resampled_scores(variants: Variants, weights: Floats, kept: str) -> dict[str, dict[int, Scores]]:
    """Name of the variant -> seed -> scores on the split and on each resample, [1 + B].

    They are those of the whole split, and the one to be kept, which may be of a single class.
    """
    return {
        name: {
            seed: {score: value for score, value in run.resampled(weights).items() if "/" not in score or score == kept}
            for seed, run in runs.items()
        }
        for name, runs in variants.items()
    }


def _rows(
    variants: Variants,
    baseline: str,
    score: str,
    class_score: str,
    resampled: dict[str, dict[int, Scores]],
    num_images: int,
    block_length: int,
) -> list[Row]:
    rows = []
    for name, runs in variants.items():
        shared = sorted(runs.keys() & variants[baseline].keys()) if name != baseline else []
        ours, theirs = ([resampled[each][seed][score] for seed in shared] for each in (name, baseline))
        rows.append(
            Row(
                name,
                sorted(runs),
                [runs[seed].scores[score] for seed in sorted(runs)],
                _class_scores(list(runs.values()), class_score),
                statistics.difference(ours, theirs, num_images, block_length) if shared else None,
                is_error=next(iter(runs.values())).scorer.is_error(score),
            )
        )
    rows.sort(key=lambda row: row.name != baseline)
    adjusted = statistics.holm([row.difference.p_value if row.difference else np.nan for row in rows])
    return [replace(row, adjusted_p=p_value) for row, p_value in zip(rows, adjusted, strict=True)]


def _best_first(rows: list[Row]) -> list[Row]:
    """The baseline, then the others."""
    baseline, *others = rows
    return [baseline, *sorted(others, key=lambda row: row.mean if row.is_error else -row.mean)]


def _differences_by_image(variants: Variants, baseline: str, score: str) -> list[Floats]:
    """Difference of each other variant from the baseline on each image, [N], both means over their seeds."""
    means = {name: np.mean([run.by_image(score) for run in runs.values()], axis=0) for name, runs in variants.items()}
    return [means[name] - means[baseline] for name in variants if name != baseline]


def _baseline_name(names: Sequence[str], typed: str | None) -> str:
    if typed is None:
        return names[0]
    short = short_names(names)[1]
    rules: list[Callable[[str], bool]] = [
        lambda name: typed in (name, short[name]),
        lambda name: typed in name.replace("=", " ").split(),  # cross_entropy, and not cross_entropy_lovasz
        lambda name: typed in name,
    ]
    matching = next(filter(None, ([name for name in names if fits(name)] for fits in rules)), [])
    if len(matching) != 1:
        raise ValueError(
            f"baseline is {typed!r}, which fits {matching or 'no variant'}; variants: {list(names)}; name one of them"
        )
    return matching[0]


def _class_scores(runs: Sequence[Run], class_score: str) -> Floats:
    """Mean score of each class over the seeds that score it, [C]; NaN where none does.

    Where a class never occurs, only seeds that predict it score it: 0, which must not pass for no score.
    """
    keys = [f"{class_score}/{name}" for name in runs[0].class_names]
    scores = np.array([[run.scores.get(key, np.nan) for key in keys] for run in runs])  # seed class
    num_scored = (~np.isnan(scores)).sum(0)
    return np.divide(np.nansum(scores, axis=0), num_scored, out=np.full(len(keys), np.nan), where=num_scored > 0)
