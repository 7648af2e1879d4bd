"""Counts of an evaluation as they lie on disk, in confusion.npz."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def arrays(path: Path, *names: str) -> dict[str, npt.NDArray[Any]]:
    """Those of the arrays that are there. Raises ValueError naming the file if that is torn or missing."""
    try:
        with path.open("rb") as file, np.load(file) as stored:  # np.load leaves torn files open
            return {name: stored[name] for name in names if name in stored}
    except Exception as error:  # what zipfile, zlib and NumPy stumble over in a torn file has no common base
        raise ValueError(f"{path} cannot be read ({error}); evaluate again") from error
