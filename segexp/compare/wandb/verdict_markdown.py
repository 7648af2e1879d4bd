"""The verdict as Markdown for W&B."""

from collections.abc import Iterator, Sequence

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.sentences import sentences
from segexp.compare.verdict.skipped_runs import skipped_run_lines
from segexp.compare.wandb import keys
from segexp.display.markdown import code_block, escape

HEADINGS = (
    *("variant", "seeds", "mean", "min", "max", "difference", "95 % interval", "p (Holm)", "verdict"),
    "seeds for ±0.003",
)


def verdict_markdown(comparison: Comparison) -> str:
    """The verdict in words and as a table, then the runs that the panels or the table do not show."""
    words = "\n".join(f"- {escape(sentence)}" for sentence in sentences(comparison))
    heading = f"mIoU on {escape(comparison.split)}, the baseline first:"
    return "\n\n".join([words, heading, markdown_table(comparison.rows), *_missing(comparison)])


def markdown_table(rows: Sequence[Row]) -> str:
    """A table with a line for each variant."""
    cells = [[escape(each.name), *each[1:]] for each in row_cells(rows)]
    lines = [HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _missing(comparison: Comparison) -> Iterator[str]:
    num_unlogged = len(keys.all_runs(comparison)) - len(keys.run_ids(comparison))
    if num_unlogged:
        yield f"{num_unlogged} of these runs were never logged to W&B: the table has them, the panels do not."
    if comparison.skipped_runs:
        yield code_block("\n".join(skipped_run_lines(comparison.skipped_runs)), "text")
