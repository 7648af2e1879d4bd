"""What trainings log to W&B: scores that dashboards show, and settings that set the runs of a comparison apart."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.runs import Run
from segexp.compare.verdict.settings import TRAINED_ON, compared

SCORE = "val/miou"
LOSSES = ("val/loss", "train/loss")
EPOCH, STEP = "epoch", "trainer/global_step"
MEDIA = ("val/panels", "val/sheet", "val/confusion")
GROUPS = ("choices.loss", "choices.model")
"""Runs are grouped by these whether they vary or not."""
BOOKKEEPING = ("choices.experiment", "choices.logger", "choices.sweep")


def runs(comparison: Comparison) -> list[Run]:
    return [run for seeds in comparison.variants.values() for run in seeds.values()]


def run_ids(comparison: Comparison) -> list[str]:
    """Ids of the runs in W&B; a run that was never logged there has none."""
    kept = (run.path / "wandb_id" for run in runs(comparison))
    return [file.read_text().strip() for file in kept if file.is_file()]


def class_scores(comparison: Comparison) -> dict[str, str]:
    """Class -> its score; a class that never occurs is not logged."""
    found = zip(comparison.class_names, np.stack([row.class_iou for row in comparison.rows], 1), strict=True)
    return {name: f"val/iou/{name}" for name, of_variants in found if not np.isnan(of_variants).all()}


def grouping(comparison: Comparison) -> list[str]:
    """Loss, model, and all else that sets variants apart: what is in one group differs in the seed alone."""
    return list(dict.fromkeys([*GROUPS, *varying(comparison)]))


def varying(comparison: Comparison) -> list[str]:
    """Keys of the configuration in W&B that differ between variants: options, then settings among runs of one option.

    Lists are left out, `_target_`, which the option tells, and TRAINED_ON, which W&B does not know. The seed is none.
    """
    alike = defaultdict(list)
    options = [option for option in _differing(map(_options, runs(comparison))) if option not in BOOKKEEPING]
    for run in runs(comparison):
        alike[tuple(_options(run).get(option) for option in options)].append(compared(run.settings))
    settings = dict.fromkeys(key for members in alike.values() for key in _differing(members))
    return options + [key for key in settings if _is_plain(key, comparison)]


def values(comparison: Comparison, key: str) -> list[Any]:
    """Of a key in every run that has it."""
    return [settings[key] for run in runs(comparison) if key in (settings := {**run.settings, **_options(run)})]


def _options(run: Run) -> dict[str, str]:
    return {f"choices.{group}": option for group, option in run.choices.items()}


def _differing(configurations: Iterable[dict[str, Any]]) -> list[str]:
    found: Sequence[dict[str, Any]] = list(configurations)
    keys = dict.fromkeys(key for each in found for key in each)
    return [key for key in keys if len({repr(each.get(key)) for each in found}) > 1]


def _is_plain(key: str, comparison: Comparison) -> bool:
    is_scalar = not any(isinstance(value, list) for value in values(comparison, key))
    return is_scalar and key != TRAINED_ON and not key.endswith("_target_")
