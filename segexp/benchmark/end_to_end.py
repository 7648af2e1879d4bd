"""Steps of a training that reads its samples, to see whether it waits for them."""

import statistics
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.utils.data import Dataset

from segexp.benchmark.overhead import training_of
from segexp.benchmark.results import Record
from segexp.benchmark.settings import StepCase
from segexp.benchmark.workers import EndlessSampler
from segexp.data.loading import default_num_workers, loader
from segexp.types import Sample

NUM_UNTIMED = 20
"""First steps that are not timed: the network compiles, memory caches fill, and workers are ahead."""
UTILIZATION_EVERY = 10
"""Steps between two readings of the GPU's utilization; its driver averages over up to a second."""


class TimedLoader(Callback):
    """Hands out batches; measures the seconds of the steps, and those of them that the host waits for batches."""

    def __init__(self, batches: Iterable[Sample], num_steps: int, device: torch.device) -> None:
        self.batches, self.num_steps, self.device = batches, num_steps, device
        self.wait_seconds = self.start = self.seconds = 0.0
        self.utilizations: list[float] = []

    def __iter__(self) -> Iterator[Sample]:
        batches = iter(self.batches)
        while True:
            start = time.perf_counter()
            batch = next(batches)
            self.wait_seconds += time.perf_counter() - start
            yield batch

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch: Sample, batch_index: int) -> None:
        step = batch_index - NUM_UNTIMED
        if step in (0, self.num_steps):
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.seconds = time.perf_counter() - self.start
            self.start = time.perf_counter()
        if step == 0:
            self.wait_seconds, self.utilizations = 0.0, []
        elif step % UTILIZATION_EVERY == 0 and (percent := _utilization(self.device)) is not None:
            self.utilizations.append(percent / 100)


def end_to_end_steps(
    case: StepCase, device: torch.device, samples: Dataset[Sample], num_scenes: int, num_steps: int
) -> Record:
    """Train a case on samples that a loader reads, and return the measurements of num_steps steps.

    images_per_second. wait: share of the time that the host waited for a batch; a GPU works on meanwhile, so that it
    waited at most as long. busy: share of the time that the GPU worked; None without a GPU, or without nvidia-ml-py,
    which torch needs for it. memory: peak bytes on a GPU.
    """
    batches = loader(samples, EndlessSampler(num_scenes), case.batch, default_num_workers())  # type: ignore[arg-type]
    timed_loader = TimedLoader(batches, num_steps, device)
    limit = f"trainer.limit_train_batches={NUM_UNTIMED + num_steps + 1}"
    with training_of(case, device, "trainer.max_epochs=1", limit) as (_, task, _, trainer):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        trainer.callbacks.append(timed_loader)  # type: ignore[attr-defined]
        trainer.fit(task, timed_loader)
    return {
        "images_per_second": num_steps * case.batch / timed_loader.seconds,
        "wait": timed_loader.wait_seconds / timed_loader.seconds,
        "busy": statistics.mean(timed_loader.utilizations) if timed_loader.utilizations else None,
        "memory": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def _utilization(device: torch.device) -> Any:
    """Percent; None where it is not known."""
    try:
        return torch.cuda.utilization(device) if device.type == "cuda" else None
    except (ModuleNotFoundError, RuntimeError):  # no nvidia-ml-py, or a driver that does not report it
        return None
