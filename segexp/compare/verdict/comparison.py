"""Variants -> the verdict: mean and spread of each, and its difference from the baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segexp.compare.verdict import statistics
from segexp.compare.verdict.runs import ComparableRuns, Run
from segexp.compare.verdict.skipped_runs import SkippedRuns
from segexp.compare.verdict.statistics import Difference
from segexp.compare.verdict.variants import Variants, group_by_variant, short_names
from segexp.metric.scores import class_iou
from segexp.types import Floats


@dataclass(frozen=True)
class Row:
    """One variant.

    miou: of each seed on the whole split. class_iou: mean over the seeds that score a class, [C]; NaN where none does.
    difference: from the baseline, over the seeds that both have; None for the baseline itself and where no seed is
    shared. adjusted_p: after Holm.
    """

    name: str
    seeds: list[int]
    miou: list[float]
    class_iou: Floats
    difference: Difference | None = None
    adjusted_p: float = np.nan

    @property
    def verdict(self) -> str:
        """Better, worse, or what keeps one from saying so; empty without a difference."""
        if self.difference is None:
            return ""
        if self.difference.num_seeds == 1:
            return "one seed: nothing can be said"
        if self.adjusted_p < 0.05:
            return "better" if self.difference.value > 0 else "worse"
        return "undecided"


@dataclass(frozen=True)
class Comparison:
    """Runs of one split side by side.

    variants: name -> the runs of each seed. rows: one for each of them, the baseline first, then the best first.
    skipped_runs: path and reason of every run that could not be compared.
    """

    split: str
    class_names: tuple[str, ...]
    variants: Variants
    rows: list[Row]
    skipped_runs: SkippedRuns


def compare_variants(comparable: ComparableRuns, split: str, baseline: str | None = None) -> Comparison:
    """Group the runs by variant, and compare each variant with the baseline.

    baseline: a name, an option in it, or a part that one name alone has; None: the first.
    Raises ValueError if the baseline is not one of the variants.
    """
    variants = group_by_variant(comparable.runs)
    rows = _rows(variants, _baseline_name(list(variants), baseline))
    return Comparison(split, comparable.runs[0].class_names, variants, rows, comparable.skipped)


def _rows(variants: Variants, baseline: str) -> list[Row]:
    num_images = len(next(iter(variants[baseline].values())).region)
    block_length = statistics.block_length(_differences_by_image(variants, baseline))
    weights = statistics.resamples(num_images, block_length=block_length)
    resampled = {
        name: {seed: statistics.resampled_miou(run.region, weights) for seed, run in runs.items()}
        for name, runs in variants.items()
    }
    rows = []
    for name in sorted(variants, key=lambda name: name != baseline):
        shared = sorted(resampled[name].keys() & resampled[baseline].keys()) if name != baseline else []
        ours, theirs = ([resampled[each][seed] for seed in shared] for each in (name, baseline))
        rows.append(
            Row(
                name,
                sorted(variants[name]),
                [float(resampled[name][seed][0]) for seed in sorted(variants[name])],
                _class_iou(list(variants[name].values())),
                statistics.difference(ours, theirs, num_images, block_length) if shared else None,
            )
        )
    rows[1:] = sorted(rows[1:], key=lambda row: -np.mean(row.miou))
    adjusted = statistics.holm([row.difference.p_value if row.difference else np.nan for row in rows])
    return [replace(row, adjusted_p=p_value) for row, p_value in zip(rows, adjusted, strict=True)]


def _differences_by_image(variants: Variants, baseline: str) -> list[Floats]:
    """Difference of each other variant from the baseline on each image, [N], both means over their seeds."""
    means = {name: np.mean([run.image_miou for run in runs.values()], axis=0) for name, runs in variants.items()}
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


def _class_iou(runs: Sequence[Run]) -> Floats:
    """Mean IoU of each class over the seeds that score it, [C]; NaN where none does.

    Where a class never occurs, only seeds that predict it score it: 0, which must not pass for no score.
    """
    iou = np.stack([class_iou(run.confusion) for run in runs])  # seed class
    num_scored = (~np.isnan(iou)).sum(0)
    return np.divide(np.nansum(iou, axis=0), num_scored, out=np.full(len(num_scored), np.nan), where=num_scored > 0)
