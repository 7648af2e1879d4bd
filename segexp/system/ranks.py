"""What the ranks of one training must agree on before they can talk to each other."""

import functools
import os


@functools.cache
def started(now: str) -> str:
    """When this training started, for the name of its folder: the same on all ranks, whatever their clocks say.

    Under srun it is the number of the job and its step instead, so that a job that is queued again finds its folder.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        return _told_by_first_rank(now)
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        return "job_{SLURM_JOB_ID}.{SLURM_STEP_ID}".format_map(os.environ)
    return now


def _told_by_first_rank(text: str) -> str:
    """Through the store that torchrun keeps for its ranks."""
    from torch import distributed

    store, rank, _ = next(iter(distributed.rendezvous("env://")))
    if rank == 0:
        store.set("segexp/started", text)
    return store.get("segexp/started").decode()
