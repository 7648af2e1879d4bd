"""Two runs, or two evaluations of one run, side by side: what differs between them, and what that did to the scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segexp.compare.verdict import statistics
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.evaluation_conditions import (
    differing_conditions,
    evaluation_conditions,
    evaluation_settings,
    scored_images,
)
from segexp.compare.verdict.named_evaluation import read_named
from segexp.compare.verdict.run_settings import flat_settings
from segexp.compare.verdict.runs import unknown_score, with_settings_in_names
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

    settings, environment, evaluation: what is not the same in the training, in what it ran on, and in the evaluation.
    scores: mIoU, pixel accuracy, then IoU of each class. difference: of the score, with an interval over images.
    images: mIoU of each over the classes in it, the largest gain first.
    """

    score: str
    a: Run
    b: Run
    settings: list[SettingDifference]
    environment: list[SettingDifference]
    evaluation: list[SettingDifference]
    scores: list[ScorePair]
    difference: Difference
    images: list[ScorePair]

    @property
    def is_one_run(self) -> bool:
        """Whether a and b are evaluations of one run."""
        return self.a.path == self.b.path


def read_run_pair(
    a: str | Path, b: str | Path, split: str, score: str = "miou", mix_precisions: bool = False
) -> RunPair:
    """Read and compare two runs, or two evaluations of one run.

    a, b: run folders, of which the evaluation `split` is compared, or single evaluations, RUN/evaluation/NAME.
    mix_precisions: compare runs even if their networks computed in different precisions.
    Raises ValueError where one cannot be compared, or not with the other.
    """
    first, second = with_settings_in_names([read_named("a", a, split), read_named("b", b, split)])
    _refuse_incomparable(first, second, f"b={b} and a={a}", mix_precisions)
    for run in (first, second):
        if score not in run.scores:
            raise ValueError(unknown_score(score, [run]))
    return compare_pair(first, second, score)


def _refuse_incomparable(a: Run, b: Run, both: str, mix_precisions: bool) -> None:
    if a.counts_path == b.counts_path:
        raise ValueError(f"{both} are the same evaluation; name another one as b=")
    if a.path == b.path:
        if others := differing_conditions(scored_images(b), scored_images(a)):
            raise ValueError(f"{both} do not score the same images and classes: {'; '.join(others)}")
        return
    if others := differing_conditions(*(evaluation_conditions(run, mix_precisions) for run in (b, a))):
        raise ValueError(f"{both} were evaluated with different settings: {'; '.join(others)}; evaluate both alike")


def compare_pair(a: Run, b: Run, score: str = "miou") -> RunPair:
    """Compare two runs that were evaluated under the same conditions, or two evaluations of one run."""
    block_length, num_images = statistics.block_length([b.by_image(score) - a.by_image(score)]), len(a.image_names)
    weights = statistics.resamples(num_images, block_length=block_length)
    resampled_a, resampled_b = (run.resampled(weights)[score] for run in (a, b))
    images = map(ScorePair, a.image_names, a.image_miou.tolist(), b.image_miou.tolist())
    return RunPair(
        score,
        a,
        b,
        setting_differences(*({**run.choices, **run.settings} for run in (a, b))),
        setting_differences(*(_environment_facts(RunFolder(run.path).environment) for run in (a, b))),
        setting_differences(evaluation_settings(a), evaluation_settings(b)),
        _score_pairs(a, b),
        statistics.difference([resampled_b], [resampled_a], num_images, block_length),
        sorted((image for image in images if not np.isnan(image.difference)), key=lambda image: -image.difference),
    )


def setting_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[SettingDifference]:
    """The entries of two flat mappings that are not the same."""
    texts = ((key, _text(a, key), _text(b, key)) for key in {**a, **b})
    return [SettingDifference(key, of_a, of_b) for key, of_a, of_b in texts if of_a != of_b]


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
