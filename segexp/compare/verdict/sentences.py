"""The verdict in plain sentences: what is significant, what is not, and how many seeds would show it."""

from collections.abc import Sequence

import numpy as np

from segexp.compare.verdict.comparison import NOT_SIGNIFICANT, Comparison, Row
from segexp.compare.verdict.format import signed
from segexp.compare.verdict.statistics import MOST_SEEDS, seeds_to_detect
from segexp.compare.verdict.variants import short_names

FEW = 8
RARE = 10
SAME_SHARE = 0.01


def sentences(comparison: Comparison) -> list[str]:
    """Say the verdict, one sentence for each thing there is to say."""
    baseline, *others = comparison.rows
    names = short_names([row.name for row in comparison.rows])[1]
    if not others:
        return [f"There is one variant, {names[baseline.name]}: nothing to compare it with."]
    paired = [row for row in others if row.difference]
    tested = [row for row in paired if row.difference and row.difference.num_seeds > 1]
    single = [row for row in paired if row.difference and row.difference.num_seeds == 1]
    groups = {word: [row for row in tested if row.verdict == word] for word in ("better", "worse", NOT_SIGNIFICANT)}
    every = [
        _against(baseline, tested, names, significant=groups["better"] + groups["worse"]),
        *(_significant(word, groups[word], names) for word in ("better", "worse")),
        _not_significant(groups[NOT_SIGNIFICANT], len(tested), names),
        *_misleading_intervals(groups[NOT_SIGNIFICANT], len(tested), names),
        *_doubtful_images(comparison, paired),
        _absent_but_predicted(comparison, names),
        _different_ends(comparison, names),
        _single_seeds(single, baseline, names),
        _unpaired(others, baseline, names),
    ]
    return [sentence for sentence in every if sentence]


def _against(baseline: Row, tested: Sequence[Row], names: dict[str, str], significant: Sequence[Row]) -> str:
    if not tested:
        return ""
    images = next(row.difference.num_images for row in tested if row.difference)
    outcome = f"{len(significant)} of {len(tested)} difference{'s'[: len(tested) > 1]}"
    return f"Compared with {names[baseline.name]}, paired by seed, on {images} images: {outcome} significant."


def _different_ends(comparison: Comparison, names: dict[str, str]) -> str:
    """Whether some runs trained a smaller part of what was planned than others, so that schedules are compared, too."""
    shares = {
        name: [run.trained_share for run in runs.values() if run.trained_share is not None]
        for name, runs in comparison.variants.items()
    }
    known = [share for each in shares.values() for share in each]
    if not known or max(known) - min(known) < SAME_SHARE:
        return ""
    ended = [f"{names[name]} ({_range(each)})" for name, each in shares.items() if each and min(each) < max(known)]
    return (
        f"Some trainings ended early, after this fraction of their planned steps: {shorten(ended)}. Their learning "
        "rates had not fallen as far; status.json has the reason."
    )


def _range(shares: Sequence[float]) -> str:
    low, high = min(shares), max(shares)
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _significant(word: str, rows: Sequence[Row], names: dict[str, str]) -> str:
    """`Better: a (+0.0254), b (+0.0100).`"""
    return f"{word.capitalize()}: {shorten([_with_difference(row, names) for row in rows])}." if rows else ""


def _not_significant(rows: Sequence[Row], num_tested: int, names: dict[str, str]) -> str:
    if not rows:
        return ""
    seeds = shorten([f"{_seeds(row, num_tested)} for {_with_difference(row, names)}" for row in rows])
    tests = f" (Holm, {num_tested} tests)" if num_tested > 1 else ""
    return (
        f"No significant difference{tests}. Approximate number of seeds of each variant that would detect "
        f"a difference of this size: {seeds}."
    )


def _seeds(row: Row, num_tested: int) -> str:
    assert row.difference
    needed = seeds_to_detect(row.difference, 0.05 / num_tested)
    return f"> {MOST_SEEDS}" if needed is None else str(max(needed, row.difference.num_seeds + 1))


