"""Figures as SVG inside a page: text stays text, equal figures are equal bytes, nothing is fetched."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE: Any = {
    "svg.hashsalt": "segexp",  # else ids are drawn at random
    "svg.fonttype": "none",
    "text.parse_math": False,  # a $ in the name of a variant is a $
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#667",
    "figure.facecolor": "none",
}
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


class Drawing(NamedTuple):
    """A figure that is drawn when the page is written.

    name: a word that no other figure of the page has. label: what it shows, for readers who cannot see it.
    fits: whether it may be made smaller on a small screen; other figures scroll.
    """

    name: str
    label: str
    draw: "Callable[[], Figure]"
    fits: bool = False


def svg(drawing: Drawing) -> Markup:
    """Draw the figure as an `<svg>` element."""
    content = io.StringIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the browser has the letter
        drawing.draw().savefig(content, format="svg", metadata=NO_METADATA)
    element = content.getvalue()
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{drawing.name}-", element)  # ids are of the whole page
    kind = ' class="fits"' if drawing.fits else ""
    label = f'role="img" aria-label="{escape(drawing.label)}"'
    return Markup(element[element.index("<svg") :].replace("<svg", f"<svg {label}{kind}", 1))


def breakable(text: str) -> Markup:
    """Text for HTML that may be broken after signs that join words, and only there."""
    return Markup("<wbr>").join(Markup.escape(part) for part in re.split(r"(?<=[_/,])", text))


def wrap(name: str, width: int = 26, most_lines: int = 3) -> str:
    """Break a name at spaces, or within a word that is longer than a line; an ellipsis says that there was more."""
    words = [word[start : start + width] for word in name.split() for start in range(0, len(word), width)] or [""]
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines if len(lines) <= most_lines else [*lines[: most_lines - 1], f"{lines[most_lines - 1]} …"])


def name_rows(axis: "Axes", names: Sequence[str]) -> None:
    """Write names left of the rows 0, 1, ..., each line by itself: only the browser knows how wide its letters are."""
    axis.set_yticks(range(len(names)), [""] * len(names))
    for row, name in enumerate(names):
        lines = wrap(name).split("\n")
        for number, line in enumerate(lines):
            above = (len(lines) - 1) / 2 - number
            axis.annotate(
                line,
                (0, row),
                (-6, 9.5 * above),
                xycoords=axis.get_yaxis_transform(),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=8 if len(lines) < 3 else 7,
            )
