"""Work on a batch in chunks of pixels: bounded memory, and on the CPU one thread per chunk."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from types import TracebackType
from typing import Self, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from segexp.types import Logits

Scores = Float[Tensor, "batch num_classes pixel"]
"""Logits of any floating type and memory format."""
ClassByPixel = Float[Tensor, "num_classes pixel"]
Scratch = Float[Tensor, "2 num_classes pixel"]
"""Memory for two values per class and pixel of a chunk, used again for the next chunk."""
Result = TypeVar("Result")
CHUNK_ELEMENTS = 2**19  # of the logits: few enough for the caches, and enough that threads seldom wait for Python
CHUNK_ELEMENTS_ELSEWHERE = 2**22  # on a GPU: small beside all of them, and enough for all its cores


class ChunkPool:
    """A context in which as many threads as torch uses work on one chunk each, and torch uses one thread in each.

    On other devices than the CPU one thread takes chunk after chunk. If torch split every operation among its threads,
    all would wait for the slowest after each operation, which takes 30 times as long where another process, such as one
    that loads data, needs one of the cores.
    """

    def __init__(self, device: torch.device) -> None:
        self._num_threads = torch.get_num_threads() if device.type == "cpu" else 1
        self._elements = CHUNK_ELEMENTS if device.type == "cpu" else CHUNK_ELEMENTS_ELSEWHERE
        self._executor = ThreadPoolExecutor(self._num_threads, initializer=torch.set_num_threads, initargs=(1,))

    def __enter__(self) -> Self:
        if self._num_threads > 1:
            torch.set_num_threads(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._executor.shutdown()
        if self._num_threads > 1:
            torch.set_num_threads(self._num_threads)

    def map(self, work: Callable[[int, slice, Scratch], Result], images: Tensor) -> list[tuple[int, Result]]:
        """Call work(image, range of its pixels, scratch) on all chunks of a batch [B, C, pixel].

        Returns the index of the image and the result of each chunk, in any order.
        scratch: fresh memory for every chunk would take longer to get than most operations take to compute.
        """
        num_images, num_classes, num_pixels = images.shape
        size = min(num_pixels, max(1, self._elements // num_classes))
        chunks = iter([(image, start) for image in range(num_images) for start in range(0, num_pixels, size)])

        def work_through(_: int) -> list[tuple[int, Result]]:
            memory, results = torch.empty(2, num_classes * size, dtype=torch.float32, device=images.device), []
            for image, start in chunks:  # shared by all threads
                length = min(size, num_pixels - start)
                scratch = memory[:, : num_classes * length].view(2, num_classes, length)
                results.append((image, work(image, slice(start, start + length), scratch)))
            return results

        threads = range(self._num_threads)
        return list(chain.from_iterable((self._executor.map if self._num_threads > 1 else map)(work_through, threads)))


def is_plain(chunk: Float[Tensor, "num_classes pixel"]) -> bool:
    """Whether a chunk lies in memory as chunks are computed: in float32, one class after the other."""
    return chunk.dtype == torch.float32 and chunk.stride(1) == 1


def in_float32(scores: ClassByPixel, out: ClassByPixel) -> ClassByPixel:
    """The plain logits of a chunk: themselves, or a copy in `out`."""
    return scores if is_plain(scores) else out.copy_(scores)


def empty_gradient(logits: Logits) -> tuple[Logits, Scores]:
    """Memory for the gradient in the type and the memory format of the logits, and the same memory as [B, C, pixel]."""
    layout = torch.channels_last if logits.stride(1) == 1 else torch.contiguous_format
    gradient = torch.empty_like(logits, memory_format=layout)
    return gradient, gradient.view(*logits.shape[:2], logits.shape[2:].numel())
