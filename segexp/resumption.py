"""What may change when a run goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from segexp import build, checkpoint

MAY_CHANGE = ("trainer.", "callbacks.", "logger.", "data.root", "data.num_workers", "data.eval_batch_size")
"""Keys whose new value takes effect: others live in the weights, in the optimizer's state, or in what was trained."""


def changed(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A run's configuration with the overrides typed beside resume= applied.

    Raises ValueError for a key that cannot change any more and for one the run does not have.
    """
    config = OmegaConf.create(dict(values))
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        if override.key_or_group != "resume":
            _apply(config, override)
    return build.plain(config)


def _apply(config: Any, override: Override) -> None:
    key = override.key_or_group
    if not key.startswith(MAY_CHANGE):
        raise ValueError(
            f"resume goes on with the run's own configuration: {override.input_line} cannot change any more; "
            f"what can: {', '.join(MAY_CHANGE)}; for anything else start a new run"
        )
    if not override.is_add() and OmegaConf.select(config, key, default=config) is config:
        raise ValueError(f"the run's configuration has no {key}; see its config.yaml")
    if override.is_delete():
        parent, _, last = key.rpartition(".")
        del OmegaConf.select(config, parent)[last]
    else:
        OmegaConf.update(config, key, override.value(), force_add=True)


def check_epochs_left(last: Path, values: Mapping[str, Any]) -> None:
    """Raise ValueError if max_epochs leaves nothing to train after the checkpoint."""
    behind = checkpoint.read(last)["epoch"] + 1
    most = values["trainer"]["max_epochs"]
    if -1 < most <= behind:
        raise ValueError(
            f"{last.parent.parent} has {behind} epochs behind it and trainer.max_epochs is {most}: nothing is left to "
            f"train; to go on, add trainer.max_epochs={2 * behind}"
        )
