"""A terminal as wide as it is, a file as wide as its content; tables that leave out columns before they cut numbers."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

SENTENCE_WIDTH = 100
WORD_WIDTH = 30
GAP = 2
Part = Table | Sequence[str] | str
"""A table, sentences, or lines that are never broken, so that paths and commands in them can be copied."""


def console() -> Console:
    """Rich takes 80 columns for a file."""
    is_file = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=10_000 if is_file else None, highlight=False, markup=False, emoji=False)  # [a, b] is a value


def table(title: str) -> Table:
    """Without lines between columns: numbers fit where lines would not."""
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def name_column(found: Table, heading: str) -> None:
    """Of names, which break between words first and only then within one."""
    found.add_column(heading, overflow="fold")


def number_column(found: Table, heading: str) -> None:
    """Of figures that are never broken or cut."""
    found.add_column(heading, justify="right", no_wrap=True)


def least_width(found: Table) -> int:
    """With names broken between words and figures whole, which the table is told to keep to."""
    for column in found.columns:
        cells = [str(cell) for cell in (column.header, *column.cells)]
        parts = [part for cell in cells for part in (cell.splitlines() if column.no_wrap else cell.split())]
        widest = max(map(cell_len, parts), default=1)
        column.min_width = widest if column.no_wrap else min(widest, WORD_WIDTH)
    return sum((column.min_width or 0) + GAP for column in found.columns) - GAP


def fitting(console: Console, build: Callable[[Sequence[str]], Table], columns: Sequence[str]) -> Table:
    """The table with as many of its columns as fit; the last are left out first."""
    for count in range(len(columns), 1, -1):
        found = build(columns[:count])
        if least_width(found) <= console.width:
            return found
    return build(columns[:1])


def print_all(console: Console, parts: Iterable[Part]) -> None:
    """An empty line after each part."""
    for part in parts:
        if isinstance(part, Table):
            title, part.title = part.title, None  # Rich folds a title at the width of its table
            console.print(Text(str(title), style="bold"))
            console.print(part)
        elif isinstance(part, str):
            console.print(Text(part), soft_wrap=True)
        else:
            console.print(Text("\n".join(part)), width=min(console.width, SENTENCE_WIDTH))
        console.print()
