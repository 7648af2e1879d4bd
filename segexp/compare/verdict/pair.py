"""Two runs side by side: what was set and installed differently, and what that did to the scores and the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segexp.compare.verdict import statistics
from segexp.compare.verdict.evaluated import Run, evaluated_as, otherwise, read_run
from segexp.compare.verdict.settings import flat
from segexp.compare.verdict.statistics import Difference
from segexp.metric import scores
from segexp.run.folder import RunFolder

ABSENT = "-"


class Change(NamedTuple):
    """A setting or a fact with a value in each run; `-` where a run does not have it."""

    key: str
    a: str
    b: str


class Score(NamedTuple):
    """The score of a class or an image, or of all; NaN where the class does not occur."""

    name: str
    a: float
    b: float

    @property
    def difference(self) -> float:
        return self.b - self.a


@dataclass(frozen=True)
class Pair:
    """How b differs from a.

    settings, environment: what is not the same. scores: mIoU, pixel accuracy, then IoU of each class. difference: of
    the mIoU, with an interval over images. images: mIoU of each over the classes in it, the largest gain first.
    """

    split: str
    a: Run
    b: Run
    settings: list[Change]
    environment: list[Change]
    scores: list[Score]
    difference: Difference
    images: list[Score]


def read_pair(a: str | Path, b: str | Path, split: str) -> Pair:
    """Raises ValueError where a run cannot be compared, or not with the other."""
    first, second = _run("a", a, split), _run("b", b, split)
    others = otherwise(evaluated_as(second), evaluated_as(first))
    if others:
        raise ValueError(f"b={b} was evaluated otherwise than a={a}: {'; '.join(others)}; evaluate both alike")
    return pair(first, second, split)


def pair(a: Run, b: Run, split: str) -> Pair:
    """Of two runs that were evaluated alike."""
    block_length = statistics.block_length([b.image_miou - a.image_miou])
    weights = statistics.resamples(len(a.region), block_length=block_length)
    of_a, of_b = (statistics.resampled_miou(run.region, weights) for run in (a, b))
    by_image = map(Score, a.image_names, a.image_miou.tolist(), b.image_miou.tolist())
    return Pair(
        split,
        a,
        b,
        changes(*({**run.choices, **run.settings} for run in (a, b))),
        changes(*(_facts(RunFolder(run.path).environment) for run in (a, b))),
        _scores(a, b),
        statistics.difference([of_b], [of_a], len(a.region), block_length),
        sorted((image for image in by_image if not np.isnan(image.difference)), key=lambda image: -image.difference),
    )


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Change]:
    """What differs between flat values."""
    return [Change(key, _shown(a, key), _shown(b, key)) for key in {**a, **b} if _shown(a, key) != _shown(b, key)]


def _run(name: str, path: str | Path, split: str) -> Run:
    found = read_run(Path(path).expanduser().absolute(), split)
    if isinstance(found, str):
        raise ValueError(f"{name}={path} cannot be compared; {found}")
    return found


def _facts(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What a run ran on: data, commit, files changed since, Python, hardware, packages."""
    kept = {key: value for key, value in environment.items() if key not in ("command", "overrides", "choices")}
    facts = flat(kept)
    changed = [line.split(maxsplit=1) for line in facts.pop("git.changed_files", [])]  # "M segexp/run.py"
    return facts | {f"changed file {name}": how for how, name in changed}


def _shown(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return ABSENT
    value = values[key]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _scores(a: Run, b: Run) -> list[Score]:
    iou_a, iou_b = scores.class_iou(a.confusion), scores.class_iou(b.confusion)
    return [
        Score("mIoU", scores.mean(iou_a), scores.mean(iou_b)),
        Score("pixel accuracy", scores.pixel_accuracy(a.confusion), scores.pixel_accuracy(b.confusion)),
        *map(Score, a.class_names, iou_a.tolist(), iou_b.tolist()),
    ]
