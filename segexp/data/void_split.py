"""Splits without any pixel that belongs to a class: nothing can be learnt from them, and nothing scored."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from segexp.classes import Grouping
from segexp.data.pairs import Pair, Source, evenly_spread
from segexp.data.reading import read_label_ids
from segexp.types import VOID

NUM_READ = 8
"""Masks, evenly spread, that are looked at first."""


def refuse_void_split(source: Source, split: str, pairs: Sequence[Pair], grouping: Grouping) -> None:
    """Raise ValueError if every pixel of a split is void. A few masks are read, and all only if those are void.

    Also raises what reading a broken mask raises.
    """
    lookup = grouping.lookup(source.table)

    def holds_class(pair: Pair) -> bool:
        """Or what is no label, which is named when it is read to be trained on."""
        return bool((lookup[read_label_ids(source, pair)] != VOID).any())

    with ThreadPoolExecutor() as pool:
        if not any(pool.map(holds_class, evenly_spread(pairs, NUM_READ))) and not any(pool.map(holds_class, pairs)):
            raise ValueError(void_problem(split, len(pairs), grouping))


def void_problem(split: str, num_masks: int, grouping: Grouping) -> str:
    """Say that all masks of a split are void, and what to do about it."""
    return (
        f"no pixel of {split} belongs to a class of {grouping.name}: all {num_masks} masks are void throughout; choose "
        "another split (the labels of a test split are often withheld), or an option of classes= that fits these labels"
    )
