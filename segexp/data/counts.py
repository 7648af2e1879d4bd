"""Count how often each class occurs in a split, which class weights are made from."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from rich.progress import track

from segexp.classes import Grouping
from segexp.data.pairs import Pair, Source
from segexp.data.reading import read_label_ids
from segexp.types import Bytes, Counts


class ClassCounts(NamedTuple):
    """Counts of a split, one entry a class.

    pixels: pixels of the class. extents: scored pixels of all images that hold the class.
    """

    pixels: list[int]
    extents: list[int]


def class_counts(source: Source, split: str, grouping: Grouping) -> ClassCounts:
    """Count the classes of all scenes of a split from their masks alone, by threads, with a progress bar."""
    pairs, lookup = source.pairs(split), grouping.lookup(source.table)

    def counts_of(pair: Pair) -> Counts:
        return count_pixels(lookup[read_label_ids(source, pair)], grouping.num_classes)

    with ThreadPoolExecutor() as pool:
        counts = pool.map(counts_of, pairs)
        return sum_counts(track(counts, "counting classes", total=len(pairs), transient=True), grouping.num_classes)


def count_pixels(target: Bytes, num_classes: int) -> Counts:
    """Count the pixels of each class in one target of train ids, int64 [num_classes]."""
    return np.bincount(target.ravel(), minlength=256)[:num_classes]


def sum_counts(image_counts: Iterable[Counts], num_classes: int) -> ClassCounts:
    """Sum the counts [num_classes] of single images."""
    pixels, extents = np.zeros(num_classes, np.int64), np.zeros(num_classes, np.int64)
    for counts in image_counts:
        pixels += counts
        extents += counts.sum() * (counts > 0)
    return ClassCounts(pixels.tolist(), extents.tolist())
