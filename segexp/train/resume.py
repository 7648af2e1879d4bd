"""What there is to do in a run folder: `plan` asks every question and does nothing, `segexp.train.fit` does it."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from segexp.config import trust
from segexp.config.changes import Change, apply_change, parse_changes
from segexp.config.compose import compose, config_folder, options_of_user
from segexp.config.values import flat_values
from segexp.data.settings import READING
from segexp.run.folder import RunFolder
from segexp.system.lightning_internals import num_epochs_processed
from segexp.train import preflight
from segexp.train.settings import TrainSettings, scheduled_end
from segexp.types import Values

if TYPE_CHECKING:
    from torch import Tensor

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
NEWEST_FIRST = ("last", "previous")
ABSENT = "absent"
FUSED = "optimizer.fused"


@dataclass(frozen=True)
class Request:
    """What the command line asked for.

    values: the whole configuration. choices: config group -> option. overrides: as typed.
    """

    values: Values
    choices: Mapping[str, str]
    overrides: Sequence[str]


@dataclass(frozen=True)
class Checkpoint:
    """One to go on from. has_ended: nothing is left to train after it."""

    path: Path
    model_weights: "dict[str, Tensor]"
    num_epochs: int
    has_ended: bool


@dataclass(frozen=True)
class Start:
    """Train from the first step."""

    request: Request


@dataclass(frozen=True)
class GoOn:
    """Train from a checkpoint. values: the run's configuration, with the overrides of resume= applied."""

    values: Values
    checkpoint: Checkpoint
    overrides: Sequence[str]


@dataclass(frozen=True)
class Conclude:
    """Only report: the run was interrupted after its last step."""


@dataclass(frozen=True)
class Nothing:
    """The run is finished."""


Plan = Start | GoOn | Conclude | Nothing


def plan(run: RunFolder, request: Request) -> Plan:
    """What the request means for this folder; nothing is written.

    Raises ValueError for a value that no training can have, and where the run that is there is another one,
    FileExistsError where it would be overwritten, FileNotFoundError where it has nothing to go on from.
    """
    if request.values["resume"] is not None:
        return _plan_resume(run, request.overrides)
    _check(request.values)
    start = Start(request)
    if request.values["on_existing"] == "refuse" or not run.is_started():
        run.refuse_existing()
        return start
    check_same(run.config, request.values)
    if run.state() == "finished":
        return Nothing()
    checkpoint = usable_checkpoint(run)
    if checkpoint is None:
        return start
    if checkpoint.has_ended:
        return Conclude()
    refuse_unknown_targets(run, run.config, typed=request.values)
    return GoOn(completed(run.config), checkpoint, [])


def _plan_resume(run: RunFolder, overrides: Sequence[str]) -> GoOn:
    checkpoint = usable_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"{run.path} has no checkpoint to go on from; train again from the start")
    values = completed(changed(run.config, overrides))
    _check(values)
    refuse_unknown_targets(run, values, typed={})
    check_epochs_left(checkpoint, values)
    return GoOn(values, checkpoint, overrides)


def _check(values: Mapping[str, Any]) -> None:
    """Raise ValueError for values that no training can have, or none that was started like this one."""
    TrainSettings.of(values)
    preflight.check_ranks(values["trainer"])


def completed(stored: Mapping[str, Any]) -> Values:
    """A run's configuration, with today's keys of reading that an earlier version did not have yet."""
    data = stored.get("data")
    if not isinstance(data, Mapping):
        return dict(stored)  # what is wrong with it, the schema says
    ours = {key: value for key, value in compose("train")["data"].items() if key in READING}
    return {**stored, "data": {**ours, **data}}


def changed(stored: Mapping[str, Any], overrides: Sequence[str]) -> Values:
    """A run's configuration with the overrides typed beside resume= applied.

    Raises ValueError for a key that cannot change any more, for one the run does not have, and for an end of the
    training behind that of its schedule.
    """
    values: Values = dict(stored)
    for change in parse_changes(overrides):
        if change.key != "resume":
            _refuse_change(values, change)
            values = apply_change(values, change)
    _refuse_beyond_schedule(stored, values)
    return values


