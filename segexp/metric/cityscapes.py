"""The scores of the Cityscapes benchmark for a network of any grouping, from counts alone."""

from collections.abc import Iterable

import numpy as np

from segexp.classes import Grouping, LabelTable
from segexp.metric import scores
from segexp.metric.instances import IN_CATEGORY, IN_CLASS, instance_iou
from segexp.types import Counts, Floats

UNSCORED = "unscored"


def official_scores(
    label_counts: Counts, objects: Counts, grouping: Grouping, table: LabelTable
) -> dict[str, dict[str, float]]:
    """Compute the official evaluator's scores of masks in which each class is written as the id of its first label.

    label_counts: pixels by true label, in the table's order, and predicted class, int64 [L, C].
    objects: `object_counts`, summed over images, [L, 3]. Labels that the benchmark does not score cost nothing where
    they are true, and are wrong where they are predicted. Keys as in the evaluator's JSON; a label or category that
    never occurs is NaN. Source: Cordts et al. 2016, arXiv:1604.01685, section 4.1.
    """
    first_ids = [ids[0] for ids in grouping.label_ids(table)]
    row = {label.id: number for number, label in enumerate(table.labels)}
    confusion = np.zeros((len(table.labels), len(table.labels)), np.int64)
    np.add.at(confusion.T, [row[label_id] for label_id in first_ids], label_counts.T)
    confusion[[not label.is_scored for label in table.labels]] = 0
    objects, has_instances = objects.copy(), [label.has_instances for label in table.labels]
    is_written_otherwise = [label.id not in first_ids for label in table.labels]  # as the first label of its class
    objects[is_written_otherwise, IN_CLASS] = 0

    labels = [label.name if label.is_scored else UNSCORED for label in table.labels]
    categories = [str(label.category) if label.is_scored else UNSCORED for label in table.labels]
    official: dict[str, dict[str, float]] = {}
    for kind, groups, column in (("class", labels, IN_CLASS), ("category", categories, IN_CATEGORY)):
        names, grouped = scores.merge_classes(confusion, groups)
        group_of_label = [names.index(group) if group != UNSCORED else -1 for group in groups]
        official[f"{kind}Scores"] = _by_name(names, scores.class_iou(grouped))
        false_alarms = grouped.sum(0) - np.diag(grouped)
        iou = instance_iou(objects, false_alarms, group_of_label, has_instances, column)
        official[f"{kind}InstScores"] = _by_name(names, iou)
    return official


def _by_name(names: Iterable[str], fractions: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, fractions, strict=True) if name != UNSCORED}
