"""The verdict in plain sentences: what is decided, what is not, and what would decide it."""

from collections.abc import Sequence

import numpy as np

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.statistics import MOST_SEEDS, seeds_to_detect
from segexp.compare.verdict.variants import shown_names

FEW = 8
RARE = 10


def sentences(found: Comparison) -> list[str]:
    """One for each thing there is to say."""
    baseline, *others = found.rows
    names = shown_names([row.name for row in found.rows])[1]
    if not others:
        return [f"There is one variant, {names[baseline.name]}: nothing to compare it with."]
    paired = [row for row in others if row.difference]
    tested = [row for row in paired if row.difference and row.difference.num_seeds > 1]
    single = [row for row in paired if row.difference and row.difference.num_seeds == 1]
    groups = {word: [row for row in tested if row.verdict == word] for word in ("better", "worse", "undecided")}
    said = [
        _against(baseline, tested, names, decided=groups["better"] + groups["worse"]),
        *(_listed(word, groups[word], names) for word in ("better", "worse")),
        _undecided(groups["undecided"], len(tested), names),
        *_unlucky(groups["undecided"], len(tested), names),
        *_doubtful_images(found, paired),
        _never_true(found, names),
        _single(single, baseline, names),
        _unpaired(others, baseline, names),
    ]
    return [sentence for sentence in said if sentence]


def _against(baseline: Row, tested: Sequence[Row], names: dict[str, str], decided: Sequence[Row]) -> str:
    if not tested:
        return ""
    images = next(row.difference.num_images for row in tested if row.difference)
    outcome = f"decided: {len(decided)} of {len(tested)}" if decided else "nothing is decided"
    return f"Against {names[baseline.name]}, seed by seed on {images} images; {outcome}."


def _listed(word: str, rows: Sequence[Row], names: dict[str, str]) -> str:
    """better: a (+0.0254), b (+0.0100)."""
    return f"{word.capitalize()}: {few([_with_difference(row, names) for row in rows])}." if rows else ""


def _undecided(rows: Sequence[Row], num_tested: int, names: dict[str, str]) -> str:
    if not rows:
        return ""
    listed = few([f"{_seeds(row, num_tested)} for {_with_difference(row, names)}" for row in rows])
    among = f", one of {num_tested}," if num_tested > 1 else ""
    return f"Undecided. Seeds that would tell a difference of this size{among} from 0, about: {listed}."


def _seeds(row: Row, num_tested: int) -> str:
    assert row.difference
    needed = seeds_to_detect(row.difference, 0.05 / num_tested)
    return f"> {MOST_SEEDS}" if needed is None else str(max(needed, row.difference.num_seeds + 1))


def _unlucky(rows: Sequence[Row], num_tested: int, names: dict[str, str]) -> list[str]:
    """Intervals without 0 that do not count: each is of one variant alone."""
    alone = [names[row.name] for row in rows if row.difference and row.difference.low * row.difference.high > 0]
    if not alone:
        return []
    leave = "interval of {} leaves" if len(alone) == 1 else "intervals of {} leave"
    return [f"The {leave.format(few(alone))} out 0, but with {num_tested} intervals chance does that too often."]


def _doubtful_images(found: Comparison, paired: Sequence[Row]) -> list[str]:
    """Why the images tell less than their number."""
    if not paired or not paired[0].difference:
        return []
    said, length = [], paired[0].difference.block_length
    if length > 1:
        said.append(f"Images next to each other by name resemble each other: {length} in a row count as one.")
    run = next(iter(found.variants[found.rows[0].name].values()))
    rare = [name for name, number in zip(found.class_names, run.num_images_with, strict=True) if 0 < number < RARE]
    if rare:
        said.append(f"On fewer than {RARE} images: {few(rare)}. Their share of the interval is a guess.")
    return said


def _never_true(found: Comparison, names: dict[str, str]) -> str:
    """Classes that no image has and somebody predicts: each lowers the mIoU of the runs that do."""
    by: dict[str, list[str]] = {}
    for row in found.rows:
        matrices = [run.confusion for run in found.variants[row.name].values()]
        predicted = np.any([(matrix.sum(1) == 0) & (matrix.sum(0) > 0) for matrix in matrices], axis=0)
        for index in np.flatnonzero(predicted):
            by.setdefault(found.class_names[index], []).append(names[row.name])
    listed = few([f"{name} (by {few(predictors)})" for name, predictors in by.items()])
    return f"Never occurs but is predicted, which scores 0: {listed}." if by else ""


def _single(rows: Sequence[Row], baseline: Row, names: dict[str, str]) -> str:
    if not rows:
        return ""
    only = few([names[row.name] for row in rows if len(row.seeds) == 1])
    common = few([names[row.name] for row in rows if len(row.seeds) > 1])
    listed = [f"One seed only: {only}."] if only else []
    listed += [f"One seed in common with {names[baseline.name]}: {common}."] if common else []
    return (
        f"{' '.join(listed)} Nothing can be said across seeds: "
        "the interval is over images only, and another seed may turn the difference around."
    )


def _unpaired(rows: Sequence[Row], baseline: Row, names: dict[str, str]) -> str:
    """Where the seeds are not those of the baseline, only shared ones are compared."""
    unequal = [row for row in rows if row.seeds != baseline.seeds]
    if not unequal:
        return ""
    shared = [f"{names[row.name]} ({_numbers(sorted({*row.seeds} & {*baseline.seeds}))})" for row in unequal]
    return (
        f"Seeds are not those of {names[baseline.name]} ({_numbers(baseline.seeds)}); unpaired ones count in the mean "
        f"and not in the difference. In common: {few(shared)}."
    )


def _numbers(seeds: Sequence[int]) -> str:
    return few([str(seed) for seed in seeds]) or "none"


def _with_difference(row: Row, names: dict[str, str]) -> str:
    return f"{names[row.name]} ({row.difference.value:+.4f})" if row.difference else names[row.name]


def few(parts: Sequence[str]) -> str:
    """The first parts, and how many more there are."""
    more = [f"and {len(parts) - FEW} more"] if len(parts) > FEW + 1 else []
    return ", ".join([*(parts[:FEW] if more else parts), *more])
