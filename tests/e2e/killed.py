"""SIGNAL="SIGKILL 3" python -m tests.e2e.killed ...: segexp.train, whose ranks signal themselves after a step, from 1.

"SIGTERM 3 1": only rank 1 does. "SIGKILL scores 2": once the scores of epoch 2, from 0, are on disk.
"""

import os
import signal
from itertools import count

from torch.optim.optimizer import register_optimizer_step_post_hook

from segexp.logger.jsonl import JsonLinesLogger
from segexp.train.__main__ import main


def signal_after_step(name: str, step: str, only_rank: str | None = None) -> None:
    rank = os.environ.get("SLURM_PROCID") or os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or "0"
    steps = count(1)

    def after_step(*_: object) -> None:
        if next(steps) == int(step) and only_rank in (None, rank):
            os.kill(os.getpid(), signal.Signals[name])

    register_optimizer_step_post_hook(after_step)


def signal_after_scores(name: str, epoch: str) -> None:
    write = JsonLinesLogger.log_metrics

    def then_signal(logger: JsonLinesLogger, metrics: dict[str, float], step: int | None = None) -> None:
        write(logger, metrics, step)
        if "train/miou" in metrics and metrics["epoch"] == int(epoch):
            os.kill(os.getpid(), signal.Signals[name])

    JsonLinesLogger.log_metrics = then_signal  # type: ignore[method-assign]


if __name__ == "__main__":
    name, place, *further = os.environ["SIGNAL"].split()
    if place == "scores":
        signal_after_scores(name, *further)
    else:
        signal_after_step(name, place, *further)
    main()
