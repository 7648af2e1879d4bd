"""A whole server in this process whose network waits until a test lets it go on."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
import uvicorn

from segexp import build
from segexp.classes import CITYSCAPES
from segexp.config.compose import compose
from segexp.data.pairs import Pair
from segexp.serve import app, server
from segexp.serve.batches import Batches
from segexp.serve.budget import Budget
from segexp.serve.doorkeeper import Doorkeeper
from segexp.serve.figures import Figures
from segexp.serve.gallery import Gallery
from segexp.serve.gate import Gate
from segexp.serve.schema import Classes, Limits
from segexp.serve.service import Service
from segexp.serve.uploads import Uploads
from segexp.types import VOID, Bytes
from tests.serve import photos
from tests.serve.command import FRESH, PATIENCE

MOST = 2**20


class Held(NamedTuple):
    """is_free: what the network waits for. batches: number of images in each that it has begun.

    in_work: requests that are decoded, wait, are segmented or encoded. doorkeeper: who knows its connections.
    """

    client: httpx.AsyncClient
    port: int
    doorkeeper: Doorkeeper
    in_work: Budget
    is_free: threading.Event
    batches: list[int]

    async def upload(self) -> httpx.Response:
        return await self.client.post("/api/predict", files={"file": photos.png(photos.pixels())})


@asynccontextmanager
async def held(pairs: Sequence[Pair] = (), max_queue: int = 8, max_connections: int = 64) -> AsyncIterator[Held]:
    """pairs: its images. In the end the network is free, and the server stops once all is answered."""
    is_free, batches = threading.Event(), list[int]()

    def network(images: Bytes) -> Bytes:
        batches.append(len(images))
        assert is_free.wait(PATIENCE)
        return images[..., 0] % 2

    in_work = Budget(max_queue, "requests")
    doorkeeper = Doorkeeper(max_connections, PATIENCE, 16 * MOST)
    with server.bound("127.0.0.1", 0) as listening:
        server.listen(listening)
        port = listening.getsockname()[1]
        task, running = _served(network, list(pairs), in_work, doorkeeper, listening)
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False, limits=FRESH
            ) as client:
                yield Held(client, port, doorkeeper, in_work, is_free, batches)
        finally:
            is_free.set()
            running.should_exit = True
            await task


def _served(
    network: Callable[[Bytes], Bytes],
    pairs: list[Pair],
    in_work: Budget,
    doorkeeper: Doorkeeper,
    listening: socket.socket,
) -> tuple[asyncio.Task[None], uvicorn.Server]:
    grouping = build.grouping(compose("train"))
    limits = Limits(bytes=MOST, pixels=MOST)
    of_run = Classes(run="held", model="none", grouping=grouping.name, split=None, classes=[], miou=None, void=VOID,
                     image_size=None, limits=limits)  # fmt: skip
    figures = Figures(4, lambda: in_work.taken)
    batches = Batches([network], 4, MOST, 0, figures)
    service = Service(Gallery(pairs, grouping, CITYSCAPES), batches, in_work, MOST, MOST)
    routes = app.create(of_run, service, Uploads(MOST, 16 * MOST, PATIENCE), figures)
    running = server.made(Gate(routes, None, None, doorkeeper.make_room, figures), doorkeeper, PATIENCE)
    return asyncio.create_task(running.serve([listening])), running


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)
