"""What a run that goes on may change, and what must still be as it was when the run began."""

import logging
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from segexp.config import trust
from segexp.config.changes import Change, apply_change, parse_changes
from segexp.config.compose import compose, config_dir, config_folder, options_of_user
from segexp.config.facts import without_facts
from segexp.config.grammar import quote
from segexp.config.values import flat_values
from segexp.data.settings import READING_KEYS, ReadingSettings
from segexp.run.earlier import in_words_of_today
from segexp.run.folder import RunFolder
from segexp.system.lightning_internals import num_epochs_processed
from segexp.system.trainer_precision import with_one_precision
from segexp.train.settings import DataSettings, schedule_with_end
from segexp.train.without_effect import keys_without_effect
from segexp.types import Values

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

FREE_KEYS = tuple(keys_without_effect(ReadingSettings))
"""Keys of data= that change no sample, so that a repeated command may change them."""
MAY_CHANGE = (
    "trainer.",
    "callbacks.",
    "logger.",
    "quiet",
    *keys_without_effect(DataSettings, "data."),
    "data.eval_batch_size",
)
"""Beginnings of the keys that resume= may change. All others live in weights, optimizer states or trained samples."""
MAY_NOT_CHANGE = ("trainer.precision",)
"""Those of them that it may not change all the same."""
ARITHMETIC = ("precision", "memory_format")
"""Keys whose value auto is decided when a run begins, for its whole life."""
ABSENT = "absent"
FUSED = "optimizer.fused"
EARLY_STOPPING = "early_stopping"
STOPPED_EARLY = "stopped early"
"""How the reason begins that a run records for an end that its score or its study decided."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint to go on from.

    has_ended: whether the training had no step left when it was written. planned: its max_epochs and max_steps then;
    None in checkpoints of earlier versions. scheduled: the same when the run began, and its number of optimizer steps,
    -1 for no end; empty in checkpoints of earlier versions.
    """

    path: Path
    model_weights: "dict[str, Tensor]"
    num_epochs: int
    num_steps: int
    has_ended: bool
    planned: Mapping[str, int] | None
    scheduled: Mapping[str, int]

    def leaves_nothing(self, values: Mapping[str, Any]) -> bool:
        """Whether a training of this configuration has no step left, rather than one that has been prolonged since."""
        now = {key: values["trainer"].get(key, -1) for key in ("max_epochs", "max_steps")}
        if self.planned is None:
            return self.has_ended and not self.num_epochs < now["max_epochs"]
        return self.has_ended and now == self.planned


def newest_checkpoint(run: RunFolder) -> Checkpoint | None:
    """The newest checkpoint that can be read; None if the run never came to one. Warns of a torn one.

    Raises ValueError if all of them are torn.
    """
    paths = [path for path in (run.checkpoints / f"{name}.ckpt" for name in ("last", "previous")) if path.is_file()]
    reasons = []
    for path in paths:
        try:
            return _read(path)
        except ValueError as error:
            reasons.append(str(error))
            log.warning("%s", error)
    if reasons:
        raise ValueError(
            f"{reasons[-1]}; no other checkpoint of the run can be read: train again in another hydra.run.dir"
        )
    return None


def _read(path: Path) -> Checkpoint:
    from segexp.run import checkpoint  # torch, which takes a second

    content = checkpoint.read(path)
    try:
        num_epochs = num_epochs_processed(content)
        position = content.get("position", {})
        has_ended, planned = bool(position.get("has_ended", False)), position.get("planned")
        scheduled = dict(position.get("scheduled", {}))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} has no position in a training ({type(error).__name__}: {error})") from error
    weights, num_steps = checkpoint.model_part(content), content["global_step"]
    return Checkpoint(path, weights, num_epochs, num_steps, has_ended, planned, scheduled)


def with_defaults(stored: Mapping[str, Any]) -> Values:
    """A run's configuration, completed by today's defaults of the reading keys that its version did not have yet."""
    data = stored.get("data")
    if not isinstance(data, Mapping):
        return dict(stored)  # the schema says what is wrong with it
    reading = {key: value for key, value in compose("train")["data"].items() if key in READING_KEYS}
    return {**stored, "data": {**reading, **data}}


def with_overrides(stored: Mapping[str, Any], overrides: Sequence[str]) -> Values:
    """A run's configuration with the overrides applied that were typed beside resume=.

    Raises ValueError for a key that cannot change any more, and for a key that the run does not have.
    """
    values: Values = dict(stored)
    for change in parse_changes(overrides):
        if change.key != "resume":
            _check_change(values, change)
            values = apply_change(values, change)
    return values


