"""What the settings of suites may be."""

from typing import Any


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
