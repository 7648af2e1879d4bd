"""Do what was planned for a run folder: build every part of the training, let Lightning fit, report."""

import logging
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as lightning
import torch
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from segexp import build
from segexp.config.compose import config_dir
from segexp.config.grammar import quote
from segexp.data.module import DataModule
from segexp.data.pairs import fingerprint
from segexp.display import pictures
from segexp.run import checkpoint
from segexp.run.environment import collect_environment
from segexp.run.folder import RunFolder
from segexp.system import remote, signals
from segexp.system.memory import keep_freed_memory
from segexp.system.ranks import on_first_rank
from segexp.train.resume import Conclude, GoOn, Nothing, Plan, Request, Start, check_files
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


class Training(NamedTuple):
    """Everything that Lightning needs."""

    task: SegmentationTask
    data: DataModule
    trainer: lightning.Trainer


def execute(run: RunFolder, plan: Plan) -> None:
    """Train, and keep the run folder's status true meanwhile. The folder must be locked by this process group."""
    match plan:
        case Start(request):
            with on_first_rank(run.renew):
                training = assemble(request.values, run.path)
                _record_start(run, request, training.data)
                _fit(run, training, request.values, from_checkpoint=None)
        case GoOn(values, last, overrides):
            training = assemble(values, run.path)
            checkpoint.check_fit(training.task.model, last.model_weights, last.path)
            check_files(run, _fingerprints(training.data))
            with on_first_rank(run.record_status):
                _record_resume(run, values, overrides)
                _fit(run, training, values, from_checkpoint=last.path)
        case Conclude():
            with on_first_rank(run.record_status):
                _report(run)
        case Nothing():
            print(f"{run.path} is finished: nothing is left to train")


def assemble(values: Mapping[str, Any], folder: Path) -> Training:
    """Build every part before anything is trained.

    values: of the whole configuration. folder: where its trainer writes.
    Raises ValueError for what cannot be built: it is the configuration's fault.
    """
    _silence_noise()
    with _building_errors_explained():
        lightning.seed_everything(values["seed"], workers=True, verbose=False)
        torch.set_float32_matmul_precision(values["matmul_precision"])
        data, trainer = build.data(values), build.trainer(values, folder)
        if trainer.strategy.root_device.type == "cpu":
            keep_freed_memory()
        return Training(_task(values, data), data, trainer)


def _silence_noise() -> None:
    for message in NOISE:
        warnings.filterwarnings("ignore", message)
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"):
        logging.getLogger(name).setLevel(logging.WARNING)  # tips, advertisements, addresses


@contextmanager
def _building_errors_explained() -> Iterator[None]:
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


@rank_zero_only
def _record_start(run: RunFolder, request: Request, data: DataModule) -> None:
    run.write_config(request.values)
    run.write_environment(collect_environment(_fingerprints(data), request.choices, list(request.overrides)))


@rank_zero_only
def _record_resume(run: RunFolder, values: Mapping[str, Any], overrides: Sequence[str]) -> None:
    resumes = [*run.environment.get("resumes", []), list(overrides)]
    run.write_environment({**run.environment, "resumes": resumes})
    run.write_config(values)


def _fingerprints(data: DataModule) -> dict[str, str]:
    return {split: fingerprint(data.source.pairs(split)) for split in (data.train_split, data.val_split)}


def _fit(run: RunFolder, training: Training, values: Mapping[str, Any], from_checkpoint: Path | None) -> None:
    task, data, trainer = training
    for logger in trainer.loggers:
        logger.log_hyperparams(dict(values))  # nested plain values, so that W&B can group by loss._target_
    try:
        trainer.fit(task, data, ckpt_path=from_checkpoint, weights_only=True)
    except MisconfigurationException as error:
        raise ValueError(str(error)) from error
    except signals.Stopped:
        if trainer.is_global_zero:
            raise
        raise SystemExit(0) from None  # who started the ranks would kill rank 0 for another answer, before it is done
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise SystemExit(signals.INTERRUPTED) from None
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
    place = [f"data.root={quote(root)}"] if remote.is_url(root) else []  # has to be typed: see `trust.refuse_urls`
    command = ["python", "-m", "segexp.evaluate", f"run={quote(str(run.path))}", *place, *config_dir()]
    return (
        f"val mIoU    {best['val/miou']:.4f} after epoch {best['epoch'] + 1} of {validated[-1]['epoch'] + 1}\n"
        f"run folder  {run.path}\nnext        {shlex.join(command)}"
    )
