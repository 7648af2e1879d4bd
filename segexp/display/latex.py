"""Tables as LaTeX for a paper, with the rules of the package booktabs."""

import re
from collections.abc import Sequence

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
SIGNED = re.compile(r"[+-]\d[\d.]*")


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
    return SIGNED.sub(lambda figure: f"${figure[0]}$", escaped) if SIGNED.match(escaped) else escaped


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
