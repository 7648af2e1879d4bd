"""The scores of a run from the counts of its evaluation: of the whole split, of resampled images, of single images.

What computes a score is an option of conf/metric, or of the folder that --config-dir names. A run only tells with which
of them it was evaluated, and with which settings.
"""

import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from segexp import build
from segexp.config.compose import config_folder, user_folders
from segexp.config.trust import refuse_interpolations, targets
from segexp.metric.metric import Classes, Metric, Scores
from segexp.metric.scoring import has_counts, scores_of
from segexp.types import Counts, Floats, Values

FIRST_METRIC: Values = {"overlap": {}}
"""What evaluations counted that tell nothing of their metrics."""
CHUNK = 256
"""Images that are scored by themselves in one call: all at once would take memory by the square of their number."""


@dataclass(frozen=True)
class Scorer:
    """What computes the scores of a run.

    settings: of the metrics that it was evaluated with, name -> arguments. classes: of its network and its data.
    suffixes: name of a metric -> what is added to the names of its scores, see `name_settings`.
    """

    settings: Mapping[str, Values]
    classes: Classes
    suffixes: Mapping[str, str]

    @classmethod
    def of(cls, facts: Values, class_names: Sequence[str]) -> "Scorer":
        """facts: metrics.json. Raises ValueError if it is damaged, or wants to have something built."""
        settings = facts.get("metric", FIRST_METRIC)
        if not isinstance(settings, dict) or not all(isinstance(each, dict) for each in settings.values()):
            raise ValueError(f"metrics.json: metric is {str(settings)[:200]}, not the settings of each metric")
        arguments = {name: {key: each[key] for key in each if key != "_target_"} for name, each in settings.items()}
        refuse_interpolations(arguments)
        return cls(arguments, _classes(facts.get("scored_classes"), tuple(class_names)), {})

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None) -> Scores:
        """Every score that the counts allow, [B]. weights: see `segexp.metric.metric.Metric`."""
        scores: Scores = {}
        for name, metric in self._metrics().items():
            if has_counts(metric, counts):
                of_metric = scores_of(name, metric, counts, weights, self.classes)
                scores |= {f"{score}{self.suffixes.get(name, '')}": value for score, value in of_metric.items()}
        return scores

    def split_scores(self, counts: Mapping[str, Counts]) -> dict[str, float]:
        """Every score of the split itself that is not NaN."""
        scores = {name: float(value[0]) for name, value in self.scores(counts, None).items()}
        return {name: value for name, value in scores.items() if not np.isnan(value)}

    def by_image(self, score: str, counts: Mapping[str, Counts], num_images: int) -> Floats:
        """A score of each of the N images by itself, [N]; NaN where it has none."""
        alone = (replace(self, settings={name: each}) for name, each in self.settings.items())
        giver = next(each for each in alone if score in each.scores(counts, None))
        drawn_once = (np.eye(min(CHUNK, num_images - n), num_images, n) for n in range(0, num_images, CHUNK))
        return np.concatenate([giver.scores(counts, weights)[score] for weights in drawn_once])

    def needs(self) -> tuple[str, ...]:
        """Names of the counts that the scores follow from."""
        return tuple(dict.fromkeys(need for metric in self._metrics().values() for need in metric.needs))

    def is_error(self, score: str) -> bool:
        """Whether a score, or the score of one class, is the better the lower it is, as its metric says."""
        name = score.partition(" at ")[0].partition("/")[0]
        return any(name in metric.lower_is_better for metric in self._metrics().values())

    def _metrics(self) -> dict[str, Metric]:
        folders = _folders()
        known = (name for name in self.settings if name in _nodes(folders))
        return {name: _metric(name, json.dumps(self.settings[name], sort_keys=True), folders) for name in known}


def name_settings(scorers: Sequence[Scorer]) -> list[Scorer]:
    """Add its settings to the names of a metric's scores where runs differ in them, as they are not comparable then."""
    seen: dict[str, set[str]] = defaultdict(set)
    for scorer in scorers:
        for name, settings in scorer.settings.items():
            seen[name].add(json.dumps(settings, sort_keys=True))
    differing = [name for name, texts in seen.items() if len(texts) > 1]
    return [
        replace(each, suffixes={name: _suffix(each.settings[name]) for name in differing if name in each.settings})
        for each in scorers
    ]


def class_prefix(score: str, names: Sequence[str]) -> str:
    """The score of single classes that a score of the whole split is the mean of: `boundary_iou` for `boundary_miou`.

    names: of all scores. `iou` where a score is not made of classes.
    """
    for prefix in (score.partition("/")[0], score.replace("miou", "iou")):
        if any(name.startswith(f"{prefix}/") for name in names):
            return prefix
    return "iou"


def _classes(stored: Any, names: tuple[str, ...]) -> Classes:
    """What metrics.json tells of the classes; evaluations of earlier versions tell their names only."""
    if stored is None:
        return Classes(names, (None,) * len(names), (), ())
    is_sound = isinstance(stored, dict) and stored.keys() == set(Classes._fields)
    if not is_sound or not all(isinstance(each, list) for each in stored.values()):
        raise ValueError(f"metrics.json: scored_classes is {str(stored)[:200]}, not {', '.join(Classes._fields)}")
    classes = Classes(**{key: tuple(value) for key, value in stored.items()})
    if classes.names != names or len(classes.categories) != len(names):
        raise ValueError("metrics.json: scored_classes are not the classes of confusion.npz; evaluate again")
    return classes


def _suffix(settings: Values) -> str:
    return "".join(f" at {key} {value}" for key, value in settings.items())


def _folders() -> tuple[Path, ...]:
    return (config_folder(), *user_folders())


def options_from_outside(metrics: Iterable[str]) -> list[str]:
    """The options of the folder that --config-dir names that bring metrics which segexp does not have."""
    usual = {name for file in _files((config_folder(),)) for name in _read(file)}
    return [file.stem for file in _files(tuple(user_folders())) if (_read(file).keys() - usual) & set(metrics)]


@functools.cache
def _nodes(folders: tuple[Path, ...]) -> dict[str, Values]:
    """The metrics that may be built, name -> node."""
    return {name: node for file in _files(folders) for name, node in _read(file).items()}


def _files(folders: tuple[Path, ...]) -> list[Path]:
    return [file for folder in folders for file in sorted((folder / "metric").glob("*.yaml"))]


def _read(file: Path) -> dict[str, Values]:
    """The metrics of an option, name -> node."""
    return {name: node for name, node in yaml.safe_load(file.read_text()).items() if name != "defaults"}


@functools.cache
def _metric(name: str, settings: str, folders: tuple[Path, ...]) -> Metric:
    """A metric with the settings of a run, as JSON, over those of the option, which alone says what is built."""
    node = _nodes(folders)[name]
    foreign = set(targets(json.loads(settings))) - set(targets(node))
    if foreign:
        raise ValueError(f"metric.{name} would build {sorted(foreign)}; from a run folder only settings are read")
    return build.metrics({name: {**node, **json.loads(settings)}})[name]
