"""iIoU: IoU in which every object weighs as much as an average one, from the pixels of each that were predicted."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.metric.scores import Confusion
from segexp.types import Counts, Floats

AVERAGE_PIXELS = {
    "person": 3462.4756337644,
    "rider": 3930.4788056518,
    "car": 12794.0202738185,
    "truck": 27855.1264367816,
    "bus": 35732.1511111111,
    "caravan": 36771.8241758242,
    "trailer": 16926.9763313609,
    "train": 67583.7075812274,
    "motorcycle": 6298.7200839748,
    "bicycle": 4672.3249222261,
}
"""Average size of an object of each label, in pixels: constants of the Cityscapes benchmark's evaluator."""
LABEL, PIXELS, IN_CLASS, IN_CATEGORY = range(4)


def instance_counts(
    ids: npt.NDArray, predicted: npt.NDArray[np.uint8], grouping: Grouping, table: LabelTable
) -> Counts:
    """Count the pixels of each object of an image, [K, 4]: label id, all, predicted as its class, as its category.

    ids: label * 1000 + number of the object, [H, W]; up to 1000 there is no object. predicted: train ids, uint8 [H, W].
    """
    inside = ids > 1000
    ids, predicted = ids[inside].astype(np.int64), predicted[inside]
    label = ids // 1000
    categories = _category_numbers([each.category for each in table.labels])
    category_of_label = np.full(256, -1)
    category_of_label[table.mask_values()] = categories
    category_of_class = category_of_label[grouping.mask_values(table)]
    in_class = grouping.lookup(table)[label] == predicted
    in_category = category_of_label[label] == category_of_class[predicted]
    counts = [np.bincount(each, minlength=2**16) for each in (ids, ids[in_class], ids[in_category])]
    present = np.flatnonzero(counts[0])
    return np.stack([present // 1000, *(each[present] for each in counts)], -1)


def instance_iou(
    confusion: Confusion, instances: Counts, group_of_label: Sequence[int], table: LabelTable, column: int = IN_CLASS
) -> Floats:
    """Compute the iIoU of each group of labels, iTP / (iTP + FP + iFN), [C].

    confusion: matrix of the groups. instances: rows of `instance_counts`. group_of_label: index of the group of each
    label of the table, -1 for none. column: IN_CLASS or IN_CATEGORY, which counts as predicted.
    NaN for groups with a label that has no instances, and for groups without any pixel.
    Source: Cordts et al. 2016, arXiv:1604.01685, section 4.1.
    """
    hit, missed = np.zeros(len(confusion)), np.zeros(len(confusion))
    has_instances = np.ones(len(confusion), bool)
    for label, group in zip(table.labels, group_of_label, strict=True):
        if group < 0:
            continue
        has_instances[group] &= label.has_instances
        of_label = instances[instances[:, LABEL] == label.id]
        weight = AVERAGE_PIXELS.get(label.name, np.nan) / of_label[:, PIXELS]
        hit[group] += (weight * of_label[:, column]).sum()
        missed[group] += (weight * (of_label[:, PIXELS] - of_label[:, column])).sum()
    whole = hit + missed + confusion.sum(0) - np.diag(confusion)
    return np.divide(hit, whole, out=np.full(len(confusion), np.nan), where=has_instances & (whole > 0))


def _category_numbers(names: Sequence[str | None]) -> list[int]:
    categories = list(dict.fromkeys(name for name in names if name is not None))
    return [-1 if name is None else categories.index(name) for name in names]
