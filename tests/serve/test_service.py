"""Refusals of images that the network or the memory fails on."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from segexp import build
from segexp.config.compose import compose
from segexp.data.cityscapes import Cityscapes
from segexp.data.pairs import Pair
from segexp.serve.batcher import DynamicBatcher
from segexp.serve.errors import RequestError
from segexp.serve.image_store import ImageStore
from segexp.serve.limiter import Limiter
from segexp.serve.metrics import ServerMetrics
from segexp.serve.service import Service
from segexp.types import Bytes
from tests.process import said_by
from tests.serve import upload_files

SMALL = upload_files.png(upload_files.pixels())


def ask(request: Callable[[Service], Awaitable[object]], network: Callable[[Bytes], Bytes], *pairs: Pair) -> None:
    """Make a request to a service of these images."""

    async def run() -> None:
        service = Service(
            ImageStore(Cityscapes("") if pairs else None, list(pairs), build.grouping(compose("train"))),
            DynamicBatcher([network], 1, 10**6, 0, ServerMetrics(1, lambda: 0)),
            Limiter(1, "requests"),
            max_pixels=10**8,
            cache_bytes=0,
        )
        async with service.batcher.run_workers():
            await request(service)

    asyncio.run(run())


def upload(content: bytes, network: Callable[[Bytes], Bytes]) -> None:
    ask(lambda service: service.predict_upload(content, with_details=False), network)


def too_large(images: Bytes) -> Bytes:
    return torch.empty(1 << 50).numpy()  # four petabytes


def test_an_upload_that_the_memory_does_not_hold_is_refused_for_its_size() -> None:
    with pytest.raises(RequestError, match="6144 pixels needs more memory than the server has") as raised:
        upload(SMALL, too_large)
    assert "send a smaller one" in str(raised.value)
    assert raised.value.code == 413


def test_an_image_of_the_data_set_that_the_memory_does_not_hold_is_an_error_of_the_server(
    tmp_path: Path,
) -> None:
    pair = Pair(tmp_path / "image.png", tmp_path / "mask.png", "town")
    pair.image.write_bytes(SMALL)
    pair.mask.write_bytes(upload_files.png(upload_files.pixels()[..., 0] * 0))
    with pytest.raises(RequestError, match="'town' needs more memory than the server has") as raised:
        ask(lambda service: service.prediction(service.store.find("town")), too_large, pair)
    assert "set a smaller window=" in str(raised.value)
    assert raised.value.code == 507


def _upload_with_little_memory(connection: Connection) -> None:
    black = upload_files.png(np.zeros((8000, 8000, 3), np.uint8))  # 192 MB once it is decoded
    limit = psutil.Process().memory_info().vms + 100_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        upload(black, lambda images: images[..., 0])
    except RequestError as error:
        connection.send((error.code, str(error)))


def test_an_upload_that_cannot_be_decoded_for_want_of_memory_is_not_called_torn() -> None:
    code, message = said_by(_upload_with_little_memory)
    assert code == 413
    assert "64000000 pixels needs more memory than the server has" in message


def test_an_error_that_only_speaks_of_memory_is_none_of_the_upload() -> None:
    def network(images: Bytes) -> Bytes:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        upload(SMALL, network)
