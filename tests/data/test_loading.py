"""Workers end with their training alone, whatever signals reach their process."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from multiprocessing import active_children

import pytest
import torch
from torch.utils.data import Dataset, Sampler, get_worker_info

from segexp.data.loading import LazyLoader, loader
from segexp.types import Sample

SIGNALS = {signal.SIGTERM, signal.SIGUSR1, signal.SIGINT}


def blocked_signals() -> set[int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


class SignalsBlocked(Dataset[bool]):
    """Four samples, each of which says whether the worker that reads it blocked signals when it started."""

    value = False

    def __getitem__(self, index: int) -> bool:
        return self.value

    def __len__(self) -> int:
        return 4


def set_signals_blocked(worker: int) -> None:
    get_worker_info().dataset.value = blocked_signals() >= SIGNALS


def test_workers_start_with_signals_blocked_and_the_training_still_receives_them() -> None:
    before = blocked_signals()
    batches = LazyLoader(SignalsBlocked(), num_workers=1, worker_init_fn=set_signals_blocked, persistent_workers=True)
    for _ in range(2):
        for batch in batches:
            assert batch.tolist() == [True]
            assert blocked_signals() == before


class GreySamples(Dataset[Sample]):
    def __getitem__(self, index: int) -> Sample:
        return Sample(torch.zeros(3, 2, 2), torch.zeros(2, 2), f"{index}")


class SignallingSampler(Sampler[int]):
    """The order of four samples; when it is asked for, workers have just started, and all processes get a signal."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number
        self.other_processes = active_children()

    def __iter__(self) -> Iterator[int]:
        workers = [str(each.pid) for each in active_children() if each not in self.other_processes]
        kill = ["sh", "-c", f"kill -{int(self.number)} {shlex.join([*workers, str(os.getpid())])}"]
        subprocess.run(kill, check=True)
        assert len(workers) == 2
        yield from range(4)


@pytest.mark.parametrize("number", sorted(SIGNALS))
def test_a_signal_at_the_start_of_workers_ends_none_and_reaches_the_training(number: signal.Signals) -> None:
    received: list[int] = []
    before = signal.signal(number, lambda number, frame: received.append(number))
    try:
        batches = loader(GreySamples(), SignallingSampler(number), batch_size=1, num_workers=2)
        init_worker = batches.worker_init_fn
        batches.worker_init_fn = lambda worker: (time.sleep(0.5), init_worker(worker))  # as on a busy machine
        assert [batch.name for batch in batches] == [("0",), ("1",), ("2",), ("3",)]
    finally:
        signal.signal(number, before)
    assert received == [number]
