"""Batches of samples, loaded by worker processes; no Trainer is needed."""

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
    """Build a loader of uint8 batches, in pinned memory if there is a GPU, whose workers persist between epochs."""
    return LazyLoader(
        samples,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=num_workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=num_workers > 0,
        worker_init_fn=_init_worker,
    )


class LazyLoader(DataLoader):
    """A DataLoader that asks the sampler for its order when the first batch is read, not when the iterator is made.

    Lightning makes the iterator before it knows the epoch of a resumed run, and workers would prefetch at once.
    """

    def __iter__(self) -> Iterator[Sample]:  # type: ignore[override]
        yield from super().__iter__()

    def _get_iterator(self):  # private to torch; read in torch 2.13.0: it starts the workers
        with _signals_blocked():
            return super()._get_iterator()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals while workers start, as workers inherit this; what arrives meanwhile is handled afterwards."""
    if not hasattr(signal, "sigwaitinfo"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _init_worker(worker: int) -> None:
    cv2.setNumThreads(0)  # the DataLoader limits torch's own threads to one
    if hasattr(signal, "sigwaitinfo"):
        _ignore_signals_of_others()


def _ignore_signals_of_others() -> None:
    """Obey the SIGTERM of the parent alone.

    SLURM signals every process of a job, and a worker that ended then would end the training before it has saved.
    """
    for number in (signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_exit_when_terminated_by, args=(os.getppid(),), daemon=True).start()


def _exit_when_terminated_by(pid: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != pid:
        pass
    os._exit(0)


def collate(samples: Sequence[Sample]) -> Sample:
    """Stack samples of the same size. Raises ValueError naming samples of different sizes."""
    names = {(sample.image.shape, sample.target.shape): sample.name for sample in samples}
    if len(names) > 1:
        sizes = {name: [list(image[1:]), list(target)] for (image, target), name in names.items()}
        raise ValueError(
            f"a batch holds scenes of different sizes, of image and target: {sizes}; for validation set "
            "data.eval_batch_size=1, for training data.image_size, an augmentation that crops, or data.batch_size=1"
        )
    return default_collate(list(samples))


def default_num_workers() -> int:
    """The number of cores that this process may use less one, at most 8."""
    return max(0, min(8, len(os.sched_getaffinity(0)) - 1)) if hasattr(os, "sched_getaffinity") else 0
