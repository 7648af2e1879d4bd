"""What to do with a mask that does not hold one byte a pixel: it depends on where in the file the label ids are."""

from typing import Any

import numpy as np
import numpy.typing as npt

ONE_CHANNEL = "Image.open(f).getchannel(0).save(f)"
ONE_BYTE = 'Image.fromarray(numpy.array(Image.open(f)).astype("uint8")).save(f)'
OWN_DATA_SET = "a data set of your own (docs/extending.md)"


def cure_of_mask(values: npt.NDArray[Any]) -> str:
    """The next step. values: of the file, as `segexp.data.reading.read_values` returns them."""
    if values.dtype.kind not in "bui" or values.ndim > 3:
        return f"make the mask again, or read it by {OWN_DATA_SET}"
    if values.ndim == 2 and values.min() >= 0 and values.max() <= 255:
        return f"all its values fit into one byte: {_command(ONE_BYTE)}"
    if values.ndim == 2:
        return (
            f"its values go up to {values.max()}: take the file of label ids if there is one beside it, or compute the "
            f"ids from the values, read by read_values, in {OWN_DATA_SET}"
        )
    first, others = values[..., 0], values[..., 1:3] if values.shape[2] > 2 else values[..., :1]
    if values.dtype == np.uint8 and ((others == first[..., None]).all() or not others.any()):
        return f"the ids are in its first channel: {_command(ONE_CHANNEL)}"
    return "its pixels are colours: docs/extending.md shows a data set of your own that reads them, with read_colors"


def _command(statement: str) -> str:
    """For files f, which are overwritten."""
    code = f"import sys, numpy; from PIL import Image; [{statement} for f in sys.argv[1:]]"
    return f"python -c '{code}' MASKS, where MASKS are the files, of which you have a copy"
