"""Trainings in the process of a test that end before their time."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from torch.optim.optimizer import register_optimizer_step_post_hook


class CrashError(Exception):
    """Ends a training as a crash does: nothing is saved."""


@contextmanager
def interrupted_after(step: int, by_signal: bool) -> Iterator[None]:
    """End the training in the body after an optimizer step, counted from 1: by SIGTERM, or without saving anything."""
    steps = count(1)

    def after_step(*_: object) -> None:
        if next(steps) == step:
            if not by_signal:
                raise CrashError
            signal.raise_signal(signal.SIGTERM)

    handle = register_optimizer_step_post_hook(after_step)
    try:
        with pytest.raises((CrashError, SystemExit)):
            yield
    finally:
        handle.remove()
