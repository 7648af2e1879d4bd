"""What a comparison prints, in order."""

from rich.console import Console

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.extra_scores import EACH_SCORE_ALONE, extra_scores
from segexp.compare.verdict.ranking import ranking
from segexp.compare.verdict.sentences import sentences
from segexp.compare.verdict.skipped_runs import skipped_run_lines
from segexp.compare.verdict.text.classes import class_score_table
from segexp.compare.verdict.text.console import Section
from segexp.compare.verdict.text.extra_scores import extra_score_table
from segexp.compare.verdict.text.ranking import ranking_sentences, ranking_table
from segexp.compare.verdict.text.verdict import verdict_table


def comparison_sections(comparison: Comparison, console: Console, by: str | None) -> list[Section]:
    """The verdict in figures and in words, the classes, the other scores, and the runs that could not be compared.

    by: `epoch` adds the ranking after every epoch.
    """
    sections: list[Section] = [
        verdict_table(comparison, console),
        sentences(comparison),
        class_score_table(comparison, console),
    ]
    extra = extra_scores(comparison)
    if extra and len(comparison.rows) > 1:
        sections += [extra_score_table(comparison, extra, console), [EACH_SCORE_ALONE]]
    if by == "epoch":
        by_epoch = ranking(comparison.variants)
        sections += [ranking_table(by_epoch, console), ranking_sentences(by_epoch)]
    return [*sections, *_skipped(comparison)]


def sections_in_words(comparison: Comparison) -> list[Section]:
    """The verdict in words, and the runs that could not be compared."""
    return [sentences(comparison), *_skipped(comparison)]


def _skipped(comparison: Comparison) -> list[Section]:
    lines = skipped_run_lines(comparison.skipped_runs)
    return ["\n".join(lines)] if lines else []
