"""Colours of a number in a table: shades of blue for scores, blue for gains and red for losses."""

from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from segexp.types import Floats

NO_VALUE_COLOR = "#e8e8ec"
NUM_STOPS = 9
LEAST_RANGE = 0.01
"""Of a scale of gains, lest noise look like a difference."""


class Cell(NamedTuple):
    """A number with its colours in CSS."""

    text: str
    background: str
    ink: str


class Scale(NamedTuple):
    """From least to most, coloured by a colour map of matplotlib. is_gain: the same to both sides of 0."""

    least: float
    most: float
    colormap: str
    is_gain: bool

    def cell(self, text: str, value: float) -> Cell:
        """value: what is coloured; NaN is grey."""
        if np.isnan(value):
            return Cell(text, NO_VALUE_COLOR, "#000")
        background = self._color((value - self.least) / (self.most - self.least))
        return Cell(text, background, "#fff" if _luminance(background) < 0.4 else "#000")

    def stops(self) -> list[str]:
        """Colours from the least to the most, at equal distances."""
        return [self._color(share) for share in np.linspace(0, 1, NUM_STOPS)]

    def _color(self, share: float) -> str:
        return to_hex(matplotlib.colormaps[self.colormap](float(share)))


SCORES = Scale(0, 1, "Blues", is_gain=False)


def gain_scale(*gains: Floats) -> Scale:
    """One scale for all of these, so that equal colours are equal gains. Blue: better. NaN is left out."""
    largest = max([LEAST_RANGE, *(float(np.nanmax(np.abs(each), initial=0)) for each in gains)])
    return Scale(-largest, largest, "RdBu", is_gain=True)


def _luminance(color: str) -> float:
    """0 to 1, by the weights of BT.601."""
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue
