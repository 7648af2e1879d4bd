"""Masks and figures as PNG files."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from segexp.system.files import write_atomic
from segexp.types import VOID, Bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VOID_COLOR = (224, 224, 192)
"""That of the void outlines in PASCAL VOC."""
BLACK = (0, 0, 0)


def color_table(colors: Bytes, void: tuple[int, int, int] = VOID_COLOR) -> Bytes:
    """Colour of each index, uint8 [256, 3]: those given [up to 256, 3], void's, black for all others.

    Given all 256, it returns them, as for the bytes of mask files: color_table(colors)[lookup of their train ids].
    """
    table = np.zeros((256, 3), np.uint8)
    table[VOID] = void
    table[: len(colors)] = colors
    return table


def colorize(train_ids: Bytes, colors: Bytes) -> Bytes:
    """Train ids [H, W] in the colours [num_classes, 3] of the grouping. Returns uint8 [H, W, 3]."""
    return color_table(colors)[train_ids]


def with_palette(ids: Bytes, colors: Bytes, void: tuple[int, int, int] = VOID_COLOR) -> Image.Image:
    """A picture whose indices are the ids [H, W], so that it reads as ids, and looks as `color_table` says."""
    picture = Image.fromarray(ids)
    picture.putpalette(color_table(colors, void).tobytes())
    return picture


def png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "png", compress_level=1)  # a third of the time of the usual 6 for a tenth more bytes
    return content.getvalue()


def save(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return write_atomic(path, content.getvalue())
