"""Reading by several processes: how many samples arrive in a second, and how much memory those processes hold."""

import multiprocessing
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

from torch.utils.data import DataLoader, Dataset

from segexp.benchmark.crops import Key
from segexp.data.loading import loader
from segexp.data.sampler import TrainingSampler
from segexp.system.memory import return_freed_memory
from segexp.types import Sample

PREFETCHED = 2
"""Batches that a DataLoader asks of each worker ahead."""


class Endless:
    """Epoch after epoch in the order of training, so that workers need not be started again."""

    def __init__(self, num_scenes: int) -> None:
        self.sampler = TrainingSampler(num_scenes, batch_size=1, seed=0)

    def __iter__(self) -> Iterator[Key]:
        for epoch in count():
            self.sampler.set_epoch(epoch)
            yield from self.sampler


def samples_per_second(
    samples: Dataset[Sample], num_scenes: int, batch_size: int, num_workers: int, seconds: float
) -> float:
    """Of batches as training collates them; those that were prepared before the clock started do not count."""
    batches = _batches(samples, num_scenes, batch_size, num_workers)
    for _ in islice(batches, PREFETCHED * num_workers + 1):
        pass
    start, num_batches = time.perf_counter(), 0
    while num_batches == 0 or time.perf_counter() - start < seconds:
        next(batches)
        num_batches += 1
    return num_batches * batch_size / (time.perf_counter() - start)


def resident_bytes(samples: Dataset[Sample], num_scenes: int, num_workers: int, num_epochs: int) -> list[int]:
    """Memory of all workers together after each epoch, with what they have mapped of files (Linux: VmRSS).

    Raises OSError where the system does not tell.
    """
    with suppress(OSError):
        return_freed_memory()  # workers would inherit it, and use it up before they are seen to grow
    others = set(multiprocessing.active_children())
    batches, found = _batches(samples, num_scenes, 1, num_workers), []
    for _ in range(num_epochs):
        for _ in islice(batches, num_scenes):
            pass
        found.append(sum(_resident(each.pid) for each in set(multiprocessing.active_children()) - others))
    return found


def _batches(samples: Dataset[Sample], num_scenes: int, batch_size: int, num_workers: int) -> Iterator[Sample]:
    warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores, which were asked for
    endless: DataLoader = loader(samples, Endless(num_scenes), batch_size, num_workers)  # type: ignore[arg-type]
    return iter(endless)


def _resident(process: int | None) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
