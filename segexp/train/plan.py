"""Decide what is to be done in a run folder: every question is asked here, and nothing is done yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segexp.run.folder import RunFolder
from segexp.train import preflight, resume
from segexp.train.resume import Checkpoint
from segexp.train.settings import TrainSettings
from segexp.types import Values


@dataclass(frozen=True)
class Request:
    """What the command line asked for.

    values: the whole configuration. choices: config group -> option. overrides: as typed.
    """

    values: Values
    choices: Mapping[str, str | None]
    overrides: Sequence[str]


@dataclass(frozen=True)
class Start:
    """Train a new run from its first step.

    weights: checkpoint of an earlier run to begin with, None for the initial weights of the network.
    """

    request: Request
    weights: Path | None


@dataclass(frozen=True)
class GoOn:
    """Train on from a checkpoint.

    values: the run's configuration with what the command may change: the overrides of resume=, or the cache if a
    command is repeated.
    """

    values: Values
    checkpoint: Checkpoint
    overrides: Sequence[str]


@dataclass(frozen=True)
class Conclude:
    """Report, and record as finished: the run was interrupted after its last step."""


@dataclass(frozen=True)
class Nothing:
    """The run is finished."""


Plan = Start | GoOn | Conclude | Nothing


def plan(run: RunFolder, request: Request) -> Plan:
    """Decide what the request means for this run folder.

    Raises ValueError for values that no training can have, and for a change that a run which goes on does not allow;
    FileExistsError where a new run would overwrite something; FileNotFoundError where there is no checkpoint to
    resume from.
    """
    if request.values["resume"] is not None:
        return _plan_resume(run, request.overrides)
    _check_values(request.values)
    if request.values["on_existing"] == "resume" and run.is_started():
        return _plan_repeated_command(run, request)
    run.refuse_existing()
    return _plan_start(request)


def _plan_resume(run: RunFolder, overrides: Sequence[str]) -> GoOn | Conclude:
    """The plan for resume=FOLDER and overrides that may change what a run has recorded."""
    checkpoint = resume.newest_checkpoint(run)
    if checkpoint is None:
        raise FileNotFoundError(f"{run.path} has no checkpoint to resume from; train again from the start")
    stored = resume.with_defaults(run.config)
    values = resume.with_overrides(stored, overrides)
    resume.check_end_of_schedule(run, checkpoint.scheduled, stored, values)
    _check_values(values)
    if checkpoint.leaves_nothing(values) and run.state() != "finished":
        return Conclude()
    resume.check_targets(run, values, typed={})  # what was typed beside resume= must be known to conf/, too
    resume.check_something_left(checkpoint, values)
    return GoOn(values, checkpoint, overrides)


def _plan_repeated_command(run: RunFolder, request: Request) -> Plan:
    """The plan for the same command in the same folder with on_existing=resume: start, go on, or leave it alone."""
    stored = resume.with_defaults(run.config)
    request = replace(request, values=resume.with_recorded_arithmetic(request.values, stored))
    is_former = resume.early_stopped_by_default(run, stored, request.values, request.choices)
    resume.check_same(resume.without_early_stopping(stored) if is_former else stored, request.values)
    if run.state() == "finished":
        return Nothing()
    checkpoint = resume.newest_checkpoint(run)
    if checkpoint is None:
        return _plan_start(request)
    if checkpoint.leaves_nothing(stored):
        return Conclude()
    resume.check_targets(run, stored, typed=request.values)
    cache = {key: request.values["data"][key] for key in resume.FREE_KEYS}
    return GoOn({**stored, "data": {**stored["data"], **cache}}, checkpoint, overrides=[])


def _plan_start(request: Request) -> Start:
    origin, checkpoint = request.values["start_from"], request.values["start_checkpoint"]
    if origin is None:
        return Start(request, weights=None)
    return Start(request, RunFolder.fetch(origin, checkpoint, key="start_from").checkpoint(checkpoint))


def _check_values(values: Values) -> None:
    """Raise ValueError for values that no training can have, or that do not fit how this process was started."""
    TrainSettings.of(values)
    preflight.check_ranks(values["trainer"])
