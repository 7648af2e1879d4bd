"""Comparison -> report.html, report.md, and tables as CSV and Parquet."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from segexp.compare.report.confusion_changes import ConfusionChange, confusion_changes
from segexp.compare.report.curve_plot import curve_plot
from segexp.compare.report.curves import Curve, curves
from segexp.compare.report.dataframes import dataframes
from segexp.compare.report.headline import headline, with_short_names
from segexp.compare.report.heatmaps import class_gain_heatmap, class_score_heatmap, confusion_heatmap
from segexp.compare.report.image_pictures import image_pictures
from segexp.compare.report.image_spread import most_different_images
from segexp.compare.report.interval_plot import interval_plot
from segexp.compare.report.provenance import baseline_run, picture_command, run_sources, training_commands
from segexp.compare.report.setting_table import setting_table
from segexp.compare.report.svg import breakable, svg
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.extra_scores import EACH_SCORE_ALONE, extra_scores
from segexp.compare.verdict.format import score, score_name, signed
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.skipped_runs import skipped_run_lines
from segexp.display.markdown import code_block, escape
from segexp.system.files import write_atomic

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS_OPEN = 30
"""Longer tables are folded until somebody asks for them."""
MOST_ROWS_DRAWN = 60
"""Variants in a figure: the baseline and the best others; the tables have all variants."""


def write_report(comparison: Comparison, folder: Path, command: str) -> list[Path]:
    """Write the report into `folder`, in place of an earlier one, and return the paths of its files.

    command: what was typed to make it. Raises OSError if a file cannot be written.
    """
    heading, shortly_named = with_short_names(comparison)
    content = {"heading": heading, "sentences": headline(comparison), "command": command, **_content(shortly_named)}
    paths = [write_atomic(folder / name, _render(name, content)) for name in ("report.html", "report.md")]
    for name, table in dataframes(comparison).items():
        paths += _write_table(table, folder / name)
    return paths


def _content(comparison: Comparison) -> dict[str, Any]:
    """What both templates show, by the name they use."""
    images, learning_curves = most_different_images(comparison), curves(comparison)
    return {
        "comparison": comparison,
        "baseline": comparison.rows[0],
        "others": comparison.rows[1:],
        "num_images": len(baseline_run(comparison).image_names),
        "row_cells": row_cells(comparison.rows),
        "figures": _figures(comparison, learning_curves),
        "curve_names": [curve.name for curve in learning_curves],
        "num_drawn": MOST_ROWS_DRAWN,
        "extra_scores": extra_scores(comparison),
        "each_score_alone": EACH_SCORE_ALONE,
        "confusion_changes": _confusion_changes(comparison),
        "images": images,
        "pictures": image_pictures(comparison, images),
        "picture_command": picture_command(comparison),
        "settings": setting_table(comparison.variants),
        "runs": run_sources(comparison),
        "commands": training_commands(comparison),
        "skipped_lines": "\n".join(skipped_run_lines(comparison.skipped_runs)),
        "most_rows_open": MOST_ROWS_OPEN,
    }


def _confusion_changes(comparison: Comparison) -> list[tuple[ConfusionChange, Markup]]:
    changes = confusion_changes(comparison.variants, [row.name for row in comparison.rows])
    return [(change, svg(confusion_heatmap(change, comparison.class_names))) for change in changes]


def _figures(comparison: Comparison, learning_curves: Sequence[Curve]) -> dict[str, Markup]:
    """Name in the template -> inline SVG; a figure without anything to draw is left out."""
    rows, class_names = comparison.rows[:MOST_ROWS_DRAWN], comparison.class_names
    title = score_name(comparison.class_score)
    figures = {"class_scores": svg(class_score_heatmap(rows, class_names, title))}
    if any(row.difference for row in rows):
        figures["intervals"] = svg(interval_plot(rows, score_name(comparison.score)))
    if len(rows) > 1:
        figures["class_gain"] = svg(class_gain_heatmap(rows, class_names, title))
    if learning_curves:
        figures["curves"] = svg(curve_plot(learning_curves, rows[0].name))
    return figures


def _render(name: str, content: dict[str, Any]) -> str:
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
        "score_name": score_name,
        "signed": signed,
        "markdown": escape,
        "code_block": code_block,
    }
    return environment.get_template(name).render(content)


def _write_table(table: pl.DataFrame, path: Path) -> list[Path]:
    parquet = io.BytesIO()
    table.write_parquet(parquet)
    return [
        write_atomic(path.with_suffix(".csv"), table.write_csv()),
        write_atomic(path.with_suffix(".parquet"), parquet.getvalue()),
    ]
