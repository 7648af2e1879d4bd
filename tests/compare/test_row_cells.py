"""A row of the verdict has the same text in every cell, whether a terminal, the page, Markdown or W&B shows it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from segexp.compare.report.report_files import write_report
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.row_cells import RowCells, row_cells
from segexp.compare.verdict.text.verdict import verdict_table
from segexp.compare.wandb.verdict_markdown import markdown_table
from tests.compare.report.runs import compare_folder, run

SEEDS = {"focal": (0, 1, 2), "dice": (0, 1, 2), "hinge": (1, 2), "lovasz": (0,), "tversky": (5, 6), "iou": (0, 1)}
QUALITIES = {"focal": 0.6, "dice": 0.85, "hinge": 0.61, "lovasz": 0.5, "tversky": 0.59, "iou": 0.55}
IN_MARKDOWN = {"seeds for ±0.003": "seeds_needed", "95 % interval": "interval", "p (Holm)": "p_value"}
IN_MARKDOWN |= {"seeds": "num_seeds", "min": "least", "max": "most"}
Rows = dict[str, Mapping[str, str]]
"""Name of a variant -> its cells by their name in RowCells."""


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A baseline, variants that are better, worse and not significant, one of a single seed, one that shares none."""
    folder = tmp_path_factory.mktemp("sweep")
    for loss, seeds in SEEDS.items():
        for seed in seeds:
            run(folder / f"{loss}{seed}", loss, seed, QUALITIES[loss])
    every = compare_folder(folder)
    p_values = {"loss=dice": 0.000124, "loss=hinge": 0.99951, "loss=iou": 0.0123}
    rows = [replace(row, adjusted_p=p_values.get(row.name, row.adjusted_p)) for row in every.rows]
    return replace(every, rows=rows)


def in_terminal(comparison: Comparison, folder: Path) -> Rows:
    table = verdict_table(comparison, Console(width=200))
    headings, columns = [str(column.header) for column in table.columns], [column.cells for column in table.columns]
    rows: Rows = {}
    for name, *texts in zip(*columns, strict=True):
        cells = dict(zip(headings[1:], map(str, texts), strict=True))
        least, most = cells["min .. max"].split(" .. ")
        difference, _, interval = cells["difference, 95 % interval"].partition("  ")
        plain = {"mean": cells["mean"], "p_value": cells["p (Holm)"], "verdict": cells["verdict"]}
        plain |= {"num_seeds": cells["seeds"], "seeds_needed": cells["seeds for\n±0.003"]}
        rows[str(name)] = plain | {"least": least, "most": most, "difference": difference, "interval": interval}
    return rows


def of_markdown(lines: Sequence[str]) -> Rows:
    """The first table among the lines."""
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    table = [line[1:-1].split("|") for line in lines[first : first + 2 + len(SEEDS)]]
    headings = [IN_MARKDOWN.get(cell.strip(), cell.strip()) for cell in table[0][1:]]
    return {
        cells[0].strip().removeprefix("loss="): dict(zip(headings, map(str.strip, cells[1:]), strict=True))
        for cells in table[2:]
    }


def on_the_page(comparison: Comparison, folder: Path) -> Rows:
    write_report(comparison, folder, "")
    table = (folder / "report.html").read_text().partition('<table class="sortable">')[2].partition("</table>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>.*?</tr>", table)]
    return of_markdown([f"|{'|'.join(map(unescape, row))}|" for row in [cells[0], cells[0], *cells[1:]]])


def in_markdown(comparison: Comparison, folder: Path) -> Rows:
    write_report(comparison, folder, "")
    return of_markdown((folder / "report.md").read_text().splitlines())


def in_wandb(comparison: Comparison, folder: Path) -> Rows:
    return of_markdown(markdown_table(comparison.rows).splitlines())


@pytest.mark.parametrize("read_rows", [in_terminal, on_the_page, in_markdown, in_wandb])
def test_every_renderer_shows_the_same_text_in_every_cell(
    comparison: Comparison, tmp_path: Path, read_rows: Callable[[Comparison, Path], Rows]
) -> None:
    expected = {cells.name.removeprefix("loss="): cells._asdict() for cells in row_cells(comparison.rows)}
    for cells in expected.values():
        del cells["name"]
    assert read_rows(comparison, tmp_path) == expected


def test_cells_say_what_was_found_and_are_empty_or_a_dash_where_nothing_was(comparison: Comparison) -> None:
    cells: dict[str, RowCells] = {each.name.removeprefix("loss="): each for each in row_cells(comparison.rows)}
    assert {name: (each.verdict, each.p_value) for name, each in cells.items()} == {
        "focal": ("baseline", ""),
        "dice": ("better", "< 0.001"),
        "hinge": ("not significant", "1.000"),
        "iou": ("worse", "0.012"),
        "lovasz": ("one seed", "–"),
        "tversky": ("no seed shared", ""),
    }
    for row in comparison.rows:
        each = cells[row.name.removeprefix("loss=")]
        assert (each.num_seeds, each.least, each.most) == (
            str(len(row.seeds)), f"{min(row.scores):.4f}", f"{max(row.scores):.4f}"
        )  # fmt: skip
        difference = row.difference
        assert each.difference == (f"{difference.value:+.4f}" if difference else "")
        assert each.interval == (f"{difference.low:+.4f} .. {difference.high:+.4f}" if difference else "")
    assert (cells["focal"].seeds_needed, cells["lovasz"].seeds_needed) == ("", "–")
    assert int(cells["dice"].seeds_needed) > 1
