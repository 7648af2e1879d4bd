"""Runs -> variants: what varies between them, and the runs of each by seed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from segexp.compare.verdict.runs import Run

Variants = dict[str, dict[int, Run]]
"""Name of each variant -> its runs by seed."""


def group_by_variant(runs: Sequence[Run]) -> Variants:
    """Group runs by the settings that set them apart, in the order of the runs.

    The name of a variant says what sets it apart: options that differ (`loss=lovasz`), then single settings that differ
    among runs of one option (`loss.a=2`). Runs that differ in nothing but the seed are one variant, named `all`.
    Raises ValueError where two runs of one seed would share a name, so that one of them would not count.
    """
    varying = _varying_groups(runs)
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        grouped[" ".join(f"{group}={run.choices.get(group)}" for group in varying)].append(run)
    variants: Variants = defaultdict(dict)
    for options, members in grouped.items():
        singles = _single_settings([run.relevant_settings() for run in members])
        for run, single in zip(members, singles, strict=True):
            name = f"{options} {single}".strip() or "all"
            taken = variants[name].setdefault(run.seed, run)
            if taken is not run:
                raise ValueError(
                    f"{taken.path} and {run.path} are both {name!r} with seed {run.seed}; compare one of them alone"
                )
    return dict(variants)


def short_names(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A heading for variants, and the short name of each: `loss`, `lovasz a=2` where nothing but the loss varies."""
    key = names[0].partition("=")[0]
    within = re.compile(rf"{re.escape(key)}=|{re.escape(key)}\.")
    others = (each for name in names for each in re.findall(r"(?:^| )([\w.]+=)", name))
    if "=" not in names[0] or not all(within.match(each) for each in others):
        return "variant", {name: name for name in names}
    return key, {name: name.removeprefix(f"{key}=").replace(f" {key}.", " ") for name in names}


def _varying_groups(runs: Sequence[Run]) -> list[str]:
    groups = dict.fromkeys(group for run in runs for group in run.choices)
    bookkeeping = ("experiment", "logger", "sweep")  # what these options set is compared key by key
    return [group for group in groups if group not in bookkeeping and len({run.choices.get(group) for run in runs}) > 1]


def _single_settings(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each run the settings that differ among the runs: `loss.a=2 loss.b=9`."""
    keys = dict.fromkeys(key for each in members for key in each)
    columns = [_assignments(key, [each.get(key) for each in members]) for key in keys]
    return [" ".join(each) for each in zip(*filter(None, columns), strict=True)] or [""] * len(members)


def _assignments(key: str, values: Sequence[Any]) -> list[str]:
    """`loss.a=2` for each value, in full where two would look alike in short; none if all values are alike."""
    distinct = list(map(repr, values))
    if len(set(distinct)) == 1:
        return []
    short = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    texts = short if len(set(short)) == len(set(distinct)) else distinct
    return [f"{key}={text}" for text in texts]
