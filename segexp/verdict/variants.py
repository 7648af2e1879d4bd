"""Runs -> variants: what varies between them, and the runs of each by seed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from segexp.verdict.runs import Run
from segexp.verdict.settings import compared

Variants = dict[str, dict[int, Run]]


def variants(runs: Sequence[Run]) -> Variants:
    """Name of each variant -> its runs by seed, in the order of the runs.

    The name says what sets it apart: options that differ (`loss=lovasz`), then single settings that differ among runs
    of one option (`loss.a=2`). Runs that differ in nothing but the seed are one variant, named `all`.
    """
    varying = _varying_groups(runs)
    grouped: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        grouped[" ".join(f"{group}={run.choices.get(group)}" for group in varying)].append(run)
    named: Variants = defaultdict(dict)
    for options, members in grouped.items():
        keys = _varying_keys(members)
        for run in members:
            single = " ".join(f"{key}={_shown(run.settings.get(key))}" for key in keys)
            named[f"{options} {single}".strip() or "all"][run.seed] = run
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


def _varying_keys(runs: Sequence[Run]) -> list[str]:
    settings = [compared(run.settings) for run in runs]
    keys = dict.fromkeys(key for each in settings for key in each)
    return [key for key in keys if _differ(settings, key)]


def _differ(settings: Sequence[Mapping[str, Any]], key: str) -> bool:
    return len({repr(each.get(key)) for each in settings}) > 1


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
