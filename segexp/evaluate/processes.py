"""Images of a split shared out among processes: each is seen once, and comes back in its place."""

import os
import signal
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import parent_process
from typing import Any

import torch
from torch import multiprocessing

from segexp.evaluate.tally import Job, Tally, tally
from segexp.system.memory import keep_freed_memory


@dataclass
class _Mine:
    job: Job
    device: torch.device


_mine: _Mine | None = None


def tallies(job: Job, devices: list[torch.device], num_processes: int) -> Generator[Tally]:
    """Of every image, in order. devices: dealt out to the processes in turn.

    Nothing is summed over images in floating point, so the number of processes changes no bit of what comes back. But
    on CPUs they share the threads, whose number decides how some networks' sums are rounded.
    Raises what reading an image raises, and OSError if a process dies.
    """
    if num_processes == 1:
        _load(job, devices[0])
        yield from (tally(job, number, devices[0]) for number in range(len(job.pairs)))
        return
    context = multiprocessing.get_context("spawn")  # a forked process cannot use a GPU
    free = context.SimpleQueue()
    for number in range(num_processes):
        free.put(devices[number % len(devices)])
    threads = max(1, torch.get_num_threads() // num_processes)
    with ProcessPoolExecutor(num_processes, context, _prepare, (job, free, threads)) as pool:
        try:
            yield from _started(pool, len(job.pairs))
        except BrokenProcessPool as error:
            raise OSError(f"a process of the evaluation died ({error}); try a smaller num_processes") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _load(job: Job, device: torch.device) -> None:
    if device.type == "cpu":
        keep_freed_memory()
    job.model.to(device)


def _started(pool: ProcessPoolExecutor, num_images: int) -> Iterator[Tally]:
    """The processes inherit that they are deaf to Ctrl-C, which is for whoever started them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.map(_tally, range(num_images))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(job: Job, free: Any, num_threads: int) -> None:
    global _mine
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(num_threads)
    _mine = _Mine(job, free.get())
    _load(job, _mine.device)


def _end_with_parent() -> None:
    """A killed parent cannot send anybody home."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _tally(number: int) -> Tally:
    assert _mine is not None
    return tally(_mine.job, number, _mine.device)
