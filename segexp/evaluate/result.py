"""What an evaluation found: per-image counts, and the scores derived from them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.display import pictures
from segexp.metric import scores
from segexp.metric.calibration import UNIT
from segexp.metric.instances import IN_CATEGORY, instance_iou
from segexp.types import Counts, Floats


@dataclass(frozen=True)
class Evaluation:
    """Counts of the N images of one split.

    names: of the images. files: where they were, kind -> N paths.
    label_counts: pixels by true label, in the table's order, and predicted class, int64 [N, L, C].
    boundary [N, C, 2], calibration [N, bins, 3]: see `segexp.metric`; None if not counted.
    instances: number of the image, then `instance_counts`, [K, 5]; None where there are none.
    facts: what was evaluated and how.
    """

    grouping: Grouping
    table: LabelTable
    names: list[str]
    files: dict[str, list[str]]
    label_counts: Counts
    facts: dict[str, Any]
    boundary: Counts | None = None
    calibration: Counts | None = None
    instances: Counts | None = None
    scenes: list[pictures.Scene] = field(default_factory=list)

    @property
    def confusions(self) -> scores.Confusion:
        """One matrix an image, int64 [N, C, C], rows true, columns predicted."""
        class_of_label = self.grouping.lookup(self.table)[self.table.written_ids()]
        return scores.by_class(self.label_counts, class_of_label, self.grouping.num_classes)

    @property
    def confusion(self) -> scores.Confusion:
        """Of the whole split: every score of a split is derived from this sum."""
        return self.confusions.sum(0)

    def scores(self) -> dict[str, float]:
        """Every score by the name it is logged by; what is NaN, except the mean IoU, is left out."""
        names, categories = self.grouping.names, self.grouping.categories(self.table)
        of_image = scores.image_miou(self.confusions)
        found = {
            "image_miou": scores.mean(of_image),
            "image_miou_worst_5_percent": scores.worst(of_image, 0.05),
            **self._boundary_scores(),
            **self._instance_scores(),
        }
        if self.calibration is not None:
            found["ece"] = scores.calibration_error(self.calibration.sum(0), UNIT)
        found = {name: value for name, value in found.items() if not np.isnan(value)}
        return scores.named(self.confusion, names, categories) | found

    def _boundary_scores(self) -> dict[str, float]:
        if self.boundary is None:
            return {}
        iou = scores.region_iou(self.boundary.sum(0))
        return {"boundary_miou": scores.mean(iou), **_prefixed("boundary_iou", self.grouping.names, iou)}

    def _instance_scores(self) -> dict[str, float]:
        if self.instances is None:
            return {}
        classes = [int(number) for number in self._class_of_label()]
        by_class = instance_iou(self.confusion, self.instances[:, 1:], classes, self.table)
        found = {"iiou": scores.mean(by_class), **_prefixed("iiou", self.grouping.names, by_class)}
        of_class = self.grouping.categories(self.table)
        names, coarse = scores.merged(self.confusion, of_class)
        if None not in of_class and 1 < len(names) < len(of_class):
            group = [names.index(str(of_class[number])) if number >= 0 else -1 for number in classes]
            by_category = instance_iou(coarse, self.instances[:, 1:], group, self.table, IN_CATEGORY)
            found |= {"category_iiou": scores.mean(by_category), **_prefixed("category_iiou", names, by_category)}
        return found

    def _class_of_label(self) -> npt.NDArray[np.int64]:
        """Train id of each label of the table, -1 for void."""
        found = self.grouping.lookup(self.table)[self.table.written_ids()].astype(np.int64)
        return np.where(found < self.grouping.num_classes, found, -1)


def _prefixed(prefix: str, names: Any, values: Floats) -> dict[str, float]:
    return {f"{prefix}/{name}": float(value) for name, value in zip(names, values, strict=True)}
