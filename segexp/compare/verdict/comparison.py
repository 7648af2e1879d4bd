"""Variants -> the verdict: mean and spread of each, and its difference from the baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segexp.compare.verdict import statistics
from segexp.compare.verdict.left_out import LeftOut
from segexp.compare.verdict.runs import Found, Run
from segexp.compare.verdict.statistics import Difference
from segexp.compare.verdict.variants import Variants, shown_names, variants
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
        """In words: better, worse, or what keeps one from saying so."""
        found = self.difference
        if found is None:
            return ""
        if found.num_seeds == 1:
            return "one seed: nothing can be said"
        if self.adjusted_p < 0.05:
            return "better" if found.value > 0 else "worse"
        return "undecided"


@dataclass(frozen=True)
class Comparison:
    """Runs of one split side by side.

    variants: name -> the runs of each seed. rows: one for each of them, the baseline first, then the best first.
    left_out: path and reason of every run that could not be compared.
    """

    split: str
    class_names: tuple[str, ...]
    variants: Variants
    rows: list[Row]
    left_out: LeftOut


def compare(found: Found, split: str, baseline: str | None = None) -> Comparison:
    """The verdict. baseline: a name, an option in it, or a part that one name alone has; None: the first.

    Raises ValueError if the baseline is not one of the variants.
    """
    named = variants(found.runs)
    rows = _rows(named, _chosen(list(named), baseline))
    return Comparison(split, found.runs[0].class_names, named, rows, found.left_out)


def _rows(named: Variants, reference: str) -> list[Row]:
    num_images = len(next(iter(named[reference].values())).region)
    block_length = statistics.block_length(_by_image(named, reference))
    weights = statistics.resamples(num_images, block_length=block_length)
    resampled = {
        name: {seed: statistics.resampled_miou(run.region, weights) for seed, run in runs.items()}
        for name, runs in named.items()
    }
    rows = []
    for name in sorted(named, key=lambda name: name != reference):
        shared = sorted(resampled[name].keys() & resampled[reference].keys()) if name != reference else []
        ours, theirs = ([resampled[each][seed] for seed in shared] for each in (name, reference))
        rows.append(
            Row(
                name,
                sorted(named[name]),
                [float(resampled[name][seed][0]) for seed in sorted(named[name])],
                _class_iou(list(named[name].values())),
                statistics.difference(ours, theirs, num_images, block_length) if shared else None,
            )
        )
    rows[1:] = sorted(rows[1:], key=lambda row: -np.mean(row.miou))
    adjusted = statistics.holm([row.difference.p_value if row.difference else np.nan for row in rows])
    return [replace(row, adjusted_p=p_value) for row, p_value in zip(rows, adjusted, strict=True)]


def _by_image(named: Variants, reference: str) -> list[Floats]:
    """Difference of each other variant from the baseline on each image, [N], both means over their seeds."""
    means = {name: np.mean([run.image_miou for run in runs.values()], axis=0) for name, runs in named.items()}
    return [means[name] - means[reference] for name in named if name != reference]


def _chosen(names: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return names[0]
    short = shown_names(names)[1]
    ways: list[Callable[[str], bool]] = [
        lambda name: wanted in (name, short[name]),
        lambda name: wanted in name.replace("=", " ").split(),  # cross_entropy, and not cross_entropy_lovasz
        lambda name: wanted in name,
    ]
    matching = next(filter(None, ([name for name in names if fits(name)] for fits in ways)), [])
    if len(matching) != 1:
        raise ValueError(f"baseline is {wanted!r}, which fits {matching or 'no variant'}; variants: {list(names)}")
    return matching[0]


def _class_iou(runs: Sequence[Run]) -> Floats:
    """Where a class never occurs, only seeds that predict it score it: 0, which must not pass for no score."""
    found = np.stack([class_iou(run.confusion) for run in runs])  # seed class
    scored = (~np.isnan(found)).sum(0)
    return np.divide(np.nansum(found, axis=0), scored, out=np.full(len(scored), np.nan), where=scored > 0)
