"""How often each class occurs in a split: what class weights are made of."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.progress import track

from segexp.classes import Grouping, LabelTable
from segexp.data.pairs import Pair
from segexp.data.reading import read_mask
from segexp.types import Bytes


class ClassCounts(NamedTuple):
    """pixels: of each class. extents: scored pixels of all images that hold the class. Both of length num_classes."""

    pixels: list[int]
    extents: list[int]


def class_counts(pairs: Sequence[Pair], grouping: Grouping, table: LabelTable) -> ClassCounts:
    """Counted from the masks alone, decoded by threads, with a progress bar."""
    lookup = grouping.lookup(table)
    with ThreadPoolExecutor() as pool:
        counts = pool.map(lambda pair: count(lookup[read_mask(pair.mask)], grouping.num_classes), pairs)
        return total(track(counts, "counting classes", total=len(pairs), transient=True), grouping.num_classes)


def count(target: Bytes, num_classes: int) -> npt.NDArray[np.int64]:
    """Pixels of each class in one target of train ids, int64 [num_classes]."""
    return np.bincount(target.ravel(), minlength=256)[:num_classes]


def total(counts: Iterable[npt.NDArray[np.int64]], num_classes: int) -> ClassCounts:
    """Sum the counts of images."""
    pixels, extents = np.zeros(num_classes, np.int64), np.zeros(num_classes, np.int64)
    for of_image in counts:
        pixels += of_image
        extents += of_image.sum() * (of_image > 0)
    return ClassCounts(pixels.tolist(), extents.tolist())
