"""Tables as LaTeX for a paper, with the rules of the package booktabs."""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stdout
from typing import Literal

TableFormat = Literal["text", "latex"]
SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{character: f"${character}$" for character in "<>|"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
}
"""Characters that LaTeX would interpret, or print as others."""
SIGNED = re.compile(r"(?<![^ \[])[+-]\d[\d.]*")
"""A signed figure, by itself or in an interval; not in a name such as `a=-1`."""


def print_in_format(format: TableFormat, work: Callable[[], Sequence[str]]) -> None:
    """Do the work, and print the LaTeX tables that it returns.

    format: `latex` sends what the work itself prints to standard error, so that a file takes the tables alone.
    """
    with redirect_stdout(sys.stderr) if format == "latex" else nullcontext():
        tables = work()
    if tables:
        print("\n\n".join(tables))


def latex_table(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], last_rows: Sequence[Sequence[str]] = ()
) -> str:
    """A tabular: names on the left, figures on the right. Put `\\usepackage{booktabs}` into the document.

    caption: a comment above it. last_rows: below a rule of their own, such as means.
    """
    lines = [f"% {' '.join(caption.split())}", rf"\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}", r"\toprule"]
    lines += [_line(headings), r"\midrule", *map(_line, rows)]
    lines += [r"\midrule", *map(_line, last_rows)] if last_rows else []
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def escape(text: str) -> str:
    """The text on one line, with nothing in it that LaTeX interprets; signed figures get the minus of mathematics."""
    escaped = "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))
    return SIGNED.sub(lambda figure: f"${figure[0]}$", escaped)


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
