"""Tables and sentences for a terminal; a table leaves out columns before it cuts a number."""

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
Section = Table | Sequence[str] | str
"""A table, sentences, or text whose lines are never broken, so that paths and commands in it can be copied."""


def console() -> Console:
    """A console as wide as the terminal. A file gets all columns, as Rich would write 80 of them into one."""
    is_file = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=10_000 if is_file else None, highlight=False, markup=False, emoji=False)  # [a, b] is a value


def plain_table(title: str) -> Table:
    """An empty table without lines between its columns, which would take the place of numbers."""
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def name_column(table: Table, heading: str) -> None:
    """Add a column of names, which break between words first and only then within one."""
    table.add_column(heading, overflow="fold")


def number_column(table: Table, heading: str) -> None:
    """Add a column of figures, which are never broken or cut."""
    table.add_column(heading, justify="right", no_wrap=True)


def least_width(table: Table) -> int:
    """The width with names broken between words and whole figures; sets it as the least width of each column."""
    for column in table.columns:
        cells = [str(cell) for cell in (column.header, *column.cells)]
        words = [word for cell in cells for word in (cell.splitlines() if column.no_wrap else cell.split())]
        widest = max(map(cell_len, words), default=1)
        column.min_width = widest if column.no_wrap else min(widest, WORD_WIDTH)
    return sum((column.min_width or 0) + GAP for column in table.columns) - GAP


def fit_columns(console: Console, build: Callable[[Sequence[str]], Table], columns: Sequence[str]) -> Table:
    """Build the table with as many of its columns as fit; the last are left out first."""
    for count in range(len(columns), 1, -1):
        table = build(columns[:count])
        if least_width(table) <= console.width:
            return table
    return build(columns[:1])


def print_sections(console: Console, sections: Iterable[Section]) -> None:
    """Print each section and an empty line."""
    for section in sections:
        if isinstance(section, Table):
            title, section.title = section.title, None  # Rich folds a title at the width of its table
            console.print(Text(str(title), style="bold"))
            console.print(section)
        elif isinstance(section, str):
            console.print(Text(section), soft_wrap=True)
        else:
            console.print(Text("\n".join(section)), width=min(console.width, SENTENCE_WIDTH))
        console.print()
