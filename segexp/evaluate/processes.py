"""Images of a split shared out among processes: each is counted once, and its counts come back in its place."""

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

from segexp.evaluate.image_counts import CountingTask, ImageCounts, count_image
from segexp.system.memory import keep_freed_memory


@dataclass
class _ProcessState:
    task: CountingTask
    device: torch.device


_state: _ProcessState | None = None


def count_images(task: CountingTask, devices: list[torch.device], num_processes: int) -> Generator[ImageCounts]:
    """Yield the counts of every image, in order. devices: dealt out to the processes in turn.

    Nothing is summed over images in floating point, so the number of processes changes no bit of the counts. But on
    CPUs they share the threads, whose number decides how some networks' sums are rounded.
    Raises what reading an image raises, and OSError if a process dies.
    """
    if num_processes == 1:
        _move_model(task, devices[0])
        yield from (count_image(task, index, devices[0]) for index in range(len(task.pairs)))
        return
    context = multiprocessing.get_context("spawn")  # a forked process cannot use a GPU
    free_devices = context.SimpleQueue()
    for number in range(num_processes):
        free_devices.put(devices[number % len(devices)])
    threads = max(1, torch.get_num_threads() // num_processes)
    with ProcessPoolExecutor(num_processes, context, _start_process, (task, free_devices, threads)) as pool:
        try:
            yield from _submit_images(pool, len(task.pairs))
        except BrokenProcessPool as error:
            raise OSError(f"a process of the evaluation died ({error}); try a smaller num_processes") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _move_model(task: CountingTask, device: torch.device) -> None:
    if device.type == "cpu":
        keep_freed_memory()
    task.model.to(device)


def _submit_images(pool: ProcessPoolExecutor, num_images: int) -> Iterator[ImageCounts]:
    """Start the processes deaf to Ctrl-C, which they inherit: it is for the process that started them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.map(_count_image, range(num_images))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_process(task: CountingTask, free_devices: Any, num_threads: int) -> None:
    global _state
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(num_threads)
    _state = _ProcessState(task, free_devices.get())
    _move_model(task, _state.device)


def _end_with_parent() -> None:
    """A killed parent cannot end its processes itself."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _count_image(index: int) -> ImageCounts:
    assert _state is not None
    return count_image(_state.task, index, _state.device)
