"""Which rank of a training this process is, and what the ranks must agree on before they can talk to each other."""

import functools
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Where torchrun, Lightning, srun and jsrun leave it, in the order in which Lightning 2.6 looks."""


def rank() -> int:
    """0 where nobody started several."""
    return next((int(os.environ[name]) for name in RANKS if name in os.environ), 0)


def on_first_rank(context: Callable[[], AbstractContextManager[None]]) -> AbstractContextManager[None]:
    """The context that is made here on rank 0, and nothing on the others."""
    return context() if rank() == 0 else nullcontext()


@functools.cache
def started(now: str) -> str:
    """When this training started, for the name of its folder: the same on all ranks, whatever their clocks say.

    Under srun it is the number of the job and its step instead, so that a job that is queued again finds its folder.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        return _text_of_first_rank(now)
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        return "job_{SLURM_JOB_ID}.{SLURM_STEP_ID}".format_map(os.environ)
    return now


def _text_of_first_rank(text: str) -> str:
    """Through the store that torchrun keeps for its ranks."""
    from torch import distributed

    store, number, _ = next(iter(distributed.rendezvous("env://")))
    if number == 0:
        store.set("segexp/started", text)
    return store.get("segexp/started").decode()
