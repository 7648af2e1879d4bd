"""Read a whole split, and list everything that is wrong with it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from rich.progress import track

from segexp.classes import Grouping
from segexp.data.counts import count_pixels
from segexp.data.pairs import MissingMasksError, Pair, Source
from segexp.data.reading import read_target, read_upright
from segexp.data.small_images import size_problem
from segexp.types import Bytes, Counts, Size


@dataclass(frozen=True)
class Scan:
    """The result of reading a split: its scenes that have a mask, and what was found.

    problems: one line for each, naming the file. notes: what is no mistake by itself, and worth a look.
    counts: pixels of each class [num_classes] in every scene without a problem.
    """

    pairs: list[Pair]
    problems: list[str]
    notes: list[str]
    counts: list[Counts]


class ReadScene(NamedTuple):
    """problem: why image or mask cannot be used, or empty. counts: pixels of each class; None if they cannot.

    orientation: of the image, see `UprightImage`.
    """

    pair: Pair
    problem: str
    counts: Counts | None
    orientation: int


def scan(source: Source, grouping: Grouping, split: str, image_size: Size | None = None) -> Scan:
    """Decode every image and mask of a split by threads, with a progress bar.

    image_size: [H, W] that images will be resized to, so that small ones are none too small; None for native size.
    """
    try:
        pairs, problems = source.pairs(split), list[str]()
    except MissingMasksError as error:
        pairs = error.with_mask
        problems = [f"{pair.image} has no mask: no {pair.mask}" for pair in error.without_mask]
    scenes = list(track(_scenes(source, pairs, grouping, image_size), f"reading {split}", total=len(pairs)))
    problems += [scene.problem for scene in scenes if scene.problem]
    turned = [scene.pair for scene in scenes if scene.orientation != 1]
    return Scan(
        pairs, problems, _note_of_turned(turned), [scene.counts for scene in scenes if scene.counts is not None]
    )


def _scenes(source: Source, pairs: Sequence[Pair], grouping: Grouping, image_size: Size | None) -> Iterator[ReadScene]:
    read = partial(_read, source, grouping.lookup(source.table), grouping.num_classes, image_size)
    with ThreadPoolExecutor() as pool:
        yield from pool.map(read, pairs)


def _read(source: Source, lookup: Bytes, num_classes: int, image_size: Size | None, pair: Pair) -> ReadScene:
    turned_by = 1
    try:
        image = read_upright(pair.image)
        turned_by = image.orientation
        target = read_target(source, pair, lookup, image.rgb.shape[:2])
    except ValueError as error:
        return ReadScene(pair, str(error), None, turned_by)
    problem = size_problem(pair.image, image_size or target.shape)
    return ReadScene(pair, problem, count_pixels(target, num_classes), turned_by)


def _note_of_turned(pairs: Sequence[Pair]) -> list[str]:
    if not pairs:
        return []
    return [
        f"an EXIF orientation turns {len(pairs)} images, the first is {pairs[0].image}; their masks are not turned: "
        "where they were drawn on images that were not turned either, remove the orientation of these images "
        "(exiftool -Orientation= FILES)"
    ]
