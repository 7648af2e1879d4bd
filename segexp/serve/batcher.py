"""Dynamic batching: images that clients send one by one -> batches that the network takes; one thread a device."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from segexp.serve.metrics import ServerMetrics
from segexp.types import Bytes

Confidence = npt.NDArray[np.float32]


class BatchPredictor(Protocol):
    def __call__(self, images: Bytes, /) -> Bytes:
        """Images uint8 [B, H, W, 3] -> train ids uint8 [B, H, W]."""

    def with_confidence(self, images: Bytes, /) -> tuple[Bytes, Confidence]:
        """The same, and the probability of each of these train ids, [B, H, W]."""


class TimedPrediction(NamedTuple):
    """train_ids: uint8 [H, W]. seconds: that the network took for the batch the image was in.

    confidence: probability of each of the train ids [H, W], if it was asked for.
    """

    train_ids: Bytes
    seconds: float
    confidence: Confidence | None


@dataclass(eq=False)
class _QueuedImage:
    image: Bytes
    with_confidence: bool
    since: float
    answer: "asyncio.Future[TimedPrediction]"

    @property
    def kind(self) -> tuple[object, ...]:
        """What the images of one batch have in common."""
        return self.image.shape, self.with_confidence


class DynamicBatcher:
    """Puts images of one size together while the network is busy, or for max_wait_seconds.

    Those whose confidence is asked for are in batches of their own, as it costs time.
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

    async def predict(self, image: Bytes, with_confidence: bool = False) -> TimedPrediction:
        """Predict one image, uint8 [H, W, 3]. Raises what the network raises for this image alone."""
        loop = asyncio.get_running_loop()
        queued = _QueuedImage(image, with_confidence, loop.time(), loop.create_future())
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
                        await self._queue_changed.wait_for(lambda: len(self._alike(first, most)) == most)  # noqa: B023
                if batch := self._alike(first, most):
                    self._queue = [each for each in self._queue if each not in batch]
                    return batch

    def _alike(self, first: _QueuedImage, most: int) -> list[_QueuedImage]:
        return [each for each in self._queue if each.kind == first.kind][:most]

    async def _run(self, batch: list[_QueuedImage], network: BatchPredictor, thread: ThreadPoolExecutor) -> bool:
        """Answer all images of the batch; False if the network failed for several at once."""
        started = time.perf_counter()
        try:
            predictions = await asyncio.get_running_loop().run_in_executor(thread, _predict, network, batch)
        except Exception as error:
            if len(batch) == 1 and not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return len(batch) == 1
        seconds = time.perf_counter() - started
        self.metrics.network_seconds.observe(seconds)
        self.metrics.batch_images.observe(len(batch))
        for each, (train_ids, confidence) in zip(batch, predictions, strict=True):
            if not each.answer.done():
                each.answer.set_result(TimedPrediction(train_ids, seconds, confidence))
        return True


def _predict(network: BatchPredictor, batch: list[_QueuedImage]) -> list[tuple[Bytes, Confidence | None]]:
    """Train ids [H, W] of each image, and their confidence if these images want it."""
    images = np.stack([each.image for each in batch])
    if batch[0].with_confidence:
        return list(zip(*network.with_confidence(images), strict=True))
    return [(train_ids, None) for train_ids in network(images)]
