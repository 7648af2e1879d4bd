"""What the settings of reading may be; refused without loading what reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from segexp.types import SMALLEST_SIDE

Size = tuple[int, int]

READING = (
    "train_split",
    "val_split",
    "image_size",
    "batch_size",
    "eval_batch_size",
    "num_workers",
    "cache",
    "cache_size",
    "cache_root",
)
"""Keys of data= that say how a data set is read, whichever it is; all others are its own."""
SIZES = ("image_size", "cache_size")
COUNTS = {"batch_size": 1, "eval_batch_size": 1, "num_workers": 0}
"""The least that is allowed of each."""
CACHES = ("off", "memory", "disk")


def check(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for what `DataModule` cannot have. settings: arguments of it by name; others are not looked at.

    None stands for a default, and for what an older run did not know.
    """
    for name in SIZES:
        checked_size(f"data.{name}", settings.get(name))
    for name, least in COUNTS.items():
        if settings.get(name) is not None or name != "num_workers":
            checked_count(f"data.{name}", settings[name], least)
    checked_cache(settings.get("cache", "off"), settings.get("cache_size"), settings.get("image_size"))


def checked_size(key: str, size: Sequence[int] | None) -> Size | None:
    """[height, width] as it was given under this key, None for None. Raises ValueError if it is none."""
    if size is None:
        return None
    pair = isinstance(size, Sequence) and len(size) == 2
    if not pair or not all(type(side) is int and side >= SMALLEST_SIDE for side in size):
        raise ValueError(f"{key} is {size!r}; needed is [height, width], each at least {SMALLEST_SIDE}, or null")
    return int(size[0]), int(size[1])


def checked_count(key: str, value: int, least: int) -> int:
    """A whole number as it was given under this key. Raises ValueError if it is none."""
    if type(value) is not int or value < least:
        raise ValueError(f"{key} is {value!r}; needed is a whole number of at least {least}")
    return value


def checked_cache(kind: str | bool, size: Sequence[int] | None, image_size: Sequence[int] | None) -> str:
    """off, memory or disk. size: that images are kept at. Raises ValueError for what no cache can be."""
    name = "off" if kind is False else kind  # YAML reads a bare off as false
    if not isinstance(name, str) or name not in CACHES:
        raise ValueError(f"data.cache is {kind!r}; allowed: {', '.join(CACHES)}")
    if size is not None and list(size) != list(image_size or ()):
        shown = list(image_size) if image_size else "null"
        raise ValueError(
            f"data.cache_size is {list(size)} and data.image_size is {shown}; a cache holds images at native size "
            "(null) or at data.image_size: set both to the same, or data.cache_size=null"
        )
    return name
