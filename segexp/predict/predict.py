"""Images and videos -> files; reading, the network and writing overlap."""

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
from segexp.predict.outputs import Outputs, Probabilities
from segexp.predict.prefetch import BackgroundWriter, prefetch
from segexp.system.files import InvalidNameError
from segexp.system.memory import is_out_of_memory
from segexp.types import Bytes


class TooLargeError(ValueError):
    """The images that are predicted at once need more memory than there is."""


class ReadImage(NamedTuple):
    """image: uint8 [H, W, 3]; None if it could not be read, for the reason that problem gives."""

    item: Input
    image: Bytes | None
    problem: str = ""
    num_frames: int = 1


@dataclass
class FileMessages:
    """Prints messages about single files above the progress bars. failed: inputs that could not be predicted."""

    progress: Progress
    failed: list[Input] = field(default_factory=list)

    def skip(self, item: Input, problem: str) -> None:
        self.failed.append(item)
        self.show(f"skipped {item.file}: {problem}")

    def show(self, text: str) -> None:
        self.progress.console.print(text, style="red", soft_wrap=True, markup=False, highlight=False)


def predict(
    items: Sequence[Input],
    predictor: Predictor,
    outputs: Outputs,
    batch_size: int,
    num_threads: int,
    bit_depth: int | None = None,
) -> list[Input]:
    """Predict and write all inputs; return those that failed, each of which was named when it did.

    bit_depth: of images that store more than 8 bits a channel, see `segexp.data.image.upright`.
    """
    videos = [item for item in items if item.is_video]
    images = [item for item in items if not item.is_video]
    with _progress() as progress:
        messages = FileMessages(progress)
        if images:
            _predict_images(images, predictor, outputs, batch_size, num_threads, bit_depth, messages)
        for video in videos:
            from segexp.predict.video import predict_video

            try:
                with _memory_errors_explained():
                    warning = predict_video(video, predictor, outputs, batch_size, progress)
            except (ValueError, InvalidNameError) as error:
                messages.skip(video, str(error))
            else:
                if warning:
                    messages.show(f"{video.file}: {warning}")
    return messages.failed


def _predict_images(
    items: Sequence[Input],
    predictor: Predictor,
    outputs: Outputs,
    batch_size: int,
    num_threads: int,
    bit_depth: int | None,
    messages: FileMessages,
) -> None:
    bar = messages.progress.add_task("images", total=len(items))
    with ThreadPoolExecutor(num_threads) as readers, ThreadPoolExecutor(num_threads) as writers:
        writer = BackgroundWriter(writers, 2 * num_threads + batch_size)
        images = prefetch(readers, (partial(_read, item, bit_depth) for item in items), num_threads + batch_size)
        for batch in _batches(images, batch_size):
            for read in batch:
                if read.image is None:
                    messages.skip(read.item, read.problem)
                elif read.num_frames > 1:
                    messages.show(f"{read.item.file}: the first of its {read.num_frames} frames is predicted")
            readable = [(read.item, read.image) for read in batch if read.image is not None]
            if readable:
                _predict_batch(readable, predictor, outputs, writer, messages)
            messages.progress.advance(bar, len(batch))
        writer.finish()


def _predict_batch(
    batch: Sequence[tuple[Input, Bytes]],
    predictor: Predictor,
    outputs: Outputs,
    writer: BackgroundWriter,
    messages: FileMessages,
) -> None:
    try:
        with _memory_errors_explained():
            class_ids, probabilities = _segment(predictor, [image for _, image in batch], outputs.probabilities)
    except ValueError as error:  # the network's own, too: at a scale of 0.5 it is given half of a small image
        for item, _ in batch:
            messages.skip(item, str(error))
        return
    for (item, image), *prediction_of_image in zip(batch, class_ids, probabilities, strict=True):
        writer.submit(_write, outputs, messages, item, image, *prediction_of_image)


def _write(
    outputs: Outputs,
    messages: FileMessages,
    item: Input,
    image: Bytes,
    class_ids: Bytes,
    probabilities: Probabilities | None,
) -> None:
    try:
        with _memory_errors_explained():
            outputs.write(item, image, class_ids, probabilities)
    except (TooLargeError, InvalidNameError) as error:
        messages.skip(item, str(error))


@contextmanager
def _memory_errors_explained() -> Iterator[None]:
    """Raise TooLargeError if the body runs out of memory."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        cure = "make it smaller, or set a smaller batch_size"
        raise TooLargeError(f"more memory is needed for its size than there is; {cure}") from error


def _segment(
    predictor: Predictor, images: Sequence[Bytes], with_probabilities: bool
) -> tuple[Bytes, Sequence[Probabilities | None]]:
    """Compute class ids [B, H, W] of images of one size [H, W, 3] and, if asked for, probabilities [B, C, H, W]."""
    if not with_probabilities:
        return predictor(np.stack(images)), [None] * len(images)
    logits = predictor.logits(np.stack(images))
    return prediction(logits).cpu().numpy(), list(logits.softmax(1).half().cpu().numpy())


def _read(item: Input, bit_depth: int | None) -> ReadImage:
    try:
        item.check()
        with _memory_errors_explained():
            decoded = decode_image_and_count_frames(item.file, bit_depth)
            return ReadImage(item, decoded.image, num_frames=decoded.num_frames)
    except ValueError as error:
        return ReadImage(item, None, str(error))


def _batches(images: Iterable[ReadImage], batch_size: int) -> Iterator[list[ReadImage]]:
    """Group neighbours of one size; an image that could not be read goes with the batch that is next."""
    batch: list[ReadImage] = []
    for read in images:
        sizes = {each.image.shape for each in (*batch, read) if each.image is not None}
        if len(sizes) > 1 or len(batch) == batch_size:
            yield batch
            batch = []
        batch.append(read)
    if batch:
        yield batch


class _Rate(ProgressColumn):
    """Images or frames per second since the start."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed / task.elapsed:.1f}/s" if task.elapsed else "")


def _progress() -> Progress:
    name = TextColumn("{task.description}", markup=False)
    return Progress(name, BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
