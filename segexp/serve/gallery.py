"""The images of a split by id: an id is looked up here, and never becomes part of a path."""

from typing import Any, NamedTuple

import numpy as np
import torch

from segexp.classes import Grouping, LabelTable
from segexp.data.pairs import Pair
from segexp.data.reading import read_image, read_pair, read_size, read_target
from segexp.metric import scores
from segexp.metric.confusion import confusion_matrix
from segexp.serve.errors import LOG, RequestError
from segexp.types import Bytes


class Place(NamedTuple):
    """Where an image stands in the split; None: nothing before or after it."""

    id: str
    number: int
    previous: str | None
    next: str | None


class Gallery:
    """pairs: of the split, in order; none where only uploads are served. table: labels that their masks may hold."""

    def __init__(self, pairs: list[Pair], grouping: Grouping, table: LabelTable) -> None:
        self.pairs = pairs
        self.grouping = grouping
        self.lookup = grouping.lookup(table)
        self.ids = [pair.name.encode(errors="backslashreplace").decode() for pair in pairs]  # any bytes name a file
        self._number = {image_id: number for number, image_id in enumerate(self.ids)}

    def find(self, image_id: str) -> Place:
        """Raises RequestError, 404, for an id that the split does not have."""
        number = self._number.get(image_id)
        if number is None:
            raise RequestError(404, f"no image {image_id[:100]!r} among {len(self.ids)}; GET /api/images lists them")
        ids = self.ids
        after = ids[number + 1] if number + 1 < len(ids) else None
        return Place(image_id, number, ids[number - 1] if number else None, after)

    def image(self, place: Place) -> Bytes:
        """Red, green, blue, uint8 [H, W, 3]. Raises RequestError, 422, for a broken file."""
        return self._read(place, read_image, self.pairs[place.number].image)

    def truth(self, place: Place) -> Bytes:
        """Train ids, uint8 [H, W]. Raises RequestError, 422, for a broken file, or one that does not fit its image."""
        pair = self.pairs[place.number]
        return self._read(place, lambda: read_target(pair, self.lookup, read_size(pair.image)))

    def image_and_truth(self, place: Place) -> tuple[Bytes, Bytes]:
        """The image, and its truth in train ids [H, W]. Raises RequestError, 422, for files that do not fit."""
        return self._read(place, read_pair, self.pairs[place.number], self.lookup)

    def _read(self, place: Place, reader: Any, *arguments: Any) -> Any:
        try:
            return reader(*arguments)
        except (ValueError, OSError) as error:
            LOG.warning("image %s: %s", place.id, error)
            message = f"image {place.id!r} cannot be read; the log of the server names the file and the cure"
            raise RequestError(422, message) from error


def image_scores(truth: Bytes, predicted: Bytes, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Of one image: IoU of each class, their mean, pixel accuracy; None where there is nothing to score."""
    counts = confusion_matrix(torch.from_numpy(predicted), torch.from_numpy(truth), len(class_names)).numpy()
    iou = scores.class_iou(counts)
    return {
        "miou": or_none(scores.mean(iou)),
        "pixel_accuracy": or_none(scores.pixel_accuracy(counts)),
        "iou": {name: or_none(value) for name, value in zip(class_names, iou, strict=True)},
    }


def or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
