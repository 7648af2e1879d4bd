"""What trainings log to W&B: scores that dashboards show, and settings that set the runs of a comparison apart."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.run_settings import DATA_FINGERPRINT
from segexp.compare.verdict.runs import Run

SCORE = "val/miou"
LOSSES = ("val/loss", "train/loss")
EPOCH, STEP = "epoch", "trainer/global_step"
MEDIA = ("val/panels", "val/sheet", "val/confusion")
GROUPS = ("choices.loss", "choices.model")
"""Runs are grouped by these whether they vary or not."""
BOOKKEEPING = ("choices.experiment", "choices.logger", "choices.sweep")


def all_runs(comparison: Comparison) -> list[Run]:
    return [run for seeds in comparison.variants.values() for run in seeds.values()]


def run_ids(comparison: Comparison) -> list[str]:
    """Ids of the runs in W&B; a run that was never logged there has none."""
    files = (run.path / "wandb_id" for run in all_runs(comparison))
    return [file.read_text().strip() for file in files if file.is_file()]


def class_scores(comparison: Comparison) -> dict[str, str]:
    """Class -> key of its IoU; a class that never occurs is not logged."""
    iou = np.stack([row.class_scores for row in comparison.rows], 1)  # class variant
    classes = zip(comparison.class_names, iou, strict=True)
    return {name: f"val/iou/{name}" for name, of_variants in classes if not np.isnan(of_variants).all()}


def group_keys(comparison: Comparison) -> list[str]:
    """Loss, model, and all else that sets variants apart: runs grouped by these keys differ in the seed alone."""
    return list(dict.fromkeys([*GROUPS, *varying_keys(comparison)]))


def varying_keys(comparison: Comparison) -> list[str]:
    """Keys of the configuration in W&B that differ between variants: options, then settings among runs of one option.

    Not among them: the seed, lists, `_target_`, which the option tells, and DATA_FINGERPRINT, which W&B does not know.
    """
    by_options = defaultdict(list)
    options = [option for option in _differing(map(_options, all_runs(comparison))) if option not in BOOKKEEPING]
    for run in all_runs(comparison):
        by_options[tuple(_options(run).get(option) for option in options)].append(run.relevant_settings())
    settings = dict.fromkeys(key for members in by_options.values() for key in _differing(members))
    return options + [key for key in settings if _is_plain(key, comparison)]


def values(comparison: Comparison, key: str) -> list[Any]:
    """The value of a key in every run that has the key."""
    return [settings[key] for run in all_runs(comparison) if key in (settings := {**run.settings, **_options(run)})]


def _options(run: Run) -> dict[str, str]:
    return {f"choices.{group}": option for group, option in run.choices.items()}


def _differing(configurations: Iterable[dict[str, Any]]) -> list[str]:
    every: Sequence[dict[str, Any]] = list(configurations)
    keys = dict.fromkeys(key for each in every for key in each)
    return [key for key in keys if len({repr(each.get(key)) for each in every}) > 1]


def _is_plain(key: str, comparison: Comparison) -> bool:
    is_scalar = not any(isinstance(value, list) for value in values(comparison, key))
    return is_scalar and key != DATA_FINGERPRINT and not key.endswith("_target_")
