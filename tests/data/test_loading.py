"""Workers are there for the training alone, whatever signals reach their process."""

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


def deafness() -> set[int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


class Deafness(Dataset[bool]):
    """Four times whether the worker that tells it was deaf when it was born."""

    was_deaf = False

    def __getitem__(self, index: int) -> bool:
        return self.was_deaf

    def __len__(self) -> int:
        return 4


def note_deafness(worker: int) -> None:
    get_worker_info().dataset.was_deaf = deafness() >= SIGNALS


def test_workers_are_born_deaf_and_the_training_still_hears() -> None:
    before = deafness()
    batches = LazyLoader(Deafness(), num_workers=1, worker_init_fn=note_deafness, persistent_workers=True)
    for _ in range(2):
        for batch in batches:
            assert batch.tolist() == [True]
            assert deafness() == before


class Grey(Dataset[Sample]):
    def __getitem__(self, index: int) -> Sample:
        return Sample(torch.zeros(3, 2, 2), torch.zeros(2, 2), f"{index}")


class Signalled(Sampler[int]):
    """The order of four samples. It is asked for when workers were just born: they and the training get a signal."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number
        self.others = active_children()

    def __iter__(self) -> Iterator[int]:
        workers = [str(each.pid) for each in active_children() if each not in self.others]
        stranger = ["sh", "-c", f"kill -{int(self.number)} {shlex.join([*workers, str(os.getpid())])}"]
        subprocess.run(stranger, check=True)
        assert len(workers) == 2
        yield from range(4)


@pytest.mark.parametrize("number", sorted(SIGNALS))
def test_a_signal_at_the_birth_of_workers_ends_none_and_reaches_the_training(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    try:
        batches = loader(Grey(), Signalled(number), batch_size=1, num_workers=2)
        make_ready = batches.worker_init_fn
        batches.worker_init_fn = lambda worker: (time.sleep(0.5), make_ready(worker))  # as on a busy machine
        assert [batch.name for batch in batches] == [("0",), ("1",), ("2",), ("3",)]
    finally:
        signal.signal(number, before)
    assert heard == [number]
