"""All that a command prints, in order."""

from rich.console import Console

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.left_out import left_out_lines
from segexp.compare.verdict.ranking import ranking
from segexp.compare.verdict.sentences import sentences
from segexp.compare.verdict.text.classes import class_table
from segexp.compare.verdict.text.console import Part
from segexp.compare.verdict.text.ranking import ranking_sentences, ranking_table
from segexp.compare.verdict.text.verdict import verdict_table


def comparison_parts(found: Comparison, console: Console, by: str | None) -> list[Part]:
    """The verdict in figures and in words, the classes, and what could not be compared.

    by: `epoch` for the ranking as it develops, too; None for no more.
    """
    parts: list[Part] = [verdict_table(found, console), sentences(found), class_table(found, console)]
    if by == "epoch":
        developed = ranking(found.variants)
        parts += [ranking_table(developed, console), ranking_sentences(developed)]
    left_out = "\n".join(left_out_lines(found.left_out))
    return [*parts, left_out] if left_out else parts
