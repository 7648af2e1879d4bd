"""Variants -> the verdict: mean and spread of each, and its difference from the baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segexp.verdict import statistics
from segexp.verdict.runs import Run
from segexp.verdict.statistics import Difference, Floats
from segexp.verdict.variants import Variants


@dataclass(frozen=True)
class Row:
    """One variant.

    miou: of each seed on the whole split. class_iou: mean over seeds, [C]. difference: from the baseline, over the
    seeds that both have; None for the baseline itself and where no seed is shared. adjusted_p: after Holm.
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


def compare(variants: Variants, baseline: str | None = None) -> list[Row]:
    """A row for each variant, the baseline first. baseline: a name, an option in it, or a part
    that one name alone has; None: the first.

    Raises ValueError if the baseline is not one of them.
    """
    reference = _chosen(list(variants), baseline)
    weights = statistics.resamples(len(next(iter(variants[reference].values())).region))
    resampled = {
        name: {seed: statistics.resampled_miou(run.region, weights) for seed, run in runs.items()}
        for name, runs in variants.items()
    }
    rows = []
    for name in sorted(variants, key=lambda name: name != reference):
        shared = sorted(resampled[name].keys() & resampled[reference].keys()) if name != reference else []
        ours, theirs = ([resampled[each][seed] for seed in shared] for each in (name, reference))
        rows.append(
            Row(
                name,
                sorted(variants[name]),
                [float(resampled[name][seed][0]) for seed in sorted(variants[name])],
                _class_iou(list(variants[name].values())),
                statistics.difference(ours, theirs, weights.shape[1]) if shared else None,
            )
        )
    adjusted = statistics.holm([row.difference.p_value if row.difference else np.nan for row in rows])
    return [replace(row, adjusted_p=p_value) for row, p_value in zip(rows, adjusted, strict=True)]


def _chosen(names: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return names[0]
    ways: list[Callable[[str], bool]] = [
        lambda name: name == wanted,
        lambda name: wanted in name.replace("=", " ").split(),  # cross_entropy, and not cross_entropy_lovasz
        lambda name: wanted in name,
    ]
    matching = next(filter(None, ([name for name in names if fits(name)] for fits in ways)), [])
    if len(matching) != 1:
        raise ValueError(f"baseline is {wanted!r}, which fits {matching or 'no variant'}; variants: {list(names)}")
    return matching[0]


def _class_iou(runs: Sequence[Run]) -> Floats:
    summed = np.stack([run.region.sum(0) for run in runs])  # seed class 2
    union = summed[..., 1]
    return np.divide(summed[..., 0], union, out=np.full(union.shape, np.nan), where=union > 0).mean(0)
