"""The batcher, the limiter and the cache, with networks that do no more than count."""

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from segexp.serve.batcher import DynamicBatcher
from segexp.serve.errors import RequestError
from segexp.serve.limiter import Limiter
from segexp.serve.metrics import ServerMetrics
from segexp.serve.single_flight import SingleFlightCache
from segexp.types import Bytes
from tests.serve.paused_server import wait_until
from tests.serve.server_process import PATIENCE


def patient_batcher(network: Callable[[Bytes], Bytes], max_batch: int = 4, max_pixels: int = 10**6) -> DynamicBatcher:
    """A batcher that waits until a batch is full, as every test fills it."""
    return DynamicBatcher([network], max_batch, max_pixels, PATIENCE, ServerMetrics(max_batch, lambda: 0))


def first_channel(images: Bytes) -> Bytes:
    return images[..., 0]


def image(value: int, height: int = 4, width: int = 6) -> Bytes:
    return np.full((height, width, 3), value, np.uint8)


def test_images_of_one_size_share_batches_and_each_gets_its_own_answer() -> None:
    sizes = []

    def network(images: Bytes) -> Bytes:
        sizes.append(images.shape[:3])
        return first_channel(images)

    async def run() -> None:
        wide = [image(value) for value in range(8)]
        high = [image(value, 6, 4) for value in range(8, 16)]
        mixed = [each for pair in zip(wide, high, strict=True) for each in pair]
        batcher = patient_batcher(network)
        async with batcher.run_workers():
            predictions = await asyncio.gather(*map(batcher.predict, mixed))
        for each, predicted in zip(mixed, predictions, strict=True):
            assert np.array_equal(predicted.train_ids, each[..., 0])

    asyncio.run(run())
    assert sizes == [(4, 4, 6), (4, 6, 4), (4, 4, 6), (4, 6, 4)]


def test_confidence_is_computed_for_those_images_alone_that_ask_for_it() -> None:
    calls = []

    class Network:
        def __call__(self, images: Bytes) -> Bytes:
            calls.append(("ids", len(images)))
            return first_channel(images)

        def with_confidence(self, images: Bytes) -> tuple[Bytes, np.ndarray]:
            calls.append(("confidence", len(images)))
            return first_channel(images), images[..., 0] / np.float32(255)

    async def run() -> list:
        batcher = patient_batcher(Network(), max_batch=2)
        async with batcher.run_workers():
            images = [(image(value), value % 2 == 1) for value in range(4)]
            return await asyncio.gather(*(batcher.predict(*each) for each in images))

    predictions = asyncio.run(run())
    assert sorted(calls) == [("confidence", 2), ("ids", 2)]
    for value, predicted in enumerate(predictions):
        assert (predicted.train_ids == value).all()
        assert (
            predicted.confidence is None if value % 2 == 0 else (predicted.confidence == np.float32(value / 255)).all()
        )


def test_a_batch_holds_no_more_pixels_than_allowed_but_one_image_always() -> None:
    sizes = []

    def network(images: Bytes) -> Bytes:
        sizes.append(len(images))
        return first_channel(images)

    async def run() -> None:
        batcher = patient_batcher(network, max_pixels=50)
        async with batcher.run_workers():
            small = [batcher.predict(image(value)) for value in range(4)]
            await asyncio.gather(*small, batcher.predict(image(9, 40, 60)))

    asyncio.run(run())
    assert sizes == [2, 2, 1]


def test_an_image_whose_client_stops_waiting_is_in_no_batch() -> None:
    values, is_busy, may_go_on = [], threading.Event(), threading.Event()

    def network(images: Bytes) -> Bytes:
        is_busy.set()
        assert may_go_on.wait(PATIENCE)
        values.append(images[:, 0, 0, 0].tolist())
        return first_channel(images)

    async def run() -> None:
        batcher = patient_batcher(network, max_batch=1)
        async with batcher.run_workers():
            waiting = [asyncio.create_task(batcher.predict(image(value))) for value in range(3)]
            assert await asyncio.to_thread(is_busy.wait, PATIENCE)
            waiting[1].cancel()
            await asyncio.sleep(0)
            may_go_on.set()
            await asyncio.gather(waiting[0], waiting[2])

    asyncio.run(run())
    assert values == [[0], [2]]


def test_an_image_that_the_network_does_not_take_spoils_no_other() -> None:
    def network(images: Bytes) -> Bytes:
        if (images == 13).any():
            raise ValueError("thirteen")
        return first_channel(images)

    async def run() -> list:
        batcher = patient_batcher(network, max_batch=3)
        async with batcher.run_workers():
            predictions = (batcher.predict(image(value)) for value in (7, 13, 8))
            return await asyncio.gather(*predictions, return_exceptions=True)

    first, refused, last = asyncio.run(run())
    assert isinstance(refused, ValueError)
    assert (first.train_ids == 7).all()
    assert (last.train_ids == 8).all()


def test_beyond_the_limit_the_answer_is_503_and_when_to_come_back() -> None:
    limiter = Limiter(3, "requests")
    with limiter.hold(2):
        with pytest.raises(RequestError, match="2 of at most 3 requests in progress") as error, limiter.hold(2):
            pass
        assert (error.value.code, error.value.headers) == (503, {"retry-after": "1"})
        with limiter.hold(1):
            assert limiter.in_use == 3
    with limiter.hold(9):  # more than the total is let in alone, rather than never
        assert limiter.in_use == 9
    assert limiter.in_use == 0


def test_what_many_ask_for_at_once_is_computed_once_and_cached() -> None:
    computed = []

    async def compute() -> bytes:
        computed.append(1)
        await asyncio.sleep(0)
        return b"answer"

    async def run() -> None:
        cache = SingleFlightCache(100, len)
        assert set(await asyncio.gather(*(cache.get("a", compute) for _ in range(9)))) == {b"answer"}
        assert await cache.get("a", compute) == b"answer"

    asyncio.run(run())
    assert len(computed) == 1


def test_no_more_bytes_are_cached_than_allowed_and_the_oldest_go_first() -> None:
    computed = []

    async def run() -> None:
        cache = SingleFlightCache(25, len)

        async def get(key: str) -> bytes:
            async def compute() -> bytes:
                computed.append(key)
                return bytes(10)

            value = await cache.get(key, compute)
            assert cache.cached_bytes <= 25
            return value

        for key in "abacab":  # b goes for c, c for b
            await get(key)

    asyncio.run(run())
    assert computed == ["a", "b", "c", "b"]


def test_work_that_nobody_waits_for_is_cancelled_and_an_error_is_not_cached() -> None:
    ended: list[str] = []

    async def compute() -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return b""

    async def fail() -> bytes:
        raise ValueError("torn")

    async def succeed() -> bytes:
        return b"answer"

    async def run() -> None:
        cache = SingleFlightCache(100, len)
        waiting = [asyncio.create_task(cache.get("a", compute)) for _ in range(2)]
        await asyncio.sleep(0)
        for task in waiting:
            assert not ended
            task.cancel()
            await asyncio.wait([task])
        await wait_until(lambda: ended == ["cancelled"])
        with pytest.raises(ValueError, match="torn"):
            await cache.get("a", fail)
        assert await cache.get("a", succeed) == b"answer"

    asyncio.run(run())
