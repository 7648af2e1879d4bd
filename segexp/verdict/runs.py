"""Run folders -> runs that can be compared, and for every other the reason why it cannot."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segexp.run import RunFolder
from segexp.verdict.statistics import Floats, regions

IGNORED = (
    "seed",
    "resume",
    "on_existing",
    "logger",
    "data.root",
    "data.num_workers",
    "trainer.enable_progress_bar",
    *(f"callbacks.{name}" for name in ("last", "stop", "shared_folder", "panels", "throughput", "report")),
)
"""Settings that no weight depends on, and the seed."""
SAME_EVALUATION = ("checkpoint", "image_size", "fingerprint", "data")


@dataclass(frozen=True)
class Run:
    """What a comparison needs of one run.

    settings: its configuration, flat: `optimizer.lr` -> 0.01. choices: group -> option. region: see `regions`.
    """

    path: Path
    seed: int
    settings: dict[str, Any]
    choices: dict[str, str]
    facts: dict[str, Any]
    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    region: Floats


class Found(NamedTuple):
    """Runs evaluated alike, and the path and reason of each that was left out."""

    runs: list[Run]
    left_out: list[tuple[Path, str]]


def read_runs(pattern: str, split: str) -> Found:
    """Every run below a folder, or below each folder that a glob pattern matches.

    Raises FileNotFoundError where there is none, ValueError where none can be compared.
    """
    folders = run_folders(pattern)
    with ThreadPoolExecutor() as pool:  # unpacking releases the interpreter
        read = list(pool.map(lambda folder: _read_or_reason(folder, split), folders))
    runs = [run for run in read if isinstance(run, Run)]
    left_out = [(folder, run) for folder, run in zip(folders, read, strict=True) if isinstance(run, str)]
    for sort in (_evaluated_otherwise, _repeated):
        refused = sort(runs)
        left_out += refused.items()
        runs = [run for run in runs if run.path not in refused]
    if not runs:
        reasons = "; ".join(f"{path}: {reason}" for path, reason in left_out[:5])
        raise ValueError(f"none of {len(left_out)} runs below {pattern} can be compared: {reasons}")
    return Found(runs, left_out)


def run_folders(pattern: str) -> list[Path]:
    """Sorted; nothing inside a run folder is looked at, where loggers keep files of the same name."""
    path = Path(pattern).expanduser().absolute()
    matched = [path] if path.is_dir() else Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    found = sorted({folder for start in matched for folder in _runs_below(start)})
    if not found:
        raise FileNotFoundError(f"no run folder (one with config.yaml) in {pattern}; correct runs=")
    return found


def _runs_below(start: Path) -> Iterator[Path]:
    for folder, subfolders, files in os.walk(start):
        if "config.yaml" in files:
            subfolders.clear()
            yield Path(folder)


def flat(values: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key; a list counts as one value."""
    found: dict[str, Any] = {}
    for key, value in values.items() if isinstance(values, Mapping) else ():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def _read_or_reason(folder: Path, split: str) -> Run | str:
    run = RunFolder.open(folder)
    status = run.status()
    if status["state"] != "finished":
        return f"its training is {status['state']}" + (f" ({status['reason']})" if status.get("reason") else "")
    evaluation = run.evaluation(split)
    if not (evaluation / "confusion.npz").is_file():
        return f"not evaluated on {split}: python -m segexp.evaluate run={folder} split={split}"
    facts = json.loads((evaluation / "metrics.json").read_text())
    with np.load(evaluation / "confusion.npz") as stored:
        return Run(
            path=folder,
            seed=run.config["seed"],
            settings=flat(run.config),
            choices=run.environment.get("choices", {}),
            facts=facts,
            image_names=tuple(stored["names"].tolist()),
            class_names=tuple(stored["classes"].tolist()),
            region=regions(stored["confusions"]),
        )


def _evaluated_otherwise(runs: Sequence[Run]) -> dict[Path, str]:
    """Runs whose scores were not taken as those of most runs were."""
    if not runs:
        return {}
    kinds = [_kind(run) for run in runs]
    usual = dict(Counter(kinds).most_common(1)[0][0])
    reasons = {}
    for run, kind in zip(runs, kinds, strict=True):
        others = [f"{key} {value} instead of {usual[key]}" for key, value in kind if value != usual[key]]
        if others:
            reasons[run.path] = f"evaluated otherwise: {'; '.join(text[:200] for text in others)}"
    return reasons


def _kind(run: Run) -> tuple[tuple[str, str], ...]:
    seen = {key: run.facts.get(key) for key in SAME_EVALUATION}
    seen |= {"classes": run.class_names, "images": run.image_names}
    return tuple((key, str(value)) for key, value in seen.items())


def _repeated(runs: Iterable[Run]) -> dict[Path, str]:
    """All but the last of the runs with one configuration and one seed."""
    last: dict[str, Path] = {}
    reasons = {}
    for run in runs:
        key = repr((sorted(compared(run.settings).items()), run.seed))
        if key in last:
            reasons[last[key]] = f"the same configuration and seed as {run.path}"
        last[key] = run.path
    return reasons


def compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that may change a result: without those of bookkeeping, and without the seed."""
    return {
        key: value
        for key, value in settings.items()
        if not any(key == each or key.startswith(f"{each}.") for each in IGNORED)
    }
