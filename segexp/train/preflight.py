"""What a training cannot be run with, said before Lightning is loaded or a rank waits for another."""

import os
import socket
import warnings
from collections.abc import Mapping
from typing import Any

from segexp.data import settings

PROCESS_COPIES = ("spawn", "fork", "notebook")
COUNTS = ("max_epochs", "accumulate_grad_batches", "log_every_n_steps")
ALLOWED: Mapping[str, range | tuple[Any, ...]] = {
    "seed": range(2**32),
    "channels_last": (False, True),
    "compile": (False, True),
    "matmul_precision": ("highest", "high", "medium"),
}
NEEDED = (
    *ALLOWED,
    *(f"trainer.{key}" for key in (*COUNTS, "accelerator", "devices", "num_nodes", "strategy")),
    *(f"data.{key}" for key in ("train_split", "val_split", "batch_size", "eval_batch_size")),
    *("optimizer", "scheduler", "callbacks"),
)
NOT_NEGATIVE = ("lr", "weight_decay", "momentum", "eps")
"""Of an optimizer, where it has them; torch's own refusal names no key."""
TO_AN_END = ("segexp.scheduler.poly", "segexp.scheduler.cosine")
"""Schedules that need to know how many steps a training has."""


def check_values(values: Mapping[str, Any]) -> None:
    """Raise ValueError for a value that no training can have. values: of the whole configuration."""
    _refuse_missing(values)
    trainer = values["trainer"]
    for key in COUNTS:
        if (key, repr(trainer[key])) != ("max_epochs", "-1"):  # without an end
            settings.checked_count(f"trainer.{key}", trainer[key], 1)
    for key, allowed in ALLOWED.items():
        value = values[key]
        if type(value) is not type(allowed[0]) or value not in allowed:
            shown = "0 to 2^32 - 1" if isinstance(allowed, range) else ", ".join(str(each).lower() for each in allowed)
            raise ValueError(f"{key} is {value!r}; allowed: {shown}")
    for key in ("train_split", "val_split"):
        if not isinstance(values["data"][key], str) or not values["data"][key]:
            raise ValueError(
                f"data.{key} is {values['data'][key]!r}; needed is the name of a split, as data.{key}=train"
            )
    for key in NOT_NEGATIVE:
        number = values["optimizer"].get(key, 0)
        if type(number) in (int, float) and not number >= 0:
            raise ValueError(f"optimizer.{key} is {number!r}; needed is a number of at least 0")
    _check_end(trainer, scheduled_end(values))
    _check_callbacks(values["callbacks"])
    _check_validation(trainer, values["callbacks"])
    if trainer.get("overfit_batches"):
        raise ValueError(
            "trainer.overfit_batches reads the training split without its sampler, which every sample's augmentation "
            "depends on; leave it out, and train on a few scenes instead: data=streets data.num_train=4, or a "
            "data.train_split that holds few"
        )
    settings.check(values["data"])


def _refuse_missing(values: Mapping[str, Any]) -> None:
    for key in NEEDED:
        node: Any = values
        for name in key.split("."):
            if not isinstance(node, Mapping) or name not in node:
                raise ValueError(f"the configuration has no {key}, which every training needs; do not delete it")
            node = node[name]


def scheduled_end(values: Mapping[str, Any]) -> str | None:
    """The name of a schedule that lowers the learning rate towards the training's end; None if it is another one."""
    target = str(values.get("scheduler", {}).get("_target_"))
    return target.rpartition(".")[2] if target in TO_AN_END else None


def _check_end(trainer: Mapping[str, Any], scheduler: str | None) -> None:
    if scheduler and trainer["max_epochs"] == -1 and trainer.get("max_steps", -1) == -1:
        raise ValueError(
            f"trainer.max_epochs is -1, a training without an end, and scheduler={scheduler} lowers the learning rate "
            "towards its end; set trainer.max_epochs or +trainer.max_steps, or take scheduler=constant or inverse_time"
        )


def _check_callbacks(callbacks: Mapping[str, Any]) -> None:
    for name, node in callbacks.items():
        if not isinstance(node, Mapping) or "_target_" not in node:
            raise ValueError(
                f"the configuration has no callbacks.{name}._target_; callbacks are: {', '.join(callbacks)}; type "
                f"'~callbacks.{name}' to train without this one, or correct its name"
            )


def _check_validation(trainer: Mapping[str, Any], callbacks: Mapping[str, Any]) -> None:
    if trainer.get("check_val_every_n_epoch") is not None:
        settings.checked_count("trainer.check_val_every_n_epoch", trainer["check_val_every_n_epoch"], 1)
    metrics = {name: str(node.get("monitor")) for name, node in callbacks.items()}
    waiting = [name for name, metric in metrics.items() if metric.startswith("val/")]
    if waiting and trainer.get("limit_val_batches") == 0:
        without = " ".join(f"'~callbacks.{name}'" for name in waiting)
        raise ValueError(
            f"trainer.limit_val_batches is 0: nothing is validated, and {metrics[waiting[0]]} is awaited by callbacks: "
            f"{', '.join(waiting)}; leave it out, or type {without} as well"
        )


