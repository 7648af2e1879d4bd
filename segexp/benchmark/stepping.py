"""Training steps of one network, by our Trainer and by a loop as anybody would write it, in turn on the same batch.

Both in one process: what a training sets for the whole of it, such as freed memory being kept, serves the loop as well.
"""

import copy
import io
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from segexp.benchmark.memory import peak_bytes
from segexp.config.compose import compose
from segexp.system import signals
from segexp.train import fit
from segexp.train.settings import TrainSettings
from segexp.types import Sample

ONCE_AN_EPOCH = ("best", "last", "early_stopping", "panels")
"""Callbacks that a step never meets; they would ask for a validation, and write checkpoints between the rounds."""
NUM_UNTIMED = 2
"""Steps of each round before and after those that are timed."""
AUTOCAST = {"32-true": None, "bf16-mixed": torch.bfloat16}


@dataclass(frozen=True)
class Case:
    """size: [height, width] of the batch's images. further: overrides of conf/train.yaml."""

    model: str
    batch: int
    size: tuple[int, int]
    classes: str = "cityscapes19"
    precision: str = "32-true"
    compile: bool = False
    channels_last: bool = False
    further: tuple[str, ...] = ()

    def key(self) -> dict[str, Any]:
        further = " ".join(self.further)
        return {**vars(self), "size": f"{self.size[0]}x{self.size[1]}", "further": further}

    def overrides(self, device: torch.device) -> list[str]:
        """Of conf/train.yaml: as a user would train it, with all that is logged, but neither W&B nor a validation."""
        return [
            *(f"{group}={getattr(self, group)}" for group in ("model", "classes")),
            *(f"{key}={str(getattr(self, key)).lower()}" for key in ("compile", "channels_last")),
            f"data.batch_size={self.batch}",
            f"trainer.precision={self.precision}",
            f"trainer.accelerator={'gpu' if device.type == 'cuda' else 'cpu'}",
            f"trainer.devices={[device.index or 0] if device.type == 'cuda' else 1}",
            "trainer.limit_val_batches=0",
            "logger=none",
            *(f"~callbacks.{name}" for name in ONCE_AN_EPOCH),
            *self.further,
        ]


def sample_batch(case: Case, num_classes: int) -> Sample:
    """Random bytes; pinned where a GPU is there, as the loader does it."""
    generator = torch.Generator().manual_seed(0)
    shape = (case.batch, 3, *case.size)
    image = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    target = torch.randint(0, num_classes, (case.batch, *case.size), dtype=torch.uint8, generator=generator)
    if torch.cuda.is_available():
        image, target = image.pin_memory(), target.pin_memory()
    return Sample(image, target, "")


@dataclass(frozen=True)
class Repeated:
    """A loader of one batch, over and over; Lightning would take a list for several loaders."""

    batch: Sample
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Sample]:
        return repeat(self.batch, self.count)


@contextmanager
def training_of(case: Case, device: torch.device, *further: str) -> Iterator[fit.Training]:
    """Built as `segexp.train` builds it, in a folder that goes away, with its progress bar out of sight."""
    values = compose("train", [*case.overrides(device), *further])
    TrainSettings.of(values)
    unseen, place = io.StringIO(), tempfile.TemporaryDirectory(prefix="segexp-")
    warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
    try:
        with place as folder, signals.listening(), redirect_stdout(unseen), redirect_stderr(unseen):
            yield fit.assemble(values, Path(folder))
    except signals.Stopped:
        raise
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from None


class BareLoop:
    """Network, loss, optimizer and scheduler of a task, copied; no metrics, no logging, no callbacks."""

    def __init__(self, task: Any, case: Case, device: torch.device, num_steps: int) -> None:
        self.device, self.dtype = device, AUTOCAST[case.precision]
        self.model, self.loss = (copy.deepcopy(part).to(device).train() for part in (task.model, task.loss))
        if case.compile:
            self.model.compile()
        self.optimizer = task.optimizer(self.model.parameters())
        self.scheduler = task.scheduler(self.optimizer, num_steps)

    def step(self, batch: Sample) -> None:
        image, target = (part.to(self.device, non_blocking=True) for part in (batch.image, batch.target))
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
            loss = self.loss(self.model(image), target)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()


class InTurn(Callback):
    """Before each epoch of the Trainer the bare loop makes as many steps; of both, the middle ones are timed."""

    def __init__(self, bare: BareLoop, batch: Sample, num_steps: int) -> None:
        self.bare, self.batch, self.num_steps = bare, batch, num_steps
        self.bare_seconds: list[float] = []
        self.trainer_seconds: list[float] = []
        self.start = 0.0

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        for number in range(self.num_steps + NUM_UNTIMED):
            self._look_at_clock(number, self.bare_seconds)
            self.bare.step(self.batch)

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch: Sample, batch_index: int) -> None:
        self._look_at_clock(batch_index, self.trainer_seconds)

    def _look_at_clock(self, step: int, seconds: list[float]) -> None:
        if step in (1, self.num_steps + 1):
            if self.bare.device.type == "cuda":
                torch.cuda.synchronize(self.bare.device)
            now = time.perf_counter()
            if step > 1:
                seconds.append((now - self.start) / self.num_steps)
            self.start = now


def steps_in_turn(case: Case, device: torch.device, num_steps: int, rounds: int) -> tuple[InTurn, float]:
    """Seconds of a step in each round, the first of which does not count, and the peak memory of a bare one."""
    with training_of(case, device, f"trainer.max_epochs={rounds + 1}") as (task, data, trainer):
        batch = sample_batch(case, data.grouping.num_classes)
        bare = BareLoop(task, case, device, (rounds + 1) * (num_steps + NUM_UNTIMED))
        bare.step(batch)  # what the optimizer remembers is no memory of a step
        memory = peak_bytes(lambda: bare.step(batch), device)
        turns = InTurn(bare, batch, num_steps)
        trainer.callbacks.append(turns)  # type: ignore[attr-defined]
        trainer.fit(task, Repeated(batch, num_steps + NUM_UNTIMED))
    return turns, memory
