"""What a training does between its configuration and its last checkpoint."""

import logging
import os
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as lightning
import torch
from omegaconf import DictConfig
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from segexp import build
from segexp.config.compose import config_dir
from segexp.config.grammar import quoted
from segexp.config.values import plain_values
from segexp.data.module import DataModule
from segexp.data.pairs import fingerprint
from segexp.display import pictures
from segexp.run import checkpoint
from segexp.run.environment import environment
from segexp.run.folder import RunFolder
from segexp.system import remote, signals
from segexp.system.memory import keep_freed_memory
from segexp.train import preflight
from segexp.train import resume as resumption
from segexp.train.requeue import requeued_when_preempted
from segexp.train.task import SegmentationTask

NOISE = (
    ".*LeafSpec.*",  # Lightning 2.6 calls what torch 2.13 deprecates
    ".*smaller than the logging interval.*",  # scores are logged by epoch anyway
    ".*sync_dist=True.*",  # ours are sums over ranks before they are logged
    "The `srun` command is available",  # a training outside a job is no mistake
    "You're resuming from a checkpoint that ended before the epoch",  # the sampler goes on where it stopped
    "Checkpoint directory .* exists and is not empty",  # as in every resumed run
)
BUILDING_ERRORS = (TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError, MisconfigurationException)
INTERRUPTED = 130
PATIENCE_SECONDS = 60
"""How long a job that SLURM started again waits for the end of its process on a node that was lost."""


class Training(NamedTuple):
    """Everything that `fit` needs."""

    task: SegmentationTask
    data: DataModule
    trainer: lightning.Trainer


def start(config: DictConfig, folder: Path, choices: Mapping[str, str], overrides: list[str]) -> None:
    """Train a run in a folder of its own, or go on with the one that is there if config.on_existing is "resume".

    choices, overrides: what the command line asked for, to be recorded.
    """
    run = RunFolder(folder.absolute())
    run.path.mkdir(parents=True, exist_ok=True)
    with _alone_in(run):
        if resumption.refuses(config) or not run.is_started():
            return _start(run, config, choices, overrides)
        resumption.check_same(run.config, config)
        if run.state() == "finished":
            return print(f"{run.path} is finished: nothing is left to train")
        last = resumption.usable_checkpoint(run)
        if last is None:
            return _start(run, config, choices, overrides)
        if last.has_ended:
            return _conclude(run)
        resumption.refuse_unknown_targets(run, run.config, typed=plain_values(config))
        _go_on(run, run.config, last, [])


def resume(folder: Path, overrides: Sequence[str]) -> None:
    """Go on with a run from its last checkpoint. overrides: as typed; see `segexp.train.resume` for what may change."""
    run = RunFolder.open(folder)
    with _alone_in(run):
        last = resumption.usable_checkpoint(run)
        if last is None:
            raise FileNotFoundError(f"{run.path} has no checkpoint to go on from; train again from the start")
        values = resumption.changed(run.config, overrides)
        resumption.refuse_unknown_targets(run, values, typed={})
        _go_on(run, values, last, overrides)


def _start(run: RunFolder, config: DictConfig, choices: Mapping[str, str], overrides: list[str]) -> None:
    with _on_first_rank(run.renewed):
        training, values = _prepared(run, config)
        _record(run, values, training.data, choices, overrides)
        _fit(run, training, values, None)


def _go_on(run: RunFolder, values: Mapping[str, Any], last: resumption.Last, overrides: Sequence[str]) -> None:
    preflight.check_values(values)
    resumption.check_epochs_left(last, values)
    training, prepared = _prepared(run, values)
    checkpoint.check_fit(training.task.model, last.model_weights, last.path)
    resumption.check_files(run, _fingerprints(training.data))
    with _on_first_rank(run.recorded):
        _record_resume(run, prepared, overrides)
        _fit(run, training, prepared, last.path)


def _conclude(run: RunFolder) -> None:
    """For a run that was interrupted after its last step."""
    with _on_first_rank(run.recorded):
        _report(run)


@contextmanager
def _alone_in(run: RunFolder) -> Iterator[None]:
    """Where one process group trains, ends when a signal says so, and is queued again if that was a preemption."""
    patience = PATIENCE_SECONDS if int(os.environ.get("SLURM_RESTART_COUNT", 0)) else 0
    with requeued_when_preempted(), _on_first_rank(partial(run.locked, patience)), signals.listening():
        yield


