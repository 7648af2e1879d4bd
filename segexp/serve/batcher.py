"""Dynamic batching: images that clients send one by one -> batches that the network takes; one thread a device."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from segexp.serve.metrics import ServerMetrics
from segexp.types import Bytes

BatchPredictor = Callable[[Bytes], Bytes]
"""Images uint8 [B, H, W, 3] -> train ids uint8 [B, H, W]."""


class TimedPrediction(NamedTuple):
    """train_ids: uint8 [H, W]. seconds: that the network took for the batch the image was in."""

    train_ids: Bytes
    seconds: float


@dataclass(eq=False)
class _QueuedImage:
    image: Bytes
    since: float
    answer: "asyncio.Future[TimedPrediction]"


class DynamicBatcher:
    """Puts images of one size together while the network is busy, or for max_wait_seconds.

    networks: one a device. max_batch: images in a batch. max_pixels: of a batch together, unless one alone has more.
    The image that waits longest is in the next batch, so no size can be starved. An image whose `predict` is cancelled
    is taken out of the queue, unless the network has it already.
    """

    def __init__(
        self,
        networks: Sequence[BatchPredictor],
        max_batch: int,
        max_pixels: int,
        max_wait_seconds: float,
        metrics: ServerMetrics,
    ) -> None:
        self.networks = networks
        self.max_batch = max_batch
        self.max_pixels = max_pixels
        self.max_wait_seconds = max_wait_seconds
        self.metrics = metrics
        self._queue: list[_QueuedImage] = []
        self._queue_changed = asyncio.Condition()

    @asynccontextmanager
    async def run_workers(self):
        """Keep a thread at work for each network while the body runs."""
        threads = [ThreadPoolExecutor(1, f"network-{number}") for number in range(len(self.networks))]
        tasks = [asyncio.create_task(self._work(*each)) for each in zip(self.networks, threads, strict=True)]
        try:
            yield
        finally:
            for task, thread in zip(tasks, threads, strict=True):
                task.cancel()
                thread.shutdown(wait=False, cancel_futures=True)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def predict(self, image: Bytes) -> TimedPrediction:
        """Predict one image, uint8 [H, W, 3]. Raises what the network raises for this image alone."""
        loop = asyncio.get_running_loop()
        queued = _QueuedImage(image, loop.time(), loop.create_future())
        try:
            async with self._queue_changed:
                self._queue.append(queued)
                self._queue_changed.notify_all()
            return await queued.answer
        finally:
            with suppress(ValueError):
                self._queue.remove(queued)

    async def _work(self, network: BatchPredictor, thread: ThreadPoolExecutor) -> None:
        while True:
            batch = await self._next_batch()
            if not await self._run(batch, network, thread):
                for alone in (each for each in batch if not each.answer.done()):  # an image fails by itself only
                    await self._run([alone], network, thread)

    async def _next_batch(self) -> list[_QueuedImage]:
        async with self._queue_changed:
            while True:
                await self._queue_changed.wait_for(lambda: self._queue)
                first = self._queue[0]
                most = max(1, min(self.max_batch, self.max_pixels // (first.image.size // 3)))
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(first.since + self.max_wait_seconds):
                        await self._queue_changed.wait_for(lambda: len(self._of_size(first, most)) == most)  # noqa: B023
                if batch := self._of_size(first, most):
                    self._queue = [each for each in self._queue if each not in batch]
                    return batch

    def _of_size(self, first: _QueuedImage, most: int) -> list[_QueuedImage]:
        return [each for each in self._queue if each.image.shape == first.image.shape][:most]

    async def _run(self, batch: list[_QueuedImage], network: BatchPredictor, thread: ThreadPoolExecutor) -> bool:
        """Answer all images of the batch; False if the network failed for several at once."""
        images = [each.image for each in batch]
        started = time.perf_counter()
        try:
            loop = asyncio.get_running_loop()
            predictions = await loop.run_in_executor(thread, lambda: network(np.stack(images)))
        except Exception as error:
            if len(batch) == 1 and not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return len(batch) == 1
        seconds = time.perf_counter() - started
        self.metrics.network_seconds.observe(seconds)
        self.metrics.batch_images.observe(len(batch))
        for each, train_ids in zip(batch, predictions, strict=True):
            if not each.answer.done():
                each.answer.set_result(TimedPrediction(train_ids, seconds))
        return True
