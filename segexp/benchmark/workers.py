"""Reading by several processes: how many samples arrive in a second, and how much memory these processes hold."""

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

NUM_PREFETCHED = 2
"""Batches that a DataLoader lets each worker prepare ahead."""


class EndlessSampler:
    """Yields epoch after epoch in the order of training, so that workers need not be started again."""

    def __init__(self, num_scenes: int) -> None:
        self.sampler = TrainingSampler(num_scenes, batch_size=1, seed=0)

    def __iter__(self) -> Iterator[Key]:
        for epoch in count():
            self.sampler.set_epoch(epoch)
            yield from self.sampler


def samples_per_second(
    samples: Dataset[Sample], num_scenes: int, batch_size: int, num_workers: int, seconds: float
) -> float:
    """Samples a second in batches as training collates them; batches prepared before the clock started do not count."""
    batches = _batches(samples, num_scenes, batch_size, num_workers)
    for _ in islice(batches, NUM_PREFETCHED * num_workers + 1):
        pass
    start, num_batches = time.perf_counter(), 0
    while num_batches == 0 or time.perf_counter() - start < seconds:
        next(batches)
        num_batches += 1
    return num_batches * batch_size / (time.perf_counter() - start)


def resident_bytes(samples: Dataset[Sample], num_scenes: int, num_workers: int, num_epochs: int) -> list[int]:
    """Memory of all workers together after each epoch, mapped files included (Linux: VmRSS).

    Raises OSError where the system does not report it.
    """
    with suppress(OSError):
        return_freed_memory()  # workers would inherit it, and use it before they grow
    others = set(multiprocessing.active_children())
    batches, sizes = _batches(samples, num_scenes, 1, num_workers), []
    for _ in range(num_epochs):
        for _ in islice(batches, num_scenes):
            pass
        sizes.append(sum(_resident(each.pid) for each in set(multiprocessing.active_children()) - others))
    return sizes


def _batches(samples: Dataset[Sample], num_scenes: int, batch_size: int, num_workers: int) -> Iterator[Sample]:
    warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores, as the settings say
    endless: DataLoader = loader(samples, EndlessSampler(num_scenes), batch_size, num_workers)  # type: ignore[arg-type]
    return iter(endless)


def _resident(process: int | None) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
