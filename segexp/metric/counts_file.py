"""The counts of an evaluation on disk, in confusion.npz."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segexp.run.earlier import evaluation_in_words_of_today

RESERVED = ("names", "classes", "label_names", "settings", "images", "masks")
"""Arrays of confusion.npz that are no counts."""


def is_of_evaluation(settings: str, facts: Mapping[str, Any]) -> bool:
    """Whether counts belong to a metrics.json. settings: the array of that name. facts: the content of metrics.json."""
    stored = evaluation_in_words_of_today(json.loads(settings))
    return all(facts.get(key) == value for key, value in stored.items())


def read_arrays(path: Path, *names: str) -> dict[str, npt.NDArray[Any]]:
    """Read those of the named arrays that the file holds; ValueError naming the file if it is torn or missing."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:  # np.load leaves torn files open
            return {name: arrays[name] for name in names if name in arrays}
    except Exception as error:  # the errors of zipfile, zlib and NumPy at a torn file have no common base
        raise ValueError(f"{path} cannot be read ({error}); evaluate again") from error
