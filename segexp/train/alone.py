"""Keep a run folder to one training, let signals end it, and have SLURM start a preempted one again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from segexp.run.folder import RunFolder
from segexp.system import signals, stuck
from segexp.system.files import write_errors_explained
from segexp.system.ranks import on_first_rank
from segexp.train.requeue import requeued_when_preempted

RESTART_PATIENCE_SECONDS = 60
"""How long a job that SLURM started again waits for its earlier process, which may still be ending on a lost node."""


@contextmanager
def alone_in(run: RunFolder) -> Iterator[None]:
    """Lock the run folder while the body trains in it.

    A signal raises `signals.Stopped` in the body, between two steps once it trains; where no step comes, `stuck` ends
    the process. If that was a preemption, the job is queued again after the lock has been released.
    Raises FileExistsError if another training works in the folder.
    """
    patience = RESTART_PATIENCE_SECONDS if int(os.environ.get("SLURM_RESTART_COUNT", 0)) else 0
    with write_errors_explained(run.path):
        run.path.mkdir(parents=True, exist_ok=True)
    locked = on_first_rank(partial(run.lock, patience))
    with stuck.watched(), requeued_when_preempted(), locked, signals.listening():
        yield
