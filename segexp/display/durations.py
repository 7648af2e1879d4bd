"""Durations in words."""

import math

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
"""Seconds of each unit, and its name."""


def duration(seconds: float) -> str:
    """The two largest units, rounded down: 2 d 3 h, 7 h 10 min, 4 min 20 s, 40 s. Raises ValueError if infinite."""
    if not math.isfinite(seconds):
        raise ValueError(f"seconds is {seconds}; allowed: a finite number")
    index = next((index for index, (size, _) in enumerate(UNITS) if seconds >= size), len(UNITS) - 1)
    words: list[str] = []
    rest = int(max(0, seconds))
    for size, unit in UNITS[index : index + 2]:
        count, rest = divmod(rest, size)
        words += [f"{count} {unit}"] if count or not words else []
    return " ".join(words)
