"""Show records as tables in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import JustifyMethod
from rich.table import Table

STATE_COLORS = {
    "finished": "green",
    "failed": "red",
    "killed": "red",
    "preempted": "yellow",
    "running": "cyan",
    "starting": "cyan",
}
"""State of a training -> the colour of its word."""


def records_table(records: Sequence[Mapping[str, Any]], title: str, unbroken: Sequence[str] = ()) -> Table:
    """A table with a row for each record; all have the same keys. Numbers get three significant digits, None a dash.

    unbroken: keys whose values stay on one line, however narrow the terminal is.
    """
    table = Table(title=title)
    for heading in records[0]:
        is_text = any(isinstance(record[heading], str) for record in records)
        justify: JustifyMethod = "left" if is_text else "right"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading in unbroken)
    for record in records:
        table.add_row(*(value if isinstance(value, str) else _three_digits(value) for value in record.values()))
    return table


def _three_digits(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
