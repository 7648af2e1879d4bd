"""Samples -> batches, without a Trainer."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from segexp.types import Sample


def loader(samples: Dataset[Sample], sampler: Sampler, batch_size: int, num_workers: int) -> DataLoader:
    """Batches of uint8, pinned where a GPU will fetch them, from workers that stay between epochs."""
    return LazyLoader(
        samples,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=num_workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
        worker_init_fn=_be_one_thread_of_the_training,
    )


class LazyLoader(DataLoader):
    """A DataLoader that asks the sampler for its order when the first batch is wanted, not when it is made ready.

    Lightning makes it ready before it knows the epoch of a run that goes on, and workers would read ahead at once.
    """

    def __iter__(self) -> Iterator[Sample]:  # type: ignore[override]
        yield from super().__iter__()

    def _get_iterator(self):
        with _deaf():
            return super()._get_iterator()


@contextmanager
def _deaf() -> Iterator[None]:
    """Workers that the body starts inherit that they are deaf; a process of no other thread hears again after it."""
    if not hasattr(signal, "sigwaitinfo"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_one_thread_of_the_training(worker: int) -> None:
    cv2.setNumThreads(0)  # torch's own are limited to one by the DataLoader
    if hasattr(signal, "sigwaitinfo"):
        _obey_the_training_alone()


def _obey_the_training_alone() -> None:
    """SLURM signals every process of a job; a worker that died of it would take the training with it, unsaved."""
    for number in (signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_the_training, args=(os.getppid(),), daemon=True).start()


def _end_with_the_training(pid: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != pid:
        pass
    os._exit(0)


def collate(samples: Sequence[Sample]) -> Sample:
    """Stack samples of one size. Raises ValueError naming two of different size."""
    shapes = {(sample.image.shape, sample.target.shape): sample.name for sample in samples}
    if len(shapes) > 1:
        found = {name: [list(image[1:]), list(target)] for (image, target), name in shapes.items()}
        raise ValueError(
            f"a batch holds scenes of different sizes, of image and target: {found}; for validation set "
            "data.eval_batch_size=1, for training data.image_size, an augmentation that crops, or data.batch_size=1"
        )
    return default_collate(list(samples))


def default_num_workers() -> int:
    return max(0, min(8, len(os.sched_getaffinity(0)) - 1)) if hasattr(os, "sched_getaffinity") else 0
