"""Who is shown the door, and who is not: looked for by hand, with no patience left, so that nobody has to wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from segexp.data.pairs import Pair
from segexp.serve import doorkeeper
from tests.serve import photos
from tests.serve.command import PATIENCE, connected
from tests.serve.held import Held, held, until

GET = b"GET /api/images/town/image.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = (
    b"--B\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n"
    + photos.png(photos.pixels())
    + b"\r\n--B--\r\n"
)
HEAD = (
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n" % len(BODY)
)


class Visit(NamedTuple):
    """A server, and the clients whose connections end with the test, however that ends."""

    server: Held
    clients: ExitStack

    async def sent(self, content: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reading, sending = await asyncio.open_connection("127.0.0.1", self.server.port)
        self.clients.enter_context(closing(sending))
        sending.write(content)
        return reading, sending

    @property
    def connections(self) -> set[Any]:
        return self.server.doorkeeper.connections

    def num_sending(self) -> int:
        """Connections that have told what they want, and of which more is to come."""
        return sum(each.cycle is not None and each.cycle.more_body for each in self.connections)

    async def num_ended(self) -> int:
        """Connections that the doorkeeper ends, once it has seen them wait, and has looked again."""
        for _ in range(2):
            await self.server.doorkeeper.look()
        return sum(each.transport.is_closing() for each in self.connections)


@asynccontextmanager
async def visited(*pairs: Pair) -> AsyncIterator[Visit]:
    """A server that is crowded by five."""
    async with held(pairs, max_connections=8) as server:
        with ExitStack() as clients:
            yield Visit(server, clients)


def test_who_sends_a_body_may_take_their_time_as_long_as_there_is_no_crowd() -> None:
    async def asked() -> None:
        async with visited() as found:
            found.server.is_free.set()
            slow = [await found.sent(HEAD + BODY[:99]) for _ in range(4)]
            await until(lambda: found.num_sending() == 4)
            found.server.doorkeeper.client_seconds = 0  # within which Uploads ends them, and says why
            assert await found.num_ended() == 0
            found.server.doorkeeper.client_seconds = PATIENCE
            for reading, sending in slow:
                sending.write(BODY[99:])
                assert (await reading.readline()).startswith(b"HTTP/1.1 200")

    asyncio.run(asked())


def test_in_a_crowd_who_still_sends_is_ended_and_who_waits_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorkeeper, "CROWDED_SECONDS", PATIENCE)  # until all of them are there

    async def asked() -> None:
        async with visited() as found:
            reading, _ = await found.sent(HEAD + BODY)
            await until(lambda: found.server.batches == [1])
            for _ in range(4):
                await found.sent(HEAD + BODY[:99])
            await until(lambda: found.num_sending() == 4)
            monkeypatch.setattr(doorkeeper, "CROWDED_SECONDS", 0)
            assert await found.num_ended() == 4
            found.server.is_free.set()
            assert (await reading.readline()).startswith(b"HTTP/1.1 200")

    asyncio.run(asked())


def waits_for_room(connection: Any) -> bool:
    """Whether the answer before it is still on its way."""
    return connection.flow.write_paused and not connection.cycle.response_started


def test_who_asks_again_before_it_has_read_the_answer_does_not_wait_for_us(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "image.png", tmp_path / "none.png", "town")
    pair.image.write_bytes(photos.png(np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)))  # 3 MB

    async def asked() -> None:
        async with visited(pair) as found:
            with connected(found.server, 2 * GET, receive_bytes=4096):
                await until(lambda: any(map(waits_for_room, found.connections)))
                found.server.doorkeeper.client_seconds = 0
                assert await found.num_ended() == 1

    asyncio.run(asked())
