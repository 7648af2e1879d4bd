"""The verdict as Markdown."""

from collections.abc import Iterator, Sequence

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.left_out import left_out_lines
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.sentences import sentences
from segexp.compare.wandb import keys
from segexp.display.markdown import code_block, escape

HEADINGS = (
    *("variant", "seeds", "mean", "min", "max", "difference", "95 % interval", "p (Holm)", "verdict"),
    "seeds for ±0.003",
)


def verdict(comparison: Comparison) -> str:
    """What is decided and what is not, in words and as a table, and which runs are missing."""
    words = "\n".join(f"- {escape(sentence)}" for sentence in sentences(comparison))
    heading = f"mIoU on {escape(comparison.split)}, the baseline first:"
    return "\n\n".join([words, heading, table(comparison.rows), *_missing(comparison)])


def table(rows: Sequence[Row]) -> str:
    """One line for each variant."""
    cells = [[escape(each.name), *each[1:]] for each in row_cells(rows)]
    lines = [HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _missing(comparison: Comparison) -> Iterator[str]:
    num_unlogged = len(keys.runs(comparison)) - len(keys.run_ids(comparison))
    if num_unlogged:
        yield f"{num_unlogged} of these runs were never logged to W&B: the table has them, the panels do not."
    if comparison.left_out:
        yield code_block("\n".join(left_out_lines(comparison.left_out)), "text")
