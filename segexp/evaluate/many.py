"""Evaluate every run below a folder that is not evaluated yet; what stops one run does not stop the others."""

from collections import Counter
from collections.abc import Callable

from segexp.evaluate.result import Evaluation
from segexp.run.folder import RunFolder
from segexp.run.search import find_runs

UNFINISHED = ("running", "preempted", "failed", "none")
"""States of a training whose weights are not those that it is to end with."""


def evaluate_many(pattern: str, evaluate_once: Callable[[RunFolder], Evaluation | None]) -> bool:
    """Evaluate the finished runs below a folder, or below each folder that a glob pattern matches, one after another.

    Prints a line for each run. evaluate_once: returns None for a run that has this evaluation already.
    Returns whether no run failed. Raises FileNotFoundError where there is no run.
    """
    folders, unreadable = find_runs(pattern)
    outcomes: Counter[str] = Counter()
    for path, reason in unreadable:
        outcomes["failed"] += 1
        print(f"failed   {path} {reason}")
    for number, path in enumerate(folders, start=1):
        outcome, detail = _outcome(RunFolder(path), evaluate_once)
        outcomes[outcome] += 1
        print(f"{number}/{len(folders)}  {path}: {outcome}{detail}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    return not outcomes["failed"]


def _outcome(run: RunFolder, evaluate_once: Callable[[RunFolder], Evaluation | None]) -> tuple[str, str]:
    if run.state() in UNFINISHED:
        return "left out", f", state of its training: {run.state()}"
    try:
        evaluation = evaluate_once(run)
    except (ValueError, OSError, FloatingPointError) as error:
        return "failed", f": {error}"
    if evaluation is None:
        return "evaluated already", ""
    return "evaluated", f", mIoU {evaluation.scores()['miou']:.4f}"
