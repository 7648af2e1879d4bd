"""Work on a batch piece by piece: bounded memory, and on the CPU one thread for each piece."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from types import TracebackType
from typing import Self, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

Buffers = Float[Tensor, "2 num_classes pixel"]
Result = TypeVar("Result")
PIECE_ELEMENTS = 2**19  # what a thread has in flight: little beside the logits, and in the cache of a CPU


class Pieces:
    """Shares out pieces of a batch among as many threads as torch uses; inside, torch itself uses one.

    On other devices than the CPU there is one piece after the other. Were each step shared out instead of each piece,
    all threads would wait for the slowest after every step, which takes 30 times as long where another process, such as
    one that loads data, needs one of the cores.
    """

    def __init__(self, device: torch.device) -> None:
        self._num_threads = torch.get_num_threads() if device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(self._num_threads, initializer=torch.set_num_threads, initargs=(1,))

    def __enter__(self) -> Self:
        if self._num_threads > 1:
            torch.set_num_threads(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()
        if self._num_threads > 1:
            torch.set_num_threads(self._num_threads)

    def each(self, images: Tensor, work: Callable[[int, slice, Buffers], Result]) -> list[tuple[int, Result]]:
        """Images and results of work(image, range of its pixels, buffers) on all pieces of a batch [B, C, pixel].

        buffers: two tensors for values per class and pixel of the piece; the same memory serves piece after piece, as
        fresh memory would take longer to get than most steps to compute.
        """
        num_images, num_classes, num_pixels = images.shape
        step = min(num_pixels, max(1, PIECE_ELEMENTS // num_classes))
        waiting = iter([(image, start) for image in range(num_images) for start in range(0, num_pixels, step)])

        def run(_: int) -> list[tuple[int, Result]]:
            memory, done = torch.empty(2, num_classes * step, device=images.device), []
            for image, start in waiting:
                size = min(step, num_pixels - start)
                buffers = memory[:, : num_classes * size].view(2, num_classes, size)
                done.append((image, work(image, slice(start, start + size), buffers)))
            return done

        threads = range(self._num_threads)
        return list(chain.from_iterable((self._pool.map if self._num_threads > 1 else map)(run, threads)))
