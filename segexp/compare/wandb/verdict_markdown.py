"""The verdict as Markdown for W&B."""

from collections.abc import Iterator, Sequence

from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.extra_scores import EACH_SCORE_ALONE, extra_scores
from segexp.compare.verdict.format import score, score_name, signed
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
    heading = f"{score_name(comparison.score)} on {escape(comparison.split)}, the baseline first:"
    return "\n\n".join([words, heading, markdown_table(comparison.rows), *_further(comparison), *_missing(comparison)])


def markdown_table(rows: Sequence[Row]) -> str:
    """A table with a line for each variant."""
    cells = [[escape(each.name), *each[1:]] for each in row_cells(rows)]
    lines = [HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)], *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _further(comparison: Comparison) -> Iterator[str]:
    """Every other score, its difference from the baseline, and whether that is significant."""
    extra = extra_scores(comparison)
    if not extra or len(comparison.rows) < 2:
        return
    lines = [["score", *(escape(row.name) for row in comparison.rows)], ["---", *["---:"] * len(comparison.rows)]]
    for each in extra:
        differences = zip(each.differences[1:], each.verdicts[1:], strict=True)
        cells = [score(each.means[0]), *(f"{signed(value)} {verdict}" for value, verdict in differences)]
        lines.append([escape(score_name(each.name)), *cells])
    yield "Other scores: the baseline, and differences from it, mean over seeds:"
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
    yield EACH_SCORE_ALONE


def _missing(comparison: Comparison) -> Iterator[str]:
    num_unlogged = len(keys.all_runs(comparison)) - len(keys.run_ids(comparison))
    if num_unlogged:
        yield f"{num_unlogged} of these runs were never logged to W&B: the table has them, the panels do not."
    if comparison.skipped_runs:
        yield code_block("\n".join(skipped_run_lines(comparison.skipped_runs)), "text")
