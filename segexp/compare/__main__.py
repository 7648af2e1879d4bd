"""python -m segexp.compare: which variant is better, and is the difference real?"""

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from segexp.config.command_line import entry_point
from segexp.config.compose import config_dir
from segexp.config.grammar import quote
from segexp.display.latex import print_in_format
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.compare.settings import CompareSettings
    from segexp.compare.verdict.comparison import Comparison


@entry_point("compare")
def main(values: Values) -> None:
    from hydra.core.hydra_config import HydraConfig

    from segexp.compare.settings import CompareSettings

    settings = CompareSettings.of(values)
    if settings.runs is None:
        typed = [each.lstrip("+").partition("=")[0] for each in HydraConfig.get().overrides.task]
        _refuse_keys_without_effect(settings, typed)
    print_in_format(settings.format, lambda: _compare(settings))


def _refuse_keys_without_effect(settings: "CompareSettings", typed_keys: list[str]) -> None:
    """typed_keys: every other key has its default."""
    from segexp.compare.verdict.named_evaluation import names_evaluation

    if settings.output is not None and "output" in typed_keys:
        raise ValueError("output= is for many runs, and a comparison of two writes nothing; leave it out")
    if "split" in typed_keys and names_evaluation(str(settings.a)) and names_evaluation(str(settings.b)):
        raise ValueError("split= chooses the evaluation of a run, and a= and b= name their evaluations; leave it out")


def _compare(settings: "CompareSettings") -> list[str]:
    """Print the comparison; returns its tables as LaTeX if format=latex, otherwise nothing."""
    if settings.runs is None:
        return _compare_two(str(settings.a), str(settings.b), settings)
    return _compare_many(settings, settings.runs)


def _compare_two(a: str, b: str, settings: "CompareSettings") -> list[str]:
    from segexp.compare.verdict.run_pair import read_run_pair
    from segexp.compare.verdict.text.console import console, print_sections
    from segexp.compare.verdict.text.run_pair import pair_sections, pair_sentences

    pair = read_run_pair(a, b, settings.split, settings.score, settings.mix_precisions)
    if settings.format == "latex":
        from segexp.compare.verdict.text.latex import pair_tables

        print_sections(console(), [pair_sentences(pair)])
        return pair_tables(pair)
    print_sections(console(), pair_sections(pair))
    return []


def _compare_many(settings: "CompareSettings", pattern: str) -> list[str]:
    from segexp.compare.verdict.text.console import console, print_sections
    from segexp.compare.verdict.text.latex import comparison_tables
    from segexp.compare.verdict.text.sections import comparison_sections, sections_in_words
    from segexp.compare.wandb.share import share

    if settings.evaluate:
        _evaluate(pattern, settings.split)
    comparison, terminal = _comparison(settings, pattern), console()
    is_latex = settings.format == "latex"
    if comparison and is_latex:
        print_sections(terminal, sections_in_words(comparison))
    elif comparison:
        print_sections(terminal, comparison_sections(comparison, terminal, settings.by))
    if comparison and settings.folder:
        from segexp.compare.report.report_files import write_report  # jinja2, matplotlib, polars: a third of a second

        command = shlex.join(["python", "-m", "segexp.compare", *sys.argv[1:]])
        for path in write_report(comparison, settings.folder, command):
            print(path)
    for line in share(comparison, settings, pattern):
        print(line, flush=True)
    return comparison_tables(comparison) if comparison and is_latex else []


def _evaluate(pattern: str, split: str) -> None:
    """Evaluate what is not evaluated, in a process of its own: comparing loads no torch. It says itself what failed."""
    overrides = [f"runs={quote(pattern)}", f"split={quote(split)}"]
    subprocess.run([sys.executable, "-m", "segexp.evaluate", *config_dir(), *overrides], stdout=sys.stdout.fileno())


def _comparison(settings: "CompareSettings", pattern: str) -> "Comparison | None":
    """None where no run can be compared, but runs that were recorded offline are to be sent."""
    from segexp.compare.verdict.comparison import compare_variants
    from segexp.compare.verdict.runs import read_runs

    try:
        runs = read_runs(pattern, settings.split, settings.score, settings.mix_precisions)
    except ValueError as error:
        if not settings.sync:
            raise
        print(error)
        return None
    return compare_variants(runs, settings.split, settings.baseline, settings.score)


if __name__ == "__main__":
    main()