def _misleading_intervals(rows: Sequence[Row], num_tested: int, names: dict[str, str]) -> list[str]:
    """Intervals that exclude 0 though the difference is not significant: each interval is of one variant alone."""
    alone = [names[row.name] for row in rows if row.difference and row.difference.low * row.difference.high > 0]
    if not alone:
        return []
    exclude = "interval of {} excludes" if len(alone) == 1 else "intervals of {} exclude"
    return [f"The 95 % {exclude.format(shorten(alone))} 0, but not after correction for {num_tested} comparisons."]


def _doubtful_images(comparison: Comparison, paired: Sequence[Row]) -> list[str]:
    """Why the images tell less than their number says."""
    if not paired or not paired[0].difference:
        return []
    doubts, length = [], paired[0].difference.block_length
    if length > 1:
        doubts.append(f"Images with neighbouring names are correlated: {length} in a row count as one.")
    run = next(iter(comparison.variants[comparison.rows[0].name].values()))
    rare = [name for name, number in zip(comparison.class_names, run.num_images_with, strict=True) if 0 < number < RARE]
    if rare:
        doubts.append(f"On fewer than {RARE} images: {shorten(rare)}. The interval is unreliable for these classes.")
    return doubts


def _absent_but_predicted(comparison: Comparison, names: dict[str, str]) -> str:
    """Classes that no image has but some runs predict, which lowers the mean IoU of these runs."""
    predictors: dict[str, list[str]] = {}
    for row in comparison.rows:
        matrices = [run.confusion for run in comparison.variants[row.name].values()]
        predicted = np.any([(matrix.sum(1) == 0) & (matrix.sum(0) > 0) for matrix in matrices], axis=0)
        for index in np.flatnonzero(predicted):
            predictors.setdefault(comparison.class_names[index], []).append(names[row.name])
    classes = shorten([f"{name} (by {shorten(variants)})" for name, variants in predictors.items()])
    return f"Predicted but in no image, which counts as IoU 0: {classes}." if predictors else ""


def _single_seeds(rows: Sequence[Row], baseline: Row, names: dict[str, str]) -> str:
    if not rows:
        return ""
    only = shorten([names[row.name] for row in rows if len(row.seeds) == 1])
    common = shorten([names[row.name] for row in rows if len(row.seeds) > 1])
    facts = [f"One seed only: {only}."] if only else []
    facts += [f"One seed in common with {names[baseline.name]}: {common}."] if common else []
    return (
        f"{' '.join(facts)} One seed shows no significance: "
        "the interval covers images only, and another seed may reverse the difference."
    )


def _unpaired(rows: Sequence[Row], baseline: Row, names: dict[str, str]) -> str:
    """Variants whose seeds are not those of the baseline: only shared seeds are compared."""
    unequal = [row for row in rows if row.seeds != baseline.seeds]
    if not unequal:
        return ""
    shared = [f"{names[row.name]} ({_numbers(sorted({*row.seeds} & {*baseline.seeds}))})" for row in unequal]
    return (
        f"Some seeds are not those of {names[baseline.name]} ({_numbers(baseline.seeds)}); unpaired seeds count in the "
        f"mean, but not in the difference. Seeds in common: {shorten(shared)}."
    )


def _numbers(seeds: Sequence[int]) -> str:
    return shorten([str(seed) for seed in seeds]) or "none"


def _with_difference(row: Row, names: dict[str, str]) -> str:
    return f"{names[row.name]} ({signed(row.difference.value)})" if row.difference else names[row.name]


def shorten(names: Sequence[str]) -> str:
    """The first names as a list in words, and how many more there are."""
    more = [f"and {len(names) - FEW} more"] if len(names) > FEW + 1 else []
    return ", ".join([*(names[:FEW] if more else names), *more])
