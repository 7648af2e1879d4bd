"""Batches, budgets and kept answers, with networks that do no more than count."""

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from segexp.serve.batches import Batches
from segexp.serve.budget import Budget
from segexp.serve.errors import RequestError
from segexp.serve.figures import Figures
from segexp.serve.once import Once
from segexp.types import Bytes
from tests.serve.command import PATIENCE
from tests.serve.held import until


def batches(network: Callable[[Bytes], Bytes], max_batch: int = 4, max_pixels: int = 10**6) -> Batches:
    """They wait for others until they are full, as every test fills them."""
    return Batches([network], max_batch, max_pixels, PATIENCE, Figures(max_batch, lambda: 0))


def first_channel(images: Bytes) -> Bytes:
    return images[..., 0]


def image(value: int, height: int = 4, width: int = 6) -> Bytes:
    return np.full((height, width, 3), value, np.uint8)


def test_images_of_one_size_share_batches_and_each_gets_its_own_answer() -> None:
    sizes = []

    def network(images: Bytes) -> Bytes:
        sizes.append(images.shape[:3])
        return first_channel(images)

    async def asked() -> None:
        wide = [image(value) for value in range(8)]
        high = [image(value, 6, 4) for value in range(8, 16)]
        mixed = [each for pair in zip(wide, high, strict=True) for each in pair]
        together = batches(network)
        async with together.running():
            found = await asyncio.gather(*map(together.predict, mixed))
        for each, predicted in zip(mixed, found, strict=True):
            assert np.array_equal(predicted.train_ids, each[..., 0])

    asyncio.run(asked())
    assert sizes == [(4, 4, 6), (4, 6, 4), (4, 4, 6), (4, 6, 4)]


def test_a_batch_holds_no_more_pixels_than_allowed_but_one_image_always() -> None:
    sizes = []

    def network(images: Bytes) -> Bytes:
        sizes.append(len(images))
        return first_channel(images)

    async def asked() -> None:
        few = batches(network, max_pixels=50)
        async with few.running():
            await asyncio.gather(*(few.predict(image(value)) for value in range(4)), few.predict(image(9, 40, 60)))

    asyncio.run(asked())
    assert sizes == [2, 2, 1]


def test_who_stops_waiting_is_in_no_batch() -> None:
    values, is_busy, is_free = [], threading.Event(), threading.Event()

    def network(images: Bytes) -> Bytes:
        is_busy.set()
        assert is_free.wait(PATIENCE)
        values.append(images[:, 0, 0, 0].tolist())
        return first_channel(images)

    async def asked() -> None:
        some = batches(network, max_batch=1)
        async with some.running():
            waiting = [asyncio.create_task(some.predict(image(value))) for value in range(3)]
            assert await asyncio.to_thread(is_busy.wait, PATIENCE)
            waiting[1].cancel()
            await asyncio.sleep(0)
            is_free.set()
            await asyncio.gather(waiting[0], waiting[2])

    asyncio.run(asked())
    assert values == [[0], [2]]


def test_an_image_that_the_network_does_not_take_spoils_no_other() -> None:
    def network(images: Bytes) -> Bytes:
        if (images == 13).any():
            raise ValueError("thirteen")
        return first_channel(images)

    async def asked() -> list:
        some = batches(network, max_batch=3)
        async with some.running():
            values = (7, 13, 8)
            return await asyncio.gather(*(some.predict(image(value)) for value in values), return_exceptions=True)

    first, refused, last = asyncio.run(asked())
    assert isinstance(refused, ValueError)
    assert (first.train_ids == 7).all()
    assert (last.train_ids == 8).all()


def test_over_the_budget_the_answer_is_503_and_when_to_come_back() -> None:
    budget = Budget(3, "requests")
    with budget.take(2):
        with pytest.raises(RequestError, match="2 of at most 3 requests in work") as error, budget.take(2):
            pass
        assert (error.value.code, error.value.headers) == (503, {"retry-after": "1"})
        with budget.take(1):
            assert budget.taken == 3
    with budget.take(9):  # what is larger than all there is comes alone, rather than never
        assert budget.taken == 9
    assert budget.taken == 0


def test_what_many_ask_for_at_once_is_made_once_and_kept() -> None:
    made = []

    async def make() -> bytes:
        made.append(1)
        await asyncio.sleep(0)
        return b"answer"

    async def asked() -> None:
        once = Once(100, len)
        assert set(await asyncio.gather(*(once.get("a", make) for _ in range(9)))) == {b"answer"}
        assert await once.get("a", make) == b"answer"

    asyncio.run(asked())
    assert len(made) == 1


def test_no_more_bytes_are_kept_than_allowed_and_the_oldest_go_first() -> None:
    made = []

    async def asked() -> None:
        once = Once(25, len)

        async def get(key: str) -> bytes:
            async def make() -> bytes:
                made.append(key)
                return bytes(10)

            found = await once.get(key, make)
            assert once.kept_bytes <= 25
            return found

        for key in "abacab":  # b goes for c, c for b
            await get(key)

    asyncio.run(asked())
    assert made == ["a", "b", "c", "b"]


def test_work_that_nobody_waits_for_any_more_is_given_up_and_an_error_is_not_kept() -> None:
    ended: list[str] = []

    async def make() -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("given up")
            raise
        return b""

    async def fail() -> bytes:
        raise ValueError("torn")

    async def succeed() -> bytes:
        return b"answer"

    async def asked() -> None:
        once = Once(100, len)
        waiting = [asyncio.create_task(once.get("a", make)) for _ in range(2)]
        await asyncio.sleep(0)
        for task in waiting:
            assert not ended
            task.cancel()
            await asyncio.wait([task])
        await until(lambda: ended == ["given up"])
        with pytest.raises(ValueError, match="torn"):
            await once.get("a", fail)
        assert await once.get("a", succeed) == b"answer"

    asyncio.run(asked())
