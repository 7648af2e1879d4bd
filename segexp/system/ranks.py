"""Which rank of a training this process is, and what the ranks must agree on before they can talk to each other."""

import functools
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from segexp.system.files import make_new_folder

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Where torchrun, Lightning, srun and jsrun leave it, in the order in which Lightning 2.6 looks."""


def rank() -> int:
    """0 where nobody started several."""
    return next((int(os.environ[name]) for name in RANKS if name in os.environ), 0)


def on_first_rank(context: Callable[[], AbstractContextManager[None]]) -> AbstractContextManager[None]:
    """The context that is made here on rank 0, and nothing on the others."""
    return context() if rank() == 0 else nullcontext()


def started(now: str) -> str:
    """When this training started, for the name of its folder.

    Under srun it is the number of the job and its step instead: the same on all ranks, whatever their clocks say, and a
    job that is queued again finds its folder.
    """
    return "job_{SLURM_JOB_ID}.{SLURM_STEP_ID}".format_map(os.environ) if _is_step_of_slurm() else now


@functools.cache
def new_folder(path: str) -> str:
    """A folder for what this process begins, made under this name or, where there is one, under it with _2, _3, ...

    So commands that start in the same second get folders of their own. All ranks of a training get that of rank 0.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        return _text_of_first_rank(lambda: str(make_new_folder(Path(path))))
    return path if _is_step_of_slurm() or rank() else str(make_new_folder(Path(path)))


def _is_step_of_slurm() -> bool:
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1


def _text_of_first_rank(make_text: Callable[[], str]) -> str:
    """Through the store that torchrun keeps for its ranks."""
    from torch import distributed

    store, number, _ = next(iter(distributed.rendezvous("env://")))
    if number == 0:
        store.set("segexp/folder", make_text())
    return store.get("segexp/folder").decode()
