"""Do what was planned for a run folder: assemble the training, record it, let Lightning fit, report."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from segexp import build
from segexp.config.compose import config_dir, user_folders
from segexp.config.facts import without_facts
from segexp.config.grammar import quote
from segexp.data.module import DataModule
from segexp.data.pairs import fingerprint
from segexp.display.learning_curves import learning_curves
from segexp.display.pictures import save
from segexp.run import checkpoint
from segexp.run.environment import collect_environment
from segexp.run.folder import RunFolder
from segexp.run.train_log import TrainLog
from segexp.system import remote, signals, stuck
from segexp.system.files import from_here
from segexp.system.lightning_internals import kill_other_ranks
from segexp.system.ranks import on_first_rank, rank
from segexp.train.arithmetic import arithmetic_line, decide_arithmetic
from segexp.train.assemble import Training, assemble
from segexp.train.end import end_of, planned_steps, when
from segexp.train.plan import Conclude, GoOn, Nothing, Plan, Request, Start
from segexp.train.resume import check_files, check_steps_of_schedule
from segexp.train.start_from import StartWeights, copy_weights
from segexp.train.without_effect import settings_without_effect


def execute(run: RunFolder, plan: Plan) -> None:
    """Train as planned. The first rank must have locked the run folder.

    status.json says "running" meanwhile and then how the training ended, see `RunFolder.record_status`. A run that goes
    on is only touched once everything is built and known to fit.
    """
    match plan:
        case Start(request, weights):
            with on_first_rank(run.renew):
                values, reason = decide_arithmetic(request.values)
                training = assemble(values, run.path)
                _check_splits(training.data)
                begun_with = copy_weights(training.model, weights) if weights else None
                _record_start(run, replace(request, values=values), training.data, begun_with)
                _say(run, values, arithmetic_line(values, reason))
                _train(run, training, values, from_checkpoint=None)
        case GoOn(recorded, last, overrides):
            values, _ = decide_arithmetic(recorded)
            training = assemble(values, run.path)
            checkpoint.check_fit(training.model, last.model_weights, last.path)
            check_files(run, _fingerprints(training.data))
            check_steps_of_schedule(last, values, planned_steps(training.trainer, training.data))
            with on_first_rank(run.record_status):
                _record_resume(run, values, overrides)
                _say(run, values, arithmetic_line(values, "as the run began"))
                _train(run, training, values, from_checkpoint=last.path)
        case Conclude() if rank() == 0:
            with run.record_status():
                _report(run, run.config)
        case Nothing() if rank() == 0:
            print(f"{run.path} is finished: nothing is left to train")


@rank_zero_only
def _say(run: RunFolder, values: Mapping[str, Any], *lines: str) -> None:
    TrainLog(run.path, values.get("quiet", False)).say(*lines)


@rank_zero_only
def _check_splits(data: DataModule) -> None:
    """By one rank, as all would read the same files."""
    data.check_splits()


@rank_zero_only
def _record_start(run: RunFolder, request: Request, data: DataModule, begun_with: StartWeights | None) -> None:
    environment = collect_environment(_fingerprints(data), request.choices, list(request.overrides))
    environment["without_effect"] = settings_without_effect(request.values)
    environment["config_folders"] = [str(folder) for folder in user_folders()]
    if begun_with:
        environment["start_from"] = begun_with.record()
        _say(run, request.values, *begun_with.summary().splitlines())
    run.write_environment(environment)
    run.write_config(request.values)  # the last, as `RunFolder.is_started` asks for it: a kill leaves all or nothing


@rank_zero_only
def _record_resume(run: RunFolder, values: Mapping[str, Any], overrides: Sequence[str]) -> None:
    resumes = [*run.environment.get("resumes", []), list(overrides)]
    run.write_environment({**run.environment, "resumes": resumes, "without_effect": settings_without_effect(values)})
    run.write_config(values)


def _fingerprints(data: DataModule) -> dict[str, str]:
    return {split: fingerprint(data.pairs(split)) for split in (data.train_split, data.val_split)}


def _train(run: RunFolder, training: Training, values: Mapping[str, Any], from_checkpoint: Path | None) -> None:
    trainer = training.trainer
    for logger in trainer.loggers:
        logger.log_hyperparams(without_facts(values))  # nested, so that W&B can group by loss._target_
    try:  # weights_only: of the checkpoint nothing but tensors and plain values is unpickled
        with stuck.last_words(lambda end: kill_other_ranks(trainer)):
            trainer.fit(training.task, training.data, ckpt_path=from_checkpoint, weights_only=True)
    except MisconfigurationException as error:
        raise ValueError(str(error)) from error
    except signals.Stopped:
        if trainer.is_global_zero:
            _say_how_to_go_on(run)
            raise
        raise SystemExit(0) from None  # another status would make whoever started the ranks kill rank 0 as it saves
    except SystemExit:  # Lightning's answer to Ctrl-C
        if trainer.is_global_zero:
            _say_how_to_go_on(run)
        raise SystemExit(signals.INTERRUPTED) from None
    if trainer.is_global_zero:
        run.record_end(*end_of(trainer, run.history()))
        _report(run, values)


def _say_how_to_go_on(run: RunFolder) -> None:
    """Print where an interrupted run is, and the command that continues it from its last checkpoint."""
    command = shlex.join(["python", "-m", "segexp.train", f"resume={quote(str(from_here(run.path)))}", *config_dir()])
    there = any(run.checkpoints.glob("*.ckpt"))
    print(
        f"interrupted\nrun folder  {run.path}\n"
        f"continue    {command if there else 'not possible: there is no checkpoint yet; train again'}",
        file=sys.stderr,
    )


def _report(run: RunFolder, values: Mapping[str, Any]) -> None:
    grouping = build.grouping(values)
    curves = learning_curves(run.history(), run.path.name, grouping.names)
    save(curves, run.pictures / "learning_curves.png")
    _say(run, values, *_summary(run).splitlines())


def _summary(run: RunFolder) -> str:
    """The best score, why the training ended, where the run is, and the command that evaluates it."""
    reason = run.status().get("ended")
    ended = f"ended       {reason}\n" if reason else ""  # not known where a kill came between
    history = run.history()
    validated = [row for row in history if "val/miou" in row]
    if not validated:
        is_void = any("val/loss" in row for row in history)
        outcome = "no pixel that was validated belongs to a class" if is_void else "nothing was validated"
        return f"{outcome}\n{ended}run folder  {run.path}"
    best = max(validated, key=lambda row: row["val/miou"])
    root = run.config["data"].get("root", "")
    place = [f"data.root={quote(root)}"] if remote.is_url(root) else []  # no command takes a URL from a run's config
    command = ["python", "-m", "segexp.evaluate", f"run={quote(str(from_here(run.path)))}", *place, *config_dir()]
    last = when(validated[-1], validated).split()[1]
    return (
        f"val mIoU    {best['val/miou']:.4f} after {when(best, validated)} of {last}\n"
        f"{ended}run folder  {run.path}\nnext        {shlex.join(command)}"
    )
