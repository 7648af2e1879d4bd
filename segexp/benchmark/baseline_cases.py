"""What is measured of a checkout by its commands: the start of a training, its steps, and predictions."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from PIL import Image

from segexp.benchmark.checkout import Checkout, CommandFailedError, Usage
from segexp.benchmark.settings import BaselinePart, BaselineTraining
from segexp.types import SMALLEST_SIDE, Size

BRIEF = ("logger=none", "trainer.enable_progress_bar=false", "trainer.limit_val_batches=1", "~callbacks.panels")
"""Overrides of a training that reports to nobody, and validates so little that no figure counts it."""
RATE, MEGABYTES, SECONDS, CPU_SECONDS = "images/s", "MB", "s", "CPU s"
NETWORK_MEGABYTES = "MB above a 32x32 image"
THROUGHPUT = "train/samples_per_second"
NUM_EPOCHS = 2
"""Of a training; the first is not counted: the network, its optimizer and the cache of images are set up in it."""
RUN, METRICS = "run", "metrics.jsonl"


class Case(Protocol):
    """part, name: of the case. measures: the names of what `measure` returns."""

    part: ClassVar[BaselinePart]
    measures: ClassVar[Sequence[str]]

    @property
    def name(self) -> str: ...

    def prepare(self, checkout: Checkout, folder: Path) -> float:
        """Do before the rounds what is not counted, in a folder that lasts as long as the case.

        Returns the peak bytes of the last command.
        """
        ...

    def measure(self, checkout: Checkout, folder: Path, prepared_peak: float) -> Mapping[str, float]:
        """One round in that folder. Raises CommandFailedError if a command fails."""
        ...


@dataclass(frozen=True)
class StartCase:
    """Seconds from the command of a training until the first row of its metrics.jsonl; the training is ended then."""

    part: ClassVar[BaselinePart] = "start"
    measures: ClassVar[Sequence[str]] = (SECONDS, CPU_SECONDS)
    overrides: Sequence[str]

    @property
    def name(self) -> str:
        return f"first row of {' '.join(self.overrides)}"

    def prepare(self, checkout: Checkout, folder: Path) -> float:
        """Render the scenes where there are none yet, and let the system read the libraries."""
        return self._start(checkout, folder)[1].peak_bytes

    def measure(self, checkout: Checkout, folder: Path, prepared_peak: float) -> dict[str, float]:
        rows, usage = self._start(checkout, folder)
        return {SECONDS: rows.stat().st_mtime - usage.started, CPU_SECONDS: usage.cpu_seconds}

    def _start(self, checkout: Checkout, folder: Path) -> tuple[Path, Usage]:
        run = _new(folder / RUN)
        rows = run / METRICS
        return rows, checkout.run_until(rows, "train", [*self.overrides, f"hydra.run.dir={run}"], folder)


@dataclass(frozen=True)
class TrainingCase:
    """Images a second of a training after its first epoch, and the peak memory of its process."""

    part: ClassVar[BaselinePart] = "train"
    measures: ClassVar[Sequence[str]] = (RATE, MEGABYTES)
    training: BaselineTraining
    streets_root: str

    @property
    def name(self) -> str:
        return f"{' '.join(self.training.overrides)} {self.training.batch}x{_by(self.training.size)}"

    def prepare(self, checkout: Checkout, folder: Path) -> float:
        return self._train(checkout, folder, "trainer.limit_train_batches=1").peak_bytes

    def measure(self, checkout: Checkout, folder: Path, prepared_peak: float) -> dict[str, float]:
        usage = self._train(checkout, folder)
        rows = [json.loads(line) for line in (folder / RUN / METRICS).read_text().splitlines()]
        rates = [row[THROUGHPUT] for row in rows if THROUGHPUT in row]
        if len(rates) != NUM_EPOCHS:
            raise CommandFailedError(f"segexp.train wrote {THROUGHPUT} {len(rates)} times and not {NUM_EPOCHS}")
        return {RATE: rates[-1], MEGABYTES: usage.peak_bytes / 1e6}

    def _train(self, checkout: Checkout, folder: Path, *further: str) -> Usage:
        batch, (height, width) = self.training.batch, self.training.size
        streets = _streets(self.streets_root, batch * self.training.steps, height, width)
        reading = [f"data.batch_size={batch}", "data.num_workers=0", "data.cache=memory"]
        length = [f"trainer.max_epochs={NUM_EPOCHS}", *further, f"hydra.run.dir={_new(folder / RUN)}"]
        return checkout.run("train", [*self.training.overrides, *streets, *reading, *BRIEF, *length], folder)


@dataclass(frozen=True)
class PredictionCase:
    """Images a second of a prediction, and the peak memory of its process, in all and above that of a tiny image.

    The rate is that from the first mask that is written to the last one, as the times of the files say: neither loading
    nor the first image counts. overrides: of the training of one step that makes the network. further: of prediction.
    """

    part: ClassVar[BaselinePart] = "predict"
    measures: ClassVar[Sequence[str]] = (RATE, MEGABYTES, NETWORK_MEGABYTES)
    overrides: Sequence[str]
    size: Size
    num_images: int
    further: Sequence[str]
    streets_root: str

    @property
    def name(self) -> str:
        return f"{' '.join(self.overrides)} {_by(self.size)}"

    def prepare(self, checkout: Checkout, folder: Path) -> float:
        data = [*_streets(self.streets_root, 2, 64, 128), "data.batch_size=2", "data.num_workers=0"]
        length = ["trainer.max_epochs=1", f"hydra.run.dir={_new(folder / RUN)}"]
        checkout.run("train", [*self.overrides, *data, *BRIEF, *length], folder)
        _write_images(folder / "images", self.num_images, self.size)
        _write_images(folder / "tiny", 1, (SMALLEST_SIDE, SMALLEST_SIDE))
        return self._predict(checkout, folder, "tiny")[1].peak_bytes

    def measure(self, checkout: Checkout, folder: Path, prepared_peak: float) -> dict[str, float]:
        masks, usage = self._predict(checkout, folder, "images")
        times = [mask.stat().st_mtime for mask in masks]
        seconds = max(times) - min(times)
        if not seconds:
            raise CommandFailedError("segexp.predict wrote all masks at one time; predict more images or larger ones")
        return {
            RATE: (len(times) - 1) / seconds,
            MEGABYTES: usage.peak_bytes / 1e6,
            NETWORK_MEGABYTES: (usage.peak_bytes - prepared_peak) / 1e6,
        }

    def _predict(self, checkout: Checkout, folder: Path, images: str) -> tuple[list[Path], Usage]:
        output = _new(folder / "output")
        places = [f"run={folder / RUN}", f"input={folder / images}", f"output={output}"]
        usage = checkout.run("predict", [*places, *self.further], folder)
        return list((output / "masks").iterdir()), usage


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _new(folder: Path) -> Path:
    """The path of a folder, which is removed if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _streets(root: str, num_train: int, height: int, width: int) -> list[str]:
    """Overrides of a training on rendered scenes, with one to be validated, which no figure counts."""
    values = {"root": root, "num_train": num_train, "num_val": 1, "height": height, "width": width}
    return ["data=streets", *(f"data.{key}={value}" for key, value in values.items())]


def _write_images(folder: Path, number: int, size: Size) -> None:
    """Images of blurred noise, as PNG."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    for index in range(number):
        noise = generator.integers(0, 256, (8, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((size[1], size[0])).save(folder / f"{index}.png")
