"""The verdict as Markdown."""

from collections.abc import Iterator, Sequence

import numpy as np

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.left_out import left_out_lines
from segexp.compare.verdict.sentences import sentences
from segexp.compare.verdict.statistics import MOST_SEEDS, seeds_needed
from segexp.compare.wandb import keys
from segexp.display.markdown import code_block, escape

HEADINGS = ("variant", "seeds", "mean", "min", "max", "difference", "95 % interval", "p (Holm)", "verdict")
NOTHING = "–"


def verdict(comparison: Comparison) -> str:
    """What is decided and what is not, in words and as a table, and which runs are missing."""
    words = "\n".join(f"- {escape(sentence)}" for sentence in sentences(comparison))
    heading = f"mIoU on {escape(comparison.split)}, the baseline first:"
    return "\n\n".join([words, heading, table(comparison.rows), *_missing(comparison)])


def table(rows: Sequence[Row]) -> str:
    """One line for each variant."""
    headings = (*HEADINGS, "seeds for ±0.003")
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *map(_cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row) -> list[str]:
    spread = [f"{pick(row.miou):.4f}" for pick in (np.mean, np.min, np.max)]
    known = [escape(row.name), str(len(row.seeds)), *spread]
    found = row.difference
    if found is None:
        return [*known, *[""] * 5]
    interval = f"{found.low:+.4f} … {found.high:+.4f}" + (" (images only)" if found.num_seeds == 1 else "")
    needed = (seeds_needed(found) or f"> {MOST_SEEDS}") if found.num_seeds > 1 else NOTHING
    p_value = NOTHING if np.isnan(row.adjusted_p) else f"{row.adjusted_p:.3g}"
    return [*known, f"{found.value:+.4f}", interval, p_value, row.verdict, str(needed)]


def _missing(comparison: Comparison) -> Iterator[str]:
    num_unlogged = len(keys.runs(comparison)) - len(keys.run_ids(comparison))
    if num_unlogged:
        yield f"{num_unlogged} of these runs were never logged to W&B: the table has them, the panels do not."
    if comparison.left_out:
        yield code_block("\n".join(left_out_lines(comparison.left_out)), "text")