def _on_first_rank(context) -> AbstractContextManager[None]:
    return context() if getattr(rank_zero_only, "rank", 0) == 0 else nullcontext()


@rank_zero_only
def _record(run: RunFolder, values: Mapping[str, Any], data: DataModule, choices, overrides) -> None:
    run.write_config(values)
    run.write_environment(environment(_fingerprints(data), choices, overrides))


def _fingerprints(data: DataModule) -> dict[str, str]:
    return {split: fingerprint(data.source.pairs(split)) for split in (data.train_split, data.val_split)}


@rank_zero_only
def _record_resume(run: RunFolder, values: Mapping[str, Any], overrides: Sequence[str]) -> None:
    resumes = [*run.environment.get("resumes", []), list(overrides)]
    run.write_environment({**run.environment, "resumes": resumes})
    run.write_config(values)


def _prepared(run: RunFolder, config: DictConfig | Mapping[str, Any]) -> tuple[Training, dict[str, Any]]:
    """Build everything before anything is trained, so that whatever cannot be built is the configuration's fault."""
    with _as_value_errors():
        values = plain_values(config)
        preflight.check_values(values)
        preflight.check_ranks(values["trainer"])
        return assembled(values, run.path), values


def assembled(values: Mapping[str, Any], folder: Path) -> Training:
    """The parts of a training. values: of the whole configuration, checked. folder: where its trainer writes."""
    for message in NOISE:
        warnings.filterwarnings("ignore", message)
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"):
        logging.getLogger(name).setLevel(logging.WARNING)  # tips, advertisements, addresses
    lightning.seed_everything(values["seed"], workers=True, verbose=False)
    torch.set_float32_matmul_precision(values["matmul_precision"])
    data, trainer = build.data(values), build.trainer(values, folder)
    if trainer.strategy.root_device.type == "cpu":
        keep_freed_memory()
    return Training(_task(values, data), data, trainer)


@contextmanager
def _as_value_errors() -> Iterator[None]:
    try:
        yield
    except BUILDING_ERRORS as error:
        raise ValueError(f"this configuration cannot be built: {type(error).__name__}: {error}") from error


def _task(values: Mapping[str, Any], data: DataModule) -> SegmentationTask:
    classes, model = data.grouping, build.model(values)
    if values["channels_last"]:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if values["compile"]:
        model.compile()
    optimizer, scheduler = build.optimizer(values), build.scheduler(values)
    scheduler(optimizer(model.parameters()), 1)  # tried, so that a wrong value shows before training
    categories = classes.categories(data.source.table)
    return SegmentationTask(model, build.loss(values), optimizer, scheduler, classes.names, categories)


def _fit(run: RunFolder, training: Training, values: Mapping[str, Any], last: Path | None) -> None:
    task, data, trainer = training
    for logger in trainer.loggers:
        logger.log_hyperparams(dict(values))  # nested plain values, so that W&B can group by loss._target_
    try:
        trainer.fit(task, data, ckpt_path=last, weights_only=True)
    except MisconfigurationException as error:
        raise ValueError(str(error)) from error
    except signals.Stopped:
        if trainer.is_global_zero:
            raise
        raise SystemExit(0) from None  # who started the ranks would kill rank 0 for another answer, before it is done
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise SystemExit(INTERRUPTED) from None
    if trainer.is_global_zero:
        _report(run)


def _report(run: RunFolder) -> None:
    pictures.save(pictures.learning_curves(run.history()), run.pictures / "learning_curves.png")
    print(_summary(run))


def _summary(run: RunFolder) -> str:
    validated = [row for row in run.history() if "val/miou" in row]
    if not validated:
        return f"nothing was validated\nrun folder  {run.path}"
    best = max(validated, key=lambda row: row["val/miou"])
    root = run.config["data"].get("root", "")
    place = [f"data.root={quoted(root)}"] if remote.is_url(root) else []  # has to be typed: see `trust.refuse_urls`
    command = ["python", "-m", "segexp.evaluate", f"run={quoted(str(run.path))}", *place, *config_dir()]
    return (
        f"val mIoU    {best['val/miou']:.4f} after epoch {best['epoch'] + 1} of {validated[-1]['epoch'] + 1}\n"
        f"run folder  {run.path}\nnext        {shlex.join(command)}"
    )
