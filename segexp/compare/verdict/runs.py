"""Run folders -> runs that can be compared, and for every other the reason why it cannot."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from segexp.compare.verdict.evaluated_run import Run, read_run
from segexp.compare.verdict.evaluation_conditions import differing_conditions, evaluation_conditions
from segexp.compare.verdict.run_scores import name_settings
from segexp.compare.verdict.run_settings import DATA_FINGERPRINT, UNKNOWN
from segexp.compare.verdict.skipped_runs import SkippedRuns, skipped_run_lines
from segexp.run.search import find_runs

READERS = 3
"""Threads: unpacking releases the interpreter's lock, the rest does not; six threads are slower than two."""


class ComparableRuns(NamedTuple):
    """runs: those evaluated under the same conditions. skipped: all others, each with the reason."""

    runs: list[Run]
    skipped: SkippedRuns


def read_runs(pattern: str, split: str, score: str = "miou", mix_precisions: bool = False) -> ComparableRuns:
    """Read every run below a folder, or below each folder that a glob pattern matches.

    score: what is to be compared; runs without it are skipped.
    mix_precisions: keep runs whose networks computed in another precision than most, too.
    Raises FileNotFoundError where there is none, ValueError where none can be compared, or none has the score.
    """
    folders, unreadable = find_runs(pattern)
    with ThreadPoolExecutor(READERS) as pool:
        read = list(pool.map(lambda folder: read_run(folder, split), folders))
    runs = _with_only_known_data([run for run in read if isinstance(run, Run)])
    skipped = [(folder, run) for folder, run in zip(folders, read, strict=True) if isinstance(run, str)] + unreadable
    for find in (partial(_evaluated_differently, mix_precisions=mix_precisions), _repeated):
        refused = find(runs)
        skipped += refused.items()
        runs = [run for run in runs if run.path not in refused]
    if not runs:
        reasons = "\n".join(skipped_run_lines(skipped))
        raise ValueError(f"no run below {pattern} can be compared; {reasons}")
    return _only_with_score(with_settings_in_names(runs), skipped, score)


def _with_only_known_data(runs: list[Run]) -> list[Run]:
    """Give runs of earlier versions, which recorded no fingerprint of their data, the one that all others have."""
    known = {run.settings[DATA_FINGERPRINT] for run in runs} - {UNKNOWN}
    if len(known) != 1:
        return runs
    return [replace(run, settings={**run.settings, DATA_FINGERPRINT: next(iter(known))}) for run in runs]


def _only_with_score(runs: list[Run], skipped: SkippedRuns, score: str) -> ComparableRuns:
    with_score = [run for run in runs if score in run.scores]
    if not with_score:
        raise ValueError(unknown_score(score, runs))
    reason = f"no {score}: evaluate again with the metric that gives it; if it is yours, add --config-dir FOLDER"
    return ComparableRuns(with_score, skipped + [(run.path, reason) for run in runs if score not in run.scores])


def unknown_score(score: str, runs: Sequence[Run]) -> str:
    """What to compare instead of a score that no run has."""
    names = list(dict.fromkeys(name for run in runs for name in run.scores))
    if any(score in run.resampled(None) for run in runs):
        return (
            f"score is {score!r}, which has no value on these images: what it measures never occurs; choose another one"
        )
    close = difflib.get_close_matches(score, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    whole, of_classes = ([name for name in names if ("/" in name) == is_class] for is_class in (False, True))
    examples = dict.fromkeys(name.partition("/")[0] + "/CLASS" for name in of_classes)
    cure = "choose one of them, or evaluate again with the metric that gives it"
    return f"score is {score!r}; {hint}scores of these evaluations: {', '.join([*whole, *examples])}; {cure}"


def with_settings_in_names(runs: list[Run]) -> list[Run]:
    """Add its settings to the names of a metric's scores where runs differ in them: they are not comparable."""
    scorers = name_settings([run.scorer for run in runs])
    return [
        replace(run, scorer=scorer, scores=scorer.split_scores(run.counts())) if scorer.suffixes else run
        for run, scorer in zip(runs, scorers, strict=True)
    ]


def _evaluated_differently(runs: Sequence[Run], mix_precisions: bool) -> dict[Path, str]:
    """Runs that were not evaluated under the conditions of most runs, with what differs."""
    conditions = [evaluation_conditions(run, mix_precisions) for run in runs]
    usual = Counter(tuple(each.items()) for each in conditions).most_common(1)
    reasons = {}
    for run, own in zip(runs, conditions, strict=True):
        others = differing_conditions(own, dict(usual[0][0]))
        if others:
            reasons[run.path] = f"evaluated with other settings: {'; '.join(others)}"
    return reasons


def _repeated(runs: Iterable[Run]) -> dict[Path, str]:
    """Runs with the configuration and the seed of another run that finished later."""
    last: dict[str, Path] = {}
    reasons = {}
    for run in sorted(runs, key=lambda run: run.finished):
        key = repr((sorted(run.relevant_settings().items()), run.seed))
        if key in last:
            reasons[last[key]] = f"repeated: the same configuration and seed as {run.path}"
        last[key] = run.path
    return reasons
