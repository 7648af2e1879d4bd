"""Training steps of one network by the Trainer and by a bare loop, in turn on the same batch.

Both run in one process, so that settings of the process, such as keeping freed memory, serve the loop as well.
"""

import copy
import io
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_object
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from segexp.benchmark.memory import peak_bytes
from segexp.benchmark.settings import StepCase
from segexp.config.compose import compose
from segexp.system import signals
from segexp.system.arithmetic import decide
from segexp.train.assemble import Training, assemble
from segexp.train.settings import TrainSettings
from segexp.types import Sample

NUM_UNTIMED = 2
"""Steps of each round that are not timed: one before the timed ones, one after them."""


def decided(case: StepCase, device: torch.device) -> StepCase:
    """The same case with what is fastest on this device in place of `auto`, as its training decides."""
    chosen = decide(case.precision, case.memory_format, device)
    return case.model_copy(update={"precision": chosen.precision, "memory_format": chosen.memory_format})


def overrides(case: StepCase, device: torch.device) -> list[str]:
    """Overrides of conf/train.yaml: a training as users run it, with all that it logs, without W&B and validation."""
    return [
        *(f"{group}={getattr(case, group)}" for group in ("model", "classes")),
        *(f"{key}={str(getattr(case, key)).lower()}" for key in ("compile", "precision", "memory_format")),
        f"data.batch_size={case.batch}",
        f"trainer.accelerator={'gpu' if device.type == 'cuda' else 'cpu'}",
        f"trainer.devices={[device.index or 0] if device.type == 'cuda' else 1}",
        "trainer.limit_val_batches=0",
        "logger=none",
        *(f"~callbacks.{name}" for name, node in compose("train")["callbacks"].items() if _is_of_epochs(node)),
        *case.further,
    ]


def _is_of_epochs(callback: Mapping[str, Any]) -> bool:
    """Whether a callback awaits a validation, or writes checkpoints between the rounds; no step would call it."""
    return "monitor" in callback or issubclass(get_object(callback["_target_"]), Checkpoint)


def sample_batch(case: StepCase, num_classes: int) -> Sample:
    """A batch of random bytes; in pinned memory if there is a GPU, as the loader gives it."""
    generator = torch.Generator().manual_seed(0)
    shape = (case.batch, 3, *case.size)
    image = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    target = torch.randint(0, num_classes, (case.batch, *case.size), dtype=torch.uint8, generator=generator)
    if torch.cuda.is_available():
        image, target = image.pin_memory(), target.pin_memory()
    return Sample(image, target, "")


@dataclass(frozen=True)
class RepeatedBatch:
    """A loader of one batch, over and over; Lightning would take a list for several loaders."""

    batch: Sample
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Sample]:
        return repeat(self.batch, self.count)


@contextmanager
def training_of(case: StepCase, device: torch.device, *further: str) -> Iterator[Training]:
    """The training of a case as `segexp.train` builds it, in a folder that goes away; its output is discarded."""
    values = compose("train", [*overrides(case, device), *further])
    TrainSettings.of(values)
    discarded, place = io.StringIO(), tempfile.TemporaryDirectory(prefix="segexp-")
    warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
    try:
        with place as folder, signals.listening(), redirect_stdout(discarded), redirect_stderr(discarded):
            yield assemble(values, Path(folder))
    except signals.Stopped:
        raise
    except SystemExit:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from None


class BareLoop:
    """A training loop as anybody would write it: copies of a task's parts, no metrics, no logging, no callbacks."""

    def __init__(self, task: Any, case: StepCase, device: torch.device, num_steps: int) -> None:
        self.device, self.dtype = device, getattr(torch, decided(case, device).precision)
        self.model, self.loss = (copy.deepcopy(part).to(device).train() for part in (task.model, task.loss))
        if case.compile:
            self.model.compile()
        self.optimizer = task.make_optimizer(self.model)
        self.scheduler = task.make_scheduler(self.optimizer, num_steps)

    def step(self, batch: Sample) -> None:
        image, target = (part.to(self.device, non_blocking=True) for part in (batch.image, batch.target))
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not torch.float32):
            loss = self.loss(self.model(image), target)
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()


class InterleavedTimer(Callback):
    """Lets the bare loop make as many steps before each epoch of the Trainer, and times the middle ones of both."""

    def __init__(self, bare: BareLoop, batch: Sample, num_steps: int) -> None:
        self.bare, self.batch, self.num_steps = bare, batch, num_steps
        self.bare_seconds: list[float] = []
        self.trainer_seconds: list[float] = []
        self.start = 0.0

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        for number in range(self.num_steps + NUM_UNTIMED):
            self._read_clock(number, self.bare_seconds)
            self.bare.step(self.batch)

    def on_train_batch_start(self, trainer: Trainer, task: LightningModule, batch: Sample, batch_index: int) -> None:
        self._read_clock(batch_index, self.trainer_seconds)

    def _read_clock(self, step: int, seconds: list[float]) -> None:
        if step in (1, self.num_steps + 1):
            if self.bare.device.type == "cuda":
                torch.cuda.synchronize(self.bare.device)
            now = time.perf_counter()
            if step > 1:
                seconds.append((now - self.start) / self.num_steps)
            self.start = now


def time_steps(case: StepCase, device: torch.device, num_steps: int, rounds: int) -> tuple[InterleavedTimer, float]:
    """The timer with the seconds of a step in each round, and the memory of a bare step; round 0 does not count."""
    with training_of(case, device, f"trainer.max_epochs={rounds + 1}") as (_, task, data, trainer):
        batch = sample_batch(case, data.grouping.num_classes)
        bare = BareLoop(task, case, device, (rounds + 1) * (num_steps + NUM_UNTIMED))
        bare.step(batch)  # the first step allocates the optimizer's state, which is no memory of a step
        memory = peak_bytes(lambda: bare.step(batch), device)
        timer = InterleavedTimer(bare, batch, num_steps)
        trainer.callbacks.append(timer)  # type: ignore[attr-defined]
        trainer.fit(task, RepeatedBatch(batch, num_steps + NUM_UNTIMED))
    return timer, memory
