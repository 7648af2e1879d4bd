"""What may change when a run goes on."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from segexp.config import trust
from segexp.config.compose import compose, config_folder, options_of_user
from segexp.config.values import plain_values
from segexp.data.settings import READING
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.train import preflight

log = logging.getLogger(__name__)

MAY_CHANGE = (
    "trainer.",
    "callbacks.",
    "logger.",
    "data.root",
    "data.num_workers",
    "data.eval_batch_size",
    "data.cache",
)
"""Keys whose new value takes effect: others live in the weights, in the optimizer's state, or in what was trained."""


ON_EXISTING = ("refuse", "resume")
NEWEST_FIRST = ("last", "previous")
ABSENT = "absent"
FUSED = "optimizer.fused"


def changed(values: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A run's configuration with the overrides typed beside resume= applied.

    Raises ValueError for a key that cannot change any more and for one the run does not have.
    """
    config = OmegaConf.create(dict(values))
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        if override.key_or_group != "resume":
            _apply(config, override)
    found = plain_values(config)
    _refuse_beyond_schedule(values, found)
    return found


def _apply(config: Any, override: Override) -> None:
    key = override.key_or_group
    if not key.startswith(MAY_CHANGE):
        raise ValueError(
            f"resume goes on with the run's own configuration: {override.input_line} cannot change any more; "
            f"what can: {', '.join(MAY_CHANGE)}; for anything else start a new run"
        )
    parent, _, last = key.rpartition(".")
    is_new = OmegaConf.select(config, key, default=config) is config
    may_be_new = override.is_add() or override.is_force_add()
    if is_new and not may_be_new and (override.is_delete() or not _is_known(config, parent, last)):
        raise ValueError(f"the run's configuration has no {key}; see its config.yaml, or type ++{key}=... to add it")
    if override.is_delete():
        del OmegaConf.select(config, parent)[last]
    else:
        OmegaConf.update(config, key, override.value(), force_add=True)


def _refuse_beyond_schedule(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A schedule keeps the end that it was begun with: poly would stay at 0 behind it, cosine would rise again."""
    name = preflight.scheduled_end(now)
    for key in ("max_epochs", "max_steps"):
        planned, wanted = (values["trainer"].get(key, -1) for values in (before, now))
        if name and type(wanted) is int and -1 < planned < (math.inf if wanted == -1 else wanted):
            raise ValueError(
                f"trainer.{key} was {planned} and would be {wanted}, but scheduler={name} lowers the learning rate to "
                f"the end that was planned, and none is meant behind it; start a new run with trainer.{key}={wanted}"
            )


def _is_known(config: Any, parent: str, last: str) -> bool:
    """Whether a run of today would have this key, which an older one lacks."""
    if parent == "data":
        return last in READING
    ours, theirs = (OmegaConf.select(each, parent) for each in (compose("train"), config))
    if not (isinstance(ours, DictConfig) and isinstance(theirs, DictConfig)):
        return False
    return last in list(ours) and ours.get("_target_") == theirs.get("_target_")


def refuses(config: DictConfig) -> bool:
    """Whether a run that is there already is an error. Raises ValueError for what on_existing does not know."""
    if config.on_existing not in ON_EXISTING:
        raise ValueError(f"on_existing is {config.on_existing!r}; allowed: {', '.join(ON_EXISTING)}")
    return config.on_existing == "refuse"


def check_same(there: Mapping[str, Any], config: DictConfig) -> None:
    """Raise ValueError naming the keys in which a run's configuration differs from the one that was asked for.

    A run from before there was optimizer.fused goes on without it.
    """
    asked = yaml.safe_load(yaml.safe_dump(plain_values(config)))
    found, wanted = ({**_leaves(values), "on_existing": None, "resume": None} for values in (there, asked))
    if FUSED not in found:
        wanted.pop(FUSED, None)
    every = [key for key in {**found, **wanted} if not key.startswith("data.cache")]  # which changes no sample
    keys = [key for key in every if found.get(key, ABSENT) != wanted.get(key, ABSENT)]
    if keys:
        shown = "; ".join(f"{key} was {found.get(key, ABSENT)!r} and is {wanted.get(key, ABSENT)!r}" for key in keys)
        raise ValueError(
            f"the run that is there has another configuration: {shown}; give the command that started it, "
            "choose another hydra.run.dir, or change what may change by resume=FOLDER key=value"
        )


def refuse_unknown_targets(run: RunFolder, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
    """Raise ValueError if a training's config, read back from its run folder, builds what no option here does.

    typed: the configuration that the command gave; whatever that builds is wanted.
    """
    trust.refuse_interpolations(values)
    ours = config_folder()
    known = {*trust.targets_in([*ours.rglob("*.yaml"), *options_of_user()]), *trust.targets(typed)}
    unknown = sorted(target for target in set(trust.targets(values)) - known if not trust.is_law(target))
    if unknown:
        raise ValueError(
            f"the run's config wants to build {unknown}, which no file of {ours} does; if it was typed, type the "
            f"command that started the run, with hydra.run.dir={run.path} on_existing=resume; {trust.CONSENT}"
        )


@dataclass(frozen=True)
class Last:
    """A checkpoint to go on from."""

    path: Path
    model_weights: dict[str, Tensor]
    num_epochs: int
    has_ended: bool


def usable_checkpoint(run: RunFolder) -> Last | None:
    """The newest checkpoint to go on from; None where the run never came to one. Warns of a torn one.

    Raises ValueError if all of them are torn.
    """
    there = [path for path in (run.checkpoints / f"{name}.ckpt" for name in NEWEST_FIRST) if path.is_file()]
    for path in there:
        try:
            return _opened(path)
        except ValueError as error:
            torn = error
            log.warning("%s", error)
    if there:
        raise ValueError(f"{torn}; no other checkpoint of the run can be read: train again in another hydra.run.dir")
    return None


def _opened(path: Path) -> Last:
    found = checkpoint.read(path)
    try:
        num_epochs = int(found["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
        has_ended = bool(found.get("position", {}).get("has_ended", False))
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no position in a training ({type(error).__name__}: {error})") from error
    return Last(path, checkpoint.model_part(found), num_epochs, has_ended)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat.update(
            _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {prefix + key: value}
        )
    return flat


def check_epochs_left(last: Last, values: Mapping[str, Any]) -> None:
    """Raise ValueError if max_epochs leaves nothing to train after the checkpoint."""
    most = values["trainer"]["max_epochs"]
    if -1 < most <= last.num_epochs:
        name, more = preflight.scheduled_end(values), f"trainer.max_epochs={2 * last.num_epochs}"
        cure = f"scheduler={name} came to its end, so start a new run with {more}" if name else f"to go on, add {more}"
        raise ValueError(
            f"{last.path.parent.parent} has {last.num_epochs} epochs behind it and trainer.max_epochs is {most}: "
            f"nothing is left to train; {cure}"
        )


def check_files(run: RunFolder, fingerprints: Mapping[str, str]) -> None:
    """Raise ValueError if a run would go on with other files than it began with. fingerprints: split -> of those now.

    A run that recorded none goes on: nothing that compares runs takes it for one that knows.
    """
    began = run.environment.get("data", {})
    changed = [split for split, now in fingerprints.items() if began.get(split, now) != now]
    if changed:
        raise ValueError(
            f"the files of {' and '.join(changed)} have other names or sizes than when {run.path} began; restore them, "
            "set data.root to where they are, or start a new run (to go on all the same, delete data from its "
            "environment.json)"
        )
