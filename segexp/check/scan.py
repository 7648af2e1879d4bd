"""Read a whole split, and list everything that is wrong with it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from rich.progress import track

from segexp.classes import Grouping
from segexp.data.bit_depth import unused_bits_of
from segexp.data.counts import count_pixels
from segexp.data.image import UsedDepth
from segexp.data.pairs import MissingMasksError, Pair, Source
from segexp.data.reading import read_target, read_upright, read_used_depth
from segexp.data.small_images import size_problem
from segexp.data.void_split import void_problem
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

    orientation, depth: of the image, see `UprightImage` and `UsedDepth`.
    """

    pair: Pair
    problem: str
    counts: Counts | None = None
    orientation: int = 1
    depth: UsedDepth | None = None


@dataclass(frozen=True)
class SceneReader:
    """Reads scenes of a source as a training with these settings does. lookup: train id of every mask value [256]."""

    source: Source
    lookup: Bytes
    num_classes: int
    image_size: Size | None
    bit_depth: int | None

    def read(self, pair: Pair) -> ReadScene:
        try:
            depth = read_used_depth(pair.image)
            image = read_upright(pair.image, self.bit_depth)
        except ValueError as error:
            return ReadScene(pair, str(error))
        try:
            target = read_target(self.source, pair, self.lookup, image.rgb.shape[:2])
        except ValueError as error:
            return ReadScene(pair, str(error), None, image.orientation, depth)
        problem = size_problem(pair.image, self.image_size or target.shape)
        return ReadScene(pair, problem, count_pixels(target, self.num_classes), image.orientation, depth)


def scan(
    source: Source, grouping: Grouping, split: str, image_size: Size | None = None, bit_depth: int | None = None
) -> Scan:
    """Decode every image and mask of a split by threads, with a progress bar.

    image_size: [H, W] that images will be resized to, so that small ones are none too small; None for native size.
    bit_depth: of the images, see `segexp.data.image.upright`.
    """
    try:
        pairs, problems = source.pairs(split), list[str]()
    except MissingMasksError as error:
        pairs = error.with_mask
        problems = [f"{pair.image} has no mask: no {pair.mask}" for pair in error.without_mask]
    reader = SceneReader(source, grouping.lookup(source.table), grouping.num_classes, image_size, bit_depth)
    with ThreadPoolExecutor() as pool:
        scenes = list(track(pool.map(reader.read, pairs), f"reading {split}", total=len(pairs)))
    problems += [scene.problem for scene in scenes if scene.problem]
    if bit_depth is None and (unused := unused_bits_of(scene.depth for scene in scenes if scene.depth)):
        problems.append(unused)
    counts = [scene.counts for scene in scenes if scene.counts is not None]
    if counts and not any(each.any() for each in counts):
        problems.append(void_problem(split, len(counts), grouping))
    notes = _note_of_turned([scene.pair for scene in scenes if scene.orientation != 1])
    return Scan(pairs, problems, notes, counts)


def _note_of_turned(pairs: Sequence[Pair]) -> list[str]:
    if not pairs:
        return []
    return [
        f"an EXIF orientation turns {len(pairs)} images, the first is {pairs[0].image}; their masks are not turned: "
        "where they were drawn on images that were not turned either, remove the orientation of these images "
        "(exiftool -Orientation= FILES)"
    ]
