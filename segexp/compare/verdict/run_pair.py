"""Two runs side by side: what was set and installed differently, and what that did to the scores and the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segexp.compare.verdict import statistics
from segexp.compare.verdict.evaluated_run import Run, read_run
from segexp.compare.verdict.evaluation_conditions import differing_conditions, evaluation_conditions
from segexp.compare.verdict.run_settings import flat_settings
from segexp.compare.verdict.runs import unknown_score
from segexp.compare.verdict.statistics import Difference
from segexp.metric import scores
from segexp.run.folder import RunFolder

ABSENT = "-"


class SettingDifference(NamedTuple):
    """A setting or a fact of the environment with its value in each run; `-` where a run does not have it."""

    key: str
    a: str
    b: str


class ScorePair(NamedTuple):
    """The score of a class or an image, or of all; NaN where the class does not occur."""

    name: str
    a: float
    b: float

    @property
    def difference(self) -> float:
        return self.b - self.a


@dataclass(frozen=True)
class RunPair:
    """How b differs from a.

    settings, environment: what is not the same. scores: mIoU, pixel accuracy, then IoU of each class. difference: of
    the score, with an interval over images. images: mIoU of each over the classes in it, the largest gain first.
    """

    split: str
    score: str
    a: Run
    b: Run
    settings: list[SettingDifference]
    environment: list[SettingDifference]
    scores: list[ScorePair]
    difference: Difference
    images: list[ScorePair]


def read_run_pair(
    a: str | Path, b: str | Path, split: str, score: str = "miou", mix_precisions: bool = False
) -> RunPair:
    """Read and compare two runs. Raises ValueError where a run cannot be compared, or not with the other.

    mix_precisions: compare them even if their networks computed in different precisions.
    """
    first, second = _read("a", a, split), _read("b", b, split)
    others = differing_conditions(*(evaluation_conditions(run, mix_precisions) for run in (second, first)))
    if others:
        raise ValueError(
            f"b={b} and a={a} were evaluated with different settings: {'; '.join(others)}; evaluate both alike"
        )
    for run in (first, second):
        if score not in run.scores:
            raise ValueError(unknown_score(score, [run]))
    return compare_pair(first, second, split, score)


def compare_pair(a: Run, b: Run, split: str, score: str = "miou") -> RunPair:
    """Compare two runs that were evaluated under the same conditions."""
    block_length, num_images = statistics.block_length([b.by_image(score) - a.by_image(score)]), len(a.image_names)
    weights = statistics.resamples(num_images, block_length=block_length)
    resampled_a, resampled_b = (run.resampled(weights)[score] for run in (a, b))
    images = map(ScorePair, a.image_names, a.image_miou.tolist(), b.image_miou.tolist())
    return RunPair(
        split,
        score,
        a,
        b,
        setting_differences(*({**run.choices, **run.settings} for run in (a, b))),
        setting_differences(*(_environment_facts(RunFolder(run.path).environment) for run in (a, b))),
        _score_pairs(a, b),
        statistics.difference([resampled_b], [resampled_a], num_images, block_length),
        sorted((image for image in images if not np.isnan(image.difference)), key=lambda image: -image.difference),
    )


def setting_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[SettingDifference]:
    """The entries of two flat mappings that are not the same."""
    texts = ((key, _text(a, key), _text(b, key)) for key in {**a, **b})
    return [SettingDifference(key, of_a, of_b) for key, of_a, of_b in texts if of_a != of_b]


def _read(name: str, path: str | Path, split: str) -> Run:
    run = read_run(Path(path).expanduser().absolute(), split)
    if isinstance(run, str):
        raise ValueError(f"{name}={path} cannot be compared; {run}")
    return run


def _environment_facts(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What a run ran on: data, commit, files changed since, Python, hardware, packages."""
    of_command = ("command", "overrides", "choices", "config_folders")
    relevant = {key: value for key, value in environment.items() if key not in of_command}
    facts = flat_settings(relevant)
    changed = [line.split(maxsplit=1) for line in facts.pop("git.changed_files", [])]  # "M segexp/run.py"
    return facts | {f"changed file {name}": how for how, name in changed}


def _text(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        return ABSENT
    value = values[key]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _score_pairs(a: Run, b: Run) -> list[ScorePair]:
    iou_a, iou_b = scores.class_iou(a.confusion), scores.class_iou(b.confusion)
    return [
        ScorePair("mIoU", scores.mean(iou_a), scores.mean(iou_b)),
        ScorePair("pixel accuracy", scores.pixel_accuracy(a.confusion), scores.pixel_accuracy(b.confusion)),
        *map(ScorePair, a.class_names, iou_a.tolist(), iou_b.tolist()),
    ]
