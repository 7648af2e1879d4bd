"""What is said of an upload that the network fails on."""

import asyncio
from collections.abc import Callable

import pytest
import torch

from segexp import build
from segexp.classes import CITYSCAPES
from segexp.serving.batches import Batches, Bytes
from segexp.serving.budget import Budget
from segexp.serving.errors import RequestError
from segexp.serving.figures import Figures
from segexp.serving.gallery import Gallery
from segexp.serving.service import Service
from tests.serving import photos


def upload(network: Callable[[Bytes], Bytes]) -> None:
    async def asked() -> None:
        service = Service(
            Gallery([], build.grouping(build.compose("train")), CITYSCAPES),
            Batches([network], 1, 10**6, 0, Figures(1, lambda: 0)),
            Budget(1, "requests"),
            max_pixels=10**6,
            cache_bytes=0,
        )
        async with service.batches.running():
            await service.upload(photos.png(photos.pixels()), with_image=False)

    asyncio.run(asked())


def test_an_upload_that_the_memory_does_not_hold_is_refused_for_its_size() -> None:
    with pytest.raises(RequestError, match="64 x 96 pixels needs more memory than the server has") as raised:
        upload(lambda images: torch.empty(1 << 50).numpy())  # four petabytes
    assert raised.value.code == 413


def test_an_error_that_only_speaks_of_memory_is_none_of_the_upload() -> None:
    def network(images: Bytes) -> Bytes:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        upload(network)
