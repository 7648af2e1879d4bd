"""Where one process group trains, until it is done or told to stop."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from segexp.run.folder import RunFolder
from segexp.system import signals
from segexp.system.ranks import on_first_rank
from segexp.train.requeue import requeued_when_preempted

PATIENCE_SECONDS = 60
"""How long a job that SLURM started again waits for the end of its process on a node that was lost."""


@contextmanager
def alone_in(run: RunFolder) -> Iterator[None]:
    """Lock the run folder; a signal ends the body, and a job that was preempted is queued again.

    Raises FileExistsError if another training works there.
    """
    patience = PATIENCE_SECONDS if int(os.environ.get("SLURM_RESTART_COUNT", 0)) else 0
    run.path.mkdir(parents=True, exist_ok=True)
    with requeued_when_preempted(), on_first_rank(partial(run.lock, patience)), signals.listening():
        yield
