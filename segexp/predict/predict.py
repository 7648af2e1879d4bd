"""Photos and films -> files; reading, the network and writing overlap."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from segexp.inference.image import decode_image_and_count_frames
from segexp.inference.predictor import Predictor
from segexp.metric.confusion import prediction
from segexp.predict.inputs import Input
from segexp.predict.outputs import Fractions, Outputs
from segexp.predict.prefetch import Behind, ahead
from segexp.system.files import InvalidNameError
from segexp.system.memory import is_out_of_memory
from segexp.types import Bytes


class TooLargeError(ValueError):
    """What is predicted at once needs more memory than there is."""


class Read(NamedTuple):
    """image: uint8 [H, W, 3]; None if it could not be read, for the reason that problem gives."""

    item: Input
    image: Bytes | None
    problem: str = ""
    num_frames: int = 1


@dataclass
class Report:
    """What is said of single files above the progress bars. failed: those that could not be predicted."""

    progress: Progress
    failed: list[Input] = field(default_factory=list)

    def skip(self, item: Input, problem: str) -> None:
        self.failed.append(item)
        self.say(f"skipped {item.file}: {problem}")

    def say(self, text: str) -> None:
        self.progress.console.print(text, style="red", soft_wrap=True, markup=False, highlight=False)


def predict(
    items: Sequence[Input], network: Predictor, outputs: Outputs, batch_size: int, num_threads: int
) -> list[Input]:
    """Predict and write all; returns those for which that could not be done, each of which was named then."""
    films = [item for item in items if item.is_film]
    photos = [item for item in items if not item.is_film]
    with _progress() as progress:
        report = Report(progress)
        if photos:
            _photos(photos, network, outputs, batch_size, num_threads, report)
        for film in films:
            from segexp.predict.video import predict_film

            try:
                with _memory_told():
                    remark = predict_film(film, network, outputs, batch_size, progress)
            except (ValueError, InvalidNameError) as error:
                report.skip(film, str(error))
            else:
                if remark:
                    report.say(f"{film.file}: {remark}")
    return report.failed


def _photos(
    photos: Sequence[Input],
    network: Predictor,
    outputs: Outputs,
    batch_size: int,
    num_threads: int,
    report: Report,
) -> None:
    bar = report.progress.add_task("photos", total=len(photos))
    with ThreadPoolExecutor(num_threads) as readers, ThreadPoolExecutor(num_threads) as writers:
        writing = Behind(writers, 2 * num_threads + batch_size)
        reads = ahead(readers, (partial(_read, item) for item in photos), num_threads + batch_size)
        for batch in _batches(reads, batch_size):
            for read in batch:
                if read.image is None:
                    report.skip(read.item, read.problem)
                elif read.num_frames > 1:
                    report.say(f"{read.item.file}: the first of its {read.num_frames} frames is predicted")
            sound = [(read.item, read.image) for read in batch if read.image is not None]
            if sound:
                _batch(sound, network, outputs, writing, report)
            report.progress.advance(bar, len(batch))
        writing.finish()


def _batch(
    sound: Sequence[tuple[Input, Bytes]], network: Predictor, outputs: Outputs, writing: Behind, report: Report
) -> None:
    try:
        with _memory_told():
            class_ids, probabilities = _predicted(network, [image for _, image in sound], outputs.probabilities)
    except ValueError as error:  # the network's own, too: at a scale of 0.5 it is given half of a small photo
        for item, _ in sound:
            report.skip(item, str(error))
        return
    for (item, image), *found in zip(sound, class_ids, probabilities, strict=True):
        writing.submit(_write, outputs, report, item, image, *found)


def _write(
    outputs: Outputs, report: Report, item: Input, image: Bytes, class_ids: Bytes, probabilities: Fractions | None
) -> None:
    try:
        with _memory_told():
            outputs.write(item, image, class_ids, probabilities)
    except (TooLargeError, InvalidNameError) as error:
        report.skip(item, str(error))


@contextmanager
def _memory_told() -> Iterator[None]:
    """Raises TooLargeError where the body finds no memory."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        cure = "make it smaller, or set a smaller batch_size"
        raise TooLargeError(f"more memory is needed for its size than there is; {cure}") from error


def _predicted(
    network: Predictor, images: Sequence[Bytes], with_probabilities: bool
) -> tuple[Bytes, Sequence[Fractions | None]]:
    """Class ids [B, H, W] of images of one size [H, W, 3] and, if asked for, probabilities float16 [B, C, H, W]."""
    if not with_probabilities:
        return network(np.stack(images)), [None] * len(images)
    logits = network.logits(np.stack(images))
    return prediction(logits).cpu().numpy(), list(logits.softmax(1).half().cpu().numpy())


def _read(item: Input) -> Read:
    try:
        item.check()
        with _memory_told():
            photo = decode_image_and_count_frames(item.file)
            return Read(item, photo.image, num_frames=photo.num_frames)
    except ValueError as error:
        return Read(item, None, str(error))


def _batches(reads: Iterable[Read], batch_size: int) -> Iterator[list[Read]]:
    """Neighbours of one size; what could not be read comes with whatever is next."""
    batch: list[Read] = []
    for read in reads:
        sizes = {each.image.shape for each in (*batch, read) if each.image is not None}
        if len(sizes) > 1 or len(batch) == batch_size:
            yield batch
            batch = []
        batch.append(read)
    if batch:
        yield batch


class _Rate(ProgressColumn):
    """Pieces per second since the start."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed / task.elapsed:.1f}/s" if task.elapsed else "")


def _progress() -> Progress:
    name = TextColumn("{task.description}", markup=False)
    return Progress(name, BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
