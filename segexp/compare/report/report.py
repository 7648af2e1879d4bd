"""Comparison -> report.html, report.md, and tables as CSV and Parquet."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from segexp.compare.report import images, provenance, scenes, settings, shifts
from segexp.compare.report.curves import Curve, curves
from segexp.compare.report.figures import intervals, learning_curves
from segexp.compare.report.frames import frames
from segexp.compare.report.headline import headline, named_shortly
from segexp.compare.report.heatmaps import class_gain, class_iou, confusion_change
from segexp.compare.report.svg import breakable, svg
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.format import score, signed
from segexp.compare.verdict.left_out import left_out_lines
from segexp.compare.verdict.other_scores import other_scores
from segexp.compare.verdict.row_cells import row_cells
from segexp.display.markdown import code_block, escape
from segexp.system.files import write_atomic

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS_OPEN = 30
"""Longer tables are folded until somebody asks for them."""
MOST_ROWS_DRAWN = 60
"""Of variants in a figure: the baseline and the best; all of them are in the tables."""


def write(comparison: Comparison, folder: Path, command: str) -> list[Path]:
    """Write the report into `folder`, in place of an earlier one, and return the paths of its files.

    command: what was typed to make it. Raises OSError if a file cannot be written.
    """
    heading, shown = named_shortly(comparison)
    content = {"heading": heading, "sentences": headline(comparison), "command": command, **_content(shown)}
    written = [write_atomic(folder / name, _rendered(name, content)) for name in ("report.html", "report.md")]
    for name, frame in frames(comparison).items():
        written += _write_frame(frame, folder / name)
    return written


def _content(comparison: Comparison) -> dict[str, Any]:
    """What both templates show, by the name they use."""
    most_different = images.most_different(comparison)
    drawn = curves(comparison)
    return {
        "comparison": comparison,
        "baseline": comparison.rows[0],
        "others": comparison.rows[1:],
        "num_images": len(provenance.first_run(comparison).image_names),
        "row_cells": row_cells(comparison.rows),
        "figures": _figures(comparison, drawn),
        "curve_names": [curve.name for curve in drawn],
        "num_drawn": MOST_ROWS_DRAWN,
        "other_scores": other_scores(comparison),
        "changes": _changes(comparison),
        "images": most_different,
        "pictures": scenes.pictured(comparison, most_different),
        "picture_command": provenance.picture_command(comparison),
        "settings": settings.differing(comparison.variants),
        "runs": provenance.runs(comparison),
        "commands": provenance.commands(comparison),
        "left_out": "\n".join(left_out_lines(comparison.left_out)),
        "most_rows_open": MOST_ROWS_OPEN,
    }


def _changes(comparison: Comparison) -> list[tuple[shifts.Change, Markup]]:
    changes = shifts.largest(comparison.variants, [row.name for row in comparison.rows])
    return [(change, svg(confusion_change(change, comparison.class_names))) for change in changes]


def _figures(comparison: Comparison, drawn: Sequence[Curve]) -> dict[str, Markup]:
    """Name in the template -> inline SVG; what there is nothing to draw for is left out."""
    rows, class_names = comparison.rows[:MOST_ROWS_DRAWN], comparison.class_names
    found = {"class_iou": svg(class_iou(rows, class_names))}
    if any(row.difference for row in rows):
        found["intervals"] = svg(intervals(rows))
    if len(rows) > 1:
        found["class_gain"] = svg(class_gain(rows, class_names))
    if drawn:
        found["curves"] = svg(learning_curves(drawn, rows[0].name))
    return found


def _rendered(name: str, content: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda template: template is not None and template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "breakable": breakable,
        "score": score,
        "signed": signed,
        "plain": escape,
        "fenced": code_block,
    }
    return environment.get_template(name).render(content)


def _write_frame(frame: pl.DataFrame, path: Path) -> list[Path]:
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    return [
        write_atomic(path.with_suffix(".csv"), frame.write_csv()),
        write_atomic(path.with_suffix(".parquet"), parquet.getvalue()),
    ]
