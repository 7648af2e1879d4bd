"""Images that clients send one by one -> batches that the network takes; one thread a device."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from segexp.serve.figures import Figures
from segexp.types import Bytes

Network = Callable[[Bytes], Bytes]
"""Images uint8 [B, H, W, 3] -> train ids uint8 [B, H, W]."""


class Predicted(NamedTuple):
    """train_ids: uint8 [H, W]. seconds: that the network took for the batch the image was in."""

    train_ids: Bytes
    seconds: float


@dataclass(eq=False)
class _Waiting:
    image: Bytes
    since: float
    answer: "asyncio.Future[Predicted]"


class Batches:
    """Puts images of one size together while the network is busy, or for max_wait_seconds.

    networks: one a device. max_batch: images in a batch. max_pixels: of a batch together, unless one alone has more.
    The image that waits longest is in the next batch, so no size can be starved. Who stops waiting for `predict` is
    taken out of the batch, unless the network has it already.
    """

    def __init__(
        self, networks: Sequence[Network], max_batch: int, max_pixels: int, max_wait_seconds: float, figures: Figures
    ) -> None:
        self.networks = networks
        self.max_batch = max_batch
        self.max_pixels = max_pixels
        self.max_wait_seconds = max_wait_seconds
        self.figures = figures
        self._waiting: list[_Waiting] = []
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def running(self):
        """While the body runs there is a thread at work for each network."""
        threads = [ThreadPoolExecutor(1, f"network-{number}") for number in range(len(self.networks))]
        tasks = [asyncio.create_task(self._work(*each)) for each in zip(self.networks, threads, strict=True)]
        try:
            yield
        finally:
            for task, thread in zip(tasks, threads, strict=True):
                task.cancel()
                thread.shutdown(wait=False, cancel_futures=True)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def predict(self, image: Bytes) -> Predicted:
        """Of one image, uint8 [H, W, 3]. Raises what the network raises for it alone."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(image, loop.time(), loop.create_future())
        try:
            async with self._changed:
                self._waiting.append(waiting)
                self._changed.notify_all()
            return await waiting.answer
        finally:
            with suppress(ValueError):
                self._waiting.remove(waiting)

    async def _work(self, network: Network, thread: ThreadPoolExecutor) -> None:
        while True:
            batch = await self._next()
            if not await self._run(batch, network, thread):
                for alone in (each for each in batch if not each.answer.done()):  # an image fails by itself only
                    await self._run([alone], network, thread)

    async def _next(self) -> list[_Waiting]:
        async with self._changed:
            while True:
                await self._changed.wait_for(lambda: self._waiting)
                first = self._waiting[0]
                most = max(1, min(self.max_batch, self.max_pixels // (first.image.size // 3)))
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(first.since + self.max_wait_seconds):
                        await self._changed.wait_for(lambda: len(self._alike(first, most)) == most)  # noqa: B023
                if batch := self._alike(first, most):
                    self._waiting = [each for each in self._waiting if each not in batch]
                    return batch

    def _alike(self, first: _Waiting, most: int) -> list[_Waiting]:
        return [each for each in self._waiting if each.image.shape == first.image.shape][:most]

    async def _run(self, batch: list[_Waiting], network: Network, thread: ThreadPoolExecutor) -> bool:
        """Answer those who wait; False if that failed for several at once."""
        images = [each.image for each in batch]
        started = time.perf_counter()
        try:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(thread, lambda: network(np.stack(images)))
        except Exception as error:
            if len(batch) == 1 and not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return len(batch) == 1
        seconds = time.perf_counter() - started
        self.figures.network_seconds.observe(seconds)
        self.figures.batch_images.observe(len(batch))
        for each, train_ids in zip(batch, found, strict=True):
            if not each.answer.done():
                each.answer.set_result(Predicted(train_ids, seconds))
        return True
