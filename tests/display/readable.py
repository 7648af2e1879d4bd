"""Whether all texts of a figure can be read."""

from collections.abc import Iterator

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOUCHING = 0.5
"""Pixels."""


def require_readable(figure: Figure) -> None:
    texts, boxes = zip(*drawn_texts(figure), strict=True)
    lower, upper = (np.array(corners) for corners in zip(*((box.min, box.max) for box in boxes), strict=True))
    is_cut = ((lower < 0) | (upper > figure.bbox.max)).any(1)
    assert not is_cut.any(), f"cut: {[text for text, cut in zip(texts, is_cut, strict=True) if cut]}"
    common = (np.minimum(upper, upper[:, None]) - np.maximum(lower, lower[:, None])).min(2)
    collisions = [(texts[one], texts[other]) for one, other in np.argwhere(np.triu(common > TOUCHING, 1))]
    assert not collisions


def drawn_texts(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """Yield every text that is seen, with its place in pixels."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    unseen = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                unseen |= {tick.label1, tick.label2}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text() and text not in unseen and shown(text):
            yield text.get_text(), text.get_window_extent()


def shown(text: Text) -> bool:
    return text.axes is None or text.axes.axison
