"""How much room names take in a figure, and names that are cut to the room there is."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

LONGEST_NAME = 36
"""Characters of a class's name or a key that a figure shows."""
FONT_SIZE = 10.0
"""Points, of which an inch has 72."""
HANDLE = 4.8
"""Room beside the name of an entry of a legend, in sizes of its font."""


def shorten(name: str, length: int = LONGEST_NAME) -> str:
    """The name, or its beginning and end around an ellipsis; $ would begin a formula in a figure."""
    head = (length - 1) // 2
    short = name if len(name) <= length else f"{name[:head]}…{name[head + 1 - length :]}"
    return short.replace("$", r"\$")


@lru_cache(maxsize=1024)
def width(text: str, size: float = FONT_SIZE) -> float:
    """Inches that a line of text takes."""
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=size).get_extents().width) / 72


def widest(texts: Sequence[str], size: float = FONT_SIZE) -> float:
    return max(width(text, size) for text in texts)


def legend_columns(names: Sequence[str], inches: float, size: float = FONT_SIZE) -> int:
    """Columns of a legend that is to fit into so many inches."""
    return min(len(names), max(1, int(inches / (widest(names, size) + HANDLE * size / 72))))


def legend_height(names: Sequence[str], inches: float, size: float = FONT_SIZE) -> float:
    """Inches of a legend of so many columns as fit."""
    return (-(-len(names) // legend_columns(names, inches, size)) * 1.6 + 1) * size / 72


def draw_legend(figure: "Figure", handles: "Sequence[Artist]", names: Sequence[str], size: float = FONT_SIZE) -> None:
    """Draw a legend at the lower edge of a figure, in as many columns as fit."""
    num_columns = legend_columns(names, figure.get_figwidth(), size)
    figure.legend(handles, names, loc="lower center", ncols=num_columns, frameon=False, fontsize=size)
