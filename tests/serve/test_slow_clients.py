"""Which slow clients are disconnected: the reaper is called by hand, without patience, so that no test waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from segexp.data.pairs import Pair
from segexp.serve import slow_clients
from tests.serve import upload_files
from tests.serve.paused_server import PausedServer, paused_server, wait_until
from tests.serve.server_process import PATIENCE, connect_and_send

GET = b"GET /api/images/town/image.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = (
    b"--B\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n"
    + upload_files.png(upload_files.pixels())
    + b"\r\n--B--\r\n"
)
HEAD = (
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    b"Content-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n" % len(BODY)
)


class ServerAndClients(NamedTuple):
    """A server, and the clients whose connections end with the test, however that ends."""

    server: PausedServer
    clients: ExitStack

    async def send(self, content: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reading, sending = await asyncio.open_connection("127.0.0.1", self.server.port)
        self.clients.enter_context(closing(sending))
        sending.write(content)
        return reading, sending

    @property
    def connections(self) -> set[Any]:
        return self.server.reaper.connections

    def num_sending(self) -> int:
        """Count the connections that have sent a head, and of whose body more is to come."""
        return sum(each.cycle is not None and each.cycle.more_body for each in self.connections)

    async def num_ended(self) -> int:
        """Count the connections that the reaper ends, which sees them wait at its first call and acts at its second."""
        for _ in range(2):
            await self.server.reaper.end_slow_clients()
        return sum(each.transport.is_closing() for each in self.connections)


@asynccontextmanager
async def easily_crowded_server(*pairs: Pair) -> AsyncIterator[ServerAndClients]:
    """A server that is crowded by five clients."""
    async with paused_server(pairs, max_connections=8) as server:
        with ExitStack() as clients:
            yield ServerAndClients(server, clients)


def test_a_client_may_send_its_body_slowly_as_long_as_there_is_no_crowd() -> None:
    async def run() -> None:
        async with easily_crowded_server() as setup:
            setup.server.may_go_on.set()
            slow = [await setup.send(HEAD + BODY[:99]) for _ in range(4)]
            await wait_until(lambda: setup.num_sending() == 4)
            setup.server.reaper.client_seconds = 0  # within which UploadReader ends them, and says why
            assert await setup.num_ended() == 0
            setup.server.reaper.client_seconds = PATIENCE
            for reading, sending in slow:
                sending.write(BODY[99:])
                assert (await reading.readline()).startswith(b"HTTP/1.1 200")

    asyncio.run(run())


def test_in_a_crowd_clients_that_send_are_ended_and_those_that_wait_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "CROWDED_SECONDS", PATIENCE)  # until all of them are there

    async def run() -> None:
        async with easily_crowded_server() as setup:
            reading, _ = await setup.send(HEAD + BODY)
            await wait_until(lambda: setup.server.batches == [1])
            for _ in range(4):
                await setup.send(HEAD + BODY[:99])
            await wait_until(lambda: setup.num_sending() == 4)
            monkeypatch.setattr(slow_clients, "CROWDED_SECONDS", 0)
            assert await setup.num_ended() == 4
            setup.server.may_go_on.set()
            assert (await reading.readline()).startswith(b"HTTP/1.1 200")

    asyncio.run(run())


def waits_for_room(connection: Any) -> bool:
    """Whether the connection's next answer waits until the one before has been taken."""
    return connection.flow.write_paused and not connection.cycle.response_started


def test_a_client_that_asks_again_before_it_reads_the_answer_is_ended(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "image.png", tmp_path / "none.png", "town")
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
    pair.image.write_bytes(upload_files.png(noise))  # 3 MB

    async def run() -> None:
        async with easily_crowded_server(pair) as setup:
            with connect_and_send(setup.server, 2 * GET, receive_bytes=4096):
                await wait_until(lambda: any(map(waits_for_room, setup.connections)))
                setup.server.reaper.client_seconds = 0
                assert await setup.num_ended() == 1

    asyncio.run(run())
