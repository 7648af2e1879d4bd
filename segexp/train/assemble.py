"""Build every part of a training from its configuration."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as lightning
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn

from segexp import build
from segexp.data.module import DataModule
from segexp.model.auxiliary import has_boundary_head, num_auxiliary
from segexp.scheduler import NO_END
from segexp.system.arithmetic import use_memory_format
from segexp.system.lightning_internals import count_epochs_from_one
from segexp.system.memory import keep_freed_memory
from segexp.system.trainer_precision import trainer_word
from segexp.system.training_loops import use_loops_with_validated_end
from segexp.train.arithmetic import SameArithmetic, decide_arithmetic
from segexp.train.single_images import refuse_single_images
from segexp.types import Values

SILENCED_WARNINGS = (
    ".*LeafSpec.*",  # Lightning 2.6 calls what torch 2.13 deprecates
    ".*smaller than the logging interval.*",  # scores are logged once an epoch anyway
    ".*sync_dist=True.*",  # our scores are summed over ranks before they are logged
    "The `srun` command is available",  # a training on a SLURM machine may run outside a job
    "You're resuming from a checkpoint that ended before the epoch",  # our sampler goes on where it stopped
    "Checkpoint directory .* exists and is not empty",  # as in every resumed run
    "Experiment logs directory .* exists and is not empty",  # logger=csv begins anew, see docs/loggers.md
)
BUILDING_ERRORS = (TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError, MisconfigurationException)


class Training(NamedTuple):
    """Everything that `Trainer.fit` needs. model: the network that the task trains."""

    model: nn.Module
    task: lightning.LightningModule
    data: DataModule
    trainer: lightning.Trainer


def assemble(values: Mapping[str, Any], folder: Path) -> Training:
    """Build data, trainer, network, loss, optimizer and schedule, so that a wrong value shows before training.

    values: the whole configuration; what is auto in it is decided, see `segexp.train.arithmetic`. folder: where the
    trainer, its loggers and its callbacks write.
    Raises ValueError for a part that cannot be built: the cause is in the configuration.
    """
    _silence_warnings()
    with _building_errors_explained():
        torch.set_float32_matmul_precision(values["matmul_precision"])
        lightning.seed_everything(values["seed"], workers=True, verbose=False)  # of the initial weights
        values, _ = decide_arithmetic(values)
        data, trainer = build.data(values), build.trainer(_with_precision(values), folder)
        use_loops_with_validated_end(trainer)
        count_epochs_from_one(trainer)
        if trainer.strategy.root_device.type == "cpu":  # on a GPU torch keeps freed memory itself
            keep_freed_memory()
        model = build.model(values)
        refuse_single_images(model, values)
        use_memory_format(model, values["memory_format"])
        trainer.callbacks.insert(0, SameArithmetic(model, values))  # type: ignore[attr-defined]
        return Training(model, _task(values, model, data), data, trainer)


def _with_precision(values: Mapping[str, Any]) -> Values:
    return {**values, "trainer": {**values["trainer"], "precision": trainer_word(values)}}


def _task(values: Mapping[str, Any], model: nn.Module, data: DataModule) -> lightning.LightningModule:
    if values["compile"]:
        model.compile()
    make_optimizer, make_scheduler = build.optimizer(values), build.scheduler(values)
    make_scheduler(make_optimizer(model), NO_END)  # thrown away: a wrong value shows here
    return build.task(
        values,
        model=model,
        loss=build.loss(values, _num_auxiliary(model, values)),
        make_optimizer=make_optimizer,
        make_scheduler=make_scheduler,
        class_names=data.grouping.names,
        categories=data.grouping.categories(data.source.table),
    )


def _num_auxiliary(model: nn.Module, values: Mapping[str, Any]) -> int:
    number, weight = num_auxiliary(model), values["loss"].get("auxiliary_weight")
    if weight is not None and not number:
        raise ValueError(
            f"loss.auxiliary_weight is {weight}, but the network has no auxiliary heads; allowed: null; leave it out, "
            "or give the network heads: model.auxiliary_stages=[4]"
        )
    boundary_weight = values["loss"].get("boundary_weight")
    if boundary_weight is not None and not has_boundary_head(model):
        raise ValueError(
            f"loss.boundary_weight is {boundary_weight}, but the network has no boundary head; allowed: null; leave it "
            "out, or choose a network that has one: model=pidnet_s"
        )
    return number


def _silence_warnings() -> None:
    for message in SILENCED_WARNINGS:
        warnings.filterwarnings("ignore", message)
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"):
        logging.getLogger(name).setLevel(logging.WARNING)  # tips, advertisements, addresses


@contextmanager
def _building_errors_explained() -> Iterator[None]:
    try:
        yield
    except BUILDING_ERRORS as error:
        raise ValueError(f"this configuration cannot be built: {type(error).__name__}: {error}") from error
