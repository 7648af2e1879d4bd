"""Figures as SVG inside a page: text stays text, equal figures are equal bytes, nothing is fetched."""

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
from markupsafe import Markup

if TYPE_CHECKING:
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
    """

    name: str
    label: str
    draw: "Callable[[], Figure]"


def svg(drawing: Drawing) -> Markup:
    """Draw the figure as an `<svg>` element."""
    content = io.StringIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the browser has the letter
        drawing.draw().savefig(content, format="svg", metadata=NO_METADATA)
    element = content.getvalue()
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{drawing.name}-", element)  # ids are of the whole page
    label = f'role="img" aria-label="{escape(drawing.label)}"'
    return Markup(element[element.index("<svg") :].replace("<svg", f"<svg {label}", 1))


def breakable(text: str) -> Markup:
    """Text for HTML that may be broken after signs that join words, and only there."""
    return Markup("<wbr>").join(Markup.escape(part) for part in re.split(r"(?<=[_/,])", text))
