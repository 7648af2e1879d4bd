"""The tables of a comparison as LaTeX."""

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.format import score, score_name, signed
from segexp.compare.verdict.row_cells import row_cells
from segexp.compare.verdict.run_pair import RunPair
from segexp.compare.verdict.text.run_pair import score_title
from segexp.compare.verdict.variants import short_names
from segexp.display.latex import latex_table

VERDICT_HEADINGS = ("seeds", "mean", "min", "max", "difference", "95 % interval", "p (Holm)", "verdict")


def comparison_tables(comparison: Comparison) -> list[str]:
    """The verdict with one row for each variant, and the score of each class with one column for each variant."""
    heading, names = short_names([row.name for row in comparison.rows])
    verdict = [
        (
            names[cells.name],
            cells.num_seeds,
            cells.mean,
            cells.least,
            cells.most,
            cells.difference,
            f"[{cells.interval.replace(' .. ', ', ')}]" if cells.interval else "",
            cells.p_value,
            cells.verdict,
        )
        for cells in row_cells(comparison.rows)
    ]
    classes = [
        (name, *(score(row.class_scores[index]) for row in comparison.rows))
        for index, name in enumerate(comparison.class_names)
    ]
    means = [(score_name(comparison.score), *(score(row.mean) for row in comparison.rows))]
    on_split = f"on {comparison.split}, mean over seeds"
    return [
        latex_table(f"{score_name(comparison.score)} {on_split}", (heading, *VERDICT_HEADINGS), verdict),
        latex_table(
            f"{score_name(comparison.class_score)} of each class {on_split}", ("class", *names.values()), classes, means
        ),
    ]


def pair_tables(pair: RunPair) -> list[str]:
    """The scores of two runs, or of two evaluations, and those of each class."""
    rows = [(each.name, score(each.a), score(each.b), signed(each.difference)) for each in pair.scores]
    of_all, of_classes = rows[:2], rows[2:]
    return [latex_table(score_title(pair), ("IoU of class", "a", "b", "b - a"), of_classes, of_all)]
