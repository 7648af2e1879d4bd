"""The figures of a comparison as tables for a spreadsheet, a notebook or a plot of one's own."""

from typing import Any

import polars as pl

from segexp.compare.report.setting_table import differing_keys
from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.extra_scores import extra_scores
from segexp.compare.verdict.row_cells import RowCells, row_cells
from segexp.compare.verdict.statistics import seeds_needed


def dataframes(comparison: Comparison) -> dict[str, pl.DataFrame]:
    """Name of the file -> table with a row for each variant, each run, each image of each run. NaN is null."""
    rows = zip(comparison.rows, row_cells(comparison.rows), _further(comparison), strict=True)
    return {
        "variants": _dataframe([_variant(comparison, *each) for each in rows]),
        "runs": _runs(comparison),
        "images": _images(comparison),
    }


def _variant(comparison: Comparison, row: Row, cells: RowCells, further: dict[str, Any]) -> dict[str, Any]:
    difference = row.difference
    is_tested = difference is not None and difference.num_seeds > 1
    return {
        "variant": row.name,
        "num_seeds": len(row.seeds),
        comparison.score: row.mean,
        f"{comparison.score}_min": min(row.scores),
        f"{comparison.score}_max": max(row.scores),
        "difference": difference.value if difference else None,
        "low": difference.low if difference else None,
        "high": difference.high if difference else None,
        "p_holm": row.adjusted_p,
        "verdict": cells.verdict,
        "num_seeds_needed": seeds_needed(difference) if difference and is_tested else None,
        **_by_class(comparison.class_score, row.class_scores, comparison.class_names),
        **further,
    }


def _further(comparison: Comparison) -> list[dict[str, Any]]:
    """For each row the mean of every other score, its difference from the baseline, and whether that is significant."""
    columns: list[dict[str, Any]] = [{} for _ in comparison.rows]
    for extra in extra_scores(comparison):
        for column, *values in zip(columns, extra.means, extra.differences, extra.verdicts, strict=True):
            column.update(zip((extra.name, f"{extra.name}_difference", f"{extra.name}_verdict"), values, strict=True))
    return columns


def _runs(comparison: Comparison) -> pl.DataFrame:
    members = [(row.name, comparison.variants[row.name][seed]) for row in comparison.rows for seed in row.seeds]
    table = _dataframe([_run(*member) for member in members])
    settings = [
        _setting_column(key, [run.settings.get(key) for _, run in members])
        for key in differing_keys(comparison.variants)
        if key not in table.columns
    ]
    return table.with_columns(settings)


def _run(variant: str, run: Run) -> dict[str, Any]:
    """What follows from the counts, then what else the evaluation recorded."""
    return {
        "variant": variant,
        "seed": run.seed,
        "path": str(run.path),
        **run.scores,
        **{name: value for name, value in run.facts.get("metrics", {}).items() if name not in run.scores},
    }


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


def _by_class(score: str, values: Any, class_names: tuple[str, ...]) -> dict[str, float]:
    return {f"{score}/{name}": float(value) for name, value in zip(class_names, values, strict=True)}


def _dataframe(records: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(records, infer_schema_length=None).fill_nan(None)
