"""Read a whole split, and list everything that is wrong with it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.progress import track

from segexp.classes import Grouping
from segexp.data.counts import count_pixels
from segexp.data.pairs import MissingMasksError, Pair, Source
from segexp.data.reading import read_pair
from segexp.types import Bytes, Counts


@dataclass(frozen=True)
class Scan:
    """The result of reading a split.

    problems: one line for each, naming the file.
    counts: pixels of each class [num_classes] in every scene without a problem.
    """

    num_pairs: int
    problems: list[str]
    counts: list[Counts]


def scan(source: Source, grouping: Grouping, split: str) -> Scan:
    """Decode every image and mask of a split by threads, with a progress bar."""
    try:
        pairs, problems = source.pairs(split), list[str]()
    except MissingMasksError as error:
        pairs = error.with_mask
        problems = [f"{pair.image} has no mask: no {pair.mask}" for pair in error.without_mask]
    counts = []
    results = _targets_or_problems(source, pairs, grouping.lookup(source.table))
    for result in track(results, f"reading {split}", total=len(pairs)):
        if isinstance(result, str):
            problems.append(result)
        else:
            counts.append(count_pixels(result, grouping.num_classes))
    return Scan(len(pairs), problems, counts)


def _targets_or_problems(source: Source, pairs: list[Pair], lookup: Bytes) -> Iterator[Bytes | str]:
    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda pair: _target_or_problem(source, pair, lookup), pairs)


def _target_or_problem(source: Source, pair: Pair, lookup: Bytes) -> Bytes | str:
    try:
        return read_pair(source, pair, lookup)[1]
    except ValueError as error:
        return str(error)
