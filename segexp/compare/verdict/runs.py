"""Run folders -> runs that can be compared, and for every other the reason why it cannot."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from segexp.compare.verdict.boundary import told_by_width
from segexp.compare.verdict.evaluated import Run, evaluated_as, otherwise, read_run
from segexp.compare.verdict.left_out import LeftOut, left_out_lines
from segexp.compare.verdict.settings import TRAINED_ON, UNKNOWN, compared
from segexp.run.folder import RunFolder

READERS = 3
"""Threads: unpacking runs beside the interpreter, the rest does not; six are slower than two."""


class Found(NamedTuple):
    """Runs evaluated alike, and the path and reason of each that was left out; a reason is `kind: detail`."""

    runs: list[Run]
    left_out: LeftOut


def read_runs(pattern: str, split: str) -> Found:
    """Every run below a folder, or below each folder that a glob pattern matches.

    Raises FileNotFoundError where there is none, ValueError where none can be compared.
    """
    folders, unreadable = _found_below(pattern)
    with ThreadPoolExecutor(READERS) as pool:
        read = list(pool.map(lambda folder: read_run(folder, split), folders))
    runs = _on_the_only_data([run for run in read if isinstance(run, Run)])
    left_out = [(folder, run) for folder, run in zip(folders, read, strict=True) if isinstance(run, str)] + unreadable
    for sort in (_evaluated_otherwise, _repeated):
        refused = sort(runs)
        left_out += refused.items()
        runs = [run for run in runs if run.path not in refused]
    if not runs:
        reasons = "\n".join(left_out_lines(left_out))
        raise ValueError(f"no run below {pattern} can be compared; {reasons}")
    return Found(told_by_width(runs), left_out)


def run_folders(pattern: str) -> list[Path]:
    """Sorted, each once; nothing inside a run folder is looked at, where loggers keep files of the same name."""
    return _found_below(pattern)[0]


def _found_below(pattern: str) -> tuple[list[Path], LeftOut]:
    """Run folders, and folders that cannot be looked into with the reason."""
    path = Path(pattern).expanduser().absolute()
    matched = [path] if path.is_dir() else Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    unreadable: dict[Path, str] = {}
    found = {folder for start in matched for folder in _runs_below(start, unreadable)}
    if not found:
        closed = [f"{folder} {reason}" for folder, reason in unreadable.items()][:3]
        raise FileNotFoundError(
            "; ".join([f"no run folder (one with config.yaml) in {pattern}", *closed, "correct runs="])
        )
    once: dict[Path, Path] = {}
    for folder in sorted(found, key=lambda each: (each.is_symlink(), each)):
        once.setdefault(folder.resolve(), folder)
    return sorted(once.values()), sorted(unreadable.items())


def _runs_below(start: Path, unreadable: dict[Path, str]) -> Iterator[Path]:
    """Of links those alone that lead to a run, as others may lead round in a circle."""

    def note(error: OSError) -> None:
        if not isinstance(error, NotADirectoryError | FileNotFoundError):  # patterns match files and dead links, too
            unreadable[Path(error.filename)] = f"cannot be looked into: {error.strerror}"

    for folder, subfolders, files in os.walk(start, onerror=note):
        if "config.yaml" in files:
            subfolders.clear()
            yield Path(folder)
        elif "status.json" in files and _is_of_training(Path(folder)):
            yield Path(folder)
        for linked in map(Path(folder).joinpath, subfolders):
            try:
                if linked.is_symlink() and (linked / "config.yaml").is_file():
                    yield linked
            except OSError as error:
                note(error)


def _is_of_training(folder: Path) -> bool:
    """Of one that ended before it could record its configuration; also where that cannot be told."""
    try:
        return RunFolder(folder).state() != "unknown"
    except OSError:
        return True


def _on_the_only_data(runs: list[Run]) -> list[Run]:
    """Older runs, which do not tell what they were trained on, count as trained on what all others were."""
    known = {run.settings[TRAINED_ON] for run in runs} - {UNKNOWN}
    if len(known) != 1:
        return runs
    return [replace(run, settings={**run.settings, TRAINED_ON: next(iter(known))}) for run in runs]


def _evaluated_otherwise(runs: Sequence[Run]) -> dict[Path, str]:
    """Runs whose scores were not taken as those of most runs were."""
    kinds = [evaluated_as(run) for run in runs]
    usual = Counter(tuple(kind.items()) for kind in kinds).most_common(1)
    reasons = {}
    for run, kind in zip(runs, kinds, strict=True):
        others = otherwise(kind, dict(usual[0][0]))
        if others:
            reasons[run.path] = f"evaluated otherwise: {'; '.join(others)}"
    return reasons


def _repeated(runs: Iterable[Run]) -> dict[Path, str]:
    """All but the run that was last to finish of those with one configuration and one seed."""
    last: dict[str, Path] = {}
    reasons = {}
    for run in sorted(runs, key=lambda run: run.finished):
        key = repr((sorted(compared(run.settings).items()), run.seed))
        if key in last:
            reasons[last[key]] = f"repeated: the same configuration and seed as {run.path}"
        last[key] = run.path
    return reasons
