"""A run folder -> what a comparison needs of it, or the reason why it cannot be compared."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segexp.compare.verdict.settings import flat, trained_on
from segexp.compare.verdict.statistics import Counts, regions
from segexp.metric.counts_file import read_arrays
from segexp.metric.scores import Confusion, image_miou
from segexp.run.folder import RunFolder
from segexp.types import Floats

SAME_EVALUATION = ("checkpoint", "image_size", "fingerprint", "inference", "label_ids")
LONGEST = 90
"""Letters of a fact that are shown."""
Fact = str | tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """What a comparison needs of one run.

    finished: when its training ended, ISO 8601.
    settings: its configuration, flat: `optimizer.lr` -> 0.01; and TRAINED_ON. choices: group -> option.
    facts: metrics.json, without scores that are NaN. region: see `regions`.
    image_miou: of each image, see `scores.image_miou`, [N]. num_images_with: each class in truth, [C].
    confusion: summed over the images, int64 [C, C], rows true, columns predicted.
    """

    path: Path
    seed: int
    finished: str
    settings: dict[str, Any]
    choices: dict[str, str]
    facts: dict[str, Any]
    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    region: Counts
    image_miou: Floats
    num_images_with: Counts
    confusion: Confusion


def read_run(folder: Path, split: str) -> Run | str:
    """The run, or why it cannot be compared."""
    try:
        status = RunFolder(folder).status()
        if status.get("state", "none") not in ("none", "finished"):  # one that failed early has nothing but its status
            return _unfinished(status)
        run = RunFolder.open(folder)
        return _hindrance(run, split, status) or _read(run, split, str(status.get("time", "")))
    except (OSError, ValueError, RecursionError) as error:
        return f"cannot be read: {' '.join(str(error).replace(f'{folder}/', '').split())[:300]}"


def _unfinished(status: dict[str, Any]) -> str:
    return f"its training is {status['state']}" + (f": {str(status['reason'])[:300]}" if status.get("reason") else "")


def _hindrance(run: RunFolder, split: str, status: dict[str, Any]) -> str | None:
    if status.get("state", "none") == "none":
        return "no training: it has no status.json, or none of a training"
    if not (run.evaluation(split) / "confusion.npz").is_file():
        return f"not evaluated on {split}: {_cure(run, split, {})}"
    return None


def _cure(run: RunFolder, name: str, facts: dict[str, Any]) -> str:
    """How an evaluation of this name is made, as far as that is known. facts: of the one that there was."""
    command, origin = f"python -m segexp.evaluate run={run.path}", facts.get("regrouped_from")
    if origin is not None:
        return f"evaluate {origin} of it again, then {command} name={origin} regroup={name.removeprefix(f'{origin}_')}"
    split = facts.get("split", name if name in _splits(run) else None)
    if split == name:
        return f"{command} split={split}"
    return f"{command} {f'split={split} ' if split else ''}name={name}, with the settings of such evaluations"


def _splits(run: RunFolder) -> list[object]:
    settings = flat(run.config)
    return ["train", "val", "test", settings.get("data.train_split"), settings.get("data.val_split")]


def _read(run: RunFolder, split: str, finished: str) -> Run | str:
    config, facts = run.config, run.scores(split)
    if facts.get("trained_until") not in (None, finished):
        return f"evaluated before its training went on: {_cure(run, split, facts)}"
    if not isinstance(config.get("seed"), int):
        raise ValueError(f"{run.path / 'config.yaml'} has no seed; it is not of segexp.train")
    environment = run.environment
    choices = environment.get("choices")
    if not isinstance(choices, dict):
        raise ValueError(f"{run.path / 'environment.json'} has no choices; it is not of segexp.train")
    names, classes, confusions = _matrices(run.evaluation(split) / "confusion.npz", facts)
    if not confusions.any():
        raise ValueError(f"{run.evaluation(split)} has no scored pixel; choose a split with truth")
    settings = flat(config)
    metrics = {name: score for name, score in facts.get("metrics", {}).items() if score is not None}
    return Run(
        path=run.path,
        seed=config["seed"],
        finished=finished,
        settings=settings | trained_on(settings, environment.get("data", {})),
        choices=choices,
        facts={**facts, "metrics": metrics},
        image_names=names,
        class_names=classes,
        region=regions(confusions),
        image_miou=image_miou(confusions.astype(np.int64, copy=False)),
        num_images_with=(confusions.sum(2) > 0).sum(0),
        confusion=confusions.sum(0),
    )


def _matrices(path: Path, facts: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...], Counts]:
    """Names of the images and of the classes, and the confusion matrix of each image, int64 [N, C, C]."""
    stored = read_arrays(path, "names", "classes", "confusions", "settings")
    missing = {"names", "classes", "confusions"} - stored.keys()
    if missing:
        raise ValueError(f"{path} holds no {' and no '.join(sorted(missing))}; evaluate again")
    names, classes = (tuple(map(str, stored[key].ravel())) for key in ("names", "classes"))
    confusions = stored["confusions"]
    settings = json.loads(str(stored["settings"])) if "settings" in stored else {}
    if any(facts.get(key) != value for key, value in settings.items()):
        raise ValueError(f"{path} and metrics.json beside it are of two evaluations; evaluate again")
    shape = (len(names), len(classes), len(classes))
    if confusions.shape != shape or 0 in shape or confusions.dtype.kind not in "iu":
        raise ValueError(f"{path} holds {confusions.dtype} {confusions.shape}, not int {shape}; evaluate again")
    return names, classes, confusions


def evaluated_as(run: Run) -> dict[str, Fact]:
    """What two runs must have in common for their scores to be comparable."""
    seen = {key: run.facts.get(key) for key in SAME_EVALUATION}
    seen |= {"classes": run.class_names, "images": run.image_names}
    return {
        key: tuple(map(str, value)) if isinstance(value, list | tuple) else str(value) for key, value in seen.items()
    }


def otherwise(kind: dict[str, Fact], usual: dict[str, Fact]) -> list[str]:
    """Each fact of an evaluation that is not the usual one."""
    return [_difference(key, value, usual[key]) for key, value in kind.items() if value != usual[key]]


def _difference(key: str, found: Fact, usual: Fact) -> str:
    """Both in full where they are short; of long lists how many there are, and the first that only one of them has."""
    shown, expected = (value if isinstance(value, str) else f"[{', '.join(value)}]" for value in (found, usual))
    if isinstance(found, str) or isinstance(usual, str) or len(shown + expected) < 150:
        return f"{key} {_shortened(shown)} instead of {_shortened(expected)}"
    ours, theirs = set(found), set(usual)
    others, missing = [each for each in found if each not in theirs], [each for each in usual if each not in ours]
    are_as_many = len(found) == len(usual)
    said = [f"{len(others)} of {len(found)} {key}" if are_as_many else f"{len(found)} {key} instead of {len(usual)}"]
    said += [f"first other: {_shortened(each)}" for each in others[:1]]
    said += [f"first missing: {_shortened(each)}" for each in missing[:1]]
    return ", ".join(said) if others or missing else f"{key} in another order"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
