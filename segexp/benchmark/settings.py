"""What the settings of suites may be."""

from collections.abc import Mapping
from typing import Any

from segexp.config.schema import WholeNumber, checked
from segexp.data.streets import Streets
from segexp.types import SMALLEST_SIDE

SCENES = {"num_train": 1, "num_val": 1, "height": SMALLEST_SIDE, "width": SMALLEST_SIDE, "seed": 0}
"""Whole numbers that `Streets` takes, and the least that is allowed of each."""


def checked_list(key: str, value: Any) -> list[Any]:
    """The list that was given under this key. Raises ValueError for anything else, a text of many letters too."""
    if not isinstance(value, list):
        example = f"[{value}]" if type(value) in (str, int, float) else "[...]"
        raise ValueError(f"{key} is {value!r}; needed is a list: {key}={example}")
    return value


def checked_number(key: str, value: Any) -> float:
    """The number above 0 that was given under this key. Raises ValueError if it is none."""
    if type(value) not in (int, float) or not value > 0:
        raise ValueError(f"{key} is {value!r}; needed is a number above 0")
    return value


def checked_folder(key: str, value: Any) -> str:
    """The path of a folder that was given under this key. Raises ValueError if it is none."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is {value!r}; needed is the path of a folder, a number as {key}=./2024")
    return value


def checked_streets(key: str, value: Any) -> Streets:
    """The data set of the arguments that were given under this key. Raises ValueError for what they cannot be."""
    if not isinstance(value, Mapping) or not {"root"} <= set(value) <= {"root", *SCENES}:
        raise ValueError(f"{key} is {value!r}; needed are root and any of {', '.join(SCENES)}: {key}.root=FOLDER")
    checked_folder(f"{key}.root", value["root"])
    for name, number in value.items():
        if name != "root" and checked(WholeNumber, f"{key}.{name}", number) < SCENES[name]:
            raise ValueError(f"{key}.{name} is {number}; allowed: a whole number of at least {SCENES[name]}")
    return Streets(**value)