def _refuse_change(values: Mapping[str, Any], change: Change) -> None:
    if not change.key.startswith(MAY_CHANGE):
        raise ValueError(
            f"resume goes on with the run's own configuration: {change.typed} cannot change any more; "
            f"what can: {', '.join(MAY_CHANGE)}; for anything else start a new run"
        )
    if "${" in change.typed:
        raise ValueError(f"{change.typed}: the run's configuration was resolved when it began; type the value itself")
    if change.adds or change.is_known_to(values):
        return
    if change.deletes or not _is_known_today(values, change):
        raise ValueError(
            f"the run's configuration has no {change.key}; see its config.yaml, or type ++{change.key}=... to add it"
        )


def _is_known_today(values: Mapping[str, Any], change: Change) -> bool:
    """Whether a run of today would have this key, which an older one lacks."""
    if change.parent == "data":
        return change.name in READING
    today = compose("train")
    ours, theirs = (change.parent_in(each) for each in (today, values))
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return False
    return change.name in ours and ours.get("_target_") == theirs.get("_target_")


def _refuse_beyond_schedule(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A schedule keeps the end that it was begun with: poly would stay at 0 behind it, cosine would rise again."""
    name = scheduled_end(now["scheduler"].get("_target_"))
    for key in ("max_epochs", "max_steps"):
        planned, wanted = (values["trainer"].get(key, -1) for values in (before, now))
        if name and type(wanted) is int and -1 < planned < (math.inf if wanted == -1 else wanted):
            raise ValueError(
                f"trainer.{key} was {planned} and would be {wanted}, but scheduler={name} lowers the learning rate to "
                f"the end that was planned, and none is meant behind it; start a new run with trainer.{key}={wanted}"
            )


def check_same(there: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise ValueError naming the keys in which a run's configuration differs from the one that was asked for.

    A run from before there was optimizer.fused goes on without it.
    """
    asked = yaml.safe_load(yaml.safe_dump(dict(asked)))
    stored, wanted = ({**flat_values(values), "on_existing": None, "resume": None} for values in (there, asked))
    if FUSED not in stored:
        wanted.pop(FUSED, None)
    every = [key for key in {**stored, **wanted} if not key.startswith("data.cache")]  # which changes no sample
    keys = [key for key in every if stored.get(key, ABSENT) != wanted.get(key, ABSENT)]
    if keys:
        shown = "; ".join(f"{key} was {stored.get(key, ABSENT)!r} and is {wanted.get(key, ABSENT)!r}" for key in keys)
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
    unknown = sorted(target for target in set(trust.targets(values)) - known if not trust.is_distribution(target))
    if unknown:
        raise ValueError(
            f"the run's config wants to build {unknown}, which no file of {ours} does; if it was typed, type the "
            f"command that started the run, with hydra.run.dir={run.path} on_existing=resume; {trust.CONSENT}"
        )


def usable_checkpoint(run: RunFolder) -> Checkpoint | None:
    """The newest checkpoint to go on from; None where the run never came to one. Warns of a torn one.

    Raises ValueError if all of them are torn.
    """
    there = [path for path in (run.checkpoints / f"{name}.ckpt" for name in NEWEST_FIRST) if path.is_file()]
    for path in there:
        try:
            return _read(path)
        except ValueError as error:
            torn = error
            log.warning("%s", error)
    if there:
        raise ValueError(f"{torn}; no other checkpoint of the run can be read: train again in another hydra.run.dir")
    return None


def _read(path: Path) -> Checkpoint:
    from segexp.run import checkpoint  # torch, which takes a second

    content = checkpoint.read(path)
    try:
        num_epochs = num_epochs_processed(content)
        has_ended = bool(content.get("position", {}).get("has_ended", False))
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no position in a training ({type(error).__name__}: {error})") from error
    return Checkpoint(path, checkpoint.model_part(content), num_epochs, has_ended)


def check_epochs_left(last: Checkpoint, values: Mapping[str, Any]) -> None:
    """Raise ValueError if max_epochs leaves nothing to train after the checkpoint."""
    most = values["trainer"]["max_epochs"]
    if -1 < most <= last.num_epochs:
        name = scheduled_end(values["scheduler"].get("_target_"))
        more = f"trainer.max_epochs={2 * last.num_epochs}"
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
    splits = [split for split, now in fingerprints.items() if began.get(split, now) != now]
    if splits:
        raise ValueError(
            f"the files of {' and '.join(splits)} have other names or sizes than when {run.path} began; restore them, "
            "set data.root to where they are, or start a new run (to go on all the same, delete data from its "
            "environment.json)"
        )
