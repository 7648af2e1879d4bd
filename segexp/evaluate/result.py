"""The result of an evaluation: counts per image, and the scores derived from them."""

from collections.abc import Sequence
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
    facts: what was evaluated and how.
    boundary [N, C, 2], calibration [N, bins, 3]: see `segexp.metric`; None if not counted.
    instances: index of the image, then `instance_counts`, [K, 5]; None where there are none.
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
    sheet_rows: list[pictures.SheetRow] = field(default_factory=list)

    @property
    def confusions(self) -> scores.Confusion:
        """One matrix an image, int64 [N, C, C], rows true, columns predicted."""
        class_of_label = self.grouping.lookup(self.table)[self.table.mask_values()]
        return scores.merge_labels(self.label_counts, class_of_label, self.grouping.num_classes)

    @property
    def confusion(self) -> scores.Confusion:
        """The matrix of the whole split: every score of a split is derived from this sum."""
        return self.confusions.sum(0)

    def scores(self) -> dict[str, float]:
        """Every score by the name it is logged by; scores that are NaN are left out, except the mean IoU."""
        names, categories = self.grouping.names, self.grouping.categories(self.table)
        image_miou = scores.image_miou(self.confusions)
        extra_scores = {
            "image_miou": scores.mean(image_miou),
            "image_miou_worst_5_percent": scores.mean_of_worst(image_miou, 0.05),
            **self._boundary_scores(),
            **self._instance_scores(),
        }
        if self.calibration is not None:
            extra_scores["ece"] = scores.calibration_error(self.calibration.sum(0), UNIT)
        extra_scores = {name: value for name, value in extra_scores.items() if not np.isnan(value)}
        return scores.all_scores(self.confusion, names, categories) | extra_scores

    def _boundary_scores(self) -> dict[str, float]:
        if self.boundary is None:
            return {}
        iou = scores.region_iou(self.boundary.sum(0))
        return {"boundary_miou": scores.mean(iou), **_by_name("boundary_iou", self.grouping.names, iou)}

    def _instance_scores(self) -> dict[str, float]:
        if self.instances is None:
            return {}
        counts = self.instances[:, 1:]
        class_of_label = [int(number) for number in self._class_of_label()]
        iou = instance_iou(self.confusion, counts, class_of_label, self.table)
        instance_scores = {"iiou": scores.mean(iou), **_by_name("iiou", self.grouping.names, iou)}
        categories = self.grouping.categories(self.table)
        names, confusion = scores.merge_classes(self.confusion, categories)
        if None not in categories and 1 < len(names) < len(categories):
            category_of_label = [names.index(str(categories[each])) if each >= 0 else -1 for each in class_of_label]
            iou = instance_iou(confusion, counts, category_of_label, self.table, IN_CATEGORY)
            instance_scores |= {"category_iiou": scores.mean(iou), **_by_name("category_iiou", names, iou)}
        return instance_scores

    def _class_of_label(self) -> npt.NDArray[np.int64]:
        """Train id of each label of the table, -1 for void."""
        train_ids = self.grouping.lookup(self.table)[self.table.mask_values()].astype(np.int64)
        return np.where(train_ids < self.grouping.num_classes, train_ids, -1)


def _by_name(score: str, names: Sequence[str], values: Floats) -> dict[str, float]:
    return {f"{score}/{name}": float(value) for name, value in zip(names, values, strict=True)}
