"""A training that reads its samples, to see whether it waits for them."""

import statistics
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.utils.data import Dataset

from segexp.benchmark.results import Record
from segexp.benchmark.stepping import Case, training_of
from segexp.benchmark.workers import Endless
from segexp.data.loading import default_num_workers, loader
from segexp.types import Sample

NUM_UNTIMED = 20
"""First steps: compiling, filling caches of memory, and batches that workers had prepared before."""
ASKED_EVERY = 10
"""Steps from one look at the GPU's utilisation to the next; its driver averages over up to a second."""


class Watched(Callback):
    """Hands out batches and takes the time: of the steps, and of the host's waiting for batches within it."""

    def __init__(self, batches: Iterable[Sample], num_steps: int, device: torch.device) -> None:
        self.batches, self.num_steps, self.device = batches, num_steps, device
        self.waited = self.start = self.seconds = 0.0
        self.busy: list[float] = []

    def __iter__(self) -> Iterator[Sample]:
        batches = iter(self.batches)
        while True:
            asked = time.perf_counter()
            batch = next(batches)
            self.waited += time.perf_counter() - asked
            yield batch

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch: Sample, batch_index: int) -> None:
        step = batch_index - NUM_UNTIMED
        if step in (0, self.num_steps):
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.seconds = time.perf_counter() - self.start
            self.start = time.perf_counter()
        if step == 0:
            self.waited, self.busy = 0.0, []
        elif step % ASKED_EVERY == 0 and (percent := _utilization(self.device)) is not None:
            self.busy.append(percent / 100)


def fed_steps(case: Case, device: torch.device, samples: Dataset[Sample], num_scenes: int, num_steps: int) -> Record:
    """images_per_second; wait: share of the time that the host waited for a batch; busy: of that the GPU worked.

    On a GPU, which works on while the host waits, `wait` is the most that the GPU can have waited.
    busy is None without a GPU, or without nvidia-ml-py, through which torch asks for it. memory: peak bytes on a GPU.
    """
    batches = loader(samples, Endless(num_scenes), case.batch, default_num_workers())  # type: ignore[arg-type]
    watched = Watched(batches, num_steps, device)
    limit = f"trainer.limit_train_batches={NUM_UNTIMED + num_steps + 1}"
    with training_of(case, device, "trainer.max_epochs=1", limit) as (task, _, trainer):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        trainer.callbacks.append(watched)  # type: ignore[attr-defined]
        trainer.fit(task, watched)
    return {
        "images_per_second": num_steps * case.batch / watched.seconds,
        "wait": watched.waited / watched.seconds,
        "busy": statistics.mean(watched.busy) if watched.busy else None,
        "memory": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def _utilization(device: torch.device) -> Any:
    """Percent, or None where it cannot be asked for."""
    try:
        return torch.cuda.utilization(device) if device.type == "cuda" else None
    except (ModuleNotFoundError, RuntimeError):  # no nvidia-ml-py, or a driver that does not tell
        return None
