"""The figures of a comparison as tables for a spreadsheet, a notebook or a plot of one's own."""

from typing import Any

import numpy as np
import polars as pl

from segexp.compare.report.setting_table import differing_keys
from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.row_cells import RowCells, row_cells
from segexp.compare.verdict.statistics import seeds_needed
from segexp.metric.scores import class_iou


def dataframes(comparison: Comparison) -> dict[str, pl.DataFrame]:
    """Name of the file -> table with a row for each variant, each run, each image of each run. NaN is null."""
    rows = zip(comparison.rows, row_cells(comparison.rows), strict=True)
    return {
        "variants": _dataframe([_variant(row, cells, comparison.class_names) for row, cells in rows]),
        "runs": _runs(comparison),
        "images": _images(comparison),
    }


def _variant(row: Row, cells: RowCells, class_names: tuple[str, ...]) -> dict[str, Any]:
    difference = row.difference
    is_tested = difference is not None and difference.num_seeds > 1
    return {
        "variant": row.name,
        "num_seeds": len(row.seeds),
        "miou": float(np.mean(row.miou)),
        "miou_min": min(row.miou),
        "miou_max": max(row.miou),
        "difference": difference.value if difference else None,
        "low": difference.low if difference else None,
        "high": difference.high if difference else None,
        "p_holm": row.adjusted_p,
        "verdict": cells.verdict,
        "num_seeds_needed": seeds_needed(difference) if difference and is_tested else None,
        **_iou_by_class(row.class_iou, class_names),
    }


def _runs(comparison: Comparison) -> pl.DataFrame:
    members = [
        (row.name, score, comparison.variants[row.name][seed])
        for row in comparison.rows
        for seed, score in zip(row.seeds, row.miou, strict=True)
    ]
    table = _dataframe([_run(*member) for member in members])
    settings = [
        _setting_column(key, [run.settings.get(key) for _, _, run in members])
        for key in differing_keys(comparison.variants)
        if key not in table.columns
    ]
    return table.with_columns(settings)


def _run(variant: str, score: float, run: Run) -> dict[str, Any]:
    base = {"variant": variant, "seed": run.seed, "path": str(run.path), "miou": score}
    return {**base, **_iou_by_class(class_iou(run.confusion), run.class_names), **_extra_scores(run, base)}


def _extra_scores(run: Run, base: dict[str, Any]) -> dict[str, float]:
    """Scores that the evaluation computed beside those derived here."""
    metrics = run.facts.get("metrics", {})
    return {name: value for name, value in metrics.items() if name not in base and not name.startswith("iou/")}


def _setting_column(key: str, values: list[Any]) -> pl.Series:
    """A column of numbers if all values are numbers, otherwise of text."""
    if all(type(value) in (int, float) for value in values):
        return pl.Series(key, values, strict=False)
    return pl.Series(key, [None if value is None else str(value) for value in values], pl.String)


def _images(comparison: Comparison) -> pl.DataFrame:
    tables = [
        _image_table(row.name, comparison.variants[row.name][seed]) for row in comparison.rows for seed in row.seeds
    ]
    return pl.concat(tables)


def _image_table(variant: str, run: Run) -> pl.DataFrame:
    table = pl.DataFrame({"image": run.image_names, "miou": run.image_miou})
    return table.select(pl.lit(variant).alias("variant"), pl.lit(run.seed).alias("seed"), "image", "miou")


def _iou_by_class(iou: Any, class_names: tuple[str, ...]) -> dict[str, float]:
    return {f"iou/{name}": float(value) for name, value in zip(class_names, iou, strict=True)}


def _dataframe(records: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(records, infer_schema_length=None).fill_nan(None)
