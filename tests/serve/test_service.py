"""What is said of an image that the network fails on."""

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
from segexp.classes import CITYSCAPES
from segexp.config.compose import compose
from segexp.data.pairs import Pair
from segexp.serve.batches import Batches
from segexp.serve.budget import Budget
from segexp.serve.errors import RequestError
from segexp.serve.figures import Figures
from segexp.serve.gallery import Gallery
from segexp.serve.service import Service
from segexp.types import Bytes
from tests.process import said_by
from tests.serve import photos

SMALL = photos.png(photos.pixels())


def asked(work: Callable[[Service], Awaitable[object]], network: Callable[[Bytes], Bytes], *pairs: Pair) -> None:
    """work: what is asked of a service of these images."""

    async def answered() -> None:
        service = Service(
            Gallery(list(pairs), build.grouping(compose("train")), CITYSCAPES),
            Batches([network], 1, 10**6, 0, Figures(1, lambda: 0)),
            Budget(1, "requests"),
            max_pixels=10**8,
            cache_bytes=0,
        )
        async with service.batches.running():
            await work(service)

    asyncio.run(answered())


def upload(content: bytes, network: Callable[[Bytes], Bytes]) -> None:
    asked(lambda service: service.upload(content, with_image=False), network)


def too_large(images: Bytes) -> Bytes:
    return torch.empty(1 << 50).numpy()  # four petabytes


def test_an_upload_that_the_memory_does_not_hold_is_refused_for_its_size() -> None:
    with pytest.raises(RequestError, match="6144 pixels needs more memory than the server has; send a") as raised:
        upload(SMALL, too_large)
    assert raised.value.code == 413


def test_an_image_of_the_data_set_that_the_memory_does_not_hold_is_nothing_that_the_client_can_mend(
    tmp_path: Path,
) -> None:
    pair = Pair(tmp_path / "image.png", tmp_path / "mask.png", "town")
    pair.image.write_bytes(SMALL)
    pair.mask.write_bytes(photos.png(photos.pixels()[..., 0] * 0))
    with pytest.raises(RequestError, match="'town' needs more memory .* whoever runs it may set a smaller") as raised:
        asked(lambda service: service.shown(service.gallery.find("town")), too_large, pair)
    assert raised.value.code == 507


def _upload_with_little_memory(said: Connection) -> None:
    black = photos.png(np.zeros((8000, 8000, 3), np.uint8))  # 192 MB once it is decoded
    limit = psutil.Process().memory_info().vms + 100_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        upload(black, lambda images: images[..., 0])
    except RequestError as error:
        said.send((error.code, str(error)))


def test_an_upload_that_cannot_be_decoded_for_want_of_memory_is_not_called_torn() -> None:
    code, message = said_by(_upload_with_little_memory)
    assert code == 413
    assert "64000000 pixels needs more memory than the server has" in message


def test_an_error_that_only_speaks_of_memory_is_none_of_the_upload() -> None:
    def network(images: Bytes) -> Bytes:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        upload(SMALL, network)
