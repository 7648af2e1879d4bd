"""The result of an evaluation: counts per image, and the scores derived from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from segexp.classes import Grouping, LabelTable
from segexp.display.scene_sheet import SheetRow
from segexp.metric.metric import Classes, Metric
from segexp.metric.scores import Confusion
from segexp.metric.scoring import has_counts, scores_of
from segexp.types import Counts, Values


@dataclass(frozen=True)
class Evaluation:
    """Counts of the N images of one split.

    names: of the images. files: where they were, kind -> N paths.
    counts: of the metrics, by name [N, ...]; among them always `labels`, pixels by true label, in the table's order,
    and predicted class [N, L, C], and `confusions`, see `segexp.metric.overlap`.
    metrics: by name; one whose counts are missing gives no score. facts: what was evaluated and how.
    """

    grouping: Grouping
    table: LabelTable
    names: list[str]
    files: dict[str, list[str]]
    counts: dict[str, Counts]
    metrics: Mapping[str, Metric]
    facts: dict[str, Any]
    sheet_rows: list[SheetRow] = field(default_factory=list)

    @property
    def classes(self) -> Classes:
        return Classes.of(self.grouping, self.table)

    @property
    def confusion(self) -> Confusion:
        """The matrix of the whole split, int64 [C, C], rows true, columns predicted."""
        return self.counts["confusions"].sum(0)

    def scores(self) -> dict[str, float]:
        """Every score by its name; scores that are NaN are left out, except the mean IoU."""
        return {score: value for score, value in self.every_score().items() if score == "miou" or not np.isnan(value)}

    def every_score(self) -> dict[str, float]:
        """Every score by its name; NaN where what it measures never occurs.

        Raises ValueError if two metrics give a score of one name.
        """
        scores: dict[str, float] = {}
        for name, metric in self.metrics.items():
            if has_counts(metric, self.counts):
                of_metric = scores_of(name, metric, self.counts, None, self.classes)
                taken = scores.keys() & of_metric.keys()
                if taken:
                    raise ValueError(f"metric.{name} gives {sorted(taken)}, as another metric does; choose other names")
                scores |= {score: float(value[0]) for score, value in of_metric.items()}
        return scores


def metric_settings(settings: Mapping[str, Mapping[str, Any]]) -> Values:
    """What evaluations record of their metrics: name -> arguments. settings: name -> node of conf/metric."""
    return {name: {key: value for key, value in node.items() if key != "_target_"} for name, node in settings.items()}
