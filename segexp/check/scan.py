"""Read a whole split and name everything that is wrong with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.progress import track

from segexp.classes import Grouping
from segexp.data.counts import count
from segexp.data.pairs import MissingMasksError, Pair, Source
from segexp.data.reading import read_pair
from segexp.types import Bytes


@dataclass(frozen=True)
class Scan:
    """problems: one line each, naming a file. counts: pixels of each class in every sound scene, [num_classes] each."""

    num_pairs: int
    problems: list[str]
    counts: list[npt.NDArray[np.int64]]


def scan(source: Source, grouping: Grouping, split: str) -> Scan:
    """Decode every image and mask of a split, by threads, with a progress bar."""
    try:
        pairs, problems = source.pairs(split), list[str]()
    except MissingMasksError as error:
        pairs, problems = error.complete, [f"{pair.image} has no mask: no {pair.mask}" for pair in error.missing]
    counts = []
    for target in track(_read_all(pairs, grouping.lookup(source.table)), f"reading {split}", total=len(pairs)):
        if isinstance(target, str):
            problems.append(target)
        else:
            counts.append(count(target, grouping.num_classes))
    return Scan(len(pairs), problems, counts)


def _read_all(pairs: list[Pair], lookup: Bytes) -> Iterator[Bytes | str]:
    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda pair: _read(pair, lookup), pairs)


def _read(pair: Pair, lookup: Bytes) -> Bytes | str:
    try:
        return read_pair(pair, lookup)[1]
    except ValueError as error:
        return str(error)
