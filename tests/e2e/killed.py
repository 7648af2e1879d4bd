"""SIGNAL="SIGKILL 3" python -m tests.e2e.killed ...: segexp.train, whose ranks signal themselves after a step, from 1.

"SIGTERM 3 1": only rank 1 does.
"""

import os
import signal
from itertools import count

from torch.optim.optimizer import register_optimizer_step_post_hook

from segexp.train import main


def signal_after_step(name: str, step: str, only_rank: str | None = None) -> None:
    rank = os.environ.get("SLURM_PROCID") or os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or "0"
    steps = count(1)

    def after_step(*_: object) -> None:
        if next(steps) == int(step) and only_rank in (None, rank):
            os.kill(os.getpid(), signal.Signals[name])

    register_optimizer_step_post_hook(after_step)


if __name__ == "__main__":
    signal_after_step(*os.environ["SIGNAL"].split())
    main()
