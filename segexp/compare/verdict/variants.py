"""Runs -> variants: what varies between them, and the runs of each by seed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from segexp.compare.verdict.runs import Run
from segexp.compare.verdict.settings import compared

Variants = dict[str, dict[int, Run]]


def variants(runs: Sequence[Run]) -> Variants:
    """Name of each variant -> its runs by seed, in the order of the runs.

    The name says what sets it apart: options that differ (`loss=lovasz`), then single settings that differ among runs
    of one option (`loss.a=2`). Runs that differ in nothing but the seed are one variant, named `all`.
    Raises ValueError where two runs of one seed would share a name, so that one of them would not count.
    """
    varying = _varying_groups(runs)
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        grouped[" ".join(f"{group}={run.choices.get(group)}" for group in varying)].append(run)
    named: Variants = defaultdict(dict)
    for options, members in grouped.items():
        for run, single in zip(members, _singles([compared(run.settings) for run in members]), strict=True):
            name = f"{options} {single}".strip() or "all"
            taken = named[name].setdefault(run.seed, run)
            if taken is not run:
                raise ValueError(
                    f"{taken.path} and {run.path} are both {name!r} with seed {run.seed}; compare one alone"
                )
    return dict(named)


def shown_names(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A heading for variants, and the short name of each: `loss`, `lovasz a=2` where nothing but the loss varies."""
    key = names[0].partition("=")[0]
    within = re.compile(rf"{re.escape(key)}=|{re.escape(key)}\.")
    others = (each for name in names for each in re.findall(r"(?:^| )([\w.]+=)", name))
    if "=" not in names[0] or not all(within.match(each) for each in others):
        return "variant", {name: name for name in names}
    return key, {name: name.removeprefix(f"{key}=").replace(f" {key}.", " ") for name in names}


def _varying_groups(runs: Sequence[Run]) -> list[str]:
    groups = dict.fromkeys(group for run in runs for group in run.choices)
    bookkeeping = ("experiment", "logger", "sweep")  # names of settings that are compared one by one
    return [group for group in groups if group not in bookkeeping and len({run.choices.get(group) for run in runs}) > 1]


def _singles(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the settings of each run those that differ among the runs: `loss.a=2 loss.b=9`."""
    keys = dict.fromkeys(key for each in members for key in each)
    parts = [_parts(key, [each.get(key) for each in members]) for key in keys]
    return [" ".join(each) for each in zip(*filter(None, parts), strict=True)] or [""] * len(members)


def _parts(key: str, values: Sequence[Any]) -> list[str]:
    """`loss.a=2` for each value, in full where values that differ would look alike in short; none if all are alike."""
    distinct = list(map(repr, values))
    if len(set(distinct)) == 1:
        return []
    short = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    shown = short if len(set(short)) == len(set(distinct)) else distinct
    return [f"{key}={each}" for each in shown]
