"""The images of a split by id: an id is looked up here, and never becomes part of a path."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from segexp.classes import Grouping
from segexp.data.pairs import Pair, Source
from segexp.data.reading import read_image, read_pair, read_size, read_target
from segexp.serve.errors import LOG, RequestError
from segexp.types import Bytes


class ImageEntry(NamedTuple):
    """An image's id, its number in the split, and the ids of its neighbours; None where there is no neighbour."""

    id: str
    number: int
    previous: str | None
    next: str | None


class ImageStore:
    """Finds and reads the images and masks of a split.

    source, pairs: the data set and its pairs of the split, in order; None and no pairs where only uploads are served.
    bit_depth: of these images and of uploads, see `segexp.data.image.upright`.
    evaluated_miou: mean IoU of images by name, from an earlier evaluation.
    miou: the same by id, None for an image without a scored pixel; whoever predicts an image adds its mean IoU.
    """

    def __init__(
        self,
        source: Source | None,
        pairs: list[Pair],
        grouping: Grouping,
        bit_depth: int | None = None,
        evaluated_miou: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.source = source
        self.pairs = pairs
        self.grouping = grouping
        self.bit_depth = bit_depth
        self.lookup = grouping.lookup(source.table) if source else None
        self.ids = [pair.name.encode(errors="backslashreplace").decode() for pair in pairs]  # any bytes name a file
        self.miou: dict[str, float | None] = {
            image_id: evaluated_miou[pair.name]
            for image_id, pair in zip(self.ids, pairs, strict=True)
            if pair.name in evaluated_miou
        }
        self._numbers = {image_id: number for number, image_id in enumerate(self.ids)}

    def find(self, image_id: str) -> ImageEntry:
        """Look up an id. Raises RequestError, 404, for one that the split does not have."""
        number = self._numbers.get(image_id)
        if number is None:
            raise RequestError(
                404, f"no image {image_id[:100]!r} among the {len(self.ids)} of this server; GET /api/images lists them"
            )
        ids = self.ids
        after = ids[number + 1] if number + 1 < len(ids) else None
        return ImageEntry(image_id, number, ids[number - 1] if number else None, after)

    def image(self, entry: ImageEntry) -> Bytes:
        """Read red, green, blue, uint8 [H, W, 3]. Raises RequestError, 422, for a broken file."""
        return self._read(entry, read_image, self.pairs[entry.number].image, self.bit_depth)

    def target(self, entry: ImageEntry) -> Bytes:
        """Read train ids, uint8 [H, W].

        Raises RequestError, 422, for a broken file, or one that does not fit its image.
        """
        pair = self.pairs[entry.number]
        size = self._read(entry, read_size, pair.image)
        return self._read(entry, read_target, self.source, pair, self.lookup, size)

    def image_and_target(self, entry: ImageEntry) -> tuple[Bytes, Bytes]:
        """Read the image, and its train ids [H, W]. Raises RequestError, 422, for files that do not fit."""
        return self._read(entry, read_pair, self.source, self.pairs[entry.number], self.lookup, self.bit_depth)

    def _read(self, entry: ImageEntry, reader: Any, *arguments: Any) -> Any:
        try:
            return reader(*arguments)
        except (ValueError, OSError) as error:
            LOG.warning("image %s: %s", entry.id, error)
            message = f"image {entry.id!r} cannot be read; the log of the server names the file and the cure"
            raise RequestError(422, message) from error
