"""Images that store more bits than they use: the upper 8 of 16 are kept, and many cameras fill the lower 10 or 12."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from segexp.data.image import UsedDepth
from segexp.data.pairs import evenly_spread
from segexp.data.reading import read_used_depth

NUM_READ = 8
"""Images of a set, evenly spread, that are looked at before something is computed from all of them."""
CAMERAS = (8, 10, 12, 14)
KEY = "data.bit_depth"


def unused_bits(files: Sequence[Path], bit_depth: int | None, key: str = KEY) -> str:
    """Say that a set of images uses fewer bits than it stores; an empty text if it does not, or bit_depth says it.

    A few images are read, and decoded if they store more than 8 bits. key: by which the depth can be given.
    Raises ValueError naming a file that cannot be read.
    """
    if bit_depth is not None:
        return ""
    with ThreadPoolExecutor() as pool:
        return unused_bits_of(pool.map(read_used_depth, evenly_spread(files, NUM_READ)), key)


def unused_bits_of(depths: Iterable[UsedDepth], key: str = KEY) -> str:
    """As `unused_bits`, of images that have been read."""
    deep = [depth for depth in depths if depth.stored > 8]
    largest = max((depth.largest for depth in deep), default=0)
    stored = max((depth.stored for depth in deep), default=8)
    used = next((bits for bits in CAMERAS if largest < 2**bits), stored)
    if not largest or used >= stored - 1:  # a single unused bit is that of images which are not quite white
        return ""
    return (
        f"images store {stored} bits a channel, and the largest value in {len(deep)} of them is {largest}, so that at "
        f"most {(largest >> (stored - 8)) + 1} of 256 grey levels would be left; set {key}={used}, the bits that they "
        f"use, or {key}={stored} if the images really are that dark"
    )
