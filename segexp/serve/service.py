"""What the API does: predict images of the data set once, and uploads as they come, within stated bounds."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from segexp.serve import png, uploads
from segexp.serve.batches import Batches, Predicted
from segexp.serve.budget import Budget
from segexp.serve.errors import RequestError
from segexp.serve.gallery import Gallery, Place, image_scores
from segexp.serve.once import Once
from segexp.system.memory import is_out_of_memory
from segexp.types import Bytes

NUM_DECODERS = 2
TOO_LARGE = 413, "send a smaller one"
TOO_LITTLE = 507, "ask again; if that does not help, whoever runs it may set a smaller window= or give it more memory"
"""Of images of the data set, which nobody sent. No 503, as to come back later need not help."""


class Shown(NamedTuple):
    """An image that was predicted: the prediction as palette PNG.

    scores: of images of the data set only. image: PNG of an upload, if it was asked for.
    """

    width: int
    height: int
    prediction: png.Png
    network_seconds: float
    image: bytes = b""
    scores: dict[str, Any] | None = None


class Service:
    """in_work: requests that are decoded, wait, are segmented or encoded. pixels: of uploads that are decoded.

    max_pixels: of one upload. cache_bytes: of PNGs of the data set that are kept.
    """

    def __init__(self, gallery: Gallery, batches: Batches, in_work: Budget, max_pixels: int, cache_bytes: int) -> None:
        self.gallery = gallery
        self.batches = batches
        self.in_work = in_work
        self.max_pixels = max_pixels
        self.pixels = Budget(4 * max_pixels, "pixels")
        self.colors = gallery.grouping.colors
        self._once = Once(cache_bytes, _num_bytes)
        self._decoders = ThreadPoolExecutor(NUM_DECODERS, "decoder")

    async def picture(self, place: Place) -> png.Png:
        """PNG of an image of the data set."""
        return await self._once.get((place.id, "image"), lambda: self._picture(place))

    async def truth(self, place: Place) -> png.Png:
        """Palette PNG of the true classes of an image of the data set."""
        return await self._once.get((place.id, "truth"), lambda: self._truth(place))

    async def shown(self, place: Place) -> Shown:
        """Prediction and scores of an image of the data set."""
        return await self._once.get((place.id, "shown"), lambda: self._shown(place))

    async def upload(self, content: bytes, with_image: bool) -> Shown:
        """Prediction of a file that was sent. Raises RequestError: 413, 415, 422, or 503 if too much is in work."""
        with self.in_work.take():
            size = await self._decode(uploads.num_pixels, content, self.max_pixels)
            with self.pixels.take(size), _memory_told(f"an image of {size} pixels", *TOO_LARGE):
                image = await self._decode(uploads.decoded, content, self.max_pixels)
                found = await self._predict(image)
                mask = await self._decode(png.mask, found.train_ids, self.colors)
                picture = await self._decode(png.picture, image) if with_image else b""
        height, width = image.shape[:2]
        return Shown(width, height, mask, found.seconds, image=picture)

    async def _picture(self, place: Place) -> png.Png:
        with self.in_work.take(), _memory_told(f"image {place.id!r}", *TOO_LITTLE):
            return await self._decode(lambda: png.picture(self.gallery.image(place)))

    async def _truth(self, place: Place) -> png.Png:
        with self.in_work.take(), _memory_told(f"image {place.id!r}", *TOO_LITTLE):
            return await self._decode(lambda: png.mask(self.gallery.truth(place), self.colors))

    async def _shown(self, place: Place) -> Shown:
        with self.in_work.take(), _memory_told(f"image {place.id!r}", *TOO_LITTLE):
            image, truth = await self._decode(self.gallery.image_and_truth, place)
            found = await self._predict(image)
            mask = await self._decode(png.mask, found.train_ids, self.colors)
            names = self.gallery.grouping.names
            scores = await self._decode(image_scores, truth, found.train_ids, names)
        height, width = truth.shape
        return Shown(width, height, mask, found.seconds, scores=scores)

    async def _predict(self, image: Bytes) -> Predicted:
        try:
            return await self.batches.predict(image)
        except ValueError as error:
            raise RequestError(422, f"the network does not take this image: {error}") from error

    async def _decode(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Off the event loop, by few threads, so that only so many images are unpacked at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, work, *arguments)


@contextmanager
def _memory_told(what: str, code: int, cure: str) -> Iterator[None]:
    """Where the body finds no memory, that is said of the image instead of an error of the server."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RequestError(code, f"{what} needs more memory than the server has; {cure}") from error


def _num_bytes(kept: bytes | Shown) -> int:
    return 1000 + len(kept if isinstance(kept, bytes) else kept.prediction)  # beside it: scores, a place in the cache