def check_ranks(trainer: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> None:
    """Raise ValueError if the settings of the trainer do not fit what this process was started by.

    trainer: of the configuration. environ: as srun, torchrun or nobody set it.
    """
    _check_strategy(trainer)
    devices, num_nodes = trainer["devices"], trainer["num_nodes"]
    if not isinstance(devices, int) or devices < 1:
        return  # a list, "auto", all: Lightning counts them
    if "TORCHELASTIC_RUN_ID" in environ:
        _check_torchrun(devices, num_nodes, environ)
    elif _is_slurm():
        _check_slurm(devices, num_nodes, environ)
    else:
        return
    if devices * num_nodes > 1:
        _check_address(environ)


def _check_strategy(trainer: Mapping[str, Any]) -> None:
    strategy = trainer["strategy"]
    if trainer.get("sync_batchnorm") and not _has_gpu(trainer):
        raise ValueError("trainer.sync_batchnorm is true, which torch knows for GPUs only; leave it out on the CPU")
    if isinstance(strategy, str):
        if any(word in strategy for word in PROCESS_COPIES):
            raise ValueError(
                f"trainer.strategy is {strategy!r}, whose ranks are copies of one process, in which signals and W&B "
                "get lost; use trainer.strategy=ddp: each rank is a command of its own"
            )
        return
    backend = strategy.get("process_group_backend")
    if backend == "nccl" and not _has_gpu(trainer):
        raise ValueError(
            "trainer.strategy.process_group_backend is nccl, which needs a GPU on every rank, and the training runs on "
            "the CPU; leave it out (gloo is taken there), or set trainer.accelerator=gpu"
        )
    if backend == "gloo" and _has_gpu(trainer):
        raise ValueError(
            "trainer.strategy.process_group_backend is gloo, which moves every gradient through the host; leave it out "
            "(nccl is taken on GPUs), or set trainer.accelerator=cpu"
        )


def _has_gpu(trainer: Mapping[str, Any]) -> bool:
    import torch

    return trainer["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def _is_slurm() -> bool:
    from pytorch_lightning.plugins.environments import SLURMEnvironment

    with warnings.catch_warnings():  # a training outside a job is no mistake
        warnings.filterwarnings("ignore", "The `srun` command is available")
        return SLURMEnvironment.detect()


def _check_torchrun(devices: int, num_nodes: int, environ: Mapping[str, str]) -> None:
    started = int(environ["LOCAL_WORLD_SIZE"])
    nodes = int(environ["WORLD_SIZE"]) // started
    if (started, nodes) != (devices, num_nodes):
        raise ValueError(
            f"torchrun starts {started} processes on each of {nodes} nodes, and trainer.devices is {devices}, "
            f"trainer.num_nodes is {num_nodes}; give torchrun --nproc-per-node {devices} --nnodes {num_nodes}, or set "
            "trainer.devices and trainer.num_nodes to what it starts"
        )


def _check_slurm(devices: int, num_nodes: int, environ: Mapping[str, str]) -> None:
    given = [environ.get(f"SLURM_{name}") for name in ("NTASKS", "NTASKS_PER_NODE", "NNODES")]
    if given == ["1", None, "1"] or given == ["1", None, None]:
        given[1:] = ["1", "1"]
    wanted = [str(number) for number in (devices * num_nodes, devices, num_nodes)]
    if given != wanted:
        raise ValueError(
            f"SLURM_NTASKS, SLURM_NTASKS_PER_NODE and SLURM_NNODES are {', '.join(map(str, given))}, and must be "
            f"{', '.join(wanted)} for trainer.devices={devices} and trainer.num_nodes={num_nodes}; submit with "
            f"--nodes={num_nodes} --ntasks-per-node={devices}, or set the trainer's numbers to what was submitted"
        )
    if wanted[0] != "1" and "SLURM_STEP_ID" not in environ:
        raise ValueError(
            f"the job has {wanted[0]} tasks, and this process, the only one, would wait for the others; start all of "
            "them: srun python -m segexp.train ..."
        )


def _check_address(environ: Mapping[str, str]) -> None:
    from pytorch_lightning.plugins.environments import SLURMEnvironment

    address = environ.get("MASTER_ADDR") or SLURMEnvironment().main_address
    try:
        socket.getaddrinfo(address, None)
    except OSError as error:
        raise ValueError(
            f"the ranks are to meet at {address!r}, which cannot be resolved here ({error}); "
            "export MASTER_ADDR=<an address of the first node that all nodes can reach> before srun or torchrun"
        ) from None
