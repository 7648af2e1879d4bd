"""A whole server in this process, whose network is paused until a test lets it go on."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
import numpy as np
import uvicorn

from segexp import build
from segexp.config.compose import compose
from segexp.data.cityscapes import Cityscapes
from segexp.data.pairs import Pair
from segexp.serve import server
from segexp.serve.app import create_app
from segexp.serve.batcher import Confidence, DynamicBatcher
from segexp.serve.image_store import ImageStore
from segexp.serve.limiter import Limiter
from segexp.serve.metrics import ServerMetrics
from segexp.serve.responses import RunDescription, UploadLimits
from segexp.serve.security import SecurityMiddleware
from segexp.serve.service import Service
from segexp.serve.slow_clients import SlowClientReaper
from segexp.serve.uploads import UploadReader
from segexp.types import VOID, Bytes
from tests.serve import upload_files
from tests.serve.server_process import FRESH, PATIENCE

LIMIT = 2**20


class PausedNetwork(NamedTuple):
    may_go_on: threading.Event
    batches: list[int]

    def __call__(self, images: Bytes) -> Bytes:
        self.batches.append(len(images))
        assert self.may_go_on.wait(PATIENCE)
        return images[..., 0] % 2

    def with_confidence(self, images: Bytes) -> tuple[Bytes, Confidence]:
        return self(images), np.ones(images.shape[:3], np.float32)


class PausedServer(NamedTuple):
    """may_go_on: the event that the network waits for. batches: number of images in each that it has begun.

    requests: limits those that are decoded, wait, are segmented or encoded. reaper: knows the connections.
    """

    client: httpx.AsyncClient
    port: int
    reaper: SlowClientReaper
    requests: Limiter
    may_go_on: threading.Event
    batches: list[int]

    async def upload(self) -> httpx.Response:
        return await self.client.post("/api/predict", files={"file": upload_files.png(upload_files.pixels())})


@asynccontextmanager
async def paused_server(
    pairs: Sequence[Pair] = (), max_queue: int = 8, max_connections: int = 64
) -> AsyncIterator[PausedServer]:
    """Run a server of these images. In the end its network goes on, and it stops once all is answered."""
    may_go_on, batches = threading.Event(), list[int]()
    network = PausedNetwork(may_go_on, batches)
    requests = Limiter(max_queue, "requests")
    reaper = SlowClientReaper(max_connections, PATIENCE, 16 * LIMIT)
    with server.bind("127.0.0.1", 0) as listener:
        server.listen(listener)
        port = listener.getsockname()[1]
        task, uvicorn_server = _serve(network, list(pairs), requests, reaper, listener)
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False, limits=FRESH
            ) as client:
                yield PausedServer(client, port, reaper, requests, may_go_on, batches)
        finally:
            may_go_on.set()
            uvicorn_server.should_exit = True
            await task


def _serve(
    network: PausedNetwork,
    pairs: list[Pair],
    requests: Limiter,
    reaper: SlowClientReaper,
    listener: socket.socket,
) -> tuple[asyncio.Task[None], uvicorn.Server]:
    grouping = build.grouping(compose("train"))
    limits = UploadLimits(bytes=LIMIT, pixels=LIMIT)
    description = RunDescription(run="paused", model="none", grouping=grouping.name, split=None, classes=[], miou=None,
                                 weights=None, void=VOID, image_size=None, limits=limits)  # fmt: skip
    metrics = ServerMetrics(4, lambda: requests.in_use)
    batcher = DynamicBatcher([network], 4, LIMIT, 0, metrics)
    service = Service(ImageStore(Cityscapes("") if pairs else None, pairs, grouping), batcher, requests, LIMIT, LIMIT)
    routes = create_app(description, service, UploadReader(LIMIT, 16 * LIMIT, PATIENCE), metrics)
    app = SecurityMiddleware(routes, None, None, reaper.make_room, metrics)
    uvicorn_server = server.create_server(app, reaper, PATIENCE)
    return asyncio.create_task(uvicorn_server.serve([listener])), uvicorn_server


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await asyncio.sleep(0.01)
