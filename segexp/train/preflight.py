"""Whether a trainer's settings fit the machine and what started this process: said before a rank waits for another."""

import os
import socket
import warnings
from collections.abc import Mapping
from typing import Any

PROCESS_COPIES = ("spawn", "fork", "notebook")


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
        raise ValueError("trainer.sync_batchnorm is true, which torch supports on GPUs only; leave it out on the CPU")
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
    if "SLURM_NTASKS" not in os.environ:  # as Lightning asks first, and loading it takes seconds
        return False
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
