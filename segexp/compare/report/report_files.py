"""Comparison -> report.html, report.md, and tables as CSV and Parquet."""

import functools
import io
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from segexp.compare.report.class_tables import class_gain_table, class_score_table
from segexp.compare.report.confusion_changes import confusion_cells, confusion_changes, confusion_scale
from segexp.compare.report.curve_plot import curve_colors, curve_plot
from segexp.compare.report.curves import curves
from segexp.compare.report.dataframes import dataframes
from segexp.compare.report.difference_map import MEANINGS
from segexp.compare.report.forest_plot import forest_plot
from segexp.compare.report.head import head
from segexp.compare.report.image_pictures import image_pictures
from segexp.compare.report.image_spread import most_different_images
from segexp.compare.report.provenance import baseline_run, picture_command, run_sources, training_commands
from segexp.compare.report.relative import relative
from segexp.compare.report.setting_table import setting_table
from segexp.compare.report.short_names import with_short_names
from segexp.compare.report.svg import breakable, svg
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.extra_scores import EACH_SCORE_ALONE, extra_scores
from segexp.compare.verdict.format import score, score_name, signed
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.sentences import sentences
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
    content = {
        "heading": heading,
        "head": head(shortly_named, heading),
        "sentences": sentences(comparison),
        "command": command,
        **_content(shortly_named),
    }
    paths = [
        write_atomic(folder / name, _environment().get_template(name).render(content))
        for name in ("report.html", "report.md")
    ]
    for name, table in dataframes(comparison).items():
        paths += _write_table(table, folder / name)
    return paths


def _content(comparison: Comparison) -> dict[str, Any]:
    """What both templates show beside the figures, by the name they use."""
    return {
        "comparison": comparison,
        "baseline": comparison.rows[0],
        "others": comparison.rows[1:],
        "num_images": len(baseline_run(comparison).image_names),
        "row_cells": row_cells(comparison.rows),
        "extra_scores": extra_scores(comparison),
        "each_score_alone": EACH_SCORE_ALONE,
        "picture_command": picture_command(comparison),
        "settings": setting_table(comparison.variants),
        "sources": run_sources(comparison),
        "commands": training_commands(comparison),
        "skipped_lines": "\n".join(skipped_run_lines(comparison.skipped_runs)),
        "most_rows_open": MOST_ROWS_OPEN,
        **_figures(comparison),
        **_images(comparison),
    }


def _figures(comparison: Comparison) -> dict[str, Any]:
    """The figures of the page; None where there is nothing to draw."""
    rows, class_names = comparison.rows[:MOST_ROWS_DRAWN], comparison.class_names
    learning_curves, baseline = curves(comparison), rows[0].name
    changes = confusion_changes(comparison.variants, [row.name for row in comparison.rows])
    scale = confusion_scale(changes)
    return {
        "num_drawn": MOST_ROWS_DRAWN,
        "forest": forest_plot(rows),
        "class_scores": class_score_table(rows, class_names),
        "class_gains": class_gain_table(rows, class_names) if len(rows) > 1 else None,
        "curves": svg(curve_plot(learning_curves, baseline)) if learning_curves else None,
        "curve_colors": curve_colors(learning_curves, baseline),
        "confusion_scale": scale,
        "confusion_changes": [(change, confusion_cells(change, scale)) for change in changes],
    }


def _images(comparison: Comparison) -> dict[str, Any]:
    images = most_different_images(comparison)
    return {"images": images, "pictures": image_pictures(comparison, images), "difference_meanings": MEANINGS}


@functools.cache
def _environment() -> Environment:
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
        "relative": relative,
        "score": score,
        "score_name": score_name,
        "signed": signed,
        "markdown": escape,
        "code_block": code_block,
    }
    return environment


def _write_table(table: pl.DataFrame, path: Path) -> list[Path]:
    parquet = io.BytesIO()
    table.write_parquet(parquet)
    return [
        write_atomic(path.with_suffix(".csv"), table.write_csv()),
        write_atomic(path.with_suffix(".parquet"), parquet.getvalue()),
    ]
