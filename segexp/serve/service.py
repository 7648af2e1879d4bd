"""The work behind the API: predict images of the data set once, and uploads as they come, within stated bounds."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from segexp.serve import encoding, uploads
from segexp.serve.batcher import DynamicBatcher, TimedPrediction
from segexp.serve.errors import RequestError
from segexp.serve.image_scores import describe_prediction, score_image
from segexp.serve.image_store import ImageEntry, ImageStore
from segexp.serve.limiter import Limiter
from segexp.serve.single_flight import SingleFlightCache
from segexp.system.memory import is_out_of_memory
from segexp.types import Bytes

NUM_DECODERS = 2
UPLOAD_TOO_LARGE = 413, "send a smaller one"
TOO_LITTLE_MEMORY = (
    507,
    "ask again; if that does not help, whoever runs the server may set a smaller window= or give it more memory",
)
"""For images of the data set, which nobody sent. No 503, as to try again later need not help."""


class EncodedPrediction(NamedTuple):
    """An image that was predicted: the prediction as palette PNG.

    scores: of images of the data set only. image, statistics: of an upload, if they were asked for: its PNG, and what
    `describe_prediction` computes.
    """

    width: int
    height: int
    prediction: encoding.EncodedImage
    network_seconds: float
    image: bytes = b""
    scores: dict[str, Any] | None = None
    statistics: dict[str, Any] | None = None


class Service:
    """Decodes, predicts and encodes images.

    requests: limits those that are decoded, wait, are segmented or encoded. pixels: limits those of uploads that are
    decoded. max_pixels: of one upload. cache_bytes: of encoded images of the data set that are kept.
    """

    def __init__(
        self, store: ImageStore, batcher: DynamicBatcher, requests: Limiter, max_pixels: int, cache_bytes: int
    ) -> None:
        self.store = store
        self.batcher = batcher
        self.requests = requests
        self.max_pixels = max_pixels
        self.pixels = Limiter(4 * max_pixels, "pixels")
        self.colors = store.grouping.colors
        self._cache = SingleFlightCache(cache_bytes, _num_bytes)
        self._decoders = ThreadPoolExecutor(NUM_DECODERS, "decoder")

    async def image_png(self, entry: ImageEntry) -> encoding.EncodedImage:
        """PNG of an image of the data set."""
        return await self._cache.get((entry.id, "image"), lambda: self._encode_image(entry))

    async def thumbnail(self, entry: ImageEntry) -> encoding.EncodedImage:
        """Small JPEG of an image of the data set."""
        return await self._cache.get((entry.id, "thumbnail"), lambda: self._encode_thumbnail(entry))

    async def target_png(self, entry: ImageEntry) -> encoding.EncodedImage:
        """Palette PNG of the true classes of an image of the data set."""
        return await self._cache.get((entry.id, "target"), lambda: self._encode_target(entry))

    async def prediction(self, entry: ImageEntry) -> EncodedPrediction:
        """Prediction and scores of an image of the data set."""
        return await self._cache.get((entry.id, "prediction"), lambda: self._predict_entry(entry))

    async def predict_upload(self, content: bytes, with_details: bool) -> EncodedPrediction:
        """Predict a file that was sent; with_details: also its image and statistics.

        Raises RequestError: 413, 415, 422, or 503 if too much is in progress."""
        with self.requests.hold():
            size = await self._in_thread(uploads.count_pixels, content, self.max_pixels)
            with self.pixels.hold(size), _lack_of_memory_refused(f"an image of {size} pixels", *UPLOAD_TOO_LARGE):
                image = await self._in_thread(uploads.decode_upload, content, self.max_pixels, self.store.bit_depth)
                predicted = await self._predict(image, with_details)
                mask = await self._in_thread(encoding.encode_mask, predicted.train_ids, self.colors)
                encoded = EncodedPrediction(image.shape[1], image.shape[0], mask, predicted.seconds)
                if not with_details:
                    return encoded
                names, confidence = self.store.grouping.names, predicted.confidence
                return encoded._replace(
                    image=await self._in_thread(encoding.encode_image, image),
                    statistics=await self._in_thread(describe_prediction, predicted.train_ids, confidence, names),
                )

    async def _encode_image(self, entry: ImageEntry) -> encoding.EncodedImage:
        with self._work_on(entry):
            return await self._in_thread(lambda: encoding.encode_image(self.store.image(entry)))

    async def _encode_thumbnail(self, entry: ImageEntry) -> encoding.EncodedImage:
        with self._work_on(entry):
            return await self._in_thread(lambda: encoding.encode_thumbnail(self.store.image(entry)))

    async def _encode_target(self, entry: ImageEntry) -> encoding.EncodedImage:
        with self._work_on(entry):
            return await self._in_thread(lambda: encoding.encode_mask(self.store.target(entry), self.colors))

    async def _predict_entry(self, entry: ImageEntry) -> EncodedPrediction:
        with self._work_on(entry):
            image, target = await self._in_thread(self.store.image_and_target, entry)
            predicted = await self._predict(image)
            mask = await self._in_thread(encoding.encode_mask, predicted.train_ids, self.colors)
            names = self.store.grouping.names
            scores = await self._in_thread(score_image, target, predicted.train_ids, names)
        self.store.miou[entry.id] = scores["miou"]
        height, width = target.shape
        return EncodedPrediction(width, height, mask, predicted.seconds, scores=scores)

    @contextmanager
    def _work_on(self, entry: ImageEntry) -> Iterator[None]:
        with self.requests.hold(), _lack_of_memory_refused(f"image {entry.id!r}", *TOO_LITTLE_MEMORY):
            yield

    async def _predict(self, image: Bytes, with_confidence: bool = False) -> TimedPrediction:
        try:
            return await self.batcher.predict(image, with_confidence)
        except ValueError as error:
            raise RequestError(422, f"the network cannot take this image: {error}") from error

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Work off the event loop, in few threads, so that only so many images are unpacked at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, work, *arguments)


@contextmanager
def _lack_of_memory_refused(subject: str, code: int, cure: str) -> Iterator[None]:
    """Where the body finds no memory, raise RequestError about the image instead of an error of the server."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RequestError(code, f"{subject} needs more memory than the server has; {cure}") from error


def _num_bytes(value: bytes | EncodedPrediction) -> int:
    content = value if isinstance(value, bytes) else value.prediction
    return 1000 + len(content)  # beside it: scores, its entry in the cache