def _check_change(values: Mapping[str, Any], change: Change) -> None:
    if not change.key.startswith(MAY_CHANGE) or change.key in MAY_NOT_CHANGE:
        raise ValueError(
            f"resume= continues with the run's own configuration: {change.typed} cannot change; allowed changes: "
            f"{', '.join(MAY_CHANGE)}, except {', '.join(MAY_NOT_CHANGE)}; for anything else start a new run"
        )
    if "${" in change.typed:
        raise ValueError(f"{change.typed}: the run's configuration was resolved when it began; type the value itself")
    if change.adds or change.is_known_to(values):
        return
    if change.deletes or not _has_key_today(values, change):
        raise ValueError(
            f"the run's configuration has no {change.key}; see its config.yaml, or type ++{change.key}=... to add it"
        )


def _has_key_today(values: Mapping[str, Any], change: Change) -> bool:
    """Whether a run of this version has the key, because its part is the same as that of the older run."""
    part_today, part = (change.parent_in(each) for each in (compose("train"), values))
    if not (isinstance(part_today, Mapping) and isinstance(part, Mapping)):
        return False
    return change.name in part_today and part_today.get("_target_") == part.get("_target_")


def check_end_of_schedule(
    run: RunFolder, scheduled: Mapping[str, int], before: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Raise ValueError for a longer training where the learning rate has been lowered towards the old end.

    After it, poly would train at a rate of 0, and cosine at one that rises again. before, now: configurations.
    scheduled: of the checkpoint, the end that counts even if the run was shortened since; empty if it is not known.
    """
    schedule = schedule_with_end(now)
    for key in ("max_epochs", "max_steps"):
        planned, asked = scheduled.get(key, before["trainer"].get(key, -1)), now["trainer"].get(key, -1)
        if schedule and _end(planned) < _end(asked):
            more = f"trainer.{key}={asked - planned if asked > planned else planned}"
            raise ValueError(
                f"trainer.{key} is {asked}, but {schedule} ends at {planned} in this run and cannot be extended; "
                f"begin a new run with these weights, which has a schedule of its own: "
                f"{_command_from_weights(run, key, more)}"
            )


def _command_from_weights(run: RunFolder, key: str, more: str) -> str:
    """The command of the run, as far as it is known, with its weights to start from. more: its end, in place of key."""
    replaced = {f"trainer.{key}", "hydra.run.dir", "on_existing", "start_from", "start_checkpoint"}
    try:
        known = run.environment
    except ValueError:
        known = {}
    folders = config_dir() or [word for folder in known.get("config_folders", []) for word in ("--config-dir", folder)]
    kept = [each for each in known.get("overrides", []) if each.lstrip("+~").partition("=")[0] not in replaced]
    return shlex.join(["python", "-m", "segexp.train", *folders, *kept, f"start_from={quote(str(run.path))}", more])


def check_steps_of_schedule(checkpoint: Checkpoint, values: Mapping[str, Any], num_steps: float) -> None:
    """Raise ValueError if the training has more optimizer steps now than its schedule: with other devices, for example.

    num_steps: of the whole training, as it is to go on.
    """
    schedule, planned = schedule_with_end(values), checkpoint.scheduled.get("steps", -1)
    if schedule and -1 < planned < num_steps:
        raise ValueError(
            f"{schedule} was planned for {planned} optimizer steps, and the training would now have {num_steps}; keep "
            f"trainer.devices, trainer.num_nodes, trainer.accumulate_grad_batches and "
            f"trainer.limit_train_batches as they were, or add trainer.max_steps={planned}"
        )


def _end(number: Any) -> float:
    """The number of epochs or steps; infinite for -1, NaN for what is no number, which the schema refuses later."""
    if type(number) is not int:
        return math.nan
    return math.inf if number == -1 else number


def early_stopped_by_default(
    run: RunFolder, stored: Mapping[str, Any], asked: Mapping[str, Any], choices: Mapping[str, str | None]
) -> bool:
    """Whether the same options of callbacks= stopped the run early when it began, and would not today.

    stored, asked: configurations of the run and of the command. choices: options of the command.
    """
    if EARLY_STOPPING not in stored.get("callbacks", {}) or EARLY_STOPPING in asked["callbacks"]:
        return False
    return run.environment.get("choices", {}).get("callbacks") == choices.get("callbacks")


def without_early_stopping(stored: Mapping[str, Any]) -> Values:
    callbacks = {name: each for name, each in stored.get("callbacks", {}).items() if name != EARLY_STOPPING}
    return {**stored, "callbacks": callbacks}


def with_recorded_arithmetic(asked: Mapping[str, Any], stored: Mapping[str, Any]) -> Values:
    """The configuration of a repeated command with what the run has recorded in place of auto."""
    values = with_one_precision(asked)
    return {**values, **{key: stored.get(key, "auto") for key in ARITHMETIC if values[key] == "auto"}}


def check_same(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise ValueError naming the keys in which a run's configuration differs from the one that was asked for.

    Keys that say how to go on, or that change no sample, may differ. A run from before there was optimizer.fused goes
    on without it.
    """
    as_recorded = in_words_of_today(yaml.safe_load(yaml.safe_dump(dict(asked))))  # as `stored` was: a tuple is a list
    ours, theirs = _chosen_values(in_words_of_today(stored)), _chosen_values(as_recorded)
    if FUSED not in ours:
        theirs.pop(FUSED, None)
    free = {"on_existing", "resume", *(f"data.{key}" for key in FREE_KEYS)}
    keys = [key for key in {**ours, **theirs} if key not in free and ours.get(key, ABSENT) != theirs.get(key, ABSENT)]
    if keys:
        shown = "; ".join(f"{key} was {ours.get(key, ABSENT)!r} and is {theirs.get(key, ABSENT)!r}" for key in keys)
        raise ValueError(
            f"the run in this folder has another configuration: {shown}; type the command that started it, with what "
            "resume= has changed since; or choose another hydra.run.dir, or change what may change by resume=FOLDER "
            "key=value"
        )


def _chosen_values(values: Mapping[str, Any]) -> Values:
    """What was chosen, by dotted key: without facts, and without nulls, as a key that has none may be a newer one."""
    return {key: value for key, value in flat_values(without_facts(values)).items() if value is not None}


def check_targets(run: RunFolder, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
    """Raise ValueError if a configuration that was read from a run folder builds what no option here builds.

    typed: the configuration that the command gave; its user wants whatever that builds.
    """
    trust.refuse_interpolations(values)
    conf = config_folder()
    known = {*trust.targets_in([*conf.rglob("*.yaml"), *options_of_user()]), *trust.targets(typed)}
    unknown = sorted(target for target in set(trust.targets(values)) - known if not trust.is_distribution(target))
    if unknown:
        raise ValueError(
            f"the run's config wants to build {unknown}, which no file of {conf} does; if it was typed, type the "
            f"command that started the run, with hydra.run.dir={run.path} on_existing=resume; {trust.CONSENT}"
        )


def check_something_left(checkpoint: Checkpoint, values: Mapping[str, Any]) -> None:
    """Raise ValueError if the run was stopped early, or if max_epochs or max_steps leaves nothing to train."""
    run = RunFolder(checkpoint.path.parent.parent)
    status = run.status()
    if str(status.get("ended", "")).startswith(STOPPED_EARLY):
        command = _command_from_weights(run, "max_epochs", f"trainer.max_epochs={values['trainer']['max_epochs']}")
        raise ValueError(
            f"{run.path} has ended: {status['ended']}; to train further, begin a new run with its weights: {command}"
        )
    _check_left(checkpoint, values, "max_epochs", "epochs", checkpoint.num_epochs)
    planned = (checkpoint.planned or {}).get("max_steps")
    is_in_last_validation = not checkpoint.has_ended and planned == values["trainer"].get("max_steps")
    _check_left(checkpoint, values, "max_steps", "steps", checkpoint.num_steps - is_in_last_validation)


def _check_left(checkpoint: Checkpoint, values: Mapping[str, Any], key: str, unit: str, number: int) -> None:
    end = values["trainer"].get(key, -1)
    if not -1 < end <= number:
        return
    schedule = schedule_with_end(values)
    run = RunFolder(checkpoint.path.parent.parent)
    cure = f"to train further, add trainer.{key}={2 * number}"
    if schedule:
        command = _command_from_weights(run, key, f"trainer.{key}={number}")
        cure = f"{schedule} has ended; begin a new run with these weights: {command}"
    raise ValueError(
        f"{run.path} has trained {number} {unit}, and trainer.{key} is {end}: nothing is left to train; {cure}"
    )


def check_files(run: RunFolder, fingerprints: Mapping[str, str]) -> None:
    """Raise ValueError if a run would go on with other files than it began with. fingerprints: split -> of those now.

    A run that recorded no fingerprints goes on, since no comparison takes it for one with known data.
    """
    recorded = run.environment.get("data", {})
    splits = [split for split, now in fingerprints.items() if recorded.get(split, now) != now]
    if splits:
        raise ValueError(
            f"the files of {' and '.join(splits)} have other names or sizes than when {run.path} began; restore them, "
            "set data.root to where they are, or start a new run (to continue anyway, delete data from its "
            "environment.json)"
        )
